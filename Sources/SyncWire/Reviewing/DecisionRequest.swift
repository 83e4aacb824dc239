import Causality
import MergeCore
import StrictJSON
import Values

/// The body of a resolution, or of many: what is to be decided, and how.
///
/// `choose` is `stored`, `incoming`, `winner`, `loser`, `current` or the number of a side. `value` stands for another
/// value. The body has one of the two.
public struct DecisionRequest: Sendable {
    /// What the conflict's unit is to have.
    public let choice: Decision.Choice
    /// The version of the conflict that was looked at; nil in a body for many conflicts.
    public let version: Int64?
    /// The record's clock that was looked at; nil where the sides alone were.
    public let seen: VersionVector?
    /// What becomes of a record that is deleted.
    public let deletedRecord: Decision.DeletedRecord
    /// What the reviewer writes about the decision.
    public let note: ExactString?
    /// The conflicts of a body for many, each with the version that was looked at; nil where a query selects them.
    public let conflicts: [(conflict: ConflictID, version: Int64)]?

    /// A body that a client is about to send: with a `version` for one conflict, or with `conflicts` for many.
    public init(
        _ choice: Decision.Choice, version: Int64? = nil, seen: VersionVector? = nil,
        deletedRecord: Decision.DeletedRecord = .staysDeleted, note: ExactString? = nil,
        conflicts: [(conflict: ConflictID, version: Int64)]? = nil
    ) {
        self.choice = choice
        self.version = version
        self.seen = seen
        self.deletedRecord = deletedRecord
        self.note = note
        self.conflicts = conflicts
    }

    /// - Throws: `malformed_json`, or `invalid_request` with everything that is wrong by its pointer.
    public init(body: Span<UInt8>, limits: WireLimits) throws(Problem) {
        var reading = MemberReading(try ObjectValue(body: body))
        version = reading.integer("version")
        seen = reading.clock("clock", limits: limits)
        deletedRecord = reading.boolean("restore") ? .isRestored : .staysDeleted
        note = reading.text("note", bytes: limits.commentBytes)
        conflicts = reading.conflicts("conflicts", limits: limits)
        choice = reading.choice()
        reading.admit(["version", "clock", "restore", "note", "conflicts", "choose", "value"])
        try reading.finish()
    }

    /// The decision on one conflict.
    /// - Throws: `invalid_request` where no version is named.
    public func decision() throws(Problem) -> Decision {
        guard let version else {
            throw Problem(
                .invalidRequest, "Name the version of the conflict that you looked at.",
                errors: [
                    .init(.invalidRequest, "'version' is a whole number.", at: .root.appending(name: "version"))
                ])
        }
        return Decision(version: version, choice: choice, seen: seen, deletedRecord: deletedRecord, note: note)
    }
}

extension Decision.Choice {
    /// The words that name a choice.
    public static let words = ["stored", "incoming", "winner", "loser", "current"]

    /// Finds the choice that a word names; nil for another word.
    public init?(word: String) {
        switch word {
        case "stored": self = .role(.stored)
        case "incoming": self = .role(.incoming)
        case "winner": self = .winner
        case "loser": self = .loser
        case "current": self = .current
        case _: return nil
        }
    }
}

extension VersionVector {
    /// Reads a clock from JSON.
    /// - Returns: nil for anything else than device ids with counters from 1, at most as many as a clock may have.
    public init?(json: Values.Value, limits: WireLimits) {
        guard let clock = VersionVector(json: json), clock.count <= limits.merge.clockEntries,
            clock.entries.allSatisfy({ $0.counter <= limits.merge.counter })
        else { return nil }
        self = clock
    }
}
