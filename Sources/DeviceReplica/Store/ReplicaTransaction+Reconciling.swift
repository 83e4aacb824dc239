import Causality
import Foundation
import GRDB
import MergeCore
import SyncWire
import Values

/// What is done about a server that knows less than it did, because it was set back.
extension ReplicaTransaction {
    /// Offers the server what it lost of a record, and takes over what it has.
    /// - Parameter now: what the server says now; nil where it has no such record.
    func reconcile(_ base: RecordBase, with now: WireRecord?) throws {
        try replica.options.mirror?.capture(base.key, self)
        let device = try device()
        let present = try now.map { try RecordBase($0) }
        let isCut = try (present?.clock[device] ?? 0) < ownCounter(base.key, base: base, device: device)
        let offer = Reoffer(
            base, to: present, increments: try lostIncrements(of: base.key, has: present?.clock ?? VersionVector()),
            by: try rules(of: base.key.collection))
        try cutContexts(of: base.key, to: now)
        if let draft = offer.operation { try insertReoffer(draft, of: base) }
        if let now {
            // It stays as long as the app's hook refuses what the server says now.
            var kept = base
            (kept.clock, kept.sequence) = (offer.common, 0)
            try write(kept)
            try take(now)
        } else {
            try removeBase(base.key)
        }
        // This device's events of the life that was cut off must never be given again: others may still know them.
        if isCut { try set(.needsIdentity, ProblemCode.clockAhead.rawValue) }
    }

    /// An offer goes before the edits that wait: some may be of a record that the server does not have any more.
    private func insertReoffer(_ draft: Reoffer.Draft, of base: RecordBase) throws {
        try insert(
            PendingOperation(
                position: try number(Statements.smallestPosition) - 1,
                id: OperationID("reoffered-" + UUID().uuidString.lowercased()), kind: draft.kind, key: base.key,
                fields: draft.fields, context: draft.context,
                // What is offered is as old as it is: it does not win over what was written since.
                editedAtMilliseconds: base.stampMilliseconds, isInServerTime: true, dependsOn: [],
                transaction: try nextEdit(), isAtomic: false))
    }

    private func lostIncrements(of key: RecordKey, has clock: VersionVector) throws -> [ExactString: Int64] {
        var lost: [ExactString: Int64] = [:]
        for row in try rows(Statements.selectIncrements, [key.collection.text, key.id.text]) {
            let dot = Dot(device: DeviceID(row["device"] as String), counter: row["counter"])
            guard !clock.contains(dot) else { continue }
            lost[ExactString(row["field"] as String), default: 0] &+= row["amount"] as Int64
            try run(
                Statements.deleteIncrement,
                [key.collection.text, key.id.text, dot.device.name.text, dot.counter])
        }
        return lost
    }

    /// Takes out of the contexts of a record's edits what the server does not have: it would take them for forged. Whatever
    /// comes back later, they have not seen.
    /// - Parameter turnsCreates: whether a create goes as a change of the record, because the server said that it knows this device's.
    func cutContexts(of key: RecordKey, to now: WireRecord?, turnsCreates: Bool = false) throws {
        let clock = try now?.versionVector() ?? VersionVector()
        let device = try device()
        var isFirst = true
        for operation in try operations(of: key) where !operation.isSettled {
            var cut = operation
            cut.sent = nil
            cut.context = operation.context.intersection(clock)
            if turnsCreates, isFirst, operation.kind == .create, clock[device] > 0, let now {
                // The server knows this device's create of it already.
                cut.kind = now.isDeleted ? .restore : .update
                // Of the others' work its author has seen nothing.
                cut.context = VersionVector()
            }
            isFirst = false
            if cut != operation { try update(cut) }
        }
    }

    /// The same for records of which neither side knows anything any more.
    func cutContextsOfUnknown() throws {
        try forEachUnsettled { operation in
            guard !operation.context.isEmpty, try base(operation.key) == nil else { return }
            var cut = operation
            cut.context = VersionVector()
            try update(cut)
        }
    }

    /// Takes the answer to how a record stands that the server knows otherwise than it was thought here.
    func clear(_ key: RecordKey, _ now: WireRecord?) throws {
        try replica.options.mirror?.capture(key, self)
        try run(Statements.deleteUnclear, [key.collection.text, key.id.text])
        let clock = try now?.versionVector() ?? VersionVector()
        try unsettle(
            try operations(of: key).filter { operation in
                operation.isSettled && operation.sent.map { !clock.contains($0.dot) } ?? true
            })
        try cutContexts(of: key, to: now, turnsCreates: true)
        if let known = try base(key) {
            try reconcile(known, with: now)
        } else if let now {
            try take(now)
        }
        try run(Statements.deleteOwnCounter, [key.collection.text, key.id.text, Int64.max])
    }

    /// Has operations go again that the server had taken and does not have any more.
    func unsettle(_ operations: [PendingOperation]) throws {
        for operation in operations {
            if let dot = operation.sent?.dot {
                try run(
                    Statements.deleteIncrement,
                    [operation.key.collection.text, operation.key.id.text, dot.device.name.text, dot.counter])
            }
            var again = operation
            (again.sent, again.isSettled, again.attempts) = (nil, false, max(1, again.attempts))
            try update(again)
        }
    }

    func unclearRecords() throws -> [RecordKey] {
        try rows(Statements.selectUnclear).map {
            RecordKey(collection: ExactString($0[0] as String), id: ExactString($0[1] as String))
        }
    }

    // MARK: A new device id

    /// Goes on under a new device id. Everything pending is made ready to be sent under it, and keeps its operation ids, so that
    /// what had arrived is recognised.
    func takeNewIdentity(_ device: DeviceID) throws {
        let reason = try text(.needsIdentity)
        try run(Statements.deleteBatches)
        try run(Statements.thawAll)
        try run(Statements.deleteOwnCounters)
        try set(.device, device.name.text)
        try set(.needsIdentity, nil)
        try set(.needsRegistration, "1")
        replica.log(.notice, "goes on under the device id \(device) (\(reason ?? "new"))")
    }
}
