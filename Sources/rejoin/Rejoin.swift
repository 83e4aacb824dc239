import ArgumentParser
import Foundation

/// The command line. The only place that names concrete engines.
struct Rejoin: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rejoin",
        abstract: "The merge server for offline-first apps. Nothing is lost silently.",
        version: rejoinVersion,
        subcommands: [
            ServeCommand.self, TokenCommand.self, KeyCommand.self, TenantCommand.self, MemberCommand.self,
            SessionsCommand.self, DemoCommand.self, ConflictsCommand.self, AuditCommand.self,
            DoctorCommand.self, MigrateCommand.self, ViewsCommand.self,
        ])
}

let rejoinVersion = "0.1.0"

/// Why a command ends without having done what it was asked: one line for people, and the exit code.
struct CommandFailure: Error {
    /// 2: the command could not start (options, files, ports). 1: it ran, and found something wrong.
    let exitCode: Int32
    let message: String

    static func cannotStart(_ message: String) -> CommandFailure { CommandFailure(exitCode: 2, message: message) }
    static func found(_ message: String) -> CommandFailure { CommandFailure(exitCode: 1, message: message) }
}

@main
enum Main {
    static func main() async {
        // A client that hangs up while it is written to must not end the process.
        signal(SIGPIPE, SIG_IGN)
        do {
            var command = try Rejoin.parseAsRoot()
            if var asynchronous = command as? any AsyncParsableCommand {
                try await asynchronous.run()
            } else {
                try command.run()
            }
        } catch let failure as CommandFailure {
            complain(failure.message)
            exit(failure.exitCode)
        } catch {
            guard Rejoin.exitCode(for: error).isSuccess else {
                complain(Rejoin.message(for: error))
                exit(2)
            }
            print(Rejoin.fullMessage(for: error))
        }
    }

    private static func complain(_ message: String) {
        FileHandle.standardError.write(Data("rejoin: \(message)\n".utf8))
    }
}
