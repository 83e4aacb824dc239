import Causality
import MergeCore
import SyncStorage

private let tenant = TenantID("tenant")
private let now: Int64 = 1_700_000_000_000

extension StorageLaw {
    static let administrationLaws = [
        StorageLaw("an act is recorded with who did it, once, and only where it changed something") { factory in
            try await factory.withStore { store in
                let acts: [(AdministrativeAct, Bool)] = [
                    (.addTenant, true), (.addTenant, false), (.setMember("anna", roles: ["device", "admin"]), true),
                    (.setMember("anna", roles: ["admin", "device"]), false), (.setMember("anna", roles: []), true),
                    (.removeMember("ben"), false), (.removeMember("anna"), true), (.removeMember("anna"), false),
                    (.retireDevice("d"), false), (.endAccess(.tokens(of: nil, issuedBeforeMilliseconds: 5)), true),
                    (.endAccess(.sessions(of: "anna", beganBeforeMilliseconds: 5)), true),
                    (.endAccess(.session("s", expiresAtMilliseconds: now)), true),
                ]
                var expected: [AdministrationRow] = []
                for (index, (act, isChange)) in acts.enumerated() {
                    let (actor, time) = (ExactString(index % 2 == 0 ? "" : "root"), now + Int64(index))
                    let found = try await store.administer(tenant, act, by: actor, nowMilliseconds: time)
                    try expectEqual(found, isChange, "\(act)")
                    guard isChange else { continue }
                    expected.insert(
                        AdministrationRow(act, by: actor, at: Int64(expected.count + 1), nowMilliseconds: time), at: 0)
                }
                try expectEqual(
                    try await store.administration(tenant, before: nil, limit: 100), expected, "what was done")
                try expectEqual(
                    try await store.administration(tenant, before: 4, limit: 2), Array(expected.suffix(3).prefix(2)),
                    "a page of it")
                try expectEqual(try await store.administration("other", before: nil, limit: 9), [], "another tenant's")
                try expectEqual(try await store.tenants(), [tenant], "tenants")
                let access = try await store.access(tenant, AccessQuery(user: "anna", session: "s"))
                try expect(access.hasSessionEnded && access.tokensEndBeforeMilliseconds == 5, "access did not end")
                // What changes nothing makes no tenant.
                _ = try await store.administer("new", .removeMember("anna"), by: "", nowMilliseconds: now)
                try expectEqual(try await store.tenants(), [tenant], "tenants, nothing having been done")
            }
        },
        StorageLaw("a device is retired by an act once, and known to be") { factory in
            try await factory.withStore { store in
                _ = try await store.register(
                    tenant, DeviceRow(device: "d", user: "u", registeredAtMilliseconds: 1, lastSeenAtMilliseconds: 1))
                for (time, isChange) in [(5, true), (6, false)] as [(Int64, Bool)] {
                    try expectEqual(
                        try await store.administer(tenant, .retireDevice("d"), by: "root", nowMilliseconds: time),
                        isChange, "at \(time)")
                }
                try expectEqual(try await store.device(tenant, "d")?.retiredAtMilliseconds, 5, "retired")
                try expectEqual(try await store.administration(tenant, before: nil, limit: 9).count, 1, "recorded")
            }
        },
        StorageLaw("members are those of their tenant, and a user's tenants are found by the user alone") { factory in
            try await factory.withStore { store in
                let tenants: [TenantID] = ["b", "a", "c"]
                // One to the eye, two to the store.
                let users: [ExactString] = ["anna", "ann\u{E1}", "anna\u{301}", "Anna"]
                for (index, tenant) in tenants.enumerated() {
                    for user in users where user != "Anna" || tenant == "a" {
                        let roles: Set<String> = index == 0 ? ["device"] : ["reviewer", "admin"]
                        _ = try await store.administer(
                            tenant, .setMember(user, roles: roles), by: "", nowMilliseconds: now + Int64(index))
                    }
                }
                try expectEqual(
                    try await store.members("a").map(\.user), users.sorted(), "members of a, by the bytes of names")
                try expectEqual(
                    try await store.memberships(of: "anna", limit: 9),
                    [
                        Membership(tenant: "a", roles: ["admin", "reviewer"]),
                        Membership(tenant: "b", roles: ["device"]),
                        Membership(tenant: "c", roles: ["admin", "reviewer"]),
                    ], "tenants of anna")
                try expectEqual(
                    try await store.memberships(of: "anna", limit: 2).map(\.tenant), ["a", "b"], "the first two")
                try expectEqual(
                    try await store.memberships(of: "Anna", limit: 9).map(\.tenant), ["a"], "tenants of Anna")
                try expectEqual(try await store.memberships(of: "nobody", limit: 9), [], "tenants of nobody")
                // Other roles do not make a new member.
                _ = try await store.administer(
                    "b", .setMember("anna", roles: ["admin"]), by: "", nowMilliseconds: now + 99)
                try expectEqual(
                    try await store.members("b").first { $0.user == "anna" },
                    MemberRow(user: "anna", roles: ["admin"], addedAtMilliseconds: now), "anna in b")
                func roles(_ query: AccessQuery, in tenant: TenantID) async throws -> Set<String>? {
                    try await store.access(tenant, query).memberRoles
                }
                let asMember = AccessQuery(user: "anna", device: "d", asMember: true)
                try expectEqual(try await roles(asMember, in: "b"), ["admin"], "access of a member")
                try expectEqual(try await roles(asMember, in: "other"), nil, "access elsewhere")
                try expectEqual(try await roles(AccessQuery(user: "anna"), in: "b"), nil, "where it was not asked")
                _ = try await store.administer("b", .removeMember("anna"), by: "", nowMilliseconds: now)
                try expectEqual(try await roles(asMember, in: "b"), nil, "access of a former member")
                try expectEqual(
                    try await store.memberships(of: "anna", limit: 9).map(\.tenant), ["a", "c"], "tenants left")
            }
        },
        StorageLaw("sessions are listed until they expire or are ended, the newest first") { factory in
            try await factory.withStore { store in
                func session(_ id: ExactString, _ user: ExactString, at time: Int64) -> ReviewSessionRow {
                    ReviewSessionRow(
                        id: id, user: user, beganAtMilliseconds: time, expiresAtMilliseconds: time + 100,
                        way: id == "s2" ? .provider : .link, browser: "Browser \(id) of \u{1F600}")
                }
                let sessions = [
                    session("s1", "anna", at: 10), session("s2", "anna", at: 20), session("s3", "ben", at: 20),
                    session("s4", "ben", at: 30), session("s5", "cid", at: 40),
                ]
                for session in sessions.shuffled() { try await store.begin(tenant, session, nowMilliseconds: 40) }
                func ids(of user: ExactString? = nil, at time: Int64 = 50, limit: Int = 9) async throws -> [ExactString]
                {
                    try await store.reviewSessions(tenant, of: user, nowMilliseconds: time, limit: limit).map(\.id)
                }
                try expectEqual(
                    try await store.reviewSessions(tenant, of: "anna", nowMilliseconds: 50, limit: 9),
                    [sessions[1], sessions[0]], "of anna")
                try expectEqual(try await ids(), ["s5", "s4", "s3", "s2", "s1"], "of all")
                try expectEqual(try await ids(limit: 2), ["s5", "s4"], "the first two")
                try expectEqual(try await ids(at: 110), ["s5", "s4", "s3", "s2"], "when one has expired")
                try expectEqual(
                    try await store.reviewSessions("other", of: nil, nowMilliseconds: 50, limit: 9), [], "elsewhere")
                try await store.end(tenant, .session("s4", expiresAtMilliseconds: 130), nowMilliseconds: 50)
                try expectEqual(try await ids(), ["s5", "s3", "s2", "s1"], "one ended")
                try await store.end(tenant, .sessions(of: "anna", beganBeforeMilliseconds: 20), nowMilliseconds: 50)
                try expectEqual(try await ids(), ["s5", "s3", "s2"], "the earlier ones of anna ended")
                try await store.end(tenant, .tokens(of: nil, issuedBeforeMilliseconds: 40), nowMilliseconds: 50)
                try expectEqual(try await ids(), ["s5"], "all before a time ended")
                // What expired is forgotten when somebody signs in.
                try await store.begin(tenant, session("s6", "dora", at: 500), nowMilliseconds: 500)
                try expectEqual(
                    try await store.reviewSessions(tenant, of: nil, nowMilliseconds: .min, limit: 9).map(\.id), ["s6"],
                    "kept")
            }
        },
    ]
}
