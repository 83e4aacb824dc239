import AsyncHTTPConnection
import Foundation
import MergeCore
import PostgreSQLCluster
import RejoinClient
import RejoinProcesses
import SyncHTTP
import Testing

@testable import rejoin

/// A built server as a process, on either engine, that can be killed and started again.
actor ServerSite {
    enum Engine: String, CaseIterable, Sendable { case sqlite, postgresql }

    nonisolated let data: String
    private let arguments: [String]
    private var server: ServerProcess?

    init(data: String, arguments: [String]) {
        self.data = data
        self.arguments = arguments
    }

    /// Runs the body beside a server on new data.
    static func run<Answer>(
        _ engine: Engine, in directory: String, _ body: (ServerSite) async throws -> Answer
    ) async throws -> Answer {
        let collections = directory + "/collections.yaml"
        try yaml.write(toFile: collections, atomically: true, encoding: .utf8)
        var arguments = ["--collections", collections]
        if engine == .postgresql {
            let database = try await PostgreSQLCluster.shared().makeDatabase()
            let migrated = try await runRejoin(
                "migrate", "--database", database.ownerConninfo, "--grant-to", PostgreSQLCluster.serverRole)
            try #require(migrated.exit == .code(0), "\(migrated.errors)")
            arguments += ["--database", database.serverConninfo]
        }
        let site = ServerSite(data: directory + "/server", arguments: arguments)
        do {
            _ = try await site.start()
            let answer = try await body(site)
            await site.kill()
            return answer
        } catch {
            await site.kill()
            throw error
        }
    }

    /// - Returns: the address.
    func start() async throws -> String {
        let server = try await ServerProcess.start(data: data, arguments)
        self.server = server
        return server.address
    }

    func kill() async {
        server?.process.send(SIGKILL)
        _ = await server?.process.exit
        server = nil
    }

    var address: String { server?.address ?? "" }

    nonisolated func token(device: String?, roles: [String] = ["device"]) async throws -> String {
        let mint = await TokenMint(secret: try DataDirectory(path: data).secret())
        return try await mint.token(
            TokenClaims(
                user: device ?? "somebody", tenant: "acme", device: device, roles: roles,
                expiresAtSeconds: Date().timeIntervalSince1970 + 36_000))
    }

    /// Asks as a reviewer.
    func get(_ path: String, accept: String?) async throws -> [UInt8]? {
        var headers = ["Authorization": "Bearer \(try await token(device: nil, roles: ["reviewer"]))"]
        if let accept { headers["Accept"] = accept }
        let answer = try await AsyncHTTPConnection(server: address).send(
            ServerRequest(method: "GET", path: path, headers: headers, body: nil, timeout: .seconds(60)))
        return answer.status == 200 ? answer.body : nil
    }

    /// The same collections as `Schema.field` and `Schema.tables`.
    private static let yaml = """
        collections:
          notes: {}
          todos:
            required: [title]
            fields:
              title: {type: string, merge: manual}
              done: {type: boolean}
              minutes: {type: integer, merge: counter}
              tags: {type: set, merge: set}
          drafts: {deletes: delete-wins}
          lines: {}
          folders: {}
          estimates:
            required: [title]
            fields:
              title: {type: string}
              notes: {type: string, merge: fww}
              best: {type: integer, merge: max}
              visits: {type: integer, merge: counter}
              tags: {type: set, merge: set}
              status: {type: string, merge: manual}
              number: {type: string, merge: immutable}
              lat: {type: number}
              lng: {type: number}
            groups:
              place: [lat, lng]
          sheets:
            unit: record
            merge: lww
            fields:
              a: {type: string}
              b: {type: string}
        """
}
