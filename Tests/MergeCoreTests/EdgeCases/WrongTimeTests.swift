import Causality
import MergeCore
import Testing

private let year: Int64 = 31_536_000_000

@Suite("edge 17: wrong device clocks")
struct WrongTimeTests {
    @Test(
        "edge 17: with `sentAt` known, the edit that is later in true time shows, however wrong the clocks",
        arguments: [-year, -3_000, -1_000, 0, 1_000, 3_000, year], [-year, 0, year])
    func correctedBySentAt(errorOfFirst: Int64, errorOfSecond: Int64) {
        // True times of the edits: 20 s and 10 s before they are sent.
        for secondFirst in [false, true] {
            var tenant = Tenant()
            let commits: [(inout Tenant) -> Void] = [
                { tenant in
                    let write = operation(
                        "o", .create, ["a": 1], fields(("t", "early")), at: Batch.receivedAt - 20_000 + errorOfFirst)
                    tenant.commit(Batch("a", [write], sentAt: Batch.receivedAt + errorOfFirst))
                },
                { tenant in
                    let write = operation(
                        "p", .create, ["b": 1], fields(("t", "late")), at: Batch.receivedAt - 10_000 + errorOfSecond)
                    tenant.commit(Batch("b", [write], sentAt: Batch.receivedAt + errorOfSecond))
                },
            ]
            for commit in secondFirst ? commits.reversed() : commits { commit(&tenant) }
            #expect(tenant.fields == fields(("t", "late")))
        }
    }

    @Test("edge 17: nothing comes from the future, and what the device claimed is kept for the audit")
    func clamped() {
        var tenant = Tenant()
        tenant.send(operation("o", .create, ["a": 1], fields(("t", "x")), at: Batch.receivedAt + year), from: "a")
        tenant.send(operation("p", .create, ["b": 1], fields(("t", "y")), at: 1), from: "b")
        #expect(tenant.state.latestMilliseconds == Batch.receivedAt)
        let stored = tenant.openings[0].sides[0]
        #expect(stored.event.stamp.milliseconds == Batch.receivedAt)
        #expect(stored.event.provenance.claimedMilliseconds == Batch.receivedAt + year)
    }

    @Test("edge 17: a stamp far in the past is no reason to refuse")
    func farPast() {
        var tenant = Tenant()
        let outcome = tenant.send(operation("o", .create, ["a": 1], fields(("t", "x")), at: -50 * year), from: "a")
        #expect(outcome.outcome == .applied)
        #expect(tenant.fields == fields(("t", "x")))
    }

    @Test(
        "edge 17: a value that a later edit has seen never comes back, whatever the clocks say",
        arguments: [-year, 0, year])
    func seenValuesStayGone(shift: Int64) {
        var tenant = Tenant()
        tenant.send(operation("o", .create, ["a": 1], fields(("t", "old")), at: 1_000_000), from: "a")
        let later = tenant.send(
            operation("p", .update, ["a": 1, "b": 1], fields(("t", "new")), at: 1_000_000 + shift), from: "b")
        #expect(later.outcome == .applied)
        #expect(tenant.fields == fields(("t", "new")))
        // A third that has seen neither meets the new value alone.
        tenant.send(operation("q", .create, ["c": 1], fields(("t", "third")), at: -9 * year), from: "c")
        #expect(tenant.fields == fields(("t", "new")))
        #expect(tenant.openings.map { Set($0.sides.map(\.value)) } == [["new", "third"]])
    }

    @Test("edge 17: set back between two edits of one device, the second still replaces the first")
    func setBack() {
        var tenant = Tenant()
        tenant.send(operation("o", .create, ["a": 1], fields(("t", "first")), at: 5_000_000), from: "a")
        tenant.send(operation("p", .update, ["a": 2], fields(("t", "second")), at: 1_000), from: "a")
        #expect(tenant.fields == fields(("t", "second")))
        #expect(tenant.openings.isEmpty)
    }

    @Test("a difference up to two seconds is taken for the network's delay, more is taken out")
    func tolerance() {
        let received: Int64 = 100_000
        for (sent, claimed, expected) in [
            (received - 2_000, 50_000, 50_000), (received + 2_000, 50_000, 50_000),
            (received - 2_001, 50_000, 52_001), (received + 2_001, 50_000, 47_999),
            (received - 60_000, 39_000, 99_000), (received - 60_000, 41_000, received),
        ] as [(Int64, Int64, Int64)] {
            let correction = StampCorrection(receivedAtMilliseconds: received, sentAtMilliseconds: sent)
            #expect(correction.corrected(claimed) == expected, "sent \(sent), claimed \(claimed)")
        }
        let hybrid = StampCorrection(receivedAtMilliseconds: received, sentAtMilliseconds: nil)
        #expect(hybrid.corrected(7) == 7)
        #expect(hybrid.corrected(received + 1) == received)
        #expect(hybrid.corrected(nil) == received)
    }
}
