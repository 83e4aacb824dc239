import Causality
import MergeCore

/// By what an operation is found. The operation itself stands in an ``OperationGroup``.
///
/// An entry has no texts, so that an engine's indexes over operations are narrow.
public struct OperationEntry: Sendable, Hashable {
    /// The key of the operation's id.
    public let id: IndexKey
    /// 0 for the first operation under the key, and its own ordinal for any other. So an engine that expects an id to be
    /// new writes it under 0 without looking, and is refused where it is not.
    public let twin: Int64
    /// The operation's number among the tenant's stored operations. Its group is the last that begins with this ordinal
    /// or before it.
    public let ordinal: Int64
    /// The key of the record that it is about; nil where that could not be read.
    public let record: IndexKey?
    /// What stands for the device that sent it.
    public let author: Int64
    /// The counter of the event that it became; nil when it changed no record.
    public let counter: Int64?
    /// Whether it was refused for good. Such an entry gives way to the next result of the same operation.
    public let isRejected: Bool

    /// The entry of an operation.
    /// - Parameters:
    ///   - row: the operation.
    ///   - key: the key of its id.
    ///   - twin: 0 for the first under the key.
    public init(_ row: OperationRow, under key: IndexKey, twin: Int64 = 0) {
        id = key
        self.twin = twin
        ordinal = row.ordinal
        record = row.record.map { IndexKey($0) }
        author = IndexKey.author(row.device)
        counter = row.counter
        isRejected = row.outcome == .rejected
    }
}

extension OperationEntry {
    /// The entry of an operation that is new under its key: the first, or a twin where the key is taken.
    fileprivate init(_ row: OperationRow, under key: IndexKey, besides taken: inout Set<IndexKey>) {
        let isFirst = taken.insert(key).inserted
        self.init(row, under: key, twin: isFirst ? 0 : row.ordinal)
    }
}

/// Where an operation stands that was stored before.
public struct OperationPlace: Sendable, Hashable {
    /// Which of the entries under its key is its own.
    public let twin: Int64
    /// Its ordinal.
    public let ordinal: Int64
    /// The ordinal with which its group begins.
    public let group: Int64
    /// The bytes of its group.
    public let groupBytes: Int

    /// Takes what an engine has read.
    public init(twin: Int64, ordinal: Int64, group: Int64, groupBytes: Int) {
        self.twin = twin
        self.ordinal = ordinal
        self.group = group
        self.groupBytes = groupBytes
    }
}

extension Collection<OperationPlace> {
    /// The groups in which the operations stand, each once and in order, in portions of at most so many bytes. A portion
    /// has at least one group.
    public func groups(inPortionsOf bytes: Int = 4 * 1024 * 1024) -> [[Int64]] {
        var sizes: [Int64: Int] = [:]
        for place in self { sizes[place.group] = place.groupBytes }
        var portions: [[Int64]] = []
        var left = 0
        for (group, size) in sizes.sorted(by: { $0.key < $1.key }) {
            if portions.isEmpty || size > left {
                portions.append([])
                left = bytes
            }
            portions[portions.count - 1].append(group)
            left -= size
        }
        return portions
    }
}

/// An operation that was stored before, with its place.
public struct StoredOperation: Sendable, Hashable {
    /// Where it stands.
    public let place: OperationPlace
    /// The operation.
    public let row: OperationRow

    /// Takes the operations of the places out of their groups, a portion of groups at a time.
    /// - Parameters:
    ///   - places: where operations stand.
    ///   - parts: what of them is wanted.
    ///   - read: reads groups by the ordinals with which they begin.
    /// - Returns: one a place, in the order of the ordinals.
    /// - Throws: `damaged` where an operation is not in its group; what `read` throws.
    public static func all(
        at places: some Collection<OperationPlace>, _ parts: OperationParts,
        reading read: ([Int64]) throws(StoreError) -> [OperationGroup]
    ) throws(StoreError) -> [StoredOperation] {
        let ordinals = Set(places.map(\.ordinal))
        var rows: [Int64: OperationRow] = [:]
        for portion in places.groups() {
            for group in try read(portion) {
                for row in try group.operations(ordinals, parts) { rows[row.ordinal] = row }
            }
        }
        var found: [StoredOperation] = []
        found.reserveCapacity(places.count)
        for place in places.sorted(by: { $0.ordinal < $1.ordinal }) {
            guard let row = rows[place.ordinal] else { throw .damaged("an operation is not in its group") }
            found.append(StoredOperation(place: place, row: row))
        }
        return found
    }
}

/// How an operation's entry is written.
public enum OperationWrite: Sendable, Hashable {
    /// The entry is new.
    case insert(OperationEntry)
    /// The entry takes the place of a rejection under the same key and twin.
    case replace(OperationEntry)
}

extension [OperationRow] {
    /// The rows, each id of a device once: of a rejection and what replaces it in the same commit only the latter stays.
    /// - Throws: `damaged` where an operation that was accepted would be overwritten.
    public func eachOnce() throws(StoreError) -> [OperationRow] {
        var places: [OperationOwner: Int] = [:]
        places.reserveCapacity(count)
        var rows: [OperationRow] = []
        rows.reserveCapacity(count)
        for row in self {
            let owner = OperationOwner(id: row.id, device: row.device)
            guard let place = places.updateValue(rows.count, forKey: owner) else {
                rows.append(row)
                continue
            }
            places[owner] = place
            guard rows[place].outcome == .rejected else {
                throw .damaged("an operation that was accepted before would be overwritten")
            }
            rows[place] = row
        }
        return rows
    }

    /// How the entries of the rows are written where some of their ids are known already. The rows are each once.
    /// - Parameter known: all operations that are stored under the keys of the rows' ids, by that key.
    /// - Throws: `damaged` where an operation that was accepted would be overwritten.
    public func writes(beside known: [IndexKey: [StoredOperation]]) throws(StoreError) -> [OperationWrite] {
        var taken = Set(known.keys)
        var writes: [OperationWrite] = []
        writes.reserveCapacity(count)
        for row in self {
            let key = IndexKey(row.id)
            guard let own = known[key]?.first(where: { $0.row.id == row.id && $0.row.device == row.device }) else {
                writes.append(.insert(OperationEntry(row, under: key, besides: &taken)))
                continue
            }
            guard own.row.outcome == .rejected else {
                throw .damaged("an operation that was accepted before would be overwritten")
            }
            writes.append(.replace(OperationEntry(row, under: key, twin: own.place.twin)))
        }
        return writes
    }

    /// The entries of rows that come one after the other into a tenant that has no others.
    /// - Parameter taken: the keys of the ids before them; those of the rows are added.
    public func entries(besides taken: inout Set<IndexKey>) -> [OperationEntry] {
        map { OperationEntry($0, under: IndexKey($0.id), besides: &taken) }
    }

    /// The entries of the rows where every id is taken for new; nil where two rows have one key. The rows are each once.
    public var newEntries: [OperationEntry]? {
        var keys: Set<IndexKey> = []
        keys.reserveCapacity(count)
        var entries: [OperationEntry] = []
        entries.reserveCapacity(count)
        for row in self {
            let key = IndexKey(row.id)
            guard keys.insert(key).inserted else { return nil }
            entries.append(OperationEntry(row, under: key))
        }
        return entries
    }
}

extension [OperationRow] {
    /// The first and the last ordinal of each batch's operations. O(n).
    public var ordinalsOfBatches: [BatchKey: ClosedRange<Int64>] {
        var ordinals: [BatchKey: ClosedRange<Int64>] = [:]
        for row in self {
            let key = BatchKey(device: row.device, key: row.batch)
            let known = ordinals[key] ?? row.ordinal...row.ordinal
            ordinals[key] = Swift.min(known.lowerBound, row.ordinal)...Swift.max(known.upperBound, row.ordinal)
        }
        return ordinals
    }
}

extension OperationQuery.Selection {
    /// Whether an operation is one of those that are wanted. An engine asks it of what it found by keys.
    public func selects(_ row: OperationRow) -> Bool {
        switch self {
        case .record(let key): row.record == key
        case .rejected(let device): row.outcome == .rejected && (device.map { $0 == row.device } ?? true)
        }
    }
}
