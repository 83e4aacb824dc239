import Causality

/// How an operation's clock stands to the record's clock: rules C5 to C9 of docs/semantics.md, in their order.
public enum Classification: Sendable, Hashable {
    /// The author had seen all that is stored.
    case newer
    /// The author had seen less than is stored.
    case concurrent
    /// The event's counter is in the history already.
    case past(isEqual: Bool)
    /// An earlier event of the author has not arrived.
    case gap(expectedCounter: Int64)
    /// The author claims to have seen an event that is not stored here.
    case ahead(of: DeviceID)

    /// Compares the two clocks. O(n + m) in their entries.
    /// - Parameters:
    ///   - clock: the operation's.
    ///   - stored: the record's; empty for a record that is not there.
    public init(_ clock: OperationClock, against stored: VersionVector) {
        let known = stored[clock.dot.device]
        if clock.dot.counter <= known {
            self = .past(isEqual: clock.whole == stored)
        } else if clock.dot.counter > known + 1 {
            self = .gap(expectedCounter: known + 1)
        } else {
            var ahead: DeviceID?
            clock.context.forEachPair(with: stored) { device, seen, there in
                if seen > there, ahead == nil { ahead = device }
            }
            if let ahead {
                self = .ahead(of: ahead)
            } else {
                self = clock.context == stored ? .newer : .concurrent
            }
        }
    }
}

/// How an operation that was taken stood to its record, as its device is told.
///
/// - `newer`: its author had seen all that was stored.
/// - `concurrent`: its author had seen less.
/// - `older`: its counter was in the history already.
/// - `equal`: it is `older`, and its clock is the record's clock.
public enum Relation: String, Sendable, Hashable, CaseIterable {
    case newer, older, equal, concurrent
}
