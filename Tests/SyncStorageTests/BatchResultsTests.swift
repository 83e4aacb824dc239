import Causality
import MergeCore
import StrictJSON
import SyncStorage
import SyncWire
import Testing

@Suite("the results of a batch, as its row keeps them")
struct BatchResultsTests {
    private static let key = BatchKey(device: "mac", key: "k")
    private static let record = RecordKey("estimates", "e/1")

    private static func row(_ outcomes: [OperationOutcome]) -> BatchRow {
        var writer = JSONWriter()
        return BatchRow(
            key: key, fingerprint: .zero, outcomes: outcomes, recordedAtMilliseconds: 0,
            using: &writer)
    }

    private static func operation(_ id: OperationID, of device: DeviceID, _ result: OperationResult) -> KnownOperation {
        KnownOperation(
            id: id, device: device, user: "u", record: record, clock: [device: 1],
            fingerprint: .zero, result: result)
    }

    private static let applied = OperationResult(outcome: .applied, relation: .newer, sequence: 7)
    private static let rejected = OperationResult.rejected([
        Rejection(.clockGap, "An earlier event is missing.", at: ["clock", "a/b~c"], expectedCounter: 3),
        Rejection(.valueInvalid, "no", at: ["fields", "caf\u{E9}"]),
    ])

    @Test("come back as they were: those of accepted operations from the operations, the others from the row")
    func roundTrip()
        throws
    {
        let outcomes = [
            OperationOutcome(id: "o1", record: Self.record, result: Self.applied, keptUnder: "mac"),
            OperationOutcome(id: "o2", record: Self.record, result: Self.applied, isReplayed: true, keptUnder: "mac"),
            OperationOutcome(id: "o3", record: Self.record, result: Self.applied, isReplayed: true, keptUnder: "old"),
            OperationOutcome(id: "o4", record: Self.record, result: Self.rejected),
            OperationOutcome(id: "o5", record: Self.record, result: Self.rejected, isReplayed: true),
            OperationOutcome(id: nil, record: nil, result: .rejected([Rejection(.invalidRequest, "An object.")])),
        ]
        let row = Self.row(outcomes)
        let read = try row.readResults().outcomes { Self.operation($0.id, of: $0.device, Self.applied) }
        #expect(read == outcomes)
        #expect(
            try row.readResults().owners == [
                OperationOwner(id: "o1", device: "mac"), OperationOwner(id: "o2", device: "mac"),
                OperationOwner(id: "o3", device: "old"),
            ])
    }

    @Test("of a thousand accepted operations are their ids")
    func thousand() {
        let outcomes = (1...1_000).map {
            OperationOutcome(id: OperationID("o\($0)"), record: Self.record, result: Self.applied, keptUnder: "mac")
        }
        #expect(Self.row(outcomes).results.utf8.count < 10 * 1_000)
    }

    @Test("whose operation is gone are told as damaged")
    func lostOperation() throws {
        let row = Self.row([OperationOutcome(id: "o1", record: Self.record, result: Self.applied, keptUnder: "mac")])
        #expect(throws: StoreError.damaged("a batch's operation is not there")) {
            try row.readResults().outcomes { _ in nil }
        }
    }

    @Test(
        "that cannot be read are told as damaged",
        arguments: [
            "", "{", "[", "[1]", "[null]", "[[\"a\"]]", "[{\"id\":\"a\"}]", "{\"results\":3}", "{\"results\":[{}]}",
        ])
    func unreadable(_ text: String) {
        let row = BatchRow(
            key: Self.key, fingerprint: .zero, results: text, recordedAtMilliseconds: 0)
        #expect {
            try row.readResults()
        } throws: { error in
            if case StoreError.damaged = error { true } else { false }
        }
    }

    /// Schemas 1 to 3 kept the whole answer, with the record in each result.
    @Test("of a row of an earlier schema are those of the answer that it keeps")
    func earlierSchema() throws {
        let answer = #"""
            {"batch":"k","serverTime":"2026-11-20T22:00:00.041Z","cursor":"AV1B","results":[{"id":"o1","outcome":"conflicted",\#
            "relation":"concurrent","sequence":3,"conflicts":[{"id":"17","unit":"total","policy":"lww","status":"automatic",\#
            "winner":"stored"}],"replayed":false,"record":{"collection":"estimates","id":"e/1","sequence":3,"deleted":false,\#
            "clock":{"mac":1},"stamp":"2026-11-20T21:58:12.123Z","fields":{"a":1},"openConflicts":0}},{"id":"o4",\#
            "outcome":"rejected","error":{"type":"urn:rejoin:problem:clock_gap","title":"t","status":422,"detail":\#
            "An earlier event is missing.","code":"clock_gap","retryable":false,"expectedCounter":3,"errors":[{"index":1,\#
            "code":"clock_gap","detail":"An earlier event is missing.","pointer":"/operations/1/clock/a~1b~0c",\#
            "expectedCounter":3},{"index":1,"code":"value_invalid","detail":"no","pointer":"/operations/1/fields/café"}]},\#
            "replayed":false}]}
            """#
        let row = BatchRow(
            key: Self.key, fingerprint: .zero, results: answer, recordedAtMilliseconds: 0)
        let outcomes = try row.readResults().outcomes { _ in nil }
        let summary = ConflictSummary(
            id: ConflictID(position: 17), unit: "total", policy: "lww", status: .automatic, winner: .stored)
        #expect(
            outcomes == [
                OperationOutcome(
                    id: "o1", record: Self.record,
                    result: OperationResult(
                        outcome: .conflicted, relation: .concurrent, conflicts: [summary], sequence: 3)),
                OperationOutcome(id: "o4", record: nil, result: Self.rejected),
            ])
    }
}
