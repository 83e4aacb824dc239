import Causality
import MergeCore
import PostgreSQLCluster
import StorageConformance
import SyncStorage
import Testing

@testable import PostgreSQLStorage

private func create(_ name: String) -> Batch {
    Batch(
        ExactString(name), from: "d",
        [Operation(.create, OperationID(name), on: RecordKey("c", ExactString(name)), clock: ["d": 1], ["n": 1])])
}

@Suite("what servers on one database tell each other")
struct ChangeNotificationTests {
    @Test("a commit on one is heard of on the other, and not on itself")
    func heardElsewhere() async throws {
        try await TestDatabase.with { test in
            let (one, other) = (try await test.open(), try await test.open())
            let (mine, theirs) = (one.changeNotifications(), other.changeNotifications())
            var heard = theirs.makeAsyncIterator()
            #expect(await heard.next() == .missed, "what was before is not known")
            var own = mine.makeAsyncIterator()
            #expect(await own.next() == .missed)
            try await Committer(one, "acme").commit(create("a"))
            #expect(await heard.next() == .advanced("acme", sequence: 1, collections: ["c"]))
            // Many commits in a short time are told of together, the last of them at the latest.
            for number in 1...30 { try await Committer(one, "acme").commit(create("b\(number)")) }
            var count = 0
            while case .advanced("acme", let sequence, _)? = await heard.next() {
                count += 1
                if sequence == 31 { break }
            }
            #expect((1...30).contains(count))
            try await Committer(other, "globex").commit(create("a"))
            #expect(
                await own.next() == .advanced("globex", sequence: 1, collections: ["c"]), "one hears of others only")
            await one.close()
            await other.close()
            #expect(await own.next() == nil)
            #expect(await heard.next() == nil)
        }
    }

    @Test("that somebody's access has ended is heard of, whoever ended it")
    func accessEnded() async throws {
        try await TestDatabase.with { test in
            // The first tells nobody of commits, as a command beside the servers does not.
            let (one, other) = (try await test.open(), try await test.open())
            var heard = other.changeNotifications().makeAsyncIterator()
            #expect(await heard.next() == .missed)
            _ = try await one.register(
                "acme", DeviceRow(device: "d", user: "ada", registeredAtMilliseconds: 1, lastSeenAtMilliseconds: 1))
            #expect(try await one.retire("acme", "d", atMilliseconds: 2))
            #expect(await heard.next() == .accessEnded("acme"))
            try await one.end("acme", .sessions(of: "ada", beganBeforeMilliseconds: 3), nowMilliseconds: 3)
            #expect(await heard.next() == .accessEnded("acme"))
            await one.close()
            await other.close()
        }
    }

    @Test("many commits before anybody is told are one word, that knows as much as all of them")
    func joined() {
        let first = FeedAdvance(sequence: 3, collections: ["a"])
        let second = FeedAdvance(sequence: 2, collections: ["b"])
        #expect(first.joined(with: second) == FeedAdvance(sequence: 3, collections: ["a", "b"]))
        let unknown = FeedAdvance(sequence: 4, collections: nil)
        #expect(first.joined(with: unknown) == unknown)
        let many = FeedAdvance(sequence: 1, collections: Set((0..<200).map { ExactString("collection \($0)") }))
        let told = TenantNews.payloads(["acme": many]).flatMap { TenantNews.notifications(in: $0) }
        #expect(told == [.advanced("acme", sequence: 1)])
    }

    @Test("after the listening connection broke, readers are told to look, and notifications go on")
    func listenerBroke() async throws {
        try await TestDatabase.with { test in
            let (one, other) = (try await test.open(), try await test.open())
            var heard = other.changeNotifications().makeAsyncIterator()
            var own = one.changeNotifications().makeAsyncIterator()
            #expect(await heard.next() == .missed)
            #expect(await own.next() == .missed)
            try await test.database.psql(
                """
                SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                WHERE datname = current_database() AND pid <> pg_backend_pid()
                """)
            #expect(await heard.next() == .missed)
            #expect(await own.next() == .missed)
            // The first word is that the connection is gone, and only the second that there is another: what is committed in
            // between is not heard of, and after every word it is time to look again.
            var sequence: Int64 = 1
            try await Committer(one, "acme").commit(create("1"))
            while let notification = await heard.next() {
                guard notification == .missed else {
                    guard case .advanced("acme", let told, _) = notification else {
                        Issue.record("\(notification)")
                        break
                    }
                    #expect((1...sequence).contains(told))
                    break
                }
                sequence += 1
                try await Committer(one, "acme").commit(create("\(sequence)"))
            }
            await one.close()
            await other.close()
        }
    }

    @Test("the names of tenants arrive as they are, however many")
    func namesOfTenants() {
        var changes: [TenantID: FeedAdvance] = [:]
        for number in 0..<500 {
            let name = "\(number) \"\\\u{1}é e\u{301} 😀 " + String(repeating: "x", count: 60)
            let collections: Set<ExactString>? = number % 3 == 0 ? nil : [ExactString("c\(number)"), "\u{1}"]
            changes[TenantID(ExactString(name))] = FeedAdvance(sequence: Int64(number), collections: collections)
        }
        let payloads = TenantNews.payloads(changes)
        #expect(payloads.allSatisfy { $0.utf8.count < 8_000 })
        #expect(payloads.count > 1)
        var found: [TenantID: FeedAdvance] = [:]
        for notification in payloads.flatMap({ TenantNews.notifications(in: $0) }) {
            guard case .advanced(let tenant, let sequence, let collections) = notification else { continue }
            found[tenant] = FeedAdvance(sequence: sequence, collections: collections)
        }
        #expect(found == changes)
        #expect(TenantNews.notifications(in: "of a later version") == [.missed])
    }
}

@Suite("a server on a standby")
struct StandbyStoreTests {
    @Test("answers reads, refuses writes as an outage, and has readers look for themselves")
    func standby() async throws {
        try await PostgreSQLCluster.withCluster { primary in
            let database = try await primary.makeDatabase()
            let writer = try await PostgreSQLStore.open(Conninfo(database.ownerConninfo))
            try await Committer(writer, "acme").commit(create("a"))
            let standby = try await primary.makeStandby()
            // Applied there before it is acknowledged, so that the test need not wait.
            try await primary.set(["synchronous_commit": "remote_apply"])
            let reader = try await PostgreSQLStore.open(
                Conninfo(
                    PostgreSQLCluster.conninfo(
                        of: [standby], database: database.name, user: PostgreSQLCluster.ownerRole,
                        targetSession: .any)))
            let page = try await reader.changes("acme", ChangeQuery(after: 0, limit: 10))
            #expect(page.rows.count == 1)
            await #expect {
                try await Committer(reader, "acme").commit(create("b"))
            } throws: { error in
                if case StoreError.unavailable = error { true } else { false }
            }
            var notifications = reader.changeNotifications().makeAsyncIterator()
            for _ in 0..<2 { #expect(await notifications.next() == .missed) }
            await reader.close()
            await writer.close()
            try await standby.remove()
        }
    }
}
