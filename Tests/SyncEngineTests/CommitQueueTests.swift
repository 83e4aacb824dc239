import EngineHarness
import MergeCore
import SyncEngine
import SyncStorage
import SyncWire
import Testing

@Suite("the commit queue of a tenant")
struct CommitQueueTests {
    @Test("the bytes that wait in a commit queue are bounded, and the first that comes is always taken")
    func bytes() async throws {
        var limits = EngineLimits()
        limits.commitQueueBytes = 10_000
        let test = TestEngine(limits: limits)
        await test.store.gate.close()
        try await withThrowingTaskGroup(of: BatchReply.self) { group in
            group.addTask { try await test.create("a", bytes: 10) }
            try await eventually("one is held") { await test.store.gate.waitingCount == 1 }
            group.addTask { try await test.create("b", bytes: 20_000) }
            try await eventually("one waits") { await test.engine.load().waitingBatches == 1 }
            for bytes in [6_000, 10] {
                let refused = await #expect(throws: Problem.self) { try await test.create("c", bytes: bytes) }
                #expect(refused?.code == .overloaded)
                #expect(refused?.retryAfterSeconds == 1)
            }
            await test.store.gate.open()
            for try await reply in group { #expect(reply.outcomes == [.applied: 1]) }
        }
        #expect(try await test.create("c", bytes: 6_000).outcomes == [.applied: 1])
    }

    @Test("so are the bytes that leave it in one transaction")
    func bytesPerCommit() async throws {
        var limits = EngineLimits()
        limits.bytesPerCommit = 10_000
        let test = TestEngine(limits: limits)
        await test.store.gate.close()
        try await withThrowingTaskGroup(of: BatchReply.self) { group in
            for number in 0..<6 {
                group.addTask { try await test.create("n\(number)", bytes: 4_000) }
                try await eventually("batch \(number) is taken") {
                    let waiting = await test.engine.load().waitingBatches
                    return await test.store.gate.waitingCount == 1 && waiting == number
                }
            }
            await test.store.gate.open()
            for try await reply in group { #expect(reply.outcomes == [.applied: 1]) }
        }
        // The first alone, then two and two and the last.
        #expect(test.store.counts[.transact] == 4)
    }

    @Test("when a shared transaction fails, each of its batches gets one of its own")
    func oneByOne() async throws {
        let test = TestEngine()
        await test.store.gate.close()
        try await withThrowingTaskGroup(of: Result<BatchReply, any Error>.self) { group in
            for number in 0..<4 {
                group.addTask {
                    do { return .success(try await test.create("n\(number)")) } catch { return .failure(error) }
                }
                try await eventually("batch \(number) is taken") {
                    let waiting = await test.engine.load().waitingBatches
                    return await test.store.gate.waitingCount == 1 && waiting == number
                }
            }
            // The first goes through. The three behind it leave together, fail, and are then asked for one by one.
            await test.store.gate.failTransaction(after: 1)
            await test.store.gate.open()
            for try await result in group { #expect(try result.get().outcomes == [.applied: 1]) }
        }
        #expect(test.store.counts[.transact] == 1 + 1 + 3)
    }

    @Test("an engine that closes finishes what it took, and takes nothing more")
    func closing() async throws {
        let test = TestEngine()
        await test.store.gate.close()
        async let taken = test.create("a")
        try await eventually("it is held") { await test.store.gate.waitingCount == 1 }
        async let closed: Void = test.engine.close()
        await test.store.gate.open()
        await closed
        #expect(try await test.store.head(of: "acme").sequence == 1)
        #expect(try await taken.outcomes == [.applied: 1])
        let refused = await #expect(throws: Problem.self) { try await test.create("b") }
        #expect(refused?.code == .overloaded)
    }
}
