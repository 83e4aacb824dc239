import Browser
import Foundation
import MergeCore
import RejoinProcesses
import SyncWire
import Testing
import Values

/// Tests that look at the pages through a browser, one after another: a browser takes both of a small machine's cores.
@Suite("the reviewers' page in a browser", .serialized, .timeLimit(.minutes(5)))
enum BrowserTests {}

/// A server with devices that send to it, and reviewers who look at what comes of that.
struct ReviewFixture: Sendable {
    static let tenant = "acme"

    let server: ServerProcess
    let edits = EditClock()

    /// The collections that the documentation shows.
    static let collections: String = {
        let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().deletingLastPathComponent()
        return (try? String(contentsOf: root.appending(path: "Schemas/Examples/contractor.yaml"), encoding: .utf8))
            ?? ""
    }()

    /// Starts a server on a data directory of its own beside a browser, and sees at the end that no page's script failed and
    /// that nothing was tried that the pages' Content-Security-Policy forbids.
    static func open<Answer>(
        _ body: (ReviewFixture, BrowserSession) async throws -> Answer
    ) async throws -> Answer {
        try await withFreshServer(collections: collections) { server in
            try await ReviewFixture(server: server).lend(body)
        }
    }

    func lend<Answer>(_ body: (ReviewFixture, BrowserSession) async throws -> Answer) async throws -> Answer {
        try await BrowserDriver.shared().withSession { session in
            let answer = try await body(self, session)
            let faults = try await session.console().filter(\.isOfThePage)
            #expect(faults.isEmpty, "the console of the pages is empty")
            return answer
        }
    }

    /// Mints a token by the command, as whoever runs the server does.
    private func mint(_ arguments: String...) async throws -> String {
        let result = try await runRejoin(
            ["token", "--tenant", Self.tenant, "--data", server.data] + arguments)
        guard result.exit == .code(0) else { throw TestError("rejoin token \(arguments): \(result.errors)") }
        return result.output.trimmingCharacters(in: .newlines)
    }

    func device(_ name: String, of user: String) async throws -> Device {
        let token = try await mint("--device", name, "--user", user)
        return Device(name: name, caller: Caller(address: server.address, token: token), clock: edits)
    }

    func link(for user: String) async throws -> String {
        try await mint("--role", "reviewer", "--user", user, "--link", "--url", server.address)
    }

    /// Signs a reviewer in with a link, and stays at the list.
    func signIn(_ user: String, in window: BrowserWindow) async throws {
        try await window.open(try await link(for: user))
        try await window.click("main button.primary")
        try await window.wait("the list of conflicts") { try await window.count("#list-head") == 1 }
    }

    /// A window of a browser in which a reviewer has signed in.
    func window(of user: String, in session: BrowserSession) async throws -> BrowserWindow {
        let window = try await session.window()
        try await signIn(user, in: window)
        return window
    }

    // MARK: What devices did

    /// Two people change the status of an estimate apart from each other.
    /// - Returns: whose devices they are: Ana's, which made the estimate, and Ben's, whose edit is the later one.
    @discardableResult
    func disagree(
        about record: String = "e-42", _ first: Value = "sent", _ second: Value = "accepted"
    ) async throws -> (ana: Device, ben: Device) {
        let ana = try await device("ipad-7", of: "ana")
        let ben = try await device("mac-2", of: "ben")
        try await ana.create(
            "estimates", record, ("title", "Kitchen"), ("client", "Weber"), ("total", 125_000), ("status", "draft"))
        try await ben.pull("estimates", record)
        try await ana.update("estimates", record, ("status", first))
        try await ben.update("estimates", record, ("status", second))
        return (ana, ben)
    }
}
