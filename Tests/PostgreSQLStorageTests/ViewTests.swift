import Causality
import MergeCore
import PostgreSQLCluster
import PostgreSQLStorage
import StorageConformance
import SyncStorage
import Testing
import Values

@Suite("the views of declared collections")
struct ViewTests {
    private static let schema = Schema(declaring: [
        "estimates": CollectionRules(
            fields: [
                "title": FieldRule(type: .string), "total": FieldRule(type: .integer),
                "lat": FieldRule(type: .number), "done": FieldRule(type: .boolean),
                "due": FieldRule(type: .timestamp), "owner": FieldRule(type: .uuid),
                "tags": FieldRule(type: .set, merge: .set), "lines": FieldRule(type: .json),
                "id": FieldRule(type: .string), "it's \"odd\"": FieldRule(type: .string),
            ]),
        "notes": CollectionRules(),
    ])

    private static func fill(_ test: TestDatabase) async throws {
        let store = try await test.open()
        let fields: Value = [
            "title": "Kitchen", "total": 9_007_199_254_740_993, "lat": .double(48.5), "done": true,
            "due": "2026-11-20T22:00:00.000Z", "owner": "0199a1c2-0000-7000-8000-000000000001", "lines": ["a", 1],
            "id": "of the app", "it's \"odd\"": "fine",
        ]
        let strange: Value = ["total": "many", "due": "soon", "owner": "me", "done": 1]
        try await Committer(store, "acme").commit(
            Batch(
                "b", from: "d",
                [
                    Operation(.create, "1", on: RecordKey("estimates", "e1"), clock: ["d": 1], fields),
                    // This record is as it was stored before the types were declared.
                    Operation(.create, "2", on: RecordKey("estimates", "e2"), clock: ["d": 1], strange),
                    Operation(.create, "3", on: RecordKey("estimates", "e3"), clock: ["d": 1], ["n": 1]),
                    Operation(.delete, "4", on: RecordKey("estimates", "e3"), clock: ["d": 2]),
                    Operation(.create, "5", on: RecordKey("notes", "n"), clock: ["d": 1], ["free": .string("form")]),
                ]))
        await store.close()
    }

    @Test("give each field as its type, and what is of another type as NULL")
    func types() async throws {
        try await TestDatabase.with { test in
            try await Self.fill(test)
            let views = try CollectionViews(Self.schema)
            // Twice: they can always be made again.
            for _ in 0..<2 { try await PostgreSQLStore.create(views, in: Conninfo(test.database.ownerConninfo)) }
            #expect(views.names == [#"rejoin_views."estimates""#, #"rejoin_views."notes""#])
            let output = try await test.database.psql(
                #"""
                \pset format unaligned
                \pset tuples_only on
                SELECT id, title, total + 1, lat * 2, NOT done, due AT TIME ZONE 'UTC', owner, lines -> 1, id_, "it's ""odd""",
                    tenant, sequence, open_conflicts FROM rejoin_views.estimates ORDER BY id;
                SELECT id, fields ->> 'free' FROM rejoin_views.notes;
                """#)
            let lines = output.split(separator: "\n").map(String.init)
            #expect(
                lines.contains(
                    "e1|Kitchen|9007199254740994|97|f|2026-11-20 22:00:00|0199a1c2-0000-7000-8000-000000000001|1|of the app|fine|acme|1|0"
                ), "\(output)")
            #expect(lines.contains { $0.hasPrefix("e2|||||||||") }, "\(output)")
            #expect(!output.contains("e3"))
            #expect(lines.contains("n|form"), "\(output)")
        }
    }

    @Test("let a role see what the policies let it see")
    func policies() async throws {
        try await TestDatabase.with { test in
            try await Self.fill(test)
            try await PostgreSQLStore.create(
                CollectionViews(Self.schema), in: Conninfo(test.database.ownerConninfo))
            try await test.database.psql(
                """
                GRANT USAGE ON SCHEMA rejoin_views TO rejoin_server;
                GRANT SELECT ON ALL TABLES IN SCHEMA rejoin_views TO rejoin_server;
                """)
            func count(_ tenant: String) async throws -> String {
                try await test.database.psql(
                    "SELECT set_config('rejoin.tenant', '\(tenant)', false); SELECT 'n=' || count(*) FROM rejoin_views.notes;",
                    user: PostgreSQLCluster.serverRole)
            }
            #expect(try await count("acme").contains("n=1"))
            #expect(try await count("globex").contains("n=0"))
        }
    }

    @Test("refuse a name that PostgreSQL would cut")
    func longName() {
        let long = ExactString(String(repeating: "x", count: 64))
        #expect(throws: CollectionViews.NamingError.self) {
            try CollectionViews(Schema(declaring: [long: CollectionRules()]))
        }
    }
}
