import Causality
import MergeCore
import SyncStorage
import SyncWire
import Values

/// What a reviewer wants done with one conflict.
public enum ReviewCommand: Sendable, Hashable {
    /// Ends the conflict.
    case decide(Decision)
    /// Says something about it.
    case comment(ExactString)
    /// Makes it somebody's task; nobody's where the name is nil.
    case assign(ExactString?)
}

/// What became of a command.
public enum ReviewOutcome: Sendable {
    /// The command was carried out. The result says how conflict and record stand after it.
    case done(ReviewResult)
    /// The conflict had ended otherwise.
    case decidedOtherwise(ConflictView)
    /// The conflict, or its record, is not what the reviewer looked at.
    case changed(ConflictView)
    /// The command cannot be carried out.
    case refused([Rejection], ConflictView)
    /// There is no such conflict.
    case notFound
}

/// A command that was carried out, now or before.
public struct ReviewResult: Sendable {
    /// The conflict after the command.
    public let conflict: ConflictView
    /// The record after the command; nil where the collection is not declared any more, the record is purged, or nobody
    /// wants it.
    public let record: WireRecord?
    /// Whether the same had been done before, so that nothing was done now.
    public let isRepeated: Bool
    /// What the unit shows before and after, in the audit's form; nil for a command that is no decision.
    public let effect: Effect?

    /// What a unit shows `before` a decision and `after` it. A value that is absent is nil.
    public struct Effect: Sendable, Hashable {
        public let before: Value?
        public let after: Value?
        /// Whether the two differ, also where they were left out.
        public let isChange: Bool

        init(before: Value?, after: Value?) {
            self.before = before
            self.after = after
            isChange = before != after
        }

        private init(isChange: Bool) {
            before = nil
            after = nil
            self.isChange = isChange
        }

        /// The same where there is no room for values.
        var withoutValues: Effect { Effect(isChange: isChange) }
    }
}

extension Problem {
    /// The problem that a command ended with; nil when it was done.
    public init?(_ outcome: ReviewOutcome) {
        switch outcome {
        case .done: return nil
        case .notFound: self = .notFound
        case .decidedOtherwise(let view):
            self.init(.alreadyResolved, "The conflict ended otherwise; its resolution says how.")
            conflict = view.document.encoded()
        case .changed(let view):
            self.init(
                .conflictChanged, "The conflict or its record changed since that version. Look at how it stands now.")
            conflict = view.document.encoded()
        case .refused(let rejections, _): self.init(refusing: rejections)
        }
    }
}

extension ReviewResult {
    /// The resolution, the conflict and the record, as they are sent.
    public var answer: ResolutionAnswer { ResolutionAnswer(conflict: conflict.document, record: record) }
}
