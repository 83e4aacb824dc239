import Causality
import MergeCore

// An operation is nearly always new: nobody used its id before, and its event is one that its record does not have. To
// look for each id and each event costs more than to find that out where it is not so. So an engine may decide without
// having looked, under the conditions below, and write ids so that it is refused where one is known. Then it begins
// again, and looks.

extension StoreReadSet {
    /// Events of a record are found among so many of its newest operations at least. An event that is older than these
    /// may be taken for one of unknown content (rule C5 of docs/semantics.md).
    public static let newestOperationsSearched = 256

    /// Whether a decision can do without the operations of the read set.
    ///
    /// It cannot where a batch was committed before, where an operation depends on another that is not in the read set
    /// as its own, and where a record has one of the events already.
    /// - Parameter snapshot: what was read of everything else.
    public func canDoWithoutOperations(over snapshot: StoreSnapshot) -> Bool {
        guard snapshot.batches.isEmpty, snapshot.omitted.isEmpty, merge.dependencies.isEmpty else { return false }
        return dotsToLookFor(over: snapshot).isEmpty
    }

    /// Whether all batches were committed before, so that nothing is left to decide but what they are told again.
    /// - Parameter ordinals: where the operations of batches stand that were found and know it.
    public func isOfKnownBatches(_ ordinals: [BatchKey: ClosedRange<Int64>]) -> Bool {
        !batches.isEmpty && ordinals.count == batches.count
    }

    /// Whether a commit that was decided without the read set's operations stands where none of its ids is known. It
    /// does where it stores every one of them: what was decided of an id that is not stored may depend on it.
    public func isFulfilled(by commit: Commit) -> Bool {
        guard merge.operations.count <= commit.operations.count else { return false }
        var stored: Set<OperationID> = []
        stored.reserveCapacity(commit.operations.count)
        for row in commit.operations { stored.insert(row.id) }
        return merge.operations.isSubset(of: stored)
    }
}

// MARK: Taking what was found

extension StoreReadSet {
    /// Those of the events that can be known. An event cannot where its record was looked for and is not there, or has a
    /// clock without it.
    /// - Parameter snapshot: what was read of everything but operations.
    public func dotsToLookFor(over snapshot: StoreSnapshot) -> Set<RecordDot> {
        merge.dots.filter { dot in
            guard let record = snapshot.merge.records[dot.record] else {
                return !merge.records.contains(dot.record) || snapshot.omitted.contains(dot.record)
            }
            return record.state.clock.contains(dot.dot)
        }
    }
}

extension [OperationRow] {
    /// The operations as far as later decisions need them.
    /// - Throws: `damaged` where a clock or a result cannot be read.
    public func known() throws(StoreError) -> [KnownOperation] {
        var known: [KnownOperation] = []
        known.reserveCapacity(count)
        for row in self { known.append(try row.known()) }
        return known
    }
}

extension Snapshot {
    /// Takes the operations of batches that were committed before, where nothing else is asked for.
    /// - Parameters:
    ///   - known: the operations that the batches brought. Those that were accepted are never overwritten.
    ///   - ids: all that the read set names.
    /// - Returns: false, with nothing taken, where not all ids are among them.
    public mutating func take(_ known: [KnownOperation], fulfilling ids: Set<OperationID>) -> Bool {
        let accepted = known.filter(\.result.isAccepted)
        guard ids.isSubset(of: Set(accepted.map(\.id))) else { return false }
        for operation in accepted { operations[operation.id, default: []].append(operation) }
        return true
    }

    /// Takes operations that were found under keys of ids or of events, and leaves out those that are neither.
    /// - Throws: `damaged` where a clock or a result cannot be read.
    public mutating func take(
        _ rows: [OperationRow], ids: Set<OperationID>, dots wanted: Set<RecordDot>
    ) throws(StoreError) {
        for row in rows.sorted(by: { $0.device < $1.device }) {
            let known = try row.known()
            if ids.contains(row.id) { operations[row.id, default: []].append(known) }
            if let record = row.record, let counter = row.counter {
                let dot = RecordDot(record: record, dot: Dot(device: row.device, counter: counter))
                if wanted.contains(dot) { dots[dot] = known }
            }
        }
    }
}
