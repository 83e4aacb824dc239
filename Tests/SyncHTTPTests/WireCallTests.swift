import Causality
import EngineHarness
import MergeCore
import SyncWire
import Testing
import Values

/// A client that speaks through `WireCall` alone, against a whole server.
@Suite("the calls of a client")
struct WireCallTests {
    /// Names that mean something in a path, in a query and in JSON.
    private static let odd = ExactString(#"a/b ü?&=#%25+"\;..😀"#)

    /// Sends a call, and reads its answer.
    private func ask<Answer>(_ call: WireCall<Answer>, as person: TestPerson) async throws -> Answer {
        let answer = try await person.server.send(
            try #require(.init(call.method.rawValue)), call.path, token: person.token,
            headers: call.headers.map { ($0.name, $0.value) }, body: call.body)
        return try call.answer(
            status: answer.status, body: answer.body,
            retryAfterSeconds: answer.header("Retry-After").flatMap { Int($0) })
    }

    private func write(
        _ kind: OperationKind, _ id: String, _ clock: VersionVector, _ value: Value
    ) -> MergeCore.Operation {
        Operation(
            id: OperationID(ExactString(id + Self.odd.text)), kind: kind,
            record: RecordKey(collection: "estimates", id: Self.odd), clock: clock,
            claimedMilliseconds: TestClock.start,
            fields: ObjectValue([.init(name: "status", value: value)]))
    }

    @Test("each is answered with what it is for, whatever the names", arguments: Engine.allCases)
    func everyCall(engine: Engine) async throws {
        try await TestServer.run(engine) { server in
            let mac = TestPerson(server: server, token: try await server.device("mac").token)
            let ipad = TestPerson(server: server, token: try await server.device("ipad").token)
            let reviewer = try await server.reviewer()
            let admin = try await server.admin()
            let record = RecordKey(collection: "estimates", id: Self.odd)

            // Who is asked, and by what rules.
            let session = try await ask(.session, as: mac)
            #expect(session.device == "mac" && session.limit("operationsPerBatch") == 1_000)
            #expect(try await ask(.collections, as: mac) == .test)
            #expect(try await ask(.register("mac"), as: mac).device == "mac")

            // A batch, its dry run, its retry, and what is stored of it.
            let create = BatchRequest(
                device: "mac", sentAtMilliseconds: TestClock.start,
                operations: [write(.create, "1", ["mac": 1], "first")])
            let imagined = try await ask(.batch(create.encoded(), key: #"k"\1"#, isDryRun: true), as: mac)
            #expect(imagined.kind == .dryRun)
            let made = try await ask(.batch(create.encoded(), key: #"k"\1"#), as: mac)
            #expect(made.kind == .committed && made.outcomes.map(\.result.outcome) == [.applied])
            #expect(made.records?.records.map(\.key) == [record])
            let again = try await ask(.batch(create.encoded(), key: #"k"\1"#, returning: .minimal), as: mac)
            #expect(again.isReplayed && again.records == nil)
            #expect(again.outcomes.map(\.result) == made.outcomes.map(\.result))
            #expect(try await ask(.storedBatch(key: #"k"\1"#), as: mac).outcomes == again.outcomes)
            #expect(try await ask(.operation(OperationID(ExactString("1" + Self.odd.text))), as: mac).device == "mac")

            // A conflict, the feed, the record and its history.
            let edits: [(TestPerson, String, VersionVector)] = [
                (mac, "2", ["mac": 2]), (ipad, "3", ["mac": 1, "ipad": 1]),
            ]
            for (device, id, clock) in edits {
                let request = BatchRequest(
                    sentAtMilliseconds: TestClock.start, operations: [write(.update, id, clock, .string(id))])
                _ = try await ask(.batch(request.encoded(), key: ExactString(id)), as: device)
            }
            let page = try await ask(
                .changes(since: nil, limit: 10, collections: ["estimates"], waitSeconds: 0), as: ipad)
            #expect(page.records.map(\.key) == [record] && !page.end.hasMore)
            #expect(try page.records[0].versionVector() == ["mac": 2, "ipad": 1])
            let lines = try await ask(.catchUp(since: nil, collections: ["estimates"]), as: ipad)
            #expect(lines.first == .record(page.records[0]) && lines.count == 2)
            #expect(try await ask(.changes(since: page.end.cursor), as: ipad).records.isEmpty)
            let some = FeedRequest(
                limit: 10, collections: ["estimates"], only: ["estimates": [Self.odd]], waitSeconds: 0)
            #expect(try await ask(.changes(some), as: ipad).records == page.records)
            let other = FeedRequest(only: ["estimates": ["other"]])
            #expect(try await ask(.changes(other), as: ipad).records.isEmpty)
            let named = RecordsRequest(
                since: ExactString(page.end.cursor), keys: [record, RecordKey(collection: "estimates", id: "other")])
            #expect(try await ask(.records(named), as: ipad).records == page.records)
            let whole = try await ask(.record(record), as: ipad)
            #expect(whole.record == page.records[0])
            #expect(whole.dots.map(\.unit).contains("status"))
            let history = try await ask(.history(record, limit: 2), as: ipad)
            #expect(history.entries.count == 2)
            let rest = try await ask(.history(record, limit: 10, page: try #require(history.next)), as: ipad)
            #expect(rest.entries.count == 2 && rest.next == nil)

            // What reviewers do.
            let listed = try await ask(
                .conflicts(where: [("record", Self.odd.text), ("status", "open")]), as: reviewer)
            let conflict = try #require(listed.conflicts.first)
            #expect(try await ask(.conflict(conflict.id), as: reviewer) == conflict)
            #expect(try await ask(.conflictCounts, as: reviewer).byStatus.map(\.count) == [1])
            let commented = try await ask(.comment(Self.odd, on: conflict.id), as: reviewer)
            #expect(commented.comments.map(\.text) == [Self.odd])
            #expect(try await ask(.assign(conflict.id, to: Self.odd), as: reviewer).assignee == Self.odd.text)
            let preview = try await ask(
                .resolveMany(DecisionRequest(.loser), where: [("record", Self.odd.text)], isPreview: true), as: reviewer
            )
            #expect(preview.isPreview && preview.decidedCount == 1)
            let version = try await ask(.conflict(conflict.id), as: reviewer).version
            let decided = try await ask(
                .resolve(conflict.id, DecisionRequest(.side(0), version: version, note: Self.odd)), as: reviewer)
            #expect(decided.resolution?.note == Self.odd && decided.record?.key == record)
            // What is refused is told as the problem that it is.
            await #expect {
                try await ask(.resolve(conflict.id, DecisionRequest(.side(1), version: version)), as: reviewer)
            } throws: { error in
                guard case WireCallError.refused(let problem)? = error as? WireCallError else { return false }
                return problem.code == .alreadyResolved && problem.conflict != nil
            }
            #expect(try await ask(.rejectedOperations(limit: 5), as: reviewer).operations.isEmpty)

            // Devices, and their end.
            #expect(try await ask(.devices, as: admin).devices.map(\.device.name).contains("mac"))
            try await ask(.retire("mac"), as: admin)
            await #expect {
                try await ask(.session, as: mac)
            } throws: { error in
                guard case WireCallError.refused(let problem)? = error as? WireCallError else { return false }
                return problem.code == .deviceRetired
            }
        }
    }

    @Test("what is no answer of this protocol is told so, with its status")
    func unreadable() throws {
        let call = WireCall<SessionAnswer>.session
        for (status, body) in [(200, "<html>"), (502, "Bad Gateway"), (200, "{}"), (503, "[]")] {
            #expect {
                try call.answer(status: status, body: Array(body.utf8))
            } throws: { error in
                guard case WireCallError.unreadable(let told, _)? = error as? WireCallError else { return false }
                return told == status
            }
        }
    }
}
