import SyncStorage
import Testing

/// Takes work until none may begin, and returns whose it was.
private func takeAll(_ queue: inout FairQueue<String>) -> (work: [String], turns: [WorkTurn]) {
    var work: [String] = []
    var turns: [WorkTurn] = []
    while let (element, turn) = queue.take() {
        work.append(element)
        turns.append(turn)
    }
    return (work, turns)
}

@Suite("work of many tenants")
struct FairQueueTests {
    @Test("goes by turns, whoever has more")
    func turns() {
        var queue = FairQueue<String>(workers: 100)
        for number in 1...5 { queue.add("a\(number)", of: "a", for: .reading) }
        for tenant in ["b", "c"] {
            for number in 1...2 { queue.add("\(tenant)\(number)", of: TenantID(tenant), for: .reading) }
        }
        #expect(takeAll(&queue).work == ["a1", "b1", "c1", "a2", "b2", "c2", "a3", "a4", "a5"])
        #expect(queue.count == 0)
    }

    @Test("is that of the tenant with the fewest under way")
    func fewestUnderWay() {
        var queue = FairQueue<String>(workers: 8)
        for number in 1...20 { queue.add("a\(number)", of: "a", for: .reading) }
        #expect(takeAll(&queue).work.count == 4, "six may read, and of those two are for others")
        queue.add("b1", of: "b", for: .writing)
        queue.add("b2", of: "b", for: .writing)
        #expect(takeAll(&queue).work == ["b1", "b2"])
    }

    @Test("of two workers leaves one for the others, whatever a tenant does with its own", arguments: WorkUse.allCases)
    func twoWorkers(use: WorkUse) {
        var queue = FairQueue<String>(workers: 2)
        for _ in 0..<100 { queue.add("greedy", of: "greedy", for: use) }
        #expect(takeAll(&queue).work == ["greedy"])
        var order: [String] = []
        for name in ["read", "write"] {
            for number in 0..<3 {
                queue.add(name, of: TenantID("t\(number)"), for: name == "read" ? .reading : .writing)
            }
        }
        while let (element, turn) = queue.take() {
            order.append(element)
            queue.finish(turn)
        }
        #expect(order.count == 6 && !order.contains("greedy"))
        #expect(zip(order, order.dropFirst()).allSatisfy { $0 != $1 }, "reads and writes take turns: \(order)")
    }

    @Test("never has all workers with one tenant or for one use", arguments: 3...40)
    func neverAll(workers: Int) {
        var queue = FairQueue<String>(workers: workers)
        let (tenantShare, share) = FairQueue<String>.shares(of: workers)
        #expect((1..<workers).contains(share))
        #expect(tenantShare < share)
        for number in 0..<200 { queue.add("r", of: TenantID("t\(number)"), for: .reading) }
        let (reads, turns) = takeAll(&queue)
        #expect(reads.count == share)
        #expect(!queue.hasWork)
        for number in 0..<200 { queue.add("w", of: TenantID("t\(number)"), for: .writing) }
        let writes = takeAll(&queue)
        #expect(writes.work.count == share, "reads do not stand in the way of writes")
        for turn in turns { queue.finish(turn) }
        #expect(takeAll(&queue).work == Array(repeating: "r", count: share))
    }

    @Test("of the server itself goes at once, and one worker is enough for everything")
    func serverItself() {
        var queue = FairQueue<String>(workers: 1)
        queue.add("read", of: "a", for: .reading)
        queue.add("write", of: "a", for: .writing)
        queue.add("ping", of: nil, for: .reading)
        var order: [String] = []
        while let (element, turn) = queue.take() {
            order.append(element)
            queue.finish(turn)
        }
        #expect(order == ["ping", "read", "write"])
    }

    @Test("for one use alone has all workers")
    func oneUseAlone() {
        var queue = FairQueue<String>(workers: 4, for: [.reading])
        for number in 0..<9 { queue.add("r", of: TenantID("t\(number % 3)"), for: .reading) }
        #expect(takeAll(&queue).work.count == 4)
    }

    @Test("is taken back where nobody waits for it any more, and nothing else with it")
    func takenBack() {
        var queue = FairQueue<String>(workers: 100)
        for element in ["a1", "a2", "a3"] { queue.add(element, of: "a", for: .reading) }
        queue.add("b1", of: "b", for: .reading)
        queue.add("a4", of: "a", for: .writing)
        queue.add("ping", of: nil, for: .reading)
        #expect(queue.remove(of: "a", for: .reading) { $0 == "a2" })
        #expect(queue.remove(of: "b", for: .reading) { $0 == "b1" })
        #expect(queue.remove(of: nil, for: .reading) { $0 == "ping" })
        // The first is of another use, the second of nobody, and the third was taken back before.
        #expect(!queue.remove(of: "a", for: .reading) { $0 == "a4" })
        #expect(!queue.remove(of: "c", for: .reading) { _ in true })
        #expect(!queue.remove(of: "b", for: .reading) { $0 == "b1" })
        #expect(queue.count == 3)
        #expect(Set(takeAll(&queue).work) == ["a1", "a3", "a4"])
        #expect(queue.count == 0)
    }

    @Test("is done in any order of beginnings and ends, all of it, once")
    func anyOrder() {
        var random = SystemRandomNumberGenerator()
        for _ in 0..<200 {
            let workers = Int.random(in: 1...9, using: &random)
            var queue = FairQueue<String>(workers: workers)
            var waiting = 0
            var running: [WorkTurn] = []
            var done: [String] = []
            for number in 0..<300 {
                let tenant = TenantID("t\(Int.random(in: 0..<5, using: &random))")
                queue.add("\(number)", of: tenant, for: Bool.random() ? .reading : .writing)
                waiting += 1
                while running.count < workers, let (element, turn) = queue.take() {
                    done.append(element)
                    running.append(turn)
                }
                if Bool.random(), let turn = running.popLast() { queue.finish(turn) }
            }
            while queue.count > 0 {
                if let (element, turn) = queue.take() {
                    done.append(element)
                    running.append(turn)
                } else {
                    // What waits is blocked by what is under way, never by nothing.
                    guard let turn = running.popLast() else {
                        Issue.record("work waits while nothing is under way")
                        return
                    }
                    queue.finish(turn)
                }
            }
            #expect(Set(done).count == waiting)
            #expect(done.count == waiting)
        }
    }
}
