import Browser
import Foundation
import MergeCore
import PostgreSQLCluster
import RejoinProcesses
import Testing

extension BrowserTests {
    /// The same pages above the other engine.
    @Suite("the page over PostgreSQL")
    struct PostgreSQLTests {
        @Test("a conflict on PostgreSQL is listed, decided, and leaves the list")
        func decided() async throws {
            let database = try await PostgreSQLCluster.shared().makeDatabase()
            let migrated = try await runRejoin(
                "migrate", "--database", database.ownerConninfo, "--grant-to", PostgreSQLCluster.serverRole)
            try #require(migrated.exit == .code(0), "\(migrated.errors)")
            try await withTemporaryDirectory { directory in
                let collections = directory + "/collections.yaml"
                try ReviewFixture.collections.write(toFile: collections, atomically: true, encoding: .utf8)
                let arguments = ["--database", database.serverConninfo, "--collections", collections]
                try await withServer(data: directory + "/data", arguments) { server in
                    try await ReviewFixture(server: server).lend { fixture, session in
                        let (ana, ben) = try await fixture.disagree()
                        let list = try await fixture.window(of: "rita", in: session)
                        try await list.sees("e-42", in: ".row")
                        let window = try await session.openWindow()
                        try await window.openList(fixture)
                        try await window.openConflict("e-42")
                        expect(try await window.texts(".diagram .side-letter"), is: ["A", "B"])
                        let letters = try await window.texts("article.side header")
                        let sent = try #require(letters.firstIndex { $0.contains("ipad-7") })
                        try await window.choose("\(sent + 1)")
                        try await window.sees("Decided.", in: ".message")
                        try await list.sees("All quiet", in: ".empty")
                        for device in [ana, ben] {
                            expect(try await device.pull("estimates", "e-42")["fields"]?["status"], is: "sent")
                        }
                    }
                }
            }
        }
    }
}
