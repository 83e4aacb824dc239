import Causality
import MergeCore
import StrictJSON
import SyncWire
import Values

extension OperationResult {
    /// The result in the form in which it is stored beside its operation.
    public var storedText: String {
        var writer = JSONWriter(reservingCapacity: 128)
        writeStored(to: &writer)
        return writer.text
    }

    /// Writes the result's stored form. It is canonical: its members are sorted by name.
    public func writeStored(to writer: inout JSONWriter) {
        writer.beginObject()
        if !conflicts.isEmpty { writer.member("conflicts", .array(conflicts.map(\.stored))) }
        if !rejections.isEmpty { writer.member("errors", .array(rejections.map(\.stored))) }
        writer.member("outcome", outcome.rawValue)
        if let relation { writer.member("relation", relation.rawValue) }
        if let sequence { writer.member("sequence", sequence) }
        writer.endObject()
    }

    /// Reads a result from its stored form.
    /// - Throws: `damaged` where it cannot be read.
    public init(stored text: String) throws(StoreError) {
        try self.init(stored: try Value.stored(text, as: "result"))
    }

    init(stored value: Value) throws(StoreError) {
        guard let object = value.storedObject,
            let outcome = (object["outcome"]?.storedText?.text).flatMap(OutcomeKind.init(rawValue:))
        else { throw .damaged("a stored result has no outcome") }
        let conflicts = object["conflicts"]?.storedArray ?? []
        let rejections = object["errors"]?.storedArray ?? []
        self.init(
            outcome: outcome, relation: (object["relation"]?.storedText?.text).flatMap(Relation.init(rawValue:)),
            conflicts: conflicts.compactMap(ConflictSummary.init(stored:)), sequence: object["sequence"]?.storedInteger,
            rejections: rejections.compactMap(Rejection.init(stored:)))
        guard self.conflicts.count == conflicts.count, self.rejections.count == rejections.count else {
            throw .damaged("a stored result cannot be read")
        }
    }
}

extension ConflictSummary {
    fileprivate var stored: Value {
        [
            "id": .integer(id.position), "unit": .string(unit), "policy": .string(policy),
            "status": .string(status.rawValue), "winner": .string(winner.rawValue),
        ]
    }

    fileprivate init?(stored value: Value) {
        guard let object = value.storedObject, let id = object["id"]?.storedInteger,
            let unit = object["unit"]?.storedText, let policy = object["policy"]?.storedText,
            let status = (object["status"]?.storedText?.text).flatMap(ConflictStatus.init(rawValue:)),
            let winner = (object["winner"]?.storedText?.text).flatMap(ConflictSide.Role.init(rawValue:))
        else { return nil }
        self.init(id: ConflictID(position: id), unit: unit, policy: policy, status: status, winner: winner)
    }
}

extension Rejection {
    fileprivate var stored: Value {
        var members: [(ExactString, Value)] = [
            ("code", .string(code.rawValue)), ("detail", .string(detail)), ("path", .array(path.map { .string($0) })),
        ]
        if let expectedCounter { members.append(("expectedCounter", .integer(expectedCounter))) }
        return .object(members)
    }

    fileprivate init?(stored value: Value) {
        guard let object = value.storedObject,
            let code = (object["code"]?.storedText?.text).flatMap(Rejection.Code.init(rawValue:)),
            let detail = object["detail"]?.storedText, let path = object["path"]?.storedArray
        else { return nil }
        self.init(
            code, detail.text, at: path.compactMap(\.storedText),
            expectedCounter: object["expectedCounter"]?.storedInteger)
    }
}

extension OperationRow {
    /// The operation as far as later decisions need it.
    /// - Throws: `damaged` where its clock or its result cannot be read.
    public func known() throws(StoreError) -> KnownOperation {
        KnownOperation(
            id: id, device: device, user: user, record: record, clock: try VersionVector(stored: clock),
            fingerprint: fingerprint, result: try OperationResult(stored: result))
    }
}
