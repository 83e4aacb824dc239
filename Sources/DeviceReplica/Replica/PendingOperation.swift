import Causality
import MergeCore
import Values

/// An edit that the server has not confirmed: not sent yet, or sent and its fate unknown.
///
/// As long as it has no ``Sent`` it may still change: further edits join it. With the first send it gets its event, and from
/// then on the same bytes go out until an answer arrives.
struct PendingOperation: Sendable, Hashable {
    /// The event that the operation became, and the batch that it left in.
    struct Sent: Sendable, Hashable {
        let dot: Dot
        /// The key of its batch; nil once the batch was answered.
        var batch: ExactString?
    }

    /// Its place in the order of edits.
    var position: Int64
    var id: OperationID
    var kind: OperationKind
    let key: RecordKey
    var fields: ObjectValue
    /// What its author had seen: the base's clock at the time of the edit.
    var context: VersionVector
    /// The time of the edit. In server time, or in the device's where ``isInServerTime`` is false.
    var editedAtMilliseconds: Int64
    /// Whether the device had heard of the server's time when the edit was made.
    var isInServerTime: Bool
    var dependsOn: [OperationID]
    /// The local transaction that made it.
    let transaction: Int64
    /// Whether the transaction is to be taken whole or not at all.
    let isAtomic: Bool
    var sent: Sent?
    /// Whether the server has taken it. It stays until the base holds it, so that what shows does not fall back.
    var isSettled = false
    /// How often it had to be made ready again after it was refused.
    var attempts = 0

    /// Whether it can still change and be sent.
    var isWaiting: Bool { sent == nil && !isSettled }

    /// The operation as it goes out. - Parameter dot: the event that it becomes.
    func operation(as dot: Dot) -> Operation {
        Operation(
            id: id, kind: kind, record: key, clock: context.setting(dot.device, to: dot.counter),
            claimedMilliseconds: editedAtMilliseconds, fields: fields,
            dependsOn: dependsOn)
    }
}
