import ArgumentParser
import Causality
import Foundation
import MergeCore
import SyncEngine
import SyncStorage
import SyncWire
import Values

/// Makes tenants, and says what was done in them.
struct TenantCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "tenant", abstract: "The tenants in the data.",
        subcommands: [ListTenantsCommand.self, AddTenantCommand.self, TenantLogCommand.self],
        defaultSubcommand: ListTenantsCommand.self)
}

struct ListTenantsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "list", abstract: "Print their names.")

    @OptionGroup var database: DatabaseOptions

    func run() async throws {
        for tenant in try await Administration.reading(
            database, { store throws(StoreError) in try await store.tenants() })
        {
            print(TerminalText.printable(tenant.name.text))
        }
    }
}

struct AddTenantCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "add",
        abstract: "Make a tenant, so that it can have members. One whose name a token gives is made by its first batch."
    )

    @OptionGroup var database: DatabaseOptions

    @Argument(help: "Its name.")
    var name: String

    func run() async throws {
        try Administration.check([("the name", name)])
        let isNew = try await Administration.carryOut(.addTenant, on: TenantID(name), database, isToBeThere: false)
        let shown = TerminalText.printable(name)
        print(isNew ? "the tenant '\(shown)' is there" : "the tenant '\(shown)' was there before")
    }
}

struct TenantLogCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "log",
        abstract: "Print what was changed of a tenant's members, devices and access, and by whom, the newest first.")

    @OptionGroup var database: DatabaseOptions

    @Option(help: "The tenant; may be left out where there is only one.")
    var tenant: String?

    @Option(help: "How many lines.")
    var limit = 100

    func run() async throws {
        guard limit > 0 else { throw CommandFailure.cannotStart("--limit: at least 1") }
        let store = try await Database(database).openForReading()
        do throws(CommandFailure) {
            let tenant = try await TenantChoice.tenant(tenant, in: store)
            let rows = try await Database.saying { () throws(StoreError) in
                try await store.administration(tenant, before: nil, limit: limit)
            }
            for row in rows {
                let actor = row.actor.text.isEmpty ? "(command)" : row.actor.text
                let subject = row.subject.text.isEmpty ? "(all)" : row.subject.text
                let parts = [
                    Timestamp(milliseconds: row.recordedAtMilliseconds).text, actor, row.act, subject, row.detail,
                ]
                print(parts.filter { !$0.isEmpty }.map(TerminalText.printable).joined(separator: "  "))
            }
        } catch {
            await store.close()
            throw error
        }
        await store.close()
    }
}

/// Says who belongs to a tenant, where tokens do not.
struct MemberCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "member",
        abstract: "Who belongs to a tenant, where the identity provider does not say so ('members: true').",
        discussion: """
            Running servers know of a change after 5 seconds at most. Each is recorded ('rejoin tenant log'). What a former \
            member wrote stays.
            """,
        subcommands: [ListMembersCommand.self, AddMemberCommand.self, RemoveMemberCommand.self],
        defaultSubcommand: ListMembersCommand.self)
}

struct ListMembersCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "list", abstract: "Print them with their roles.")

    @OptionGroup var database: DatabaseOptions

    @Option(help: "The tenant.")
    var tenant: String

    func run() async throws {
        try Administration.check([("--tenant", tenant)])
        let members = try await Administration.reading(database) { store throws(StoreError) in
            try await store.members(TenantID(tenant))
        }
        for member in members {
            print("\(TerminalText.printable(member.user.text))  \(MemberRow.text(of: member.roles))")
        }
    }
}

struct AddMemberCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "add", abstract: "Make a user a member, or give a member other roles.")

    @OptionGroup var database: DatabaseOptions

    @Argument(help: "The user, as 'user' of the issuer's settings comes to ('sub', where nothing is said).")
    var user: String

    @Option(help: "The tenant.")
    var tenant: String

    @Option(name: .customLong("role"), help: "device, reviewer or admin; several times for several.")
    var roles: [String] = []

    func run() async throws {
        try Administration.check([("--tenant", tenant), ("the user", user)])
        // Who is added without a word may do what most members do.
        let names = roles.isEmpty ? [Caller.Role.device.rawValue] : roles
        for name in names where Caller.Role(rawValue: name) == nil {
            let known = Caller.Role.allCases.map(\.rawValue).joined(separator: ", ")
            throw CommandFailure.cannotStart("--role: '\(TerminalText.printable(name))' is none of \(known)")
        }
        let isChange = try await Administration.carryOut(
            .setMember(ExactString(user), roles: Set(names)), on: TenantID(tenant), database)
        let shown = "'\(TerminalText.printable(user))' is a member of '\(TerminalText.printable(tenant))'"
        print("\(shown): \(MemberRow.text(of: Set(names)))\(isChange ? "" : ", as before")")
    }
}

struct RemoveMemberCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "remove", abstract: "Take a user out. What the user wrote stays.")

    @OptionGroup var database: DatabaseOptions

    @Argument(help: "The user.")
    var user: String

    @Option(help: "The tenant.")
    var tenant: String

    func run() async throws {
        try Administration.check([("--tenant", tenant), ("the user", user)])
        guard
            try await Administration.carryOut(.removeMember(ExactString(user)), on: TenantID(tenant), database)
        else { throw CommandFailure.found("'\(TerminalText.printable(user))' is no member") }
        print("'\(TerminalText.printable(user))' is no member of '\(TerminalText.printable(tenant))' any more")
    }
}

/// What commands do beside running servers to who may do what.
enum Administration {
    /// - Throws: for a name that nobody can have.
    static func check(_ names: [(String, String)]) throws(CommandFailure) {
        for (option, name) in names {
            if let issue = NameRule.issue(in: ExactString(name), limits: WireLimits()) {
                throw .cannotStart("\(option): \(issue)")
            }
        }
    }

    static func reading<Answer>(
        _ database: DatabaseOptions, _ body: (any SyncStore) async throws(StoreError) -> Answer
    ) async throws(CommandFailure) -> Answer {
        let store = try await Database(database).openForReading()
        do throws(CommandFailure) {
            let answer = try await Database.saying { () throws(StoreError) in try await body(store) }
            await store.close()
            return answer
        } catch {
            await store.close()
            throw error
        }
    }

    /// Carries out an act, in the name of nobody but who may open the data.
    /// - Parameter isToBeThere: whether the tenant has to be there: a name that was misspelt makes none.
    /// - Returns: whether it changed anything.
    static func carryOut(
        _ act: AdministrativeAct, on tenant: TenantID, _ database: DatabaseOptions, isToBeThere: Bool = true
    ) async throws(CommandFailure) -> Bool {
        let store = try await Database(database).openForCommand()
        do throws(CommandFailure) {
            if isToBeThere {
                let tenants = try await Database.saying { () throws(StoreError) in try await store.tenants() }
                guard tenants.contains(tenant) else {
                    throw .found("there is no tenant '\(TerminalText.printable(tenant.name.text))' in this data")
                }
            }
            let isChange = try await Database.saying { () throws(StoreError) in
                try await store.administer(tenant, act, by: "", nowMilliseconds: EngineClock.system.now())
            }
            await store.close()
            return isChange
        } catch {
            await store.close()
            throw error
        }
    }
}
