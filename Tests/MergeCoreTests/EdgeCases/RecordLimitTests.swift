import Causality
import MergeCore
import Testing
import Values

private let rules = CollectionRules(
    fields: [
        "a": FieldRule(), "b": FieldRule(), "note": FieldRule(merge: .manual),
        "tags": FieldRule(type: .set, merge: .set),
        "count": FieldRule(type: .integer, merge: .counter), "high": FieldRule(type: .string, merge: .max),
    ])

private func text(_ length: Int, _ letter: String = "x") -> Value {
    .string(String(repeating: letter, count: length))
}

/// Sends operation after operation of one device that has seen everything.
private struct Writer {
    var tenant = Tenant(rules: rules)
    private var sent = 0

    init(recordBytes: Int = 4_000, fieldsPerRecord: Int = 1_000) {
        tenant.limits.recordBytes = recordBytes
        tenant.limits.fieldsPerRecord = fieldsPerRecord
    }

    @discardableResult
    mutating func send(
        _ members: (ExactString, Value)..., as kind: OperationKind = .update, from device: DeviceID = "d"
    ) -> OperationOutcome {
        sent += 1
        let clock = tenant.state.clock.setting(device, to: tenant.state.clock[device] + 1)
        let isFirst = tenant.state.isUnknown
        return tenant.send(
            operation(
                OperationID("o\(sent)"), isFirst ? .create : kind, clock,
                ObjectValue(members.map { .init(name: $0.0, value: $0.1) })), from: device)
    }
}

@Suite("a record has a largest size")
struct RecordLimitTests {
    @Test("what would take a record over its bytes is rejected for good, with the field that grows most and what to do")
    func bytes() {
        var writer = Writer()
        #expect(writer.send(("a", text(1_000))).outcome == .applied)
        let before = writer.tenant.state
        let refused = writer.send(("a", text(1_200)), ("b", text(3_000)))
        #expect(refused.codes == [.recordFull])
        #expect(refused.result.rejections[0].path == ["fields", "b"])
        #expect(refused.result.rejections[0].detail.contains("at most 4000"))
        #expect(!Rejection.Code.recordFull.isRetryable)
        #expect(writer.tenant.state == before)
        // The same clock, with less in it.
        #expect(writer.send(("a", text(1_200)), ("b", text(1_000))).outcome == .applied)
    }

    @Test("the bytes are those of JSON: escapes count")
    func escapes() {
        var writer = Writer()
        #expect(writer.send(("a", text(1_000, "\u{1}"))).codes == [.recordFull])
        #expect(writer.send(("a", text(1_000, "\"")), ("b", 1)).outcome == .applied)
    }

    @Test("every kind of unit fills a record: texts, values beside one another, elements, extremes, new counters")
    func kinds() {
        for member in [
            ("a", text(5_000)), ("tags", ["$add": .array((0..<400).map { .string("e\($0)") })]), ("high", text(5_000)),
        ] as [(ExactString, Value)] {
            var writer = Writer()
            writer.send(("b", 1))
            #expect(writer.send(member).codes == [.recordFull], "\(member.0)")
        }
        var writer = Writer()
        writer.send(("a", text(3_700)))
        writer.tenant.limits.recordBytes = writer.tenant.state.weight
        #expect(writer.send(("count", ["$increment": 1])).codes == [.recordFull])
        // Concurrent values stand beside one another, and each takes its room.
        var crowd = Writer(recordBytes: 4_000)
        crowd.send(("note", text(1_000, "0")))
        for index in 1...2 {
            let device = DeviceID("c\(index)")
            crowd.tenant.send(
                operation(
                    OperationID("c\(index)"), .create, VersionVector([.init(device: device, counter: 1)]),
                    fields(("note", text(1_000, "\(index)")))), from: device)
        }
        let last = crowd.tenant.send(
            operation("c3", .create, ["c3": 1], fields(("note", text(1_000, "3")))), from: "c3")
        #expect(last.codes == [.recordFull])
    }

    @Test("one operation refuses an atomic batch, and by itself is rejected in another")
    func batches() {
        for atomicity in [Batch.Atomicity.allOrNothing, .eachOperation] {
            var tenant = Tenant(rules: rules)
            tenant.limits.recordBytes = 2_000
            let decision = tenant.commit(
                Batch(
                    "d",
                    [
                        operation("o", .create, ["d": 1], fields(("a", 1)), record: notes("small")),
                        operation("p", .create, ["d": 1], fields(("a", text(3_000))), record: notes("large")),
                    ], atomicity: atomicity))
            #expect(decision.isRefused == (atomicity == .allOrNothing))
            #expect(decision.outcomes[1].codes == [.recordFull])
            #expect(tenant.stored.records.keys.map(\.id) == (atomicity == .allOrNothing ? [] : ["small"]))
        }
    }

    @Test("a record has so many fields at most, whether they come in one operation or one by one")
    func manyFields() {
        var tenant = Tenant()
        tenant.limits.fieldsPerRecord = 3
        tenant.send(operation("o", .create, ["d": 1], fields(("a", 1), ("b", 1))), from: "d")
        #expect(
            tenant.send(operation("p", .update, ["d": 2], fields(("c", 1), ("e", 1))), from: "d").codes == [.recordFull]
        )
        tenant.send(operation("q", .update, ["d": 2], fields(("c", 1))), from: "d")
        let refused = tenant.send(operation("r", .update, ["d": 3], fields(("f", 1), ("a", 2))), from: "d")
        #expect(refused.codes == [.recordFull])
        #expect(refused.result.rejections[0].path == ["fields", "f"])
        #expect(
            tenant.send(operation("s", .update, ["d": 3], fields(("a", 2), ("b", 3))), from: "d").outcome == .applied)

        var whole = Tenant(rules: CollectionRules(recordMerge: .lww))
        whole.limits.fieldsPerRecord = 2
        #expect(
            whole.send(operation("o", .create, ["d": 1], fields(("a", 1), ("b", 1), ("c", 1))), from: "d").codes
                == [.recordFull])
        #expect(
            whole.send(operation("p", .create, ["d": 1], fields(("a", 1), ("b", 1))), from: "d").outcome == .applied)
    }

    @Test(
        "a record that is over its limit can be made smaller, counted on, deleted, restored and decided on; it cannot grow"
    )
    func overTheLimit() throws {
        var writer = Writer(recordBytes: 1 << 20)
        let elements = (0..<100).map { Value.string("element \($0)") }
        writer.send(
            ("a", text(5_000)), ("b", text(2_000)), ("tags", ["$add": .array(elements)]),
            ("count", ["$increment": 1]), ("note", text(300, "0")))
        let other = writer.tenant.send(
            operation("x", .create, ["x": 1], fields(("note", text(200, "1")))), from: "x")
        #expect(other.outcome == .conflicted)
        writer.tenant.limits.recordBytes = 1_000
        writer.tenant.limits.fieldsPerRecord = 2

        #expect(writer.send(("a", text(5_001))).codes == [.recordFull])
        #expect(writer.send(("high", "z")).codes == [.recordFull])
        #expect(writer.send(("tags", ["$add": ["one more"]])).codes == [.recordFull])
        #expect(writer.send(("a", text(5_000, "y"))).outcome == .applied)
        #expect(writer.send(("a", text(4_000)), ("b", text(2_500))).outcome == .applied)
        #expect(writer.send(("tags", ["$remove": ["element 1"]])).outcome == .applied)
        #expect(writer.send(("tags", ["$add": ["element 2"]])).outcome == .applied)
        #expect(writer.send(("count", ["$increment": 7]), from: "a device that never wrote").outcome == .applied)
        #expect(writer.send(as: .delete).outcome == .applied)
        #expect(writer.send(("a", text(3_000)), as: .restore).outcome == .applied)

        let conflict = try #require(writer.tenant.recorded(writer.tenant.audit.first?.conflict))
        let reviewer = Reviewer(user: "rita", nowMilliseconds: 1)
        var larger = writer.tenant
        let grown = larger.decide(
            Decision(version: conflict.version, choice: .value(text(2_000))), on: conflict, by: reviewer)
        guard case .refused(let rejections) = grown else {
            Issue.record("a decision made the record larger: \(grown)")
            return
        }
        #expect(rejections.map(\.code) == [.recordFull])
        let decided = writer.tenant.decide(
            Decision(version: conflict.version, choice: .side(1)), on: conflict, by: reviewer)
        guard case .decided = decided else {
            Issue.record("the decision was not carried out: \(decided)")
            return
        }
        #expect(writer.tenant.record?.openConflicts == [:])
    }

    @Test("deletes and what devices did without fields are never refused for a record's size")
    func deletes() {
        var writer = Writer(recordBytes: 300)
        writer.send(("a", 1))
        for index in 0..<20 {
            let name = DeviceID("a device with a name that is not short at all, number \(index)")
            #expect(writer.send(from: name).outcome == .applied)
        }
        #expect(writer.tenant.state.weight > 300)
        #expect(writer.send(as: .delete).outcome == .applied)
    }

    @Test("what counters remember of devices has a bound too, of its own")
    func counters() {
        var writer = Writer(recordBytes: 480)
        var codes: [[Rejection.Code]] = []
        for index in 0..<12 {
            codes.append(writer.send(("count", ["$increment": 1]), from: DeviceID("d\(index)")).codes)
        }
        #expect(codes.firstIndex(of: [.recordFull]) == 10)
        #expect(codes[..<10].allSatisfy(\.isEmpty) && codes[10...].allSatisfy { $0 == [.recordFull] })
        // A device that counts there already goes on.
        #expect(writer.send(("count", ["$increment": 1]), from: "d3").outcome == .applied)
    }
}
