import SyncEngine
import Testing

@Suite("the budget of bytes in memory")
struct MemoryBudgetTests {
    @Test("a tenant has its share beside others, and the whole while it holds nothing")
    func shares() {
        let budget = MemoryBudget(capacityBytes: 100, shareBytes: 25)
        #expect(budget.take(20, for: "acme"))
        #expect(!budget.take(6, for: "acme"), "beyond its share")
        #expect(budget.take(5, for: "acme"))
        #expect(budget.take(75, for: "globex"), "the first of a tenant may be larger than a share")
        #expect(!budget.take(1, for: "third"), "there is nothing left")
        #expect(!budget.take(1, for: nil))
        #expect([budget.figures.heldBytes, budget.figures.peakBytes, Int(budget.figures.refusals)] == [100, 100, 3])
    }

    @Test("what is given back is there again, and the peak is remembered")
    func givenBack() {
        let budget = MemoryBudget(capacityBytes: 100, shareBytes: 25)
        #expect(budget.take(90, for: nil))
        budget.giveBack(90, of: nil)
        #expect(budget.take(100, for: "acme"))
        budget.giveBack(100, of: "acme")
        #expect([budget.figures.heldBytes, budget.figures.peakBytes, Int(budget.figures.refusals)] == [0, 100, 0])
    }
}
