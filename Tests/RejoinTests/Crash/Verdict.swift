import MergeCore
import Testing

/// What must hold after all the kills.
struct Verdict {
    let reports: [CrashDevice.Report]
    let seed: UInt64

    /// Most kills broke into batches on their way, on both sides of a commit: some batches were stored and not answered,
    /// others not stored at all.
    func check(thatKillsHurt kills: Int) {
        let hurt = Set(reports.flatMap(\.brokenLives)).count
        let stored = reports.map(\.foundStored).reduce(0, +)
        let absent = reports.map(\.foundAbsent).reduce(0, +)
        let acknowledged = reports.map(\.acknowledged.count).reduce(0, +)
        #expect(hurt > kills / 2, "only \(hurt) kills met a batch on its way; seed \(seed)")
        #expect(stored > 0, "no kill came between a commit and its answer; seed \(seed)")
        #expect(absent > 0, "no kill came before a commit; seed \(seed)")
        #expect(acknowledged > stored + absent, "seed \(seed)")
        print("\(hurt) of \(kills) kills met batches on their way: \(stored) were stored, \(absent) not")
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

    private func check(_ batch: CrashDevice.Acknowledged, of device: String, _ reviewer: Caller) async throws {
        let stored = try await reviewer.get("/v1/batches/\(batch.key)?device=\(device)")
        #expect(stored.status == 200 && stored.body == batch.answer.body, "\(batch.key); seed \(seed)")
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
        for record in CrashDevice.shared {
            let stored = try await reviewer.get("/v1/records/jobs/\(record)").json
            let sent = reports.compactMap { $0.increments[record] }.reduce(0, +)
            #expect(stored["fields"]?["visits"] == .integer(sent), "\(record); seed \(seed)")
        }
        var titles: [String: String] = [:]
        for report in reports { titles.merge(report.titles) { $1 } }
        var found: [String: String] = [:]
        var cursor: String?
        var hasMore = true
        while hasMore {
            let page = try await reviewer.get("/v1/changes?limit=5000" + (cursor.map { "&since=\($0)" } ?? "")).json
            for change in page["changes"]?.elements ?? [] {
                guard let id = change["id"]?.text, !CrashDevice.shared.contains(id) else { continue }
                found[id] = change["fields"]?["title"]?.text
            }
            cursor = page["cursor"]?.text
            hasMore = page["more"] == true
        }
        #expect(found == titles, "seed \(seed)")
    }

    /// Each number of the tenant's sequence belongs to one record of one batch, and none is missing.
    func checkSequence() throws {
        var owners: [Int64: String] = [:]
        for (index, record) in CrashDevice.shared.enumerated() {
            owners[Int64(index + 1)] = "\(CrashDevice.office) \(record)"
        }
        for batch in reports.flatMap(\.acknowledged) {
            for result in try batch.answer.json["results"]?.elements ?? [] {
                guard let sequence = result["sequence"]?.integer, let record = result["record"]?["id"]?.text else {
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

    func checkCommands(data: String) async throws {
        let audit = try await runRejoin("audit", "verify", "--data", data)
        #expect(audit.exit == .code(0) && audit.output.contains(", whole"), "\(audit.output); seed \(seed)")
        #expect(!audit.output.contains(": 0 entries"), "the devices were never in conflict; seed \(seed)")
        let doctor = try await runRejoin("doctor", "--data", data, "--port", "0")
        #expect(doctor.exit == .code(0), "\(doctor.output); seed \(seed)")
        #expect(doctor.output.contains("database: schema 1, whole"), "\(doctor.output); seed \(seed)")
    }
}
