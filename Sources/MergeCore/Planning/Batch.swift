import Causality
import Values

/// One operation of a batch as it came off the wire: read, or found to be wrong before it could be.
///
/// Kept apart from what holds it, because it is passed on from step to step.
public indirect enum BatchItem: Sendable, Hashable {
    case operation(Operation)
    case malformed(MalformedOperation)
}

/// An operation that could not be read. What could be told of it serves to answer, to find what depends on it, and to keep
/// its content for repair.
public struct MalformedOperation: Sendable, Hashable {
    public let id: OperationID?
    public let record: RecordKey?
    /// The operation as it was sent, as far as it could be represented.
    public let content: Value
    /// Never empty.
    public let rejections: [Rejection]

    public init(id: OperationID?, record: RecordKey?, content: Value, rejections: [Rejection]) {
        self.id = id
        self.record = record
        self.content = content
        self.rejections = rejections
    }
}

/// Operations of one device, committed together.
public struct Batch: Sendable, Hashable {
    /// What one invalid operation does to its batch.
    public enum Atomicity: Sendable, Hashable {
        /// Refuses all.
        case allOrNothing
        /// Is rejected itself; what depends on it is skipped; the rest commits.
        case eachOperation
    }

    /// The idempotency key, unique to the device.
    public let key: ExactString
    public let device: DeviceID
    public let user: ExactString
    public let atomicity: Atomicity
    public let receivedAtMilliseconds: Int64
    /// The device's clock when it sent; nil for a device that keeps a hybrid clock in server time.
    public let sentAtMilliseconds: Int64?
    public let items: [BatchItem]

    public init(
        key: ExactString, device: DeviceID, user: ExactString, atomicity: Atomicity, receivedAtMilliseconds: Int64,
        sentAtMilliseconds: Int64?, items: [BatchItem]
    ) {
        self.key = key
        self.device = device
        self.user = user
        self.atomicity = atomicity
        self.receivedAtMilliseconds = receivedAtMilliseconds
        self.sentAtMilliseconds = sentAtMilliseconds
        self.items = items
    }

    /// All that has to be read to decide the batch, known before any of it is read.
    public var readSet: ReadSet {
        var readSet = ReadSet()
        readSet.reserveCapacity(items.count)
        for item in items {
            switch item {
            case .operation(let operation):
                readSet.records.insert(operation.record)
                readSet.operations.insert(operation.id)
                if !operation.dependsOn.isEmpty { readSet.operations.formUnion(operation.dependsOn) }
                let counter = operation.clock[device]
                if counter > 0 {
                    readSet.dots.insert(RecordDot(record: operation.record, dot: Dot(device: device, counter: counter)))
                }
            case .malformed(let malformed):
                if let id = malformed.id { readSet.operations.insert(id) }
            }
        }
        return readSet
    }
}

/// An event of one record.
public struct RecordDot: Sendable, Hashable {
    public let record: RecordKey
    public let dot: Dot

    public init(record: RecordKey, dot: Dot) {
        self.record = record
        self.dot = dot
    }
}

/// The keys of what a decision reads.
public struct ReadSet: Sendable, Hashable {
    public var records: Set<RecordKey> = []
    public var operations: Set<OperationID> = []
    public var dots: Set<RecordDot> = []

    public init() {}

    public var isEmpty: Bool { records.isEmpty && operations.isEmpty && dots.isEmpty }

    /// - Parameter count: how many operations there will be.
    public mutating func reserveCapacity(_ count: Int) {
        records.reserveCapacity(count)
        operations.reserveCapacity(count)
        dots.reserveCapacity(count)
    }

    public mutating func formUnion(_ other: ReadSet) {
        guard !isEmpty else {
            self = other
            return
        }
        records.formUnion(other.records)
        operations.formUnion(other.operations)
        dots.formUnion(other.dots)
    }
}
