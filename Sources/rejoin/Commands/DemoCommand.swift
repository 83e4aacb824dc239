import ArgumentParser

struct DemoCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "demo", abstract: "A server and three devices that go offline, edit and come back.")
    func run() async throws {}
}
