/// What came of a form. It is said at the top of the page that follows.
public enum PageMessage: Sendable, Hashable {
    /// The decision is in the record and on its way to every device.
    case decided
    /// Somebody, or the same form sent twice, had decided the same.
    case decidedAlready
    case commented
    case assigned(to: String)
    case unassigned
    /// 412: the conflict gained a side, or lost one to a later write.
    case conflictChanged
    /// 412: the record has changed, the conflict has not.
    case recordChanged
    /// 409: somebody decided otherwise.
    case decidedOtherwise(by: String)
    /// 422, with the reason as a sentence.
    case refused(reason: String)
    /// 503: the decision could not be stored now.
    case unavailable
    /// The form was of another session.
    case formExpired
}
