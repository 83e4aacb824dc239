import ArgumentParser
import Causality
import SyncEngine
import SyncStorage

/// Ends reviewers' sessions, beside running servers.
struct SessionsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "sessions", abstract: "The sessions of reviewers' browsers.",
        subcommands: [EndSessionsCommand.self])
}

struct EndSessionsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "end",
        abstract: "Sign a user out of the reviewers' pages everywhere, or everybody of a tenant.",
        discussion: """
            Running servers know of it after 5 seconds at most. Who has a valid link or token can come back: 'rejoin token \
            revoke' ends those too.
            """)

    @OptionGroup var ending: EndingOptions

    func run() async throws {
        let now = EndingOptions.nowMilliseconds
        try await ending.end { .sessions(of: $0, beganBeforeMilliseconds: now) }
        print("the sessions of \(ending.whom) that began before now have ended")
    }
}

struct RevokeTokensCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "revoke",
        abstract:
            "Refuse the tokens, links and sessions of a user, or of everybody of a tenant, that were issued before now.",
        discussion: """
            Running servers know of it after 5 seconds at most. Tokens say by 'iat' when they were issued; those that do not are \
            refused from then on. A single device is ended by DELETE /v1/devices/{id}.
            """)

    @OptionGroup var ending: EndingOptions

    func run() async throws {
        let now = EndingOptions.nowMilliseconds
        try await ending.end { .tokens(of: $0, issuedBeforeMilliseconds: now) }
        print("the tokens of \(ending.whom) that were issued before now are refused")
    }
}

/// Whose access is ended, and where.
struct EndingOptions: ParsableArguments {
    @OptionGroup var database: DatabaseOptions

    @Option(help: "The tenant.")
    var tenant: String

    @Option(help: "The user, 'sub' in tokens.")
    var user: String?

    @Flag(help: "Everybody of the tenant, instead of one user.")
    var everybody = false

    var whom: String {
        user.map { "'\(TerminalText.printable($0))'" }
            ?? "everybody of '\(TerminalText.printable(tenant))'"
    }

    static var nowMilliseconds: Int64 { EngineClock.system.now() }

    /// Ends access.
    /// - Parameter making: makes the revocation of a user; nil stands for everybody.
    fileprivate func end(_ making: (ExactString?) -> AccessRevocation) async throws {
        // An option that was left out never means everybody.
        guard (user != nil) != everybody else {
            throw CommandFailure.cannotStart("give --user, or --everybody")
        }
        try Administration.check([("--tenant", tenant)] + (user.map { [("--user", $0)] } ?? []))
        let end = making(user.map { ExactString($0) })
        _ = try await Administration.carryOut(.endAccess(end), on: TenantID(tenant), database)
    }
}
