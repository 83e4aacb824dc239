import AsyncHTTPConnection
import Foundation
import MergeCore
import RejoinClient
import SyncWire
import Testing
import Values

extension ClientProcessTests {
    /// People who write SQL, on real sockets, behind a proxy that does to requests whatever happens to requests.
    @Suite("tables behind a proxy of faults")
    struct TableProxyTests {
        private static let runs: [(ServerSite.Engine, UInt64)] =
            isSoaking
            ? (1...50).flatMap { seed in ServerSite.Engine.allCases.map { ($0, seed) } } : [(.sqlite, 1)]

        @Test("8 devices with 5,000 writes end with equal tables, every value accounted for", arguments: runs)
        func fleet(engine: ServerSite.Engine, seed: UInt64) async throws {
            try await withDirectory { directory in
                try await ServerSite.run(engine, in: directory.path) { site in
                    try await Fleet.run(seed, site, directory) { name, address in
                        TableUser(
                            try TableDevice(
                                name, in: directory, TableUser.tables, schema: TableUser.schema,
                                connection: AsyncHTTPConnection(server: address.absoluteString)
                            ) { try await site.token(device: $0.name.text) })
                    } check: { users in
                        try await site.convergence.check(users, seed)
                    }
                }
            }
        }
    }
}

extension TableUser: FleetMember {
    var client: RejoinClient { device.client }

    mutating func act(seed: UInt64) async throws { try await write(seed: seed) }

    func reopen() throws { try device.open() }
}

extension ServerSite {
    /// What has to hold at the end, asked of this server.
    nonisolated var convergence: TableConvergence {
        TableConvergence(
            record: { collection, id in
                let id = id.text.addingPercentEncoding(withAllowedCharacters: .alphanumerics) ?? ""
                return try await self.get("/v1/records/\(collection)/\(id)", accept: nil).map {
                    try RecordAnswer(encoded: $0).record
                }
            },
            conflicts: {
                try await self.get("/v1/conflicts/export", accept: "application/x-ndjson")?.split(separator: 0x0A).map {
                    try WireConflict(encoded: Array($0))
                } ?? []
            },
            operations: { key in
                var (pages, next): (String, String?) = ("", "")
                while let page = next {
                    let uri =
                        "/v1/records/\(key.collection)/\(key.id)/history?limit=200"
                        + (page.isEmpty ? "" : "&page=\(page)")
                    let body = try await self.get(uri, accept: nil).map { String(decoding: $0, as: UTF8.self) } ?? ""
                    pages += body + "\n"
                    if case .object(let page)? = try? Value(json: body), case .string(let text)? = page["next"] {
                        next = text.text
                    } else {
                        next = nil
                    }
                }
                return pages
            })
    }
}
