import Causality
import SyncWire

/// What somebody wants to be told of, as it happens.
public struct LiveRequest: Sendable, Hashable {
    /// From where on the caller wants to be told.
    public enum Start: Sendable, Hashable {
        /// From the first change.
        case beginning
        /// From the cursor up to which the caller has saved everything.
        case saved(String)
        /// From the cursor that was delivered last. Nobody knows whether what came before it was saved.
        case delivered(String)

        var cursor: String? {
            switch self {
            case .beginning: nil
            case .saved(let cursor), .delivered(let cursor): cursor
            }
        }
    }

    /// From where on the caller wants to be told.
    public var start: Start
    /// The collections whose records are wanted; empty for all.
    public var collections: Set<ExactString>
    /// What the caller is told.
    public var delivery: LiveDelivery

    /// Takes what somebody wants to be told of.
    /// - Parameters:
    ///   - start: from where on.
    ///   - collections: whose records are wanted; empty for all.
    ///   - delivery: what is told.
    public init(from start: Start, collections: Set<ExactString> = [], delivery: LiveDelivery = .hints) {
        self.start = start
        self.collections = collections
        self.delivery = delivery
    }
}

/// What a reader of live changes is given next.
public enum LiveNews: Sendable {
    /// There is something to pull.
    case change(ChangeHint)
    /// A page of the feed with something in it. Its cursor is where the next one begins.
    case page(ChangesAnswer)
    /// Nothing has happened for a while.
    case quiet
}
