import Foundation
import MergeCore
import PostgreSQLCluster
import RejoinProcesses
import Testing

extension ProcessTests {
    /// Reviewers at several servers, and at servers that die.
    @Suite("reviewers while servers die, and at several of them")
    struct ReviewingTests {
        private static let records = 40

        /// Conflicts of two devices over the status of each record: first "sent", then "draft", which shows.
        private func makeConflicts(_ send: (_ device: String, _ body: [UInt8]) async throws -> Void) async throws {
            for (device, status, at): (String, String, Int64) in [
                ("mac", "sent", 1_767_323_045_000), ("ipad", "draft", 1_767_323_046_000),
            ] {
                let creates = (0..<Self.records).map {
                    operation(
                        .create, "jobs", "r\($0)", clock: [device: 1], at: at,
                        fields: [("status", .string(status))])
                }
                try await send(device, batchBody(creates))
            }
        }

        private func decision(_ choice: String) -> String { #"{"version": 1, "choose": "\#(choice)"}"# }

        @Test("edge 40: of different decisions at two servers one stands, and the other is told so")
        func differentDecisions() async throws {
            try await TwoServers.with(on: try await PostgreSQLCluster.shared()) { site in
                try await makeConflicts { device, body in
                    let answer = try await site.caller(of: site.first, device: device).post(batch: body, key: "k")
                    try #require(answer.status == 200, "\(answer.text)")
                }
                let rita = try await site.caller(of: site.first, roles: ["reviewer"])
                let wim = try await site.caller(of: site.second, roles: ["reviewer"])
                for id in 1...Self.records {
                    // The same by both on every fourth, different things on the others.
                    let (hers, his) = ("stored", id % 4 == 0 ? "stored" : "incoming")
                    async let first = rita.post("/v1/conflicts/\(id)/resolutions", json: decision(hers))
                    async let second = wim.post("/v1/conflicts/\(id)/resolutions", json: decision(his))
                    let statuses = [try await first.status, try await second.status]
                    #expect(Set(statuses) == (hers == his ? [200, 201] : [201, 409]), "conflict \(id): \(statuses)")
                    let conflict = try await rita.get("/v1/conflicts/\(id)").json
                    #expect(conflict["version"] == 2)
                    let chosen = statuses[0] == 201 || hers == his ? "sent" : "draft"
                    #expect(conflict["resolution"]?["value"]?.text == chosen, "conflict \(id): \(statuses)")
                    let record = conflict["record"]?.text ?? ""
                    let shown = try await wim.get("/v1/records/jobs/\(record)").json
                    #expect(shown["fields"]?["status"]?.text == chosen)
                }
                let open = try await wim.get("/v1/conflicts?status=open").json
                #expect(open["conflicts"] == [])
            }
        }

        @Test("a link is spent for every server on the database")
        func spentLink() async throws {
            try await TwoServers.with(on: try await PostgreSQLCluster.shared()) { site in
                let callers = [
                    try await site.caller(of: site.first, roles: ["reviewer"]),
                    try await site.caller(of: site.second, roles: ["reviewer"]),
                ]
                for round in 1...5 {
                    let printed = try await runRejoin(
                        "token", "--tenant", "acme", "--role", "reviewer", "--link", "--data", site.data)
                    let code = try #require(printed.output.split(separator: "=", maxSplits: 1).last)
                        .trimmingCharacters(in: .newlines)
                    let answers = try await withThrowingTaskGroup(of: Int.self) { group in
                        for number in 0..<6 {
                            group.addTask {
                                // A redirection that is followed ends at the list, where no cookie goes along.
                                try await callers[number % 2].post("/review/sign-in", form: "code=\(code)").status
                            }
                        }
                        return try await group.reduce(into: []) { $0.append($1) }
                    }
                    #expect(answers.count { $0 != 403 } == 1, "round \(round): \(answers)")
                }
            }
        }

        @Test("a decision whose server dies is carried out once, or not at all, and can be sent again")
        func dyingServer()
            async throws
        {
            try await withTemporaryDirectory { directory in
                let collections = directory + "/collections.yaml"
                try DeviceFleet.collections.write(toFile: collections, atomically: true, encoding: .utf8)
                let data = directory + "/data"
                let server = CrashableServer(
                    data: data,
                    ["--collections", collections, "--log-level", "critical", "--requests-per-second", "100000"])
                try await server.start()
                func caller(device: String? = nil, roles: [String] = []) async throws -> Caller {
                    let (_, address) = try await server.running()
                    return try await Caller(
                        data: data, address: address, tenant: "acme", device: device, roles: roles)
                }
                try await makeConflicts { device, body in
                    let answer = try await caller(device: device).post(batch: body, key: "k")
                    try #require(answer.status == 200, "\(answer.text)")
                }
                var unanswered = 0
                for id in 1...Self.records {
                    let rita = try await caller(roles: ["reviewer"])
                    async let answer = rita.post("/v1/conflicts/\(id)/resolutions", json: decision("stored"))
                    if id % 4 == 0 {
                        await server.kill()
                        if (try? await answer) == nil { unanswered += 1 }
                        try await server.start()
                        let again = try await caller(roles: ["reviewer"])
                            .post("/v1/conflicts/\(id)/resolutions", json: decision("stored"))
                        #expect([200, 201].contains(again.status), "\(again.text)")
                    } else {
                        #expect(try await answer.status == 201)
                    }
                }
                #expect(unanswered > 0, "no kill broke into a request")
                let rita = try await caller(roles: ["reviewer"])
                let decided = try await rita.get("/v1/conflicts?status=resolved&limit=500").json
                #expect(decided["conflicts"]?.elements.count == Self.records)
                #expect(decided["conflicts"]?.elements.allSatisfy { $0["version"] == 2 } == true)
                let whole = try await runRejoin("audit", "verify", "--data", data)
                #expect(whole.exit == .code(0), "\(whole.output)")
                await server.kill()
            }
        }
    }
}
