import Causality
import MergeCore

/// The body of a resolution, or of many: what is to be decided, and how.
///
/// `choose` is `stored`, `incoming`, `winner`, `loser`, `current` or the number of a side; `value` stands for another value.
/// One of them is there.
public struct DecisionRequest: Sendable {
    public let choice: Decision.Choice
    /// nil in a body for many conflicts.
    public let version: Int64?
    public let seen: VersionVector?
    public let deletedRecord: Decision.DeletedRecord
    public let note: ExactString?
    /// The conflicts of a body for many, each with the version that was looked at; nil where a query selects them.
    public let conflicts: [(conflict: ConflictID, version: Int64)]?

    /// - Throws: `malformed_json`, or `invalid_request` with everything that is wrong by its pointer.
    public init(body: Span<UInt8>, limits: Limits) throws(Problem) {
        var reading = MemberReading(try ObjectValue(body: body))
        version = reading.integer("version")
        seen = reading.clock("clock", limits: limits)
        deletedRecord = reading.boolean("restore") ? .isRestored : .staysDeleted
        note = reading.text("note", bytes: limits.commentBytes)
        conflicts = reading.conflicts("conflicts", limits: limits)
        choice = reading.choice()
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

/// The body of a comment.
public struct CommentRequest: Sendable {
    public let text: ExactString

    /// - Throws: `malformed_json`, `invalid_request`.
    public init(body: Span<UInt8>, limits: Limits) throws(Problem) {
        var reading = MemberReading(try ObjectValue(body: body))
        let text = reading.text("text", bytes: limits.commentBytes)
        if text == nil { reading.fault("text", "'text' is a string that is not empty.") }
        self.text = text ?? ""
        try reading.finish()
    }
}

/// The body of an assignment: `{"user": name}`, or null for nobody.
public struct AssignmentRequest: Sendable {
    public let assignee: ExactString?

    /// - Throws: `malformed_json`, `invalid_request`.
    public init(body: Span<UInt8>, limits: Limits) throws(Problem) {
        var reading = MemberReading(try ObjectValue(body: body))
        assignee = reading.nameOrNull("user", limits: limits)
        try reading.finish()
    }
}

extension ObjectValue {
    fileprivate init(body: Span<UInt8>) throws(Problem) {
        let value: Value
        do {
            value = try JSONParser().parse(body)
        } catch {
            throw Problem(
                .malformedJSON, error.detail, errors: [.init(.malformedJSON, error.detail, at: error.pointer)])
        }
        guard case .object(let object) = value else {
            throw Problem(
                .invalidRequest, "The body is an object.",
                errors: [.init(.invalidRequest, "The body is an object.", at: .root)])
        }
        guard object["tenant"] == nil else {
            throw Problem(.invalidRequest, "The tenant comes from the token alone.")
        }
        self = object
    }
}

/// Reads members of a body, collecting everything that is wrong with them. A member that is null is as good as absent, but
/// for a value.
private struct MemberReading {
    private let object: ObjectValue
    private var faults: [Problem.Detail] = []

    init(_ object: ObjectValue) { self.object = object }

    mutating func fault(_ member: ExactString, _ detail: String) {
        faults.append(.init(.invalidRequest, detail, at: .root.appending(name: member.text)))
    }

    func finish() throws(Problem) {
        guard let first = faults.first else { return }
        throw Problem(.invalidRequest, first.detail, errors: faults)
    }

    private func member(_ name: ExactString) -> Value? {
        guard let value = object[name], value != .null else { return nil }
        return value
    }

    mutating func integer(_ name: ExactString) -> Int64? {
        guard let value = member(name) else { return nil }
        if case .integer(let number) = value { return number }
        fault(name, "'\(name)' is a whole number.")
        return nil
    }

    mutating func boolean(_ name: ExactString) -> Bool {
        guard let value = member(name) else { return false }
        if case .boolean(let flag) = value { return flag }
        fault(name, "'\(name)' is true or false.")
        return false
    }

    /// - Parameter bytes: at most so many.
    mutating func text(_ name: ExactString, bytes: Int) -> ExactString? {
        guard let value = member(name) else { return nil }
        guard case .string(let text) = value else {
            fault(name, "'\(name)' is a string.")
            return nil
        }
        guard text.byteCount <= bytes else {
            fault(name, "'\(name)' has at most \(bytes) bytes.")
            return nil
        }
        return text.text.isEmpty ? nil : text
    }

    mutating func nameOrNull(_ name: ExactString, limits: Limits) -> ExactString? {
        switch object[name] {
        case .null?: return nil
        case .string(let text)?:
            if let fault = NameRule.fault(in: text, limits: limits) { self.fault(name, fault) }
            return text
        case _:
            fault(name, "'\(name)' is a name, or null for nobody.")
            return nil
        }
    }

    mutating func clock(_ name: ExactString, limits: Limits) -> VersionVector? {
        guard let value = member(name) else { return nil }
        guard let clock = VersionVector(json: value, limits: limits) else {
            fault(name, "'\(name)' is an object of device ids and counters.")
            return nil
        }
        return clock
    }

    mutating func conflicts(
        _ name: ExactString, limits: Limits
    ) -> [(conflict: ConflictID, version: Int64)]? {
        guard let value = member(name) else { return nil }
        guard case .array(let elements) = value, elements.count <= limits.entriesPerPage else {
            fault(name, "'\(name)' is an array of at most \(limits.entriesPerPage) conflicts.")
            return nil
        }
        var conflicts: [(conflict: ConflictID, version: Int64)] = []
        var seen: Set<Int64> = []
        for element in elements {
            guard case .object(let object) = element, case .string(let id)? = object["id"],
                let position = Int64(id.text), case .integer(let version)? = object["version"],
                seen.insert(position).inserted
            else {
                fault(name, "Each of '\(name)' is {\"id\": text, \"version\": whole number}, and is there once.")
                return nil
            }
            conflicts.append((ConflictID(position: position), version))
        }
        return conflicts
    }

    mutating func choice() -> Decision.Choice {
        let value = object["value"]
        switch (object["choose"], value) {
        case (nil, let value?): return .value(value)
        case (.integer(let number)?, nil) where (0...Int64(Int32.max)).contains(number): return .side(Int(number))
        case (.string(let word)?, nil):
            if let choice = Decision.Choice(word: word.text) { return choice }
            fault("choose", "'choose' is \(Decision.Choice.words.joined(separator: ", ")) or the number of a side.")
        case (_?, _?): fault("choose", "Give 'choose' or 'value', not both.")
        case (nil, nil): fault("choose", "Give 'choose' or 'value'.")
        case (_?, nil):
            fault("choose", "'choose' is \(Decision.Choice.words.joined(separator: ", ")) or the number of a side.")
        }
        return .current
    }
}

extension Decision.Choice {
    public static let words = ["stored", "incoming", "winner", "loser", "current"]

    /// A choice that is named by a word; nil for another word.
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
    /// A clock as it is written in JSON.
    /// - Returns: nil for anything else than device ids with counters from 1, at most as many as a clock may have.
    public init?(json: MergeCore.Value, limits: Limits) {
        guard case .object(let object) = json, object.count <= limits.clockEntries else { return nil }
        var entries: [Entry] = []
        for member in object.members {
            guard case .integer(let counter) = member.value, (1...limits.counter).contains(counter) else { return nil }
            entries.append(Entry(device: DeviceID(member.name), counter: counter))
        }
        self.init(entries)
    }
}
