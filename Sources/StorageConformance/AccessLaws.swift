import Causality
import SyncStorage

private let tenant = TenantID("tenant")
private let now: Int64 = 1_700_000_000_000
/// The time at which a session that had ended by `now` is forgotten.
private let afterwards = now + AccessRevocation.rememberedMilliseconds + 1

extension StorageLaw {
    static let accessLaws = [
        StorageLaw(
            "access that ended is known to the tenant and the name that it ended for, and to no other"
        ) { factory in
            try await factory.withStore { store in
                let anna = AccessQuery(user: "anna", session: "s", device: "d")
                try expectEqual(
                    try await store.access(tenant, anna), AccessState(), "before anything ended")
                let ends: [AccessRevocation] = [
                    .session("s", expiresAtMilliseconds: now + 60_000),
                    .sessions(of: "anna", beganBeforeMilliseconds: 5),
                    .sessions(of: nil, beganBeforeMilliseconds: 3),
                    .tokens(of: "anna", issuedBeforeMilliseconds: 7),
                    .tokens(of: nil, issuedBeforeMilliseconds: 9),
                ]
                for end in ends { try await store.end(tenant, end, nowMilliseconds: now) }
                func state(_ query: AccessQuery, of tenant: TenantID = tenant) async throws -> AccessState {
                    try await store.access(tenant, query)
                }
                var expected = AccessState()
                expected.hasSessionEnded = true
                expected.sessionsEndBeforeMilliseconds = 5
                expected.tokensEndBeforeMilliseconds = 9
                try expectEqual(try await state(anna), expected, "whose access ended")
                expected.hasSessionEnded = false
                try expectEqual(
                    try await state(AccessQuery(user: "anna", session: "t")), expected, "another session")
                try expectEqual(try await state(AccessQuery(user: "anna")), expected, "no session")
                expected.sessionsEndBeforeMilliseconds = 3
                // The last two are one to the eye and to Unicode, and a session's name is nobody's.
                for user in ["ben", "Anna", "s", "ann\u{E1}", "anna\u{301}"] as [ExactString] {
                    try expectEqual(
                        try await state(AccessQuery(user: user)), expected, "another user, '\(user)'")
                }
                try expectEqual(try await state(anna, of: "other"), AccessState(), "another tenant")
                try expectEqual(try await store.tenants(), [tenant], "tenants")
                try expectEqual(try await store.head(of: tenant), TenantHead(), "head")
            }
        },
        StorageLaw("of two ends of one name the later stands, in whatever order they come") { factory in
            try await factory.withStore { store in
                for (first, second) in [(5, 7), (7, 5), (7, 7)] as [(Int64, Int64)] {
                    let user = ExactString("\(first) \(second)")
                    for time in [first, second] {
                        try await store.end(
                            tenant, .tokens(of: user, issuedBeforeMilliseconds: time), nowMilliseconds: now)
                    }
                    try expectEqual(
                        try await store.access(tenant, AccessQuery(user: user)).tokensEndBeforeMilliseconds, 7,
                        "\(user)")
                }
                try await withThrowingTaskGroup(of: Void.self) { group in
                    for time: Int64 in 1...50 {
                        group.addTask {
                            try await store.end(
                                tenant, .sessions(of: nil, beganBeforeMilliseconds: time), nowMilliseconds: now)
                        }
                    }
                    try await group.waitForAll()
                }
                try expectEqual(
                    try await store.access(tenant, AccessQuery(user: "u")).sessionsEndBeforeMilliseconds, 50,
                    "of fifty")
            }
        },
        StorageLaw("a retired device is known as such to whoever asks for its access") { factory in
            try await factory.withStore { store in
                _ = try await store.register(
                    tenant,
                    DeviceRow(device: "d", user: "u", registeredAtMilliseconds: 1, lastSeenAtMilliseconds: 1))
                let query = AccessQuery(user: "u", device: "d")
                var expected = AccessState()
                expected.deviceUser = "u"
                try expectEqual(try await store.access(tenant, query), expected, "before")
                _ = try await store.retire(tenant, "d", atMilliseconds: 4)
                expected.deviceRetiredAtMilliseconds = 4
                try expectEqual(try await store.access(tenant, query), expected, "afterwards")
                try expectEqual(
                    try await store.access(tenant, AccessQuery(user: "u", device: "e")), AccessState(),
                    "another device")
                try expectEqual(
                    try await store.access("other", query), AccessState(), "another tenant's device")
            }
        },
        StorageLaw("a page for a reader is the page, and what has ended of the reader's access") { factory in
            try await factory.withStore { store in
                _ = try await store.register(
                    tenant,
                    DeviceRow(device: "d", user: "u", registeredAtMilliseconds: 1, lastSeenAtMilliseconds: 1))
                try await store.transact(tenant, readSet: StoreReadSet()) { snapshot throws(StoreError) in
                    var head = snapshot.head
                    head.sequence = 3
                    return (Commit(head: head, records: [.sample("r", in: "c", sequence: 2)]), ())
                }
                try await store.end(tenant, .tokens(of: "u", issuedBeforeMilliseconds: 7), nowMilliseconds: now)
                try await store.end(
                    tenant, .session("s", expiresAtMilliseconds: now + 1), nowMilliseconds: now)
                _ = try await store.retire(tenant, "d", atMilliseconds: 4)
                for reader in [
                    AccessQuery(user: "u", device: "d"), AccessQuery(user: "u", session: "s"), AccessQuery(user: "v"),
                    AccessQuery(user: "v", device: "e"),
                ] {
                    for query in [
                        ChangeQuery(after: 0, limit: 1), ChangeQuery(after: 3, limit: 10),
                        ChangeQuery(after: 9, limit: 1),
                        ChangeQuery(after: 0, limit: 9, collections: ["other"]),
                    ] {
                        let read = try await store.changes(tenant, query, for: reader)
                        try expectEqual(read.page, try await store.changes(tenant, query), "page of \(query)")
                        try expectEqual(read.access, try await store.access(tenant, reader), "access of \(reader)")
                    }
                }
            }
        },
        StorageLaw("access that ended stays so when the store is opened again") { factory in
            guard factory.isDurable else { return }
            try await factory.withStore { first in
                try await first.end(
                    tenant, .session("s", expiresAtMilliseconds: now + 1), nowMilliseconds: now)
                let second = try await factory.reopened(first)
                try expectEqual(
                    try await second.access(tenant, AccessQuery(user: "u", session: "s")).hasSessionEnded,
                    true, "ended")
                await second.close()
            }
        },
        StorageLaw(
            "sessions that would be over long ago are forgotten, so many at once at most; the rest is kept"
        ) {
            factory in
            try await factory.withStore { store in
                let bound = AccessRevocation.forgottenAtOnce
                try await store.end(
                    tenant, .tokens(of: "u", issuedBeforeMilliseconds: 1), nowMilliseconds: now)
                try await store.end(
                    tenant, .sessions(of: nil, beganBeforeMilliseconds: 1), nowMilliseconds: now)
                for number in 0..<bound + 20 {
                    try await store.end(
                        tenant,
                        .session(
                            ExactString("\((number * 7) % (bound + 20))"),
                            expiresAtMilliseconds: now - 1_000 + Int64(number)
                        ),
                        nowMilliseconds: now)
                }
                func remembered() async throws -> Int {
                    var count = 0
                    for number in 0..<bound + 20 {
                        let query = AccessQuery(user: "u", session: ExactString("\(number)"))
                        if try await store.access(tenant, query).hasSessionEnded { count += 1 }
                    }
                    return count
                }
                try expectEqual(try await remembered(), bound + 20, "before")
                let late = AccessRevocation.session("late", expiresAtMilliseconds: afterwards + 1)
                try await store.end(tenant, late, nowMilliseconds: afterwards)
                try expectEqual(try await remembered(), 20, "after one")
                try await store.end(tenant, late, nowMilliseconds: afterwards)
                try expectEqual(try await remembered(), 0, "after two")
                let left = try await store.access(tenant, AccessQuery(user: "u", session: "late"))
                try expectEqual(left.hasSessionEnded, true, "what has not expired")
                try expectEqual(left.tokensEndBeforeMilliseconds, 1, "a user's tokens")
                try expectEqual(left.sessionsEndBeforeMilliseconds, 1, "everybody's sessions")
            }
        },
        StorageLaw("servers agree on one key: the first one's, until another is adopted") { factory in
            try await factory.withStore { store in
                try expectEqual(try await store.agree(on: [1], .compare), .first, "the first")
                try expectEqual(try await store.agree(on: [1], .compare), .same, "again")
                try expectEqual(try await store.agree(on: [2], .compare), .other, "another")
                try expectEqual(
                    try await store.agree(on: [1], .compare), .same, "comparing changes nothing")
                try expectEqual(try await store.agree(on: [2], .adopt), .other, "adopted")
                try expectEqual(try await store.agree(on: [2], .compare), .same, "afterwards")
                guard factory.isDurable else { return }
                let second = try await factory.reopened(store)
                try expectEqual(try await second.agree(on: [2], .compare), .same, "when it is opened again")
                await second.close()
            }
        },
    ]
}
