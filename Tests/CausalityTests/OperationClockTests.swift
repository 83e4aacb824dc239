import Causality
import Testing

@Suite("an operation's clock is its event and what its author had seen")
struct OperationClockTests {
    @Test("taking a clock apart and putting it together gives the clock again")
    func roundTrip() throws {
        for own in Int64(1)...3 {
            for other in Int64(0)...2 {
                let clock: VersionVector = ["a": own, "b": other]
                let taken = try #require(OperationClock(clock, authoredBy: "a"))
                #expect(taken.dot == Dot(device: "a", counter: own))
                #expect(taken.context == ["a": own - 1, "b": other])
                #expect(taken.whole == clock)
                #expect(!taken.context.contains(taken.dot))
            }
        }
    }

    @Test("edge 15: a clock without an entry of its author names no event")
    func withoutAuthor() {
        #expect(OperationClock(["b": 4], authoredBy: "a") == nil)
        #expect(OperationClock([:], authoredBy: "a") == nil)
    }

    @Test("a first event by itself has an empty context")
    func firstEvent() throws {
        let taken = try #require(OperationClock(["a": 1], authoredBy: "a"))
        #expect(taken.context.isEmpty)
    }
}
