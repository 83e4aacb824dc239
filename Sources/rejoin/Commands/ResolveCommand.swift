import ArgumentParser
import AsyncHTTPClient
import Causality
import Foundation
import MergeCore
import StrictJSON
import SyncHTTP
import SyncWire
import Values

extension ConflictsCommand {
    /// Decides through the server, because that knows the collections' rules and wakes those who wait for changes.
    struct Resolve: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Decide a conflict, or all that the options select, through the running server.",
            discussion: """
                rejoin conflicts resolve 17 --as rita --choose incoming --note "as she said on the phone"
                rejoin conflicts resolve --all --status open --collection estimates --choose winner --dry-run
                """)

        @OptionGroup var access: ServerAccess
        @OptionGroup var filter: ConflictFilter

        @Argument(help: "The conflict's id; not with --all.") var id: Int64?
        @Flag(help: "All conflicts that the options select, instead of one.") var all = false
        @Option(help: "stored, incoming, winner, loser, current, or the number of a side, counted from 0.")
        var choose: String?
        @Option(help: "Another value, as JSON.") var value: String?
        @Option(help: "The version that was looked at. (default: the one that the conflict has now)")
        var version: Int64?
        @Flag(help: "Bring the record back if it is deleted by now.") var restore = false
        @Option(help: "Why.") var note: String?
        @Flag(help: "Only tell what would happen. With --all.") var dryRun = false
        @Flag(help: "The server's answer, as JSON.") var json = false

        func run() async throws {
            let choice = try choice()
            let server = try await ReviewingServer(access)
            guard all else {
                guard let id, !filter.selects, !dryRun else {
                    throw CommandFailure.cannotStart("name one conflict by its id, or give --all and what selects them")
                }
                return try await resolve(ConflictID(position: id), choice, server)
            }
            guard id == nil, version == nil, filter.selects else {
                throw CommandFailure.cannotStart("--all needs options that select, as --status open, and no id")
            }
            try await resolveAll(choice, server)
        }

        private func choice() throws(CommandFailure) -> Decision.Choice {
            switch (choose, value) {
            case (let word?, nil):
                if let number = Int32(word), number >= 0 { return .side(Int(number)) }
                guard let choice = Decision.Choice(word: word) else {
                    let words = Decision.Choice.words.joined(separator: ", ")
                    throw .cannotStart("--choose is \(words) or the number of a side")
                }
                return choice
            case (nil, let text?):
                do {
                    return .value(try Value(json: text))
                } catch {
                    throw .cannotStart("--value is JSON: \(error.detail)")
                }
            case (_, _): throw .cannotStart("give --choose or --value, one of them")
            }
        }

        private func request(_ choice: Decision.Choice, version: Int64? = nil) -> DecisionRequest {
            DecisionRequest(
                choice, version: version, deletedRecord: restore ? .isRestored : .staysDeleted,
                note: note.map { ExactString($0) })
        }

        private func resolve(_ id: ConflictID, _ choice: Decision.Choice, _ server: ReviewingServer) async throws {
            var version = version
            if version == nil { version = try await server.answer(to: .conflict(id)).version }
            let answer = try await server.answer(to: .resolve(id, request(choice, version: version)))
            guard !json else { return print(TerminalText.json(String(decoding: answer.encoded(), as: UTF8.self))) }
            let what = answer.resolution?.value.map(\.canonicalText) ?? "that it be absent"
            print(TerminalText.printable("conflict \(id.text): decided for \(what)"))
        }

        /// Call by call, because one takes a bounded number.
        private func resolveAll(_ choice: Decision.Choice, _ server: ReviewingServer) async throws {
            var page: String?
            var totals = (decided: 0, refused: 0)
            repeat {
                let answer = try await server.answer(
                    to: .resolveMany(request(choice), where: filter.items, isPreview: dryRun, page: page))
                if json { print(TerminalText.json(String(decoding: answer.encoded(), as: UTF8.self))) }
                totals.decided += answer.decidedCount
                totals.refused += answer.entries.count - answer.decidedCount
                if !json { for entry in answer.entries { tell(entry) } }
                page = answer.next
            } while page != nil
            guard !json else { return }
            print(
                "\(totals.decided) \(dryRun ? "would be decided" : "decided"), "
                    + "\(totals.refused) \(dryRun ? "could not be" : "refused")")
        }

        private func tell(_ entry: BulkResolutionAnswer.Entry) {
            let what: String
            switch entry.outcome {
            case .refused(let problem): what = "refused, \(problem.detail)"
            case .decided where entry.isCut: what = "too long to be shown here"
            case .decided(_, _, let effect):
                let before = effect?.before?.canonicalText ?? "(nothing)"
                let after = effect?.after?.canonicalText ?? "(nothing)"
                what = before == after ? "stays \(after)" : "\(before) → \(after)"
            }
            print(TerminalText.printable("conflict \(entry.conflict.text): \(what)"))
        }
    }
}

/// How a command reaches a running server, and as whom.
struct ServerAccess: ParsableArguments {
    @OptionGroup var common: CommonOptions
    @Option(help: "Where the server is.") var url = "http://127.0.0.1:8080"
    @Option(help: "The tenant; not needed with a token.") var tenant: String?
    @Option(name: .customLong("as"), help: "Who decides: the name stands at each decision. (default: reviewer)")
    var reviewer: String?
    @Option(
        help: "A reviewer's token, where the server does not take those of its own key. (REJOIN_TOKEN)")
    var token: String?
}

/// A running server that is asked with a reviewer's token.
struct ReviewingServer {
    private let address: String
    private let token: String

    init(_ access: ServerAccess) async throws {
        address = access.url.hasSuffix("/") ? String(access.url.dropLast()) : access.url
        if let given = access.token ?? ProcessInfo.processInfo.environment["REJOIN_TOKEN"] {
            token = given
            return
        }
        guard let tenant = access.tenant else {
            throw CommandFailure.cannotStart("give --tenant, or a token with --token or REJOIN_TOKEN")
        }
        let settings = try SettingsResolution(config: access.common.config)
        let data = DataDirectory(settings, access.common)
        let claims = TokenClaims(
            user: access.reviewer ?? "reviewer", tenant: tenant, device: nil, roles: ["reviewer"],
            issuedAtSeconds: Date().timeIntervalSince1970,
            expiresAtSeconds: Date().timeIntervalSince1970.rounded() + 300)
        token = try await TokenMint(data.ownKeys().signing).token(claims)
    }

    /// - Throws: what the server refuses, in its own words.
    func answer<Answer>(to call: WireCall<Answer>) async throws -> Answer {
        do {
            return try await HTTPClient.shared.answer(to: call, at: address, token: token)
        } catch let error as WireCallError {
            switch error {
            case .refused(let problem): throw CommandFailure.found(TerminalText.printable(problem.detail))
            case .unreadable: throw CommandFailure.found("what answers at \(address) is no rejoin server")
            }
        } catch {
            throw CommandFailure.cannotStart("no server answers at \(address); start one, or name it with --url")
        }
    }
}
