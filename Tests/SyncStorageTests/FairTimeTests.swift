import SeededRandom
import SyncStorage
import Testing

/// One worker, and who waits for it. A piece is the name of its tenant and for how long it takes.
private struct Worker {
    var queue = FairTime<(tenant: String, time: Duration)>()

    mutating func add(_ tenant: String, _ milliseconds: Int) {
        queue.add((tenant, .milliseconds(milliseconds)), of: TenantID(tenant))
    }

    /// Does the next piece, and says whose it was.
    mutating func work() -> String? {
        guard let piece = queue.take() else { return nil }
        queue.finish(after: piece.time)
        return piece.tenant
    }
}

@Suite("a worker's time")
struct FairTimeTests {
    @Test("is waited for by somebody new for one piece and no more, whoever else waits")
    func newcomer() {
        var worker = Worker()
        for tenant in ["a", "b", "c"] { for _ in 0..<5 { worker.add(tenant, 100) } }
        for _ in 0..<3 { _ = worker.work() }
        worker.add("small", 1)
        #expect(worker.work() == "small")
    }

    @Test("goes to the server's own work first, and to one piece at a time")
    func onePiece() {
        var queue = FairTime<String>()
        queue.add("tenant's", of: "t")
        queue.add("own", of: nil)
        #expect(queue.take() == "own")
        #expect(queue.take() == nil)
        queue.finish(after: .seconds(1))
        #expect(queue.take() == "tenant's")
    }

    @Test("keeps each tenant's own order")
    func order() {
        var queue = FairTime<Int>()
        for number in 0..<20 { queue.add(number, of: TenantID("t\(number % 2)")) }
        var seen: [Int: [Int]] = [:]
        while let number = queue.take() {
            seen[number % 2, default: []].append(number)
            queue.finish(after: .milliseconds(number))
        }
        #expect(seen[0] == Array(stride(from: 0, to: 20, by: 2)))
        #expect(seen[1] == Array(stride(from: 1, to: 20, by: 2)))
    }

    @Test("is shared evenly among those who always wait, however long their pieces are", arguments: UInt64(1)...40)
    func evenShares(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        var worker = Worker()
        let lengths = (0..<Int.random(in: 2...5, using: &random)).map { number in
            ("t\(number)", Int.random(in: 1...200, using: &random))
        }
        var had: [String: Int] = [:]
        for (tenant, time) in lengths { worker.add(tenant, time) }
        for _ in 0..<4_000 {
            guard let tenant = worker.work(), let time = lengths.first(where: { $0.0 == tenant })?.1 else { break }
            had[tenant, default: 0] += time
            worker.add(tenant, time)
        }
        let least = lengths.map { had[$0.0] ?? 0 }.min() ?? 0
        let most = lengths.map { had[$0.0] ?? 0 }.max() ?? 0
        #expect(least * 100 >= most * 75, "seed \(seed): \(had) of pieces \(lengths)")
    }

    @Test("is not kept from somebody with a debt by ever new tenants, and the debts do not pile up")
    func debts() {
        var worker = Worker()
        worker.add("heavy", 100)
        worker.add("new0", 5)
        var waited = 0
        #expect(worker.work() == "heavy")
        worker.add("heavy", 100)
        while worker.work() != "heavy", waited < 1_000 {
            waited += 1
            worker.add("new\(waited)", 5)
        }
        // Its debt of 100 ms is paid while others are served, here in pieces of 5 ms.
        #expect((5...330).contains(waited))
        #expect(worker.queue.tenantsAhead <= 20)
    }

    @Test("is owed by nobody once nobody waits")
    func owed() {
        var worker = Worker()
        worker.add("a", 1_000)
        _ = worker.work()
        #expect(worker.queue.tenantsAhead == 0)
        #expect(worker.work() == nil)
        worker.add("a", 1)
        worker.add("b", 1)
        #expect(worker.work() == "a")
    }
}
