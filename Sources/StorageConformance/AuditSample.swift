import Causality
import MergeCore
import SyncStorage
import Values

/// A small audit that holds an entry of every type and sides of every form. Tests change it byte by byte.
public enum AuditSample {
    private static let opening: Int64 = 1_700_000_000_000

    /// Writes the audit as a tenant's first commit.
    public static func put(in store: any SyncStore, of tenant: TenantID) async throws(StoreError) {
        try await store.transact(tenant, readSet: StoreReadSet()) { snapshot throws(StoreError) in
            var plan = Plan(
                sequence: snapshot.head.sequence, auditPosition: entries.last?.position ?? 0,
                auditMilliseconds: entries.last?.recordedAtMilliseconds ?? 0)
            plan.audit = entries
            var builder = CommitBuilder(
                on: snapshot,
                CommitBuilder.Context(tenant: tenant, identity: store.identity, schema: .open, nowMilliseconds: opening)
            )
            return (builder.commit(plan), ())
        }
    }

    private static let entries: [AuditEntry] = [
        entry(
            1, of: 1, version: 1,
            .opened(
                ConflictOpening(
                    kind: .writeWrite, unit: .field("status"), policy: "manual", awaitsDecision: true,
                    sides: [
                        side(.stored, won: true, "caf\u{E9}", event("anna", 1, claimed: 1_600_000_000_000)),
                        side(
                            .incoming, won: false, ["n": [1, .double(2.5), .null, true]], event("ben", 1, claimed: nil)),
                    ]))),
        entry(
            2, of: 1, version: 2,
            .sidesChanged(
                unit: .field("status"), joined: [side(.incoming, won: true, .null, event("eva", 7, claimed: -1))],
                dropped: [Dot(device: "ben", counter: 1)])),
        entry(3, of: 1, version: 2, .commented(by: "carla", text: "asked \"Ben\"\n")),
        entry(
            4, of: 4, version: 1,
            .opened(
                ConflictOpening(
                    kind: .deleteWrite, unit: .record, policy: "update-wins",
                    sides: [
                        side(.stored, won: true, ["title": "t"], event("anna", 2, claimed: 0)),
                        side(.incoming, won: false, nil, event("ben", 2, claimed: nil)),
                    ]))),
        entry(5, of: 1, version: 2, .assigned(by: "carla", to: "dora")),
        entry(
            6, of: 1, version: 3,
            .resolved(
                ConflictResolution(
                    event: event("reviewer:carla", 1, claimed: nil), unit: .field("status"), side: 0,
                    value: "caf\u{E9}", note: "hers"))),
        entry(
            7, of: 7, version: 1,
            .opened(
                ConflictOpening(
                    kind: .stale, unit: .group("place"), policy: "lww",
                    sides: [
                        side(.stored, won: true, ["lat": 1], event("e\u{301}va", 1, claimed: nil)),
                        side(.incoming, won: false, ["lat": -1], event("ben", 3, claimed: 1)),
                    ]))),
        entry(8, of: 7, version: 1, .assigned(by: "carla", to: nil)),
        entry(
            9, of: 9, version: 1,
            .opened(
                ConflictOpening(
                    kind: .writeWrite, unit: .field("n"), policy: "manual", awaitsDecision: true,
                    sides: [
                        side(.stored, won: false, 1, event("anna", 3, claimed: nil)),
                        side(.incoming, won: true, 2, event("ben", 4, claimed: nil)),
                    ]))),
        entry(10, of: 9, version: 2, .superseded(by: event("anna", 4, claimed: nil))),
        entry(11, of: 9, version: 2, .assigned(by: "carla", to: "dora")),
    ]

    private static func entry(
        _ position: Int64, of conflict: Int64, version: Int64, _ content: AuditEntry.Content
    ) -> AuditEntry {
        AuditEntry(
            position: position, conflict: ConflictID(position: conflict), version: version,
            record: RecordKey("jobs", "r"), batch: "b", device: "ben", recordedAtMilliseconds: opening + position,
            clockBefore: ["anna": position], clockAfter: ["anna": position, "ben": 1], content: content)
    }

    private static func side(_ role: ConflictSide.Role, won: Bool, _ value: Value?, _ event: Event) -> ConflictSide {
        ConflictSide(role: role, won: won, value: value, event: event)
    }

    private static func event(_ device: DeviceID, _ counter: Int64, claimed milliseconds: Int64?) -> Event {
        Event(
            stamp: Stamp(milliseconds: opening - counter, dot: Dot(device: device, counter: counter)),
            provenance: Provenance(operation: "o", user: "u", claimedMilliseconds: milliseconds))
    }
}
