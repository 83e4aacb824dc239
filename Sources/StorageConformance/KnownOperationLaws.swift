import Causality
import MergeCore
import SyncStorage
import SyncWire
import Values

private let tenant = TenantID("tenant")
private let record = RecordKey("estimates", "r")

// An engine may decide without having looked for the ids and the events of a batch. Whatever it does, it answers and
// stores what the store in memory does, which always looks.
extension StorageLaw {
    static let knownOperationLaws = [
        StorageLaw("an operation that was committed before is known, whoever brings it and in whichever batch") {
            factory in
            let first = Operation(.create, "o", on: record, clock: ["old": 1], ["title": "one"], at: 1)
            let renumbered = Operation(.create, "o", on: record, clock: ["new": 1], ["title": "one"], at: 1)
            let next = Operation(.update, "p", on: record, clock: ["new": 2, "old": 1], ["title": "two"], at: 2)
            let answers = try await compare(
                factory,
                [
                    [sent("a", from: "old", [first])],
                    // The same in another batch, under the device's next id, and of somebody else under the same id.
                    [sent("b", from: "old", [first])],
                    [sent("c", from: "new", [renumbered, next])],
                    [
                        sent(
                            "d", from: "other", by: "somebody else",
                            [Operation(.update, "o", on: record, clock: ["other": 1], ["note": "mine"], at: 3)])
                    ],
                    // Batches of one commit that share an id which nobody had before.
                    [
                        sent(
                            "e", from: "old", [Operation(.create, "q", on: .new(1), clock: ["old": 1], ["n": 1], at: 4)]
                        ),
                        sent(
                            "f", from: "new", [Operation(.create, "q", on: .new(1), clock: ["new": 1], ["n": 1], at: 4)]
                        ),
                    ],
                ])
            try expect(answers[1][0].outcomes[0].isReplayed, "the same operation in another batch is a replay")
            try expect(answers[2][0].outcomes[0].isReplayed, "a renumbered operation is a replay")
            try expectEqual(answers[2][0].outcomes[1].result.outcome, .applied, "the operation after it")
            try expect(!answers[3][0].outcomes[0].isReplayed, "somebody else's operation is another one")
            try expect(answers[4][1].outcomes[0].isReplayed, "the second of two in one commit is a replay")
        },
        StorageLaw("a batch that was committed before is answered with what its operations came to") { factory in
            let batch = sent(
                "a", from: "d",
                [
                    Operation(.create, "o", on: record, clock: ["d": 1], ["title": "one"]),
                    Operation(.create, "refused", on: .new(2), clock: ["d": 1, "e": 1], ["title": "two"]),
                ])
            let other = sent("b", from: "d", [Operation(.create, "p", on: .new(3), clock: ["d": 1], ["n": 1])])
            _ = try await compare(factory, [[batch], [batch], [batch, other], [other, batch]])
        },
        StorageLaw("a rejection that is mended under its id, and a dependency that was committed before, are found") {
            factory in
            let wrong = Operation(.create, "o", on: record, clock: ["d": 1, "e": 1], ["title": "one"])
            let right = Operation(.create, "o", on: record, clock: ["d": 1], ["title": "one"])
            let dependent = Operation(
                .create, "p", on: .new(1), clock: ["d": 1], ["title": "two"], dependsOn: ["o", "absent"])
            let allowed = Operation(.create, "p", on: .new(1), clock: ["d": 1], ["title": "two"], dependsOn: ["o"])
            let answers = try await compare(
                factory,
                [
                    [sent("a", from: "d", [wrong])], [sent("b", from: "d", [wrong])], [sent("c", from: "d", [right])],
                    [sent("d", from: "d", [dependent])], [sent("e", from: "d", [allowed])],
                ])
            let outcomes = answers.map { $0[0].outcomes[0].result.outcome }
            try expectEqual(outcomes, [.rejected, .rejected, .applied, .skipped, .applied], "outcomes")
        },
        StorageLaw("a counter that is used again is told from the operation that has it") { factory in
            let creates = (1...3).map { number in
                Operation(
                    number == 1 ? .create : .update, OperationID("o\(number)"), on: record,
                    clock: ["d": Int64(number)], ["n": .integer(Int64(number))])
            }
            let answers = try await compare(
                factory,
                [
                    [sent("a", from: "d", creates)],
                    [sent("b", from: "d", [Operation(.update, "p", on: record, clock: ["d": 2], ["n": 7])])],
                    [sent("c", from: "d", [Operation(.update, "q", on: record, clock: ["d": 2], ["n": 2])])],
                ])
            try expectEqual(answers[1][0].outcomes[0].result.rejections.first?.code, .counterReused, "another content")
            try expectEqual(answers[2][0].outcomes[0].result.outcome, .older, "the same content under another id")
        },
        StorageLaw("ids that are kept under one key are two ids") { factory in
            let key = IndexKey(OperationID("o"))
            let digits = hexadecimal(key.high) + hexadecimal(key.low)
            let parts = [0..<8, 8..<12, 12..<16, 16..<20, 20..<32].map { String(Array(digits)[$0]) }
            let twin = OperationID(ExactString(parts.joined(separator: "-")))
            try expectEqual(IndexKey(twin), key, "key of the other id")
            let operations = [OperationID("o"), twin].enumerated().map { index, id in
                Operation(.create, id, on: .new(index), clock: ["d": 1], ["n": 1])
            }
            for batches in [
                [[sent("a", from: "d", [operations[0]])], [sent("b", from: "d", [operations[1]])]],
                [[sent("a", from: "d", operations)]],
            ] {
                _ = try await compare(factory, batches + batches)
                try await factory.withStore { store in
                    for batch in batches { try await Committer(store, tenant).commit(batch) }
                    for operation in operations {
                        let found = try await store.operations(tenant, id: operation.id)
                        try expectEqual(found.map(\.id), [operation.id], "operations of \(operation.id.name)")
                    }
                }
            }
        },
    ]

    private static func hexadecimal(_ number: UInt64) -> String {
        let digits = String(number, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }

    private static func sent(
        _ key: ExactString, from device: DeviceID, by user: ExactString = "user", _ operations: [Operation]
    ) -> Batch {
        Batch(
            key: key, device: device, user: user, atomicity: .eachOperation,
            receivedAtMilliseconds: 1_700_000_000_000, sentAtMilliseconds: nil, items: operations.map { .operation($0) }
        )
    }

    /// Commits the same to the engine and to the store in memory, and compares answers and contents.
    /// - Returns: for each commit its decisions.
    private static func compare(
        _ factory: StoreFactory, _ commits: [[Batch]]
    ) async throws -> [[BatchDecision]] {
        var answers: [[BatchDecision]] = []
        try await factory.withStore { store in
            let reference = InMemoryStore(identity: store.identity)
            for (index, batches) in commits.enumerated() {
                let found = try await Committer(store, tenant).commit(batches)
                let expected = try await Committer(reference, tenant).commit(batches)
                try expectEqual(found, expected, "answer of commit \(index)")
                answers.append(found.decisions)
            }
            let keys = commits.joined().map { BatchKey(device: $0.device, key: $0.key) }
            try await Contents(of: tenant, in: store, batches: keys)
                .expectEqual(try await Contents(of: tenant, in: reference, batches: keys), "after the commits")
            for key in keys {
                let found = try await store.recall(tenant, key, recordBytes: .max)?.inAnyLife
                try expectEqual(
                    found, try await reference.recall(tenant, key, recordBytes: .max)?.inAnyLife,
                    "recall of \(key.key)")
            }
        }
        return answers
    }
}

extension RecordKey {
    fileprivate static func new(_ number: Int) -> RecordKey { RecordKey("estimates", ExactString("new \(number)")) }
}
