import Causality
import GRDB
import MergeCore
import SyncWire

extension ReplicaTransaction {
    /// Takes what the server says of itself and of this device.
    /// - Returns: whether the token is of this replica's device and tenant.
    func take(_ session: SessionAnswer) throws -> Bool {
        guard session.device == (try device()) else { return false }
        if let tenant = try text(.tenant), tenant != session.tenant.text { return false }
        try set(.tenant, session.tenant.text)
        try set(.limits, SendingLimits(session).jsonText)
        if let lineage = try text(.lineage), lineage != session.lineage { try beginPullingAgain(.lineage) }
        try set(.lineage, session.lineage)
        try adoptOnDemand()
        // Nobody sets a server back by more than this.
        try run(Statements.deleteIncrementsBefore, [try serverNow() - 30 * 86_400_000])
        return true
    }

    /// Takes the collections that the server declares.
    func take(_ schema: Schema) throws {
        let declared = String(decoding: schema.encoded(), as: UTF8.self)
        if try text(.schema) != declared || integer(.schemaNumber) == nil {
            try set(.schema, declared)
            try raise(.schemaNumber)
            try replica.options.mirror?.collectionsChanged(self)
        }
        try set(.needsCollections, nil)
    }

    /// What decides what is next.
    func facts() throws -> SyncMachine.Facts {
        var facts = SyncMachine.Facts()
        facts.hasBatch = try exists(Statements.hasBatch)
        facts.hasEdits = try exists(Statements.hasWaiting)
        facts.hasUnclearRecords = try exists(Statements.hasUnclear)
        facts.hasUnknownWanted = try !replica.options.onDemand.isEmpty && exists(Statements.hasUnknown)
        facts.needsIdentity = try flag(.needsIdentity)
        facts.needsRegistration = try flag(.needsRegistration)
        facts.needsCollections = try flag(.needsCollections)
        facts.isPullingAgain = try flag(.pullingAgain)
        facts.sendsNothing = replica.options.sendsNothing
        facts.takesNothing = replica.options.takesNothing
        return facts
    }

    func metrics() throws -> SyncMetrics {
        var metrics = SyncMetrics()
        metrics.pending =
            Int(try number(Statements.countPending)) + (try replica.options.mirror?.countChanges(self) ?? 0)
        metrics.parked = Int(try number(Statements.countParked))
        metrics.setAside = Int(try number(Statements.countSetAside))
        metrics.acknowledged = Int(try integer(.acknowledged) ?? 0)
        metrics.conflicts = Int(try integer(.conflicts) ?? 0)
        if metrics.acknowledged > 0 {
            metrics.averageLatencyMilliseconds = (try integer(.latencyTotal) ?? 0) / Int64(metrics.acknowledged)
        }
        metrics.lastSuccessMilliseconds = try integer(.lastSuccess)
        return metrics
    }
}
