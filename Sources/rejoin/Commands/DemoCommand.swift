import ArgumentParser
import AsyncHTTPClient

struct DemoCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "demo",
        abstract: "A server and three devices that go offline, edit the same records and come back, told step by step.")

    func run() async throws {
        print("rejoin \(rejoinVersion): a real server on a free port, a real database file, real HTTP")
        do {
            try await DemoServer.run { server in
                let http = HTTPClient(eventLoopGroupProvider: .singleton)
                do {
                    try await DemoStory(server, http: http).tell()
                } catch {
                    try? await http.shutdown()
                    throw error
                }
                try await http.shutdown()
            }
        } catch let error as DemoError {
            throw CommandFailure.found("the demo went wrong: \(error)")
        }
    }
}
