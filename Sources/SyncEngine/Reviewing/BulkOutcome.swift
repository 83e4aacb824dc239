import MergeCore
import SyncStorage
import SyncWire

/// What became of conflicts that were decided together. Each is decided on its own, so that one that cannot be decided
/// keeps no other.
public struct BulkOutcome: Sendable {
    /// What became of one conflict.
    public struct Entry: Sendable {
        /// The conflict.
        public let conflict: ConflictID
        /// The version that was looked at.
        public let version: Int64
        /// What became of it.
        public let end: End
        /// Whether its values, or the conflict that its problem would hold, were left out because the answer was full.
        public let isCut: Bool
    }

    /// What became of one conflict.
    public enum End: Sendable {
        /// It was decided, now or before. The row is the conflict as it stands after the decision.
        case decided(ConflictRow, isRepeated: Bool, ReviewResult.Effect?)
        /// It was not decided. The row is nil where there is no such conflict.
        case refused(ConflictRow?, Problem)
    }

    /// The conflicts in the order in which they were named or found.
    public let entries: [Entry]
    /// Where the next call goes on; nil when the query finds no more.
    public let next: String?

    /// How many were decided, now or before, and how many were not.
    public var counts: (decided: Int, refused: Int) {
        let decided = entries.count { if case .decided = $0.end { true } else { false } }
        return (decided, entries.count - decided)
    }

    /// What became of them, as it is sent.
    public func answer(isPreview: Bool) -> BulkResolutionAnswer {
        let entries = entries.map { entry in
            let outcome: BulkResolutionAnswer.Outcome =
                switch entry.end {
                case .decided(let conflict, let isRepeated, let effect):
                    .decided(
                        version: conflict.version, isRepeated: isRepeated,
                        entry.isCut
                            ? nil
                            : effect.map { BulkResolutionAnswer.Effect(before: $0.before, after: $0.after) })
                case .refused(_, let problem): .refused(problem)
                }
            return BulkResolutionAnswer.Entry(conflict: entry.conflict, outcome: outcome, isCut: entry.isCut)
        }
        return BulkResolutionAnswer(isPreview: isPreview, entries: entries, next: next)
    }
}

/// The outcomes of a bulk decision, part by part. Neither records nor sides are kept, and of values no more than an
/// answer has.
struct BulkOutcomes: Sendable {
    private let commands: [(conflict: ConflictID, version: Int64)]
    private var entries: [BulkOutcome.Entry?]
    private var bytesLeft: Int
    /// How many are known.
    private(set) var count = 0

    init(_ commands: [(conflict: ConflictID, version: Int64)], byteLimit: Int) {
        self.commands = commands
        entries = Array(repeating: nil, count: commands.count)
        bytesLeft = byteLimit
    }

    mutating func note(_ outcome: ReviewOutcome, at index: Int) {
        var isCut = false
        let end: BulkOutcome.End
        switch outcome {
        case .done(let result):
            var effect = result.effect
            if let whole = effect, !takesRoom(whole.weight) {
                effect = whole.withoutValues
                isCut = true
            }
            end = .decided(result.conflict.row, isRepeated: result.isRepeated, effect)
        case .decidedOtherwise(let view), .changed(let view), .refused(_, let view):
            var problem = Problem(outcome) ?? .notFound
            if let conflict = problem.conflict, !takesRoom(conflict.count) {
                problem.conflict = nil
                isCut = true
            }
            end = .refused(view.row, problem)
        case .notFound: end = .refused(nil, .notFound)
        }
        if entries[index] == nil { count += 1 }
        entries[index] = BulkOutcome.Entry(
            conflict: commands[index].conflict, version: commands[index].version, end: end, isCut: isCut)
    }

    private mutating func takesRoom(_ bytes: Int) -> Bool {
        guard bytes <= bytesLeft else { return false }
        bytesLeft -= bytes
        return true
    }

    func whole(next: String?) -> BulkOutcome { BulkOutcome(entries: entries.compactMap(\.self), next: next) }
}

extension ReviewResult.Effect {
    fileprivate var weight: Int { (before?.weight ?? 0) + (after?.weight ?? 0) }
}

extension Problem {
    /// Why a bulk decision ended after some of its parts were stored: they stay, and whoever asked has to know.
    init(_ problem: Problem, after done: Int, of count: Int) {
        let advice =
            problem.isRetryable
            ? "Send the same request again: they are answered as they were decided, and the others follow."
            : "The others were not decided. Decide them in smaller numbers, or one by one."
        self.init(
            problem.code,
            "\(done) of \(count) conflicts were gone through before this, and what was decided of them stays. \(advice)",
            errors: problem.errors, limit: problem.limit)
        retryAfterSeconds = problem.retryAfterSeconds
        isRetryableOverride = problem.isRetryableOverride
    }
}
