import Causality
import GRDB
import MergeCore
import StrictJSON
import SyncWire
import Values

extension ReplicaTransaction {
    /// The edits of a record that are not confirmed, and those that its base does not hold yet, in their order.
    func operations(of key: RecordKey) throws -> [PendingOperation] {
        try rows(Statements.selectOperationsOfRecord, [key.collection.text, key.id.text]).map(
            PendingOperation.init(row:))
    }

    func lastOperation(of key: RecordKey) throws -> PendingOperation? {
        try row(Statements.selectLastOperationOfRecord, [key.collection.text, key.id.text]).map(
            PendingOperation.init(row:))
    }

    func insert(_ operation: PendingOperation) throws {
        try run(
            Statements.insertOperation,
            [
                operation.position, operation.id.name.text, operation.kind.rawValue, operation.key.collection.text,
                operation.key.id.text, Value.object(operation.fields).canonicalText, operation.context.jsonText,
                operation.editedAtMilliseconds, operation.isInServerTime, operation.dependsOn.jsonText,
                operation.transaction, operation.isAtomic, operation.sent?.dot.device.name.text,
                operation.sent?.dot.counter, operation.sent?.batch?.text, operation.isSettled, operation.attempts,
            ])
    }

    func update(_ operation: PendingOperation) throws {
        try run(
            Statements.updateOperation,
            [
                operation.id.name.text, operation.kind.rawValue, Value.object(operation.fields).canonicalText,
                operation.context.jsonText, operation.editedAtMilliseconds, operation.isInServerTime,
                operation.dependsOn.jsonText, operation.sent?.dot.device.name.text, operation.sent?.dot.counter,
                operation.sent?.batch?.text, operation.isSettled, operation.attempts, operation.position,
            ])
    }

    func delete(_ operation: PendingOperation) throws { try run(Statements.deleteOperation, [operation.position]) }

    /// The place behind all edits.
    func nextPosition() throws -> Int64 { try number(Statements.greatestPosition) + 1 }

    /// All edits whose fate is open, a page at a time, in their order.
    func forEachUnsettled(_ body: (PendingOperation) throws -> Void) throws {
        var last = Int64.min
        while true {
            let page = try rows(Statements.selectUnsettled, [last]).map(PendingOperation.init(row:))
            guard let end = page.last?.position else { return }
            last = end
            for operation in page { try body(operation) }
        }
    }

    // MARK: Parking

    /// Takes an operation out of the queue and keeps it with its reason, and with it what depends on it: what names it, and, where
    /// it was to bring the record into being, everything that was written to the record after it.
    func park(_ operation: PendingOperation, because refusal: Refusal) throws {
        try park([(operation, refusal)])
    }

    /// Parks several, each with its own reason, and then what depends on them.
    func park(_ refused: [(PendingOperation, Refusal)]) throws {
        var queue = refused
        var next = 0
        while next < queue.count {
            let (operation, refusal) = queue[next]
            next += 1
            try replica.options.mirror?.capture(operation.key, self)
            // It may have gone with one before it.
            guard try exists(Statements.selectOperation, [operation.id.name.text]) else { continue }
            try keepParked(operation, refusal)
            try delete(operation)
            if refusal.code == ProblemCode.unknownCollection.rawValue
                || refusal.code == ProblemCode.fieldInvalid.rawValue
            {
                try set(.needsCollections, "1")
            }
            try tellHook(operation.key)
            replica.log(
                .warning,
                "parked \(operation.kind.rawValue) of \(operation.key.collection)/\(operation.key.id): \(refusal.code)")
            let reason = Refusal(
                code: ProblemCode.dependencyFailed.rawValue,
                detail: "It depends on \(operation.id.name), which was refused.", pointer: "")
            queue += try dependents(of: operation).map { ($0, reason) }
        }
    }

    private func dependents(of operation: PendingOperation) throws -> [PendingOperation] {
        var dependents = try rows(Statements.selectDependents, [operation.id.name.text]).map(
            PendingOperation.init(row:))
        if operation.kind == .create || operation.kind == .restore {
            dependents += try operations(of: operation.key).filter {
                $0.position > operation.position && !$0.isSettled
            }
        }
        // What is to be taken whole is refused whole.
        if operation.isAtomic {
            dependents += try rows(Statements.selectWaitingOfEdit, [operation.transaction]).map(
                PendingOperation.init(row:))
        }
        return dependents
    }

    /// Has the app show the record as it is without an edit that was refused.
    private func tellHook(_ key: RecordKey) throws {
        if try attempt({ try showing { try show(key) } }) != nil {
            replica.log(.warning, "the app refuses \(key.collection)/\(key.id) as it is without a refused edit")
        }
    }

    private func keepParked(_ operation: PendingOperation, _ refusal: Refusal) throws {
        let met = try base(operation.key)
        try run(
            Statements.insertParked,
            [
                operation.id.name.text, try serverNow(), operation.kind.rawValue, operation.key.collection.text,
                operation.key.id.text, Value.object(operation.fields).canonicalText, operation.context.jsonText,
                operation.editedAtMilliseconds, operation.dependsOn.jsonText, operation.transaction, operation.isAtomic,
                refusal.code, refusal.detail, refusal.pointer, met.map { Value.object($0.fields).canonicalText },
            ])
    }

    /// What a replica keeps of a refusal.
    struct Refusal: Sendable, Hashable {
        let code: String
        let detail: String
        /// Where in the operation, as an RFC 6901 pointer from the operation on.
        let pointer: String
    }
}

extension ReplicaTransaction.Refusal {
    init(_ rejection: Rejection?) {
        let pointer = (rejection?.path ?? []).reduce(JSONPointer.root) { $0.appending(name: $1.text) }
        self.init(
            code: rejection?.code.rawValue ?? ProblemCode.invalidRequest.rawValue,
            detail: rejection?.detail ?? "The server gave no reason.", pointer: pointer == .root ? "" : pointer.text)
    }

    init(_ detail: Problem.Detail) {
        let pointer = detail.pointer.tokens.dropFirst(2).reduce(JSONPointer.root) { $0.appending(name: $1) }
        self.init(
            code: detail.code.rawValue, detail: detail.detail, pointer: pointer == .root ? "" : pointer.text)
    }

    init(_ problem: Problem) {
        self.init(code: problem.code.rawValue, detail: problem.detail, pointer: "")
    }
}

extension PendingOperation {
    init(row: Row) throws {
        guard let kind = OperationKind(rawValue: row["kind"]) else {
            throw ReplicaError.damaged("an operation is of no kind that is known")
        }
        var sent: Sent?
        if let counter: Int64 = row["counter"], let device: String = row["device"] {
            let batch: String? = row["batch"]
            sent = Sent(dot: Dot(device: DeviceID(device), counter: counter), batch: batch.map { ExactString($0) })
        }
        self.init(
            position: row["position"], id: OperationID(row["id"] as String), kind: kind,
            key: RecordKey(
                collection: ExactString(row["collection"] as String), id: ExactString(row["record"] as String)),
            fields: try ObjectValue(jsonText: row["fields"]), context: try VersionVector(jsonText: row["context"]),
            editedAtMilliseconds: row["edited_at"], isInServerTime: row["in_server_time"],
            dependsOn: try [OperationID](jsonText: row["depends_on"]), transaction: row["edit"],
            isAtomic: row["atomic"], sent: sent, isSettled: row["settled"], attempts: row["attempts"])
    }
}

extension [OperationID] {
    init(jsonText: String) throws {
        guard case .array(let ids)? = try? Value(json: jsonText) else {
            throw ReplicaError.damaged("a list of operations cannot be read")
        }
        self = ids.compactMap { if case .string(let name) = $0 { OperationID(name) } else { nil } }
    }

    var jsonText: String { isEmpty ? "[]" : Value.array(map { .string($0.name) }).canonicalText }
}
