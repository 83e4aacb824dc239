import Causality
import MergeCore
import SyncStorage
import SyncWire

// What is stored, as it is sent.

extension WireRecord {
    init(_ row: RecordRow) {
        self.init(
            key: row.key, sequence: row.sequence, isDeleted: row.isDeleted, clock: row.clock,
            stampMilliseconds: row.stampMilliseconds, fields: row.fields, siblings: row.siblings,
            openConflicts: row.openConflicts)
    }
}

extension WireOperation {
    /// - Throws: `damaged` when the stored result cannot be read.
    init(_ row: OperationRow) throws(StoreError) {
        self.init(
            id: row.id, device: row.device, user: row.user, batch: row.batch, record: row.record, clock: row.clock,
            counter: row.counter, result: try OperationResult(stored: row.result),
            stampMilliseconds: row.stampMilliseconds, recordedAtMilliseconds: row.recordedAtMilliseconds,
            content: row.content)
    }
}

extension WireDevice {
    init(_ row: DeviceRow) {
        self.init(
            device: row.device, user: row.user, registeredAtMilliseconds: row.registeredAtMilliseconds,
            lastSeenAtMilliseconds: row.lastSeenAtMilliseconds, acknowledgedSequence: row.acknowledgedSequence,
            retiredAtMilliseconds: row.retiredAtMilliseconds)
    }
}

extension ConflictView {
    /// The conflict as it is sent.
    public var document: WireConflict {
        WireConflict(
            id: id, kind: row.kind, status: row.status, version: row.version, collection: row.collection,
            record: row.record, unit: row.unit, policy: row.policy, openedAtMilliseconds: row.openedAtMilliseconds,
            batch: batch, clockBefore: clockBefore, clockAfter: clockAfter, sides: sides.map(\.document),
            assignee: row.assignee.isEmpty ? nil : row.assignee, comments: comments, ending: ending)
    }
}

extension ConflictView.Side {
    fileprivate var document: WireConflict.Side {
        WireConflict.Side(
            role: row.role, won: won, present: row.present, isDropped: isDropped, value: row.value, device: row.device,
            user: row.user, counter: row.counter, stampMilliseconds: row.stampMilliseconds,
            claimedAtMilliseconds: row.claimedAtMilliseconds, operation: row.operation)
    }
}
