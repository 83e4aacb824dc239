import ArgumentParser
import Foundation
import SyncHTTP

/// The keys with which the server signs tokens itself.
struct KeyCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "key",
        abstract: "The server's own keys for tokens. Cookies and cursors are not touched.",
        discussion: """
            A running server knows a new key by the first token that names it, and that one was dropped at SIGHUP. Servers on \
            several machines need the same file: copy it to all of them before tokens are signed with it.
            """,
        subcommands: [ListKeysCommand.self, RotateKeyCommand.self, DropKeyCommand.self],
        defaultSubcommand: ListKeysCommand.self)
}

struct ListKeysCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "Print the names of the keys that tokens are verified with; the last one signs.")

    @OptionGroup var common: CommonOptions

    func run() async throws {
        let keys = try DataDirectory(SettingsResolution(config: common.config), common).ownKeys()
        for name in keys.names { print(name) }
    }
}

struct RotateKeyCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rotate",
        abstract: "Make a new key that signs from now on, and print its name. Tokens of the others stay good.")

    @OptionGroup var common: CommonOptions

    func run() async throws {
        let data = try DataDirectory(SettingsResolution(config: common.config), common)
        let bytes = { (count: Int) in (0..<count).map { _ in UInt8.random(in: .min ... .max) } }
        let id = bytes(8).map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
        try data.changeKeys { (keys) throws(CommandFailure) in try keys.rotate(to: NamedSecret(id, bytes(32))) }
        print(id)
    }
}

struct DropKeyCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "drop",
        abstract: "Refuse the tokens of a key from now on. A running server is told by SIGHUP.")

    @OptionGroup var common: CommonOptions

    @Argument(help: "Its name, as 'rejoin key list' prints it.")
    var name: String

    func run() async throws {
        let data = try DataDirectory(SettingsResolution(config: common.config), common)
        try data.changeKeys { (keys) throws(CommandFailure) in try keys.drop(name) }
        print("tokens of the key '\(name)' are refused")
    }
}
