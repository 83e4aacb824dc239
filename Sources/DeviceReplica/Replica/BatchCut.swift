import Causality
import MergeCore
import StrictJSON
import SyncWire
import Values

/// How much one batch may have, as the server says in `/v1/session`.
struct SendingLimits: Sendable, Hashable {
    var operations = 1_000
    /// Half of what a body may have: a batch need not be as large as it can be.
    var bytes = 4 * 1024 * 1024
    var fields = 20_000
    /// Records that one question may name.
    var recordsPerQuery = 1_000

    init() {}

    /// Takes the limits that a server names. One that it does not name stays as it is.
    init(_ session: SessionAnswer) {
        if let limit = session.limit("operationsPerBatch") { operations = max(1, Int(limit)) }
        if let limit = session.limit("bodyBytes") { bytes = max(1_024, Int(limit) / 2) }
        if let limit = session.limit("unitsPerBatch") { fields = max(1, Int(limit)) }
        if let limit = session.limit("recordsPerQuery") { recordsPerQuery = max(1, Int(limit)) }
    }

    init(jsonText: String) throws {
        let limits = try ObjectValue(jsonText: jsonText)
        if case .integer(let limit)? = limits["operations"] { operations = Int(limit) }
        if case .integer(let limit)? = limits["bytes"] { bytes = Int(limit) }
        if case .integer(let limit)? = limits["fields"] { fields = Int(limit) }
        if case .integer(let limit)? = limits["records"] { recordsPerQuery = Int(limit) }
    }

    var jsonText: String {
        Value.object([
            ("operations", .integer(Int64(operations))), ("bytes", .integer(Int64(bytes))),
            ("fields", .integer(Int64(fields))), ("records", .integer(Int64(recordsPerQuery))),
        ]).canonicalText
    }
}

/// Cuts the next batch from the edits that wait, in their order.
struct BatchCut {
    private let limits: SendingLimits
    private let operationLimit: Int
    private var taken: [PendingOperation] = []
    private var bytes = 0
    private var fields = 0

    init(limits: SendingLimits, operationLimit: Int) {
        self.limits = limits
        self.operationLimit = min(operationLimit, limits.operations)
    }

    var isEmpty: Bool { taken.isEmpty }

    /// Takes one more. The first is always taken: the server says what is too much by itself.
    /// - Returns: whether it fits.
    mutating func take(_ operation: PendingOperation) -> Bool {
        let weight = operation.byteCount
        let isFull =
            taken.count + 1 > operationLimit || bytes + weight > limits.bytes
            || fields + operation.fields.count > limits.fields
        guard taken.isEmpty || !isFull else {
            cutBefore(operation.transaction)
            return false
        }
        taken.append(operation)
        bytes += weight
        fields += operation.fields.count
        return true
    }

    /// What one local transaction wrote goes together, unless it is more than a batch by itself.
    private mutating func cutBefore(_ transaction: Int64) {
        guard let first = taken.firstIndex(where: { $0.transaction == transaction }), first > 0 else { return }
        taken.removeSubrange(first...)
    }

    func finished() -> [PendingOperation] { taken }
}

extension PendingOperation {
    /// About how many bytes it takes in a batch.
    fileprivate var byteCount: Int {
        let clock = context.entries.reduce(48) { $0 + $1.device.name.byteCount + 12 }
        let named = dependsOn.reduce(0) { $0 + $1.name.byteCount + 3 }
        return 160 + clock + named + key.collection.byteCount + key.id.byteCount
            + Value.object(fields).canonicalBytes.count
    }
}
