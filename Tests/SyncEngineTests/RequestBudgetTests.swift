import Causality
import SyncStorage
import Testing

@testable import SyncEngine

@Suite("the accounts of a budget")
struct RequestBudgetTests {
    @Test("a debt is remembered until it is paid, whoever else comes")
    func debts() {
        let budget = RequestBudget(requestsPerSecond: 100, bytesPerSecond: 10, accounts: 1_000)
        budget.spend(bytes: 1_000, of: "acme", .device("mac"), atMilliseconds: 0)
        for second in stride(from: Int64(0), through: 88, by: 1) {
            for number in 0..<3 {
                _ = budget.take("acme", .user(ExactString("u\(second)-\(number)")), atMilliseconds: second * 1_000)
            }
        }
        let lack = budget.take("acme", .device("mac"), atMilliseconds: 89_000)
        #expect(lack?.what == .bytes)
        #expect(lack?.seconds == 2)
        #expect(budget.take("acme", .device("mac"), atMilliseconds: 91_000) == nil)
        for second in stride(from: Int64(92), through: 140, by: 1) {
            _ = budget.take("acme", .user("other"), atMilliseconds: second * 1_000)
        }
        #expect(budget.count <= 2, "who owes nothing is forgotten")
    }

    @Test("however many ask, the memory for their budgets is bounded, and who asks on has one")
    func bounded() {
        let budget = RequestBudget(requestsPerSecond: 1, bytesPerSecond: 1, accounts: 1_000)
        var now: Int64 = 0
        for number in 0..<50_000 {
            now += 1
            _ = budget.take(TenantID("t\(number % 7)"), .user(ExactString("u\(number)")), atMilliseconds: now)
            // Somebody who asks all the time does not win a new budget by the crowd.
            if number % 100 == 0 { _ = budget.take("acme", .device("mac"), atMilliseconds: now) }
            #expect(budget.count <= 1_001)
        }
        #expect(budget.take("acme", .device("mac"), atMilliseconds: now) != nil)
        // After ten seconds all buckets are full, and nothing is kept of who does not come back.
        for number in 0..<3 {
            now += 10_000
            #expect(budget.take("acme", .user(ExactString("\(number)")), atMilliseconds: now) == nil)
        }
        #expect(budget.count <= 2)
    }
}
