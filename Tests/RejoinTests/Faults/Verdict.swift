import MergeCore
import RejoinProcesses
import Testing
import Values

/// What must hold after all that happened.
struct Verdict {
    let reports: [RetryingDevice.Report]
    let seed: UInt64

    /// Most kills broke into batches on their way, on both sides of a commit: some batches were stored and not answered,
    /// others not stored at all.
    func check(thatKillsHurt kills: Int) {
        let hurt = Set(reports.flatMap(\.brokenIncarnations)).count
        let stored = reports.map(\.foundStored).reduce(0, +)
        let absent = reports.map(\.foundAbsent).reduce(0, +)
        let acknowledged = reports.map(\.acknowledged.count).reduce(0, +)
        #expect(hurt > kills / 2, "only \(hurt) kills met a batch on its way; seed \(seed)")
        #expect(stored > 0, "no kill came between a commit and its answer; seed \(seed)")
        #expect(absent > 0, "no kill came before a commit; seed \(seed)")
        #expect(acknowledged > stored + absent, "seed \(seed)")
        print("\(hurt) of \(kills) kills met batches on their way: \(stored) were stored, \(absent) not")
    }

    /// Where something failed, some batches were on their way, and had to be sent again.
    func check(thatFaultsHurt faults: Int) {
        let met = reports.map { $0.refusals + $0.brokenIncarnations.count }.reduce(0, +)
        #expect(faults == 0 || met > 0, "no batch met any of the \(faults) faults; seed \(seed)")
    }

    /// What there is to be told of a run.
    var summary: String {
        func sum(_ number: (RetryingDevice.Report) -> Int) -> Int { reports.map(number).reduce(0, +) }
        return """
            \(sum(\.acknowledged.count)) batches acknowledged with \(sum { $0.acknowledged.map(\.operations.count).reduce(0, +) }) \
            operations; \(sum(\.refusals)) attempts refused, \(sum(\.brokenIncarnations.count)) lost with a server; of the batches \
            retried, \(sum(\.foundStored)) had been stored and \(sum(\.foundAbsent)) had not
            """
    }

    /// What was acknowledged is what the server says now, byte for byte, and each of its operations is there.
    func checkBatches(_ reviewer: Caller) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            for report in reports {
                group.addTask {
                    for batch in report.acknowledged { try await check(batch, of: report.name, reviewer) }
                }
            }
            try await group.waitForAll()
        }
    }

    private func check(_ batch: RetryingDevice.Acknowledged, of device: String, _ reviewer: Caller) async throws {
        let stored = try await reviewer.get("/v1/batches/\(batch.key)?device=\(device)")
        #expect(stored.status == 200 && stored.resultsText == batch.answer.resultsText, "\(batch.key); seed \(seed)")
        let results = try batch.answer.json["results"]?.elements ?? []
        #expect(results.count == batch.operations.count, "\(batch.key); seed \(seed)")
        for (id, result) in zip(batch.operations, results) {
            let operation = try await reviewer.get("/v1/operations/\(id)?device=\(device)").json
            #expect(operation["batch"]?.text == batch.key, "\(id); seed \(seed)")
            #expect(operation["outcome"] == result["outcome"], "\(id); seed \(seed)")
            #expect(operation["sequence"] == result["sequence"], "\(id); seed \(seed)")
        }
    }

    /// Counters hold each increment once, and the devices' own records their last edit; the feed has them all.
    func checkRecords(_ reviewer: Caller) async throws {
        for record in RetryingDevice.shared {
            let stored = try await reviewer.get("/v1/records/jobs/\(record)").json
            let sent = reports.compactMap { $0.increments[record] }.reduce(0, +)
            #expect(stored["fields"]?["visits"] == .integer(sent), "\(record); seed \(seed)")
        }
        var titles: [String: String] = [:]
        for report in reports { titles.merge(report.titles) { $1 } }
        let found = try await records(reviewer).filter { !RetryingDevice.shared.contains($0.key) }
            .compactMapValues { $0["fields"]?["title"]?.text }
        #expect(found == titles, "seed \(seed)")
    }

    /// Whoever read all the time knows what is there, no more and no less.
    func checkReaders(_ seen: [FeedWatcher.Seen], _ reviewer: Caller) async throws {
        let records = try await records(reviewer)
        for reader in seen {
            let differing = Set(records.keys).union(reader.records.keys).filter { records[$0] != reader.records[$0] }
            #expect(differing.isEmpty, "\(reader.name) does not have \(differing.sorted()) as stored; seed \(seed)")
            print("\(reader.name) read \(reader.changes) changes in \(reader.pages) pages")
        }
    }

    /// The feed from its beginning.
    private func records(_ reviewer: Caller) async throws -> [String: Value] {
        var records: [String: Value] = [:]
        var cursor: String?
        var hasMore = true
        while hasMore {
            let page = try await reviewer.get("/v1/changes?limit=5000" + (cursor.map { "&since=\($0)" } ?? "")).json
            for change in page["changes"]?.elements ?? [] {
                guard let id = change["id"]?.text else { continue }
                #expect(records.updateValue(change, forKey: id) == nil, "\(id) came twice; seed \(seed)")
            }
            cursor = page["cursor"]?.text
            hasMore = page["more"] == true
        }
        return records
    }

    /// Each number of the tenant's sequence belongs to one record of one batch, and none is missing.
    func checkSequence() throws {
        var owners: [Int64: String] = [:]
        for (index, record) in RetryingDevice.shared.enumerated() {
            owners[Int64(index + 1)] = "\(RetryingDevice.office) \(record)"
        }
        for batch in reports.flatMap(\.acknowledged) {
            for (record, result) in zip(batch.records, try batch.answer.json["results"]?.elements ?? []) {
                guard let sequence = result["sequence"]?.integer else {
                    Issue.record("\(batch.key) has a result without a sequence; seed \(seed)")
                    continue
                }
                let owner = "\(batch.key) \(record)"
                #expect(owners[sequence] ?? owner == owner, "sequence \(sequence) was given twice; seed \(seed)")
                owners[sequence] = owner
            }
        }
        #expect(owners.keys.sorted() == Array(1...Int64(owners.count)), "seed \(seed)")
    }

    /// - Parameter place: the options that say where the data is.
    func checkAudit(_ place: [String]) async throws {
        let audit = try await runRejoin(["audit", "verify"] + place)
        #expect(
            audit.exit == .code(0) && audit.output.contains(", whole"), "\(audit.output)\(audit.errors); seed \(seed)")
        #expect(!audit.output.contains(": 0 entries"), "the devices were never in conflict; seed \(seed)")
    }

    func checkDoctor(data: String) async throws {
        let doctor = try await runRejoin("doctor", "--data", data, "--port", "0")
        #expect(doctor.exit == .code(0), "\(doctor.output); seed \(seed)")
        #expect(doctor.output.contains(/ok +database: schema \d+, whole/), "\(doctor.output); seed \(seed)")
    }
}
