import Causality
import MergeCore
import StrictJSON
import Values

/// Reads one operation of a batch, and collects everything that is wrong with it.
struct OperationReading {
    /// What was read. An `OperationOutcome` of `MergeCore` says what was done with it.
    struct Outcome {
        let item: BatchItem
        /// The canonical text of the fields of an operation that could be read.
        let fields: String?
    }

    private let object: ObjectValue
    private let members: Members
    private let limits: WireLimits
    private var rejections: [Rejection]

    /// The members that an operation may have, found in one pass.
    private struct Members {
        var id: Value?
        var kind: Value?
        var collection: Value?
        var record: Value?
        var clock: Value?
        var at: Value?
        var fields: Value?
        var dependsOn: Value?
        /// The names that are not known. Each of the known members that may be left out changes what happens, so a
        /// misspelt one must not be passed over.
        var unknown: [ExactString] = []

        init(_ object: ObjectValue) {
            for member in object.members {
                switch member.name {
                case "id": id = member.value
                case "kind": kind = member.value
                case "collection": collection = member.value
                case "record": record = member.value
                case "clock": clock = member.value
                case "at": at = member.value
                case "fields": fields = member.value
                case "dependsOn": dependsOn = member.value
                default: if !member.name.isClientsOwn { unknown.append(member.name) }
                }
            }
        }
    }

    /// Reads an operation.
    /// - Parameters:
    ///   - value: the operation as the body has it.
    ///   - issues: what the parser found in it.
    ///   - limits: the bounds of names, fields and clocks.
    ///   - writer: an empty one, which is empty again afterwards.
    static func outcome(
        _ value: Value, issues: [JSONIssue], limits: WireLimits, using writer: inout JSONWriter
    ) -> Outcome {
        guard case .object(let object) = value else {
            let rejection = Rejection(.invalidRequest, "An operation is an object.")
            return Outcome(
                item: .malformed(
                    MalformedOperation(id: nil, record: nil, content: value, rejections: [rejection])), fields: nil)
        }
        var reading = OperationReading(
            object: object, members: Members(object), limits: limits,
            rejections: issues.isEmpty ? [] : issues.map(Rejection.init(_:)))
        return reading.outcome(using: &writer)
    }

    private mutating func outcome(using writer: inout JSONWriter) -> Outcome {
        for name in members.unknown where isListening {
            reject(
                .invalidRequest,
                "'\(name.text.prefix(64))' is no member of an operation; names that begin with 'x-' are yours.",
                at: name)
        }
        let id = name(members.id, "id").map { OperationID($0) }
        let kind = kind()
        let record: RecordKey? =
            switch (name(members.collection, "collection"), name(members.record, "record")) {
            case (let collection?, let id?): RecordKey(collection: collection, id: id)
            case (_, _): nil
            }
        let clock = clock()
        let claimed = claimedMilliseconds()
        let fields = fields(of: kind)
        let dependsOn = dependsOn()
        guard rejections.isEmpty, let id, let kind, let record, let clock, let fields, let dependsOn else {
            return Outcome(
                item: .malformed(
                    MalformedOperation(id: id, record: record, content: .object(object), rejections: rejections)),
                fields: nil)
        }
        writer.write(.object(fields))
        let text = writer.takeText()
        let fingerprint = Digest(
            kind: kind, record: record, claimedMilliseconds: claimed, fields: text, using: &writer)
        return Outcome(
            item: .operation(
                Operation(
                    id: id, kind: kind, record: record, clock: clock, claimedMilliseconds: claimed, fields: fields,
                    dependsOn: dependsOn, fingerprint: fingerprint)), fields: text)
    }

    /// Whether one more reason would still be told.
    private var isListening: Bool { rejections.count < limits.merge.rejectionsPerOperation }

    private mutating func reject(_ code: Rejection.Code, _ detail: String, at path: ExactString...) {
        guard isListening else { return }
        rejections.append(Rejection(code, detail, at: path))
    }

    private mutating func name(_ value: Value?, _ member: ExactString) -> ExactString? {
        guard case .string(let name)? = value else {
            reject(.invalidRequest, "'\(member)' is a string.", at: member)
            return nil
        }
        if let issue = NameRule.issue(in: name, limits: limits) {
            reject(.invalidRequest, issue, at: member)
            return nil
        }
        return name
    }

    private mutating func kind() -> OperationKind? {
        if case .string(let text)? = members.kind, let kind = OperationKind(rawValue: text.text) { return kind }
        reject(.invalidRequest, "'kind' is create, update, delete or restore.", at: "kind")
        return nil
    }

    /// Reads the clock. A faulty one is refused and never repaired: an entry that is dropped or rounded makes another
    /// write look old.
    private mutating func clock() -> VersionVector? {
        guard case .object(let members)? = members.clock, !members.isEmpty else {
            reject(.clockInvalid, "'clock' is an object of device ids and counters.", at: "clock")
            return nil
        }
        guard members.count <= limits.merge.clockEntries else {
            reject(.clockInvalid, "A clock has at most \(limits.merge.clockEntries) entries.", at: "clock")
            return nil
        }
        var entries: [VersionVector.Entry] = []
        entries.reserveCapacity(members.count)
        for member in members.members where isListening {
            guard case .integer(let counter) = member.value, (1...limits.merge.counter).contains(counter) else {
                reject(
                    .clockInvalid, "A counter is a whole number from 1 to \(limits.merge.counter).", at: "clock",
                    member.name)
                continue
            }
            let device = DeviceID(member.name)
            if let issue = NameRule.issue(in: device, limits: limits) {
                reject(.clockInvalid, issue, at: "clock", member.name)
                continue
            }
            entries.append(VersionVector.Entry(device: device, counter: counter))
        }
        return VersionVector(entries)
    }

    private mutating func claimedMilliseconds() -> Int64? {
        guard let value = members.at else { return nil }
        if case .string(let text) = value, let time = Timestamp(text.text) { return time.milliseconds }
        reject(.invalidRequest, "'at' is an RFC 3339 time.", at: "at")
        return nil
    }

    private mutating func fields(of kind: OperationKind?) -> ObjectValue? {
        guard let value = members.fields else {
            if kind == .create || kind == .update { reject(.invalidRequest, "'fields' is missing.", at: "fields") }
            return ObjectValue([])
        }
        guard case .object(let fields) = value else {
            reject(.invalidRequest, "'fields' is an object.", at: "fields")
            return nil
        }
        if kind == .delete, !fields.isEmpty { reject(.invalidRequest, "A delete names no fields.", at: "fields") }
        if fields.count > limits.fieldsPerOperation {
            reject(.invalidRequest, "An operation names at most \(limits.fieldsPerOperation) fields.", at: "fields")
            return nil
        }
        for member in fields.members where isListening {
            if let issue = NameRule.issue(in: member.name, limits: limits) {
                reject(.fieldInvalid, issue, at: "fields", member.name)
            } else if member.name.text.utf8.first == UInt8(ascii: "$") {
                reject(.fieldInvalid, "Names that begin with $ belong to the protocol.", at: "fields", member.name)
            }
        }
        return fields
    }

    private mutating func dependsOn() -> [OperationID]? {
        guard let value = members.dependsOn else { return [] }
        guard case .array(let elements) = value, elements.count <= limits.dependenciesPerOperation else {
            reject(
                .invalidRequest, "'dependsOn' is an array of at most \(limits.dependenciesPerOperation) operation ids.",
                at: "dependsOn")
            return nil
        }
        var ids: [OperationID] = []
        for (index, element) in elements.enumerated() {
            guard case .string(let name) = element, NameRule.issue(in: name, limits: limits) == nil else {
                reject(
                    .invalidRequest, "A dependency is the id of an operation.", at: "dependsOn", ExactString("\(index)")
                )
                continue
            }
            ids.append(OperationID(name))
        }
        return ids
    }
}

extension ExactString {
    /// Whether a member of this name is the client's own: it means nothing here, now and in later versions.
    var isClientsOwn: Bool { text.utf8.starts(with: "x-".utf8) }
}

extension Rejection {
    /// Turns an issue inside the operation into a rejection, by where it is.
    fileprivate init(_ issue: JSONIssue) {
        // The pointer begins with `/operations/<index>`.
        let path = issue.pointer.tokens.dropFirst(2).map { ExactString($0) }
        let code: Code =
            switch path.first {
            case "clock": .clockInvalid
            case "fields": .valueInvalid
            default: .invalidRequest
            }
        self.init(code, issue.detail, at: path)
    }
}
