import Causality
import MergeCore
import StrictJSON
import Values

extension ObjectValue {
    init(body: Span<UInt8>) throws(Problem) {
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

/// Reads members of a body, and collects everything that is wrong with them. A member that is null counts as absent,
/// except for a value.
struct MemberReading {
    private let object: ObjectValue
    private var issues: [Problem.Detail] = []

    init(_ object: ObjectValue) { self.object = object }

    mutating func reject(_ member: ExactString, _ detail: String) {
        reject(at: .root.appending(name: member.text), detail)
    }

    mutating func reject(at pointer: JSONPointer, _ detail: String) {
        issues.append(.init(.invalidRequest, detail, at: pointer))
    }

    /// Refuses members that are not among these: whoever misspells `conflicts` would decide others than were meant.
    mutating func admit(_ names: Set<ExactString>) {
        for member in object.members where !names.contains(member.name) && !member.name.isClientsOwn {
            reject(
                member.name,
                "'\(member.name.text.prefix(64))' means nothing here; names that begin with 'x-' are yours.")
        }
    }

    func finish() throws(Problem) {
        guard let first = issues.first else { return }
        throw Problem(.invalidRequest, first.detail, errors: issues)
    }

    func member(_ name: ExactString) -> Value? {
        guard let value = object[name], value != .null else { return nil }
        return value
    }

    mutating func integer(_ name: ExactString) -> Int64? {
        guard let value = member(name) else { return nil }
        if case .integer(let number) = value { return number }
        reject(name, "'\(name)' is a whole number.")
        return nil
    }

    mutating func boolean(_ name: ExactString) -> Bool {
        guard let value = member(name) else { return false }
        if case .boolean(let flag) = value { return flag }
        reject(name, "'\(name)' is true or false.")
        return false
    }

    /// Reads a text.
    /// - Parameters:
    ///   - name: the member's name.
    ///   - bytes: how many bytes it may have at most.
    mutating func text(_ name: ExactString, bytes: Int) -> ExactString? {
        guard let value = member(name) else { return nil }
        guard case .string(let text) = value else {
            reject(name, "'\(name)' is a string.")
            return nil
        }
        guard text.byteCount <= bytes else {
            reject(name, "'\(name)' has at most \(bytes) bytes.")
            return nil
        }
        return text.text.isEmpty ? nil : text
    }

    mutating func nameOrNull(_ name: ExactString, limits: WireLimits) -> ExactString? {
        switch object[name] {
        case .null?: return nil
        case .string(let text)?:
            if let issue = NameRule.issue(in: text, limits: limits) { self.reject(name, issue) }
            return text
        case _:
            reject(name, "'\(name)' is a name, or null for nobody.")
            return nil
        }
    }

    mutating func clock(_ name: ExactString, limits: WireLimits) -> VersionVector? {
        guard let value = member(name) else { return nil }
        guard let clock = VersionVector(json: value, limits: limits) else {
            reject(name, "'\(name)' is an object of device ids and counters.")
            return nil
        }
        return clock
    }

    mutating func conflicts(
        _ name: ExactString, limits: WireLimits
    ) -> [(conflict: ConflictID, version: Int64)]? {
        guard let value = member(name) else { return nil }
        guard case .array(let elements) = value, elements.count <= limits.conflictsPerDecision else {
            reject(name, "'\(name)' is an array of at most \(limits.conflictsPerDecision) conflicts.")
            return nil
        }
        var conflicts: [(conflict: ConflictID, version: Int64)] = []
        var seen: Set<Int64> = []
        for element in elements {
            guard case .object(let object) = element, case .string(let id)? = object["id"],
                let position = Int64(id.text), case .integer(let version)? = object["version"],
                seen.insert(position).inserted
            else {
                reject(name, "Each of '\(name)' is {\"id\": text, \"version\": whole number}, and is there once.")
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
            reject("choose", "'choose' is \(Decision.Choice.words.joined(separator: ", ")) or the number of a side.")
        case (_?, _?): reject("choose", "Give 'choose' or 'value', not both.")
        case (nil, nil): reject("choose", "Give 'choose' or 'value'.")
        case (_?, nil):
            reject("choose", "'choose' is \(Decision.Choice.words.joined(separator: ", ")) or the number of a side.")
        }
        return .current
    }
}
