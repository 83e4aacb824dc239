import Causality
import MergeCore
import SyncStorage

private let tenant = TenantID("tenant")
private let device = DeviceRow(
    device: "anna", user: "u", registeredAtMilliseconds: 10, lastSeenAtMilliseconds: 10, acknowledgedSequence: 0)

extension StorageLaw {
    static let deviceLaws = [
        StorageLaw("the first registration of a device stands") { factory in
            try await factory.withStore { store in
                try expectEqual(try await store.register(tenant, device), device, "first registration")
                var second = device
                second.user = "another"
                second.registeredAtMilliseconds = 99
                try expectEqual(try await store.register(tenant, second), device, "second registration")
                try expectEqual(try await store.device(tenant, "anna"), device, "device")
                // A commit registers too, under the same law.
                let other = DeviceRow(
                    device: "ben", user: "w", registeredAtMilliseconds: 20, lastSeenAtMilliseconds: 20)
                let rows = [second, other]
                try await store.transact(tenant, readSet: StoreReadSet()) { snapshot throws(StoreError) in
                    (Commit(head: snapshot.head, devices: rows), ())
                }
                try expectEqual(try await store.devices(tenant), [device, other], "devices")
                try expectEqual(try await store.tenants(), [tenant], "tenants")
                try expectEqual(try await store.head(of: tenant), TenantHead(), "head")
            }
        },
        StorageLaw("fifty registrations of one device at once agree") { factory in
            try await factory.withStore { store in
                let rows = try await withThrowingTaskGroup(of: DeviceRow.self) { group in
                    for number in 0..<50 {
                        group.addTask {
                            var row = device
                            row.user = ExactString("\(number)")
                            return try await store.register(tenant, row)
                        }
                    }
                    return try await group.reduce(into: Set()) { $0.insert($1) }
                }
                try expectEqual(rows.count, 1, "rows that were answered")
                try expectEqual(try await store.devices(tenant), Array(rows), "devices")
            }
        },
        StorageLaw("a user has so many devices and no more, however many are registered at once") { factory in
            try await factory.withStore { store in
                func row(_ id: String, _ user: ExactString = "u") -> DeviceRow {
                    DeviceRow(
                        device: DeviceID(id), user: user, registeredAtMilliseconds: 10, lastSeenAtMilliseconds: 10)
                }
                // Those of others do not count, in this tenant or with this name in another.
                for number in 0..<5 {
                    _ = try await store.register(tenant, row("other \(number)", "v"))
                    _ = try await store.register("another", row("other \(number)"))
                }
                let registered = try await withThrowingTaskGroup(of: DeviceRow?.self) { group in
                    for number in 0..<20 {
                        group.addTask { try await store.register(tenant, row("\(number)"), atMost: 3) }
                    }
                    return try await group.reduce(into: []) { $0.append($1) }
                }
                let rows = registered.compactMap(\.self)
                try expectEqual(rows.count, 3, "those that came in")
                try expectEqual(
                    Set(try await store.devices(tenant).filter { $0.user == "u" }), Set(rows), "those that are there")
                // One that is there is answered, whoever asks and however many there are.
                try expectEqual(try await store.register(tenant, rows[0], atMost: 3), rows[0], "registered again")
                try expectEqual(
                    try await store.register(tenant, row(rows[0].device.name.text, "v"), atMost: 0), rows[0],
                    "registered by somebody else")
                try expectEqual(try await store.register(tenant, row("new"), atMost: 3), nil, "one too many")
                try expectEqual(try await store.device(tenant, "new"), nil, "and nothing of it is there")
                // A retired one makes room, and stays what it is.
                _ = try await store.retire(tenant, rows[0].device, atMilliseconds: 30)
                try expectEqual(try await store.register(tenant, row("new"), atMost: 3), row("new"), "in its place")
                try expectEqual(try await store.register(tenant, row("newer"), atMost: 3), nil, "no more")
                var retired = rows[0]
                retired.retiredAtMilliseconds = 30
                try expectEqual(try await store.register(tenant, rows[0], atMost: 3), retired, "the retired one")
            }
        },
        StorageLaw("which of some devices were retired is told of one tenant's alone, and fails when the engine does") {
            factory in
            try await factory.withStore { store in
                for id: DeviceID in ["anna", "ben", "cid"] {
                    for tenant in [tenant, TenantID("another")] {
                        var row = device
                        row.device = id
                        _ = try await store.register(tenant, row)
                    }
                }
                _ = try await store.retire(tenant, "anna", atMilliseconds: 5)
                _ = try await store.retire(tenant, "cid", atMilliseconds: 5)
                for (asked, found) in [
                    ([], []), (["anna"], ["anna"]), (["ben", "unknown"], []),
                    (["anna", "ben", "cid"], ["anna", "cid"]),
                ] as [(Set<DeviceID>, Set<DeviceID>)] {
                    try expectEqual(
                        try await store.retiredDevices(tenant, among: asked), found, "retired among \(asked)")
                    try expectEqual(
                        try await store.retiredDevices("another", among: asked), [],
                        "retired elsewhere among \(asked)")
                }
            }
            let probe: StoreProbe = { (statement: String) throws(StoreError) in
                throw .unavailable("injected at \(statement)")
            }
            try await factory.withStore(probe: probe) { store in
                try await expectStoreError("retired devices of a broken engine") {
                    _ = try await store.retiredDevices(tenant, among: ["anna"])
                }
            }
        },
        StorageLaw("a retired device stays retired since the first time, and its id stays taken") { factory in
            try await factory.withStore { store in
                _ = try await store.register(tenant, device)
                try expectEqual(try await store.retire(tenant, "anna", atMilliseconds: 30), true, "retired")
                try expectEqual(try await store.retire(tenant, "anna", atMilliseconds: 40), true, "retired again")
                try expectEqual(
                    try await store.retire(tenant, "absent", atMilliseconds: 40), false, "an unknown device")
                var retired = device
                retired.retiredAtMilliseconds = 30
                try expectEqual(try await store.device(tenant, "anna"), retired, "device")
                try expectEqual(try await store.register(tenant, device), retired, "registration of a retired device")
                try expectEqual(try await store.devices(tenant), [retired], "devices")
            }
        },
        StorageLaw("acknowledging never lowers, and unknown devices are left out") { factory in
            try await factory.withStore { store in
                _ = try await store.register(tenant, device)
                _ = try await store.register("other", device)
                let heartbeats: [(Int64, Int64)] = [(5, 50), (3, 60), (8, 40), (8, 40), (0, 0)]
                for (sequence, milliseconds) in heartbeats {
                    try await store.acknowledge([
                        DeviceHeartbeat(
                            tenant: tenant, device: "anna", acknowledgedSequence: sequence,
                            seenAtMilliseconds: milliseconds),
                        DeviceHeartbeat(
                            tenant: tenant, device: "absent", acknowledgedSequence: 1, seenAtMilliseconds: 1),
                    ])
                }
                var seen = device
                seen.acknowledgedSequence = 8
                seen.lastSeenAtMilliseconds = 60
                try expectEqual(try await store.devices(tenant), [seen], "devices")
                try expectEqual(try await store.devices("other"), [device], "devices of another tenant")
                try await store.acknowledge([])
                // Several heartbeats of one device in one call, the highest not last.
                try await store.acknowledge(
                    [(9, 61), (11, 62), (10, 70)].map { sequence, milliseconds in
                        DeviceHeartbeat(
                            tenant: tenant, device: "anna", acknowledgedSequence: sequence,
                            seenAtMilliseconds: milliseconds)
                    })
                seen.acknowledgedSequence = 11
                seen.lastSeenAtMilliseconds = 70
                try expectEqual(try await store.device(tenant, "anna"), seen, "device")
            }
        },
    ]
}
