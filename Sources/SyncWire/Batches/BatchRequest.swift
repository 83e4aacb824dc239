import Causality
import MergeCore
import StrictJSON
import Values

/// The body of `POST /v1/batches`, read once. A fault of a single operation is held against that operation; only what
/// spoils the batch as a whole is thrown.
public struct BatchRequest: Sendable, Hashable {
    /// The device that the body names, where it names one. The token decides whether it may.
    public let device: DeviceID?
    /// When the device sent the batch, by its own clock; nil where the body does not say.
    public let sentAtMilliseconds: Int64?
    /// What one invalid operation does to the batch.
    public let atomicity: Batch.Atomicity
    /// The operations in their order.
    public let items: [BatchItem]
    /// For each operation the canonical text of its fields; nil for one that could not be read.
    public let fieldTexts: [String?]
    /// The digest of the canonical body. It is the same for any order of members and any white space.
    public let fingerprint: Digest

    init(
        device: DeviceID?, sentAtMilliseconds: Int64?, atomicity: Batch.Atomicity, items: [BatchItem],
        fieldTexts: [String?], fingerprint: Digest
    ) {
        self.device = device
        self.sentAtMilliseconds = sentAtMilliseconds
        self.atomicity = atomicity
        self.items = items
        self.fieldTexts = fieldTexts
        self.fingerprint = fingerprint
    }

    /// - Throws: `malformed_json`, `invalid_request` with pointers, or `batch_too_large`.
    public init(body: Span<UInt8>, limits: WireLimits) throws(Problem) {
        let document: JSONParser.Document
        do {
            document = try JSONParser(limits: JSONLimits(maximumDepth: limits.nestingDepth)).parseCollectingIssues(body)
        } catch {
            throw Problem(
                .malformedJSON, "\(error.detail) (byte \(error.offset))",
                errors: [Problem.Detail(.malformedJSON, error.detail, at: error.pointer)])
        }
        guard case .object(let root) = document.value else {
            throw Self.invalid("The body is an object.", at: .root)
        }
        var issuesByOperation: [Int: [JSONIssue]] = [:]
        for issue in document.issues {
            guard let index = issue.pointer.elementIndex(in: "operations") else {
                throw Self.invalid(issue.detail, at: issue.pointer)
            }
            issuesByOperation[index, default: []].append(issue)
        }
        guard root["tenant"] == nil else {
            throw Self.invalid("The tenant comes from the token alone.", at: JSONPointer.root.appending(name: "tenant"))
        }
        for member in root.members where !Self.members.contains(member.name) && !member.name.isClientsOwn {
            throw Self.invalid(
                "'\(member.name.text.prefix(64))' is no option of a batch; names that begin with 'x-' are yours.",
                at: JSONPointer.root.appending(name: member.name.text))
        }
        device = try Self.device(root["device"], limits: limits)
        sentAtMilliseconds = try Self.sentAt(root["sentAt"])
        switch root["atomic"] {
        case nil, .boolean(true): atomicity = .allOrNothing
        case .boolean(false): atomicity = .eachOperation
        default: throw Self.invalid("'atomic' is true or false.", at: JSONPointer.root.appending(name: "atomic"))
        }
        guard case .array(let operations)? = root["operations"] else {
            throw Self.invalid("'operations' is an array.", at: JSONPointer.root.appending(name: "operations"))
        }
        guard operations.count <= limits.operationsPerBatch else {
            throw Problem(
                .batchTooLarge,
                "A batch has at most \(limits.operationsPerBatch) operations. Send them in several batches.",
                limit: limits.operationsPerBatch)
        }
        let fieldCount = Self.fieldCount(operations, limits: limits)
        guard fieldCount <= limits.unitsPerBatch else {
            throw Problem(
                .batchTooLarge,
                "The operations of a batch name at most \(limits.unitsPerBatch) fields together. Send them in several batches.",
                limit: limits.unitsPerBatch)
        }
        var writer = JSONWriter(reservingCapacity: body.count + 64)
        let outcomes = operations.enumerated().map { index, operation in
            OperationReading.outcome(
                operation, issues: issuesByOperation.isEmpty ? [] : issuesByOperation[index] ?? [], limits: limits,
                using: &writer)
        }
        items = outcomes.map(\.item)
        fieldTexts = outcomes.map(\.fields)
        if document.issues.isEmpty {
            Self.write(root, operations: operations, fields: fieldTexts, to: &writer)
            fingerprint = Digest(ofCanonicalBytes: writer.bytes)
        } else {
            // Faulty values are null in the document, so two such bodies are told apart by their bytes.
            var bytes: [UInt8] = []
            bytes.reserveCapacity(body.count)
            for index in body.indices { bytes.append(body[index]) }
            fingerprint = Digest(ofCanonicalBytes: bytes)
        }
    }

    /// How many fields the operations name together, those of an operation that names too many as so many as it may: it is
    /// rejected alone.
    private static func fieldCount(_ operations: [Value], limits: WireLimits) -> Int {
        operations.reduce(0) { count, operation in
            guard case .object(let object) = operation, case .object(let fields)? = object["fields"],
                fields.count <= limits.fieldsPerOperation
            else { return count }
            return count + fields.count
        }
    }

    /// What a batch may say. An option that is not known is refused, not passed over: whoever misspells `atomic` means
    /// something that would not happen.
    private static let members: Set<ExactString> = ["device", "sentAt", "atomic", "operations"]

    /// Writes the body in canonical form. Its fields have been written already.
    private static func write(
        _ root: ObjectValue, operations: [Value], fields: [String?], to writer: inout JSONWriter
    ) {
        writer.beginObject()
        for member in root.members {
            guard member.name == "operations" else {
                writer.member(member.name, member.value)
                continue
            }
            writer.key(member.name)
            writer.beginArray()
            for (operation, text) in zip(operations, fields) { write(operation, fields: text, to: &writer) }
            writer.endArray()
        }
        writer.endObject()
    }

    private static func write(_ operation: Value, fields: String?, to writer: inout JSONWriter) {
        guard let fields, case .object(let object) = operation else { return writer.write(operation) }
        writer.beginObject()
        for member in object.members {
            writer.key(member.name)
            if member.name == "fields" { writer.raw(canonicalText: fields) } else { writer.write(member.value) }
        }
        writer.endObject()
    }

    private static func invalid(_ detail: String, at pointer: JSONPointer) -> Problem {
        Problem(.invalidRequest, detail, errors: [Problem.Detail(.invalidRequest, detail, at: pointer)])
    }

    private static func device(_ value: Value?, limits: WireLimits) throws(Problem) -> DeviceID? {
        guard let value else { return nil }
        guard case .string(let name) = value, NameRule.issue(in: name, limits: limits) == nil else {
            throw invalid("'device' is the id of the token's device.", at: JSONPointer.root.appending(name: "device"))
        }
        return DeviceID(name)
    }

    private static func sentAt(_ value: Value?) throws(Problem) -> Int64? {
        guard let value else { return nil }
        guard case .string(let text) = value, let time = Timestamp(text.text) else {
            throw invalid("'sentAt' is an RFC 3339 time.", at: JSONPointer.root.appending(name: "sentAt"))
        }
        return time.milliseconds
    }
}
