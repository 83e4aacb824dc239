import Causality
import MergeCore
import StrictJSON
import SyncWire
import Values

/// The name under which an operation is kept: its `id` and its `device`.
public struct OperationOwner: Sendable, Hashable {
    public let id: OperationID
    public let device: DeviceID

    public init(id: OperationID, device: DeviceID) {
        self.id = id
        self.device = device
    }
}

/// What one operation of a batch came to, as the batch's row keeps it.
public enum BatchResult: Sendable, Hashable {
    /// The result stands with the operation, which was accepted, so that nothing overwrites it.
    case kept(OperationOwner, isReplayed: Bool)
    /// The result stands here: the operation was rejected or skipped, and may come to something else later.
    case here(OperationOutcome)
}

// A batch's row has one element an operation: the id of one that was accepted from the batch's own device, `[id, device]` of one
// that had been accepted before, or an object with what came of any other.
extension [BatchResult] {
    /// Says for each outcome where it stands.
    /// - Parameter outcomes: the outcomes of the batch, in the order of its operations.
    public init(_ outcomes: [OperationOutcome]) {
        self = outcomes.map { outcome in
            guard let id = outcome.id, let device = outcome.keptUnder else { return .here(outcome) }
            return .kept(OperationOwner(id: id, device: device), isReplayed: outcome.isReplayed)
        }
    }

    /// The operations with which results stand.
    public var owners: Set<OperationOwner> {
        Set(
            compactMap { result in
                if case .kept(let owner, _) = result { owner } else { nil }
            })
    }

    /// The outcomes in the order of the operations.
    /// - Parameter known: finds the operation of an owner.
    /// - Throws: `damaged` when an operation is not there.
    public func outcomes(
        _ known: (OperationOwner) throws(StoreError) -> KnownOperation?
    ) throws(StoreError) -> [OperationOutcome] {
        var outcomes: [OperationOutcome] = []
        outcomes.reserveCapacity(count)
        for result in self {
            switch result {
            case .here(let outcome): outcomes.append(outcome)
            case .kept(let owner, let isReplayed):
                guard let operation = try known(owner) else { throw .damaged("a batch's operation is not there") }
                outcomes.append(
                    OperationOutcome(
                        id: owner.id, record: operation.record, result: operation.result, isReplayed: isReplayed,
                        keptUnder: owner.device))
            }
        }
        return outcomes
    }
}

extension BatchRow {
    /// Makes the row of a batch.
    /// - Parameters:
    ///   - key: the batch's name.
    ///   - fingerprint: the digest of the request's canonical body.
    ///   - outcomes: in the order of the operations.
    ///   - recordedAtMilliseconds: server time.
    ///   - writer: an empty one, which is empty again afterwards.
    public init(
        key: BatchKey, fingerprint: Digest, outcomes: [OperationOutcome], recordedAtMilliseconds: Int64,
        using writer: inout JSONWriter
    ) {
        writer.beginArray()
        for result in [BatchResult](outcomes) { result.write(to: &writer, batchOf: key.device) }
        writer.endArray()
        self.init(
            key: key, fingerprint: fingerprint, results: writer.takeText(),
            recordedAtMilliseconds: recordedAtMilliseconds)
    }

    /// The results, one an operation, in the order of the batch.
    /// - Throws: `damaged` when the text cannot be read.
    public func readResults() throws(StoreError) -> [BatchResult] {
        let stored = try Value.stored(results, as: "batch results")
        if case .object(let answer) = stored { return try Self.results(ofAnswer: answer, batchOf: key.device) }
        guard let elements = stored.storedArray else { throw .damaged("batch results are no array") }
        var results: [BatchResult] = []
        results.reserveCapacity(elements.count)
        for element in elements {
            guard let result = try BatchResult(element, batchOf: key.device) else {
                throw .damaged("a batch result cannot be read")
            }
            results.append(result)
        }
        return results
    }

    /// Reads a row of schemas 1 to 3, which has the whole answer as it was sent then.
    private static func results(
        ofAnswer answer: ObjectValue, batchOf device: DeviceID
    ) throws(StoreError) -> [BatchResult] {
        guard let elements = answer["results"]?.storedArray else { throw .damaged("a stored answer has no results") }
        var results: [BatchResult] = []
        for element in elements {
            guard let object = element.storedObject, let result = OperationOutcome(answered: object) else {
                throw .damaged("a stored answer cannot be read")
            }
            results.append(.here(result))
        }
        return results
    }
}

extension BatchResult {
    fileprivate func write(to writer: inout JSONWriter, batchOf device: DeviceID) {
        switch self {
        case .kept(let owner, false) where owner.device == device: writer.string(owner.id.name)
        case .kept(let owner, let isReplayed):
            writer.beginArray()
            writer.string(owner.id.name)
            writer.string(owner.device.name)
            writer.boolean(isReplayed)
            writer.endArray()
        case .here(let outcome):
            writer.beginObject()
            writer.key("id")
            if let id = outcome.id { writer.string(id.name) } else { writer.null() }
            if let record = outcome.record {
                writer.key("record")
                writer.beginArray()
                writer.string(record.collection)
                writer.string(record.id)
                writer.endArray()
            }
            writer.member("replayed", outcome.isReplayed)
            writer.key("result")
            outcome.result.writeStored(to: &writer)
            writer.endObject()
        }
    }

    fileprivate init?(_ value: Value, batchOf device: DeviceID) throws(StoreError) {
        switch value {
        case .string(let id): self = .kept(OperationOwner(id: OperationID(id), device: device), isReplayed: false)
        case .array(let parts):
            guard parts.count == 3, let id = parts[0].storedText, let owner = parts[1].storedText,
                case .boolean(let isReplayed) = parts[2]
            else { return nil }
            self = .kept(OperationOwner(id: OperationID(id), device: DeviceID(owner)), isReplayed: isReplayed)
        case .object(let object):
            guard case .boolean(let isReplayed)? = object["replayed"], let stored = object["result"] else { return nil }
            var record: RecordKey?
            if let names = object["record"]?.storedArray, names.count == 2, let collection = names[0].storedText,
                let id = names[1].storedText
            {
                record = RecordKey(collection: collection, id: id)
            }
            self = .here(
                OperationOutcome(
                    id: object["id"]?.storedText.map { OperationID($0) }, record: record,
                    result: try OperationResult(stored: stored), isReplayed: isReplayed))
        case .null, .boolean, .integer, .double: return nil
        }
    }
}

extension OperationOutcome {
    /// What an answer of the form of schemas 1 to 3 says of an operation.
    fileprivate init?(answered object: ObjectValue) {
        guard let outcome = (object["outcome"]?.storedText?.text).flatMap(OutcomeKind.init(rawValue:)),
            case .boolean(let isReplayed)? = object["replayed"]
        else { return nil }
        var record: RecordKey?
        if let shown = object["record"]?.storedObject, let collection = shown["collection"]?.storedText,
            let id = shown["id"]?.storedText
        {
            record = RecordKey(collection: collection, id: id)
        }
        let conflicts = (object["conflicts"]?.storedArray ?? []).compactMap(ConflictSummary.init(answered:))
        let errors = object["error"]?.storedObject?["errors"]?.storedArray ?? []
        self.init(
            id: object["id"]?.storedText.map { OperationID($0) }, record: record,
            result: OperationResult(
                outcome: outcome, relation: (object["relation"]?.storedText?.text).flatMap(Relation.init(rawValue:)),
                conflicts: conflicts, sequence: object["sequence"]?.storedInteger,
                rejections: errors.compactMap(Rejection.init(answered:))),
            isReplayed: isReplayed)
    }
}

extension ConflictSummary {
    fileprivate init?(answered value: Value) {
        guard let object = value.storedObject, let id = (object["id"]?.storedText?.text).flatMap({ Int64($0) }),
            let unit = object["unit"]?.storedText, let policy = object["policy"]?.storedText,
            let status = (object["status"]?.storedText?.text).flatMap(ConflictStatus.init(rawValue:)),
            let winner = (object["winner"]?.storedText?.text).flatMap(ConflictSide.Role.init(rawValue:))
        else { return nil }
        self.init(id: ConflictID(position: id), unit: unit, policy: policy, status: status, winner: winner)
    }
}

extension Rejection {
    fileprivate init?(answered value: Value) {
        guard let object = value.storedObject,
            let code = (object["code"]?.storedText?.text).flatMap(Rejection.Code.init(rawValue:)),
            let detail = object["detail"]?.storedText,
            let pointer = object["pointer"]?.storedText
        else { return nil }
        // The pointer begins with `/operations/<index>` (RFC 6901 section 4).
        let path = pointer.text.split(separator: "/", omittingEmptySubsequences: false).dropFirst(3).map { token in
            ExactString(String(token).replacing("~1", with: "/").replacing("~0", with: "~"))
        }
        self.init(
            code, detail.text, at: path, expectedCounter: object["expectedCounter"]?.storedInteger)
    }
}
