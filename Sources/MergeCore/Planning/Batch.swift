import Causality
import Values

/// One operation of a batch as it came off the wire: an operation that was read, or one that could not be.
///
/// The cases are indirect, because an item is passed on from step to step.
public indirect enum BatchItem: Sendable, Hashable {
    /// The operation was read.
    case operation(Operation)
    /// The operation could not be read.
    case malformed(MalformedOperation)
}

/// An operation that could not be read. What could be told of it serves to answer, to find what depends on it, and to
/// keep its content for repair.
public struct MalformedOperation: Sendable, Hashable {
    /// The operation's name, where it could be read.
    public let id: OperationID?
    /// The record that it is about, where that could be read.
    public let record: RecordKey?
    /// The operation as it was sent, as far as a value can represent it.
    public let content: Value
    /// What is wrong with it; never empty.
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
        /// The whole batch is refused.
        case allOrNothing
        /// The operation is rejected, and what depends on it is skipped. The rest commits.
        case eachOperation
    }

    /// The idempotency key. It is unique to the device.
    public let key: ExactString
    /// The device that sent the batch and authored its operations.
    public let device: DeviceID
    /// The user on whose behalf the device sent it.
    public let user: ExactString
    /// What one invalid operation does to the batch.
    public let atomicity: Atomicity
    /// When the batch arrived, in server milliseconds since 1970.
    public let receivedAtMilliseconds: Int64
    /// When the batch was sent, in milliseconds by the device's clock; nil for a device that keeps a hybrid clock in
    /// server time.
    public let sentAtMilliseconds: Int64?
    /// The operations in their order.
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

    /// All that has to be read to decide the batch. It is known before any of it is read. O(n) in the operations.
    public var readSet: ReadSet {
        var readSet = ReadSet()
        readSet.reserveCapacity(items.count)
        for item in items {
            switch item {
            case .operation(let operation):
                readSet.records.insert(operation.record)
                readSet.operations.insert(operation.id)
                if !operation.dependsOn.isEmpty { readSet.dependencies.formUnion(operation.dependsOn) }
                let counter = operation.clock[device]
                if counter > 0 {
                    readSet.dots.insert(RecordDot(record: operation.record, dot: Dot(device: device, counter: counter)))
                }
            case .malformed(let malformed):
                if let id = malformed.id { readSet.operations.insert(id) }
            }
        }
        readSet.dependencies.subtract(readSet.operations)
        return readSet
    }
}

/// An event of one record.
public struct RecordDot: Sendable, Hashable {
    /// The record.
    public let record: RecordKey
    /// The event.
    public let dot: Dot

    public init(record: RecordKey, dot: Dot) {
        self.record = record
        self.dot = dot
    }
}

/// The keys of what a decision reads.
public struct ReadSet: Sendable, Hashable {
    /// Records, with their state and their open conflicts.
    public var records: Set<RecordKey> = []
    /// The ids that the operations bring. Nearly always they are new; some may have been decided before.
    public var operations: Set<OperationID> = []
    /// Operations on which those depend that the batch does not bring itself.
    public var dependencies: Set<OperationID> = []
    /// Events whose operations are needed, to tell a counter that was used twice.
    public var dots: Set<RecordDot> = []

    /// A set without keys.
    public init() {}

    /// Whether nothing has to be read.
    public var isEmpty: Bool { records.isEmpty && operations.isEmpty && dependencies.isEmpty && dots.isEmpty }

    /// Makes room.
    /// - Parameter count: how many operations there will be.
    public mutating func reserveCapacity(_ count: Int) {
        records.reserveCapacity(count)
        operations.reserveCapacity(count)
        dots.reserveCapacity(count)
    }

    /// Adds the keys of another set. O(the other's size).
    public mutating func formUnion(_ other: ReadSet) {
        guard !isEmpty else {
            self = other
            return
        }
        records.formUnion(other.records)
        operations.formUnion(other.operations)
        dependencies.formUnion(other.dependencies)
        dots.formUnion(other.dots)
    }
}
