import Foundation
import MergeCore
import RejoinProcesses
import SeededRandom
import SyncWire
import Values

/// What the killed server has stored of a batch that it did not answer.
private enum Fate {
    /// The results, as they were sent.
    case stored(String?)
    case absent
}

/// A device that sends batches to servers that keep failing, and retries each with its key until it is answered.
struct RetryingDevice: Sendable {
    struct Acknowledged: Sendable {
        let key: String
        let operations: [String]
        /// The record of each operation.
        let records: [String]
        let answer: Caller.Answer
    }

    /// What the device did and saw, for the verdict.
    struct Report: Sendable {
        let name: String
        var acknowledged: [Acknowledged] = []
        /// How much was added to the counter of each shared record.
        var increments: [String: Int64] = [:]
        /// The last title that was given to each record of the device's own.
        var titles: [String: String] = [:]
        /// Batches that a first attempt left unanswered, by what was found of them in the end.
        var foundStored = 0
        var foundAbsent = 0
        /// Attempts that were answered with `storage_unavailable`.
        var refusals = 0
        /// The incarnations of servers that ended with a batch of this device on its way.
        var brokenIncarnations: Set<Incarnation> = []
    }

    struct Incarnation: Sendable, Hashable {
        let server: ObjectIdentifier
        let number: Int
    }

    static let shared = ["shared-0", "shared-1", "shared-2"]
    /// The device that made the shared records; every clock begins with its event.
    static let office = "office"

    private let servers: Servers
    private let traffic: Traffic
    private let token: String
    private let reviewerToken: String
    private var generator: SeededGenerator
    private var clocks: [String: [String: Int64]] = [:]
    /// The one of several servers to ask next.
    private var turn: Int
    private(set) var report: Report

    /// Where a device is, and whom it writes to.
    struct Place: Sendable {
        let servers: Servers
        let traffic: Traffic
        let reviewerToken: String
    }

    init(name: String, seed: UInt64, token: String, _ place: Place) {
        servers = place.servers
        traffic = place.traffic
        self.token = token
        reviewerToken = place.reviewerToken
        generator = SeededGenerator(seed: seed)
        turn = Int(seed % 64)
        report = Report(name: name)
        for record in Self.shared { clocks[record] = [Self.office: 1] }
    }

    mutating func run() async throws {
        while await !traffic.isOver { try await writeOnce() }
    }

    mutating func writeOnce() async throws {
        let batch = nextBatch()
        let answer =
            switch servers {
            case .alone(let server): try await deliver(batch, to: server)
            case .together(let servers): try await deliver(batch, to: servers)
            }
        try note(answer, of: batch)
    }

    // MARK: Editing

    private struct Batch {
        let key: String
        let body: [UInt8]
        let operations: [String]
        let records: [String]
        /// The record that this batch makes.
        let created: String
    }

    /// Makes a record, changes an old one, and edits two shared records that everybody edits.
    private mutating func nextBatch() -> Batch {
        let number = report.acknowledged.count
        let key = "\(report.name)-batch-\(number)"
        let created = "\(report.name)-\(number)"
        var operations: [MergeCore.Operation] = []
        func id() -> String { "\(key)-\(operations.count)" }
        operations.append(edit(.create, created, id(), [("title", .string("new \(number)"))]))
        report.titles[created] = "new \(number)"
        if number > 0 {
            let old = "\(report.name)-\(generator.below(number))"
            operations.append(edit(.update, old, id(), [("title", .string("changed in \(number)"))]))
            report.titles[old] = "changed in \(number)"
        }
        for _ in 0..<2 {
            let record = Self.shared[generator.below(Self.shared.count)]
            let increment = Int64(1 + generator.below(5))
            var fields: [(String, Value)] = [("visits", ["$increment": .integer(increment)])]
            report.increments[record, default: 0] += increment
            if generator.below(2) == 0 { fields.append(("note", .string("\(report.name) in \(number)"))) }
            if generator.below(4) == 0 { fields.append(("status", .string("\(report.name) says \(number)"))) }
            operations.append(edit(.update, record, id(), fields))
        }
        return Batch(
            key: key, body: batchBody(operations), operations: operations.map(\.id.name.text),
            records: operations.map(\.record.id.text),
            created: created)
    }

    private mutating func edit(
        _ kind: OperationKind, _ record: String, _ id: String, _ fields: [(String, Value)]
    ) -> MergeCore.Operation {
        clocks[record, default: [:]][report.name, default: 0] += 1
        return operation(kind, "jobs", record, id: id, clock: clocks[record] ?? [:], fields: fields)
    }

    private mutating func note(_ answer: Caller.Answer, of batch: Batch) throws {
        let document = try BatchAnswer(encoded: answer.body)
        let records = document.records?.records ?? []
        guard document.outcomes.allSatisfy(\.result.isAccepted), Set(records.map(\.key.id.text)) == Set(batch.records)
        else { throw TestError("\(batch.key): an operation was not taken: \(answer.text)") }
        for record in records {
            clocks[record.key.id.text] = try Dictionary(
                uniqueKeysWithValues: record.versionVector().entries.map { ($0.device.name.text, $0.counter) })
        }
        report.acknowledged.append(
            Acknowledged(key: batch.key, operations: batch.operations, records: batch.records, answer: answer))
    }

    // MARK: Sending to one of several

    /// Goes from server to server until one has answered.
    private mutating func deliver(_ batch: Batch, to servers: [CrashableServer]) async throws -> Caller.Answer {
        var failures = 0
        while true {
            let server = servers[turn % servers.count]
            let (incarnation, address) = try await server.running()
            await traffic.noteSending()
            do {
                let answer = try await Caller(address: address, token: token).post(batch: batch.body, key: batch.key)
                if answer.status == 200 {
                    await traffic.noteAnswer()
                    if failures > 0 {
                        if answer.isReplayed { report.foundStored += 1 } else { report.foundAbsent += 1 }
                    } else if answer.isReplayed {
                        throw TestError("\(batch.key): a first answer is a replay")
                    }
                    return answer
                }
                guard answer.isStorageUnavailable else {
                    throw TestError("\(batch.key): \(answer.status) \(answer.text)")
                }
                report.refusals += 1
                await traffic.noteRefusal()
            } catch let error as TestError {
                throw error
            } catch {
                guard await server.isGone(incarnation) else {
                    throw TestError("\(batch.key): a living server did not answer: \(error)")
                }
                await traffic.noteLoss()
                report.brokenIncarnations.insert(Incarnation(server: ObjectIdentifier(server), number: incarnation))
            }
            failures += 1
            turn += 1
            try await Task.sleep(for: .milliseconds(generator.below(min(20 << failures, 400))))
        }
    }

    // MARK: Sending to the only one

    private mutating func deliver(_ batch: Batch, to server: CrashableServer) async throws -> Caller.Answer {
        var fate: Fate?
        while true {
            let (incarnation, address) = try await server.running()
            await traffic.noteSending()
            do {
                let answer = try await Caller(address: address, token: token).post(batch: batch.body, key: batch.key)
                await traffic.noteAnswer()
                guard answer.status == 200 else { throw TestError("\(batch.key): \(answer.status) \(answer.text)") }
                switch fate {
                case nil: guard !answer.isReplayed else { throw TestError("\(batch.key): a first answer is a replay") }
                case .absent?: guard !answer.isReplayed else { throw TestError("\(batch.key): replayed from nothing") }
                case .stored(let stored)?:
                    guard answer.isReplayed, answer.resultsText.map(String.init) == stored else {
                        throw TestError("\(batch.key): the retry is answered otherwise than what is stored")
                    }
                }
                return answer
            } catch let error as TestError {
                throw error
            } catch {
                guard await server.isGone(incarnation) else {
                    throw TestError("\(batch.key): a living server did not answer: \(error)")
                }
                await traffic.noteLoss()
                report.brokenIncarnations.insert(Incarnation(server: ObjectIdentifier(server), number: incarnation))
                let found = try await self.fate(of: batch, on: server)
                switch found {
                case .stored: report.foundStored += 1
                case .absent: report.foundAbsent += 1
                }
                fate = found
            }
        }
    }

    /// Looks at what the next server has of the batch: all of it or nothing. Begins again if that one dies too.
    private func fate(of batch: Batch, on server: CrashableServer) async throws -> Fate {
        while true {
            let (incarnation, address) = try await server.running()
            let reviewer = Caller(address: address, token: reviewerToken)
            do {
                let stored = try await reviewer.get("/v1/batches/\(batch.key)?device=\(report.name)")
                let expected = stored.status
                guard expected == 200 || expected == 404 else { throw TestError("\(batch.key): \(stored.text)") }
                for operation in batch.operations {
                    let answer = try await reviewer.get("/v1/operations/\(operation)?device=\(report.name)")
                    guard answer.status == expected else {
                        throw TestError("\(batch.key) is \(expected) and its \(operation) is \(answer.status)")
                    }
                }
                let record = try await reviewer.get("/v1/records/jobs/\(batch.created)")
                guard record.status == expected else {
                    throw TestError("\(batch.key) is \(expected) and its record is \(record.status)")
                }
                return expected == 200 ? .stored(stored.resultsText.map(String.init)) : .absent
            } catch let error as TestError {
                throw error
            } catch {
                guard await server.isGone(incarnation) else {
                    throw TestError("\(batch.key): a living server did not say what it has: \(error)")
                }
            }
        }
    }
}
