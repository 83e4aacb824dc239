import Causality
import MergeCore
import StrictJSON
import Values

/// The resolution, the conflict and the record, as they stand after a decision.
public struct ResolutionAnswer: WireDocument, Hashable {
    /// The conflict as it stands after the decision.
    public let conflict: WireConflict
    /// nil where the collection is not declared any more, the record is purged, or nobody asked for it.
    public let record: WireRecord?

    public init(conflict: WireConflict, record: WireRecord?) {
        self.conflict = conflict
        self.record = record
    }

    /// How the conflict ended; nil where the answer holds a conflict that waits.
    public var resolution: WireConflict.Ending? { conflict.ending }

    public func write(to writer: inout JSONWriter) {
        writer.beginObject()
        writer.key("resolution")
        if let resolution { resolution.write(to: &writer) } else { writer.null() }
        writer.key("conflict")
        conflict.write(to: &writer)
        if let record {
            writer.key("record")
            record.write(to: &writer)
        }
        writer.endObject()
    }

    public init(reading members: DocumentMembers) throws(WireError) {
        conflict = try WireConflict(reading: try members.members("conflict"))
        record = try members.optionalMembers("record").map { record throws(WireError) in
            try WireRecord(reading: record)
        }
    }
}

/// What became of conflicts that were decided together: each on its own, so that one that cannot be decided keeps no other.
public struct BulkResolutionAnswer: WireDocument, Hashable {
    /// What a unit shows `before` a decision and `after` it. An absent value is nil.
    public struct Effect: Sendable, Hashable {
        public let before: Value?
        public let after: Value?

        public init(before: Value?, after: Value?) {
            self.before = before
            self.after = after
        }
    }

    /// What became of one conflict.
    public enum Outcome: Sendable, Hashable {
        /// Decided now, or before in the same way.
        case decided(version: Int64, isRepeated: Bool, Effect?)
        /// The conflict stays as it was, and why.
        case refused(Problem)
    }

    /// One `conflict` and what became of it, its `outcome`.
    public struct Entry: Sendable, Hashable {
        public let conflict: ConflictID
        public let outcome: Outcome
        /// Whether values, or the conflict that the problem would hold, were left out because the answer was full.
        public let isCut: Bool

        public init(conflict: ConflictID, outcome: Outcome, isCut: Bool) {
            self.conflict = conflict
            self.outcome = outcome
            self.isCut = isCut
        }
    }

    /// Whether nothing was stored.
    public let isPreview: Bool
    /// In the order in which they were named or found.
    public let entries: [Entry]
    /// Where the next call goes on; nil when the query finds no more.
    public let next: String?

    public init(isPreview: Bool, entries: [Entry], next: String?) {
        self.isPreview = isPreview
        self.entries = entries
        self.next = next
    }

    /// How many were decided, now or before.
    public var decidedCount: Int { entries.count { if case .decided = $0.outcome { true } else { false } } }

    public func write(to writer: inout JSONWriter) {
        writer.beginObject()
        if isPreview { writer.member("dryRun", true) }
        writer.member("decided", decidedCount)
        writer.member("refused", entries.count - decidedCount)
        writer.documents("results", entries)
        writer.writeNext(next)
        writer.endObject()
    }

    public init(reading members: DocumentMembers) throws(WireError) {
        isPreview = try members.optionalBoolean("dryRun") ?? false
        entries = try members.documents("results")
        next = try members.optionalText("next")?.text
    }
}

extension BulkResolutionAnswer.Entry: WireDocument {
    public func write(to writer: inout JSONWriter) {
        writer.beginObject()
        writer.member("conflict", conflict.text)
        switch outcome {
        case .decided(let version, let isRepeated, let effect):
            writer.member("outcome", isRepeated ? "repeated" : "decided")
            writer.member("version", version)
            if let effect {
                Self.write("before", effect.before, to: &writer)
                Self.write("after", effect.after, to: &writer)
            }
        case .refused(let problem):
            writer.member("outcome", "refused")
            writer.key("error")
            problem.write(to: &writer)
        }
        if isCut { writer.member("omitted", true) }
        writer.endObject()
    }

    /// What shows, with whether there is anything.
    private static func write(_ name: String, _ value: Value?, to writer: inout JSONWriter) {
        writer.key(name)
        writer.beginObject()
        writer.member("present", value != nil)
        if let value { writer.member("value", value) }
        writer.endObject()
    }

    private static func read(_ members: DocumentMembers) throws(WireError) -> Value? {
        try members.boolean("present") ? members.value("value") : nil
    }

    public init(reading members: DocumentMembers) throws(WireError) {
        conflict = try members.conflictID("conflict")
        isCut = try members.optionalBoolean("omitted") ?? false
        switch try members.text("outcome") {
        case "refused": outcome = .refused(try Problem(reading: try members.members("error")))
        case let word where word == "decided" || word == "repeated":
            let effect: BulkResolutionAnswer.Effect? =
                if let before = try members.optionalMembers("before") {
                    .init(before: try Self.read(before), after: try Self.read(try members.members("after")))
                } else { nil }
            outcome = .decided(version: try members.integer("version"), isRepeated: word == "repeated", effect)
        case _: throw WireError("'outcome' is no word that is known.", at: members.pointer(to: "outcome"))
        }
    }
}
