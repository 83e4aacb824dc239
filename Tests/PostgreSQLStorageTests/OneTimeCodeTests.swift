import Causality
import SyncStorage
import Testing

@testable import PostgreSQLStorage

@Suite("a one-time code in PostgreSQL")
struct OneTimeCodeTests {
    @Test("is spent once, whichever of two servers on one database is asked")
    func spentOnce() async throws {
        try await TestDatabase.with { test in
            let stores = [try await test.open(), try await test.open()]
            for number in 1...20 {
                let code = try #require(OneTimeCode(id: ExactString("\(number)"), expiresAtMilliseconds: 2))
                let answers = try await withThrowingTaskGroup(of: Bool.self) { group in
                    for store in stores {
                        for _ in 0..<3 { group.addTask { try await store.spend("acme", code, nowMilliseconds: 1) } }
                    }
                    return try await group.reduce(into: []) { $0.append($1) }
                }
                #expect(answers.filter { $0 }.count == 1)
            }
            for store in stores { await store.close() }
        }
    }
}
