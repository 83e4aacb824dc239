import ArgumentParser
import AsyncHTTPClient
import Causality
import Foundation
import MergeCore
import NIOCore
import StrictJSON
import SyncHTTP
import SyncWire
import Values

extension ConflictsCommand {
    /// Decides through the server: it knows the collections' rules, and wakes those who wait for changes.
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
            let body = try decision()
            let server = try await ReviewingServer(access)
            guard all else {
                guard let id, !filter.selects, !dryRun else {
                    throw CommandFailure.cannotStart("name one conflict by its id, or give --all and what selects them")
                }
                return try await resolve(id, body, server)
            }
            guard id == nil, version == nil, filter.selects else {
                throw CommandFailure.cannotStart("--all needs options that select, as --status open, and no id")
            }
            try await resolveAll(body, server)
        }

        /// The members of the request's body.
        private func decision() throws(CommandFailure) -> [(ExactString, Value)] {
            var members: [(ExactString, Value)] = []
            switch (choose, value) {
            case (let word?, nil):
                guard Decision.Choice(word: word) != nil || Int64(word) != nil else {
                    let words = Decision.Choice.words.joined(separator: ", ")
                    throw .cannotStart("--choose is \(words) or the number of a side")
                }
                members.append(("choose", Int64(word).map { .integer($0) } ?? .string(word)))
            case (nil, let text?):
                do {
                    members.append(("value", try Value(json: text)))
                } catch {
                    throw .cannotStart("--value is JSON: \(error.detail)")
                }
            case (_, _): throw .cannotStart("give --choose or --value, one of them")
            }
            if restore { members.append(("restore", true)) }
            if let note { members.append(("note", .string(note))) }
            return members
        }

        private func resolve(
            _ id: Int64, _ body: [(ExactString, Value)], _ server: ReviewingServer
        ) async throws {
            var body = body
            if let version {
                body.append(("version", .integer(version)))
            } else {
                let conflict = try await server.ask("/v1/conflicts/\(id)")
                guard case .integer(let current)? = conflict["version"] else {
                    throw CommandFailure.found("the server's answer has no version")
                }
                body.append(("version", .integer(current)))
            }
            let answer = try await server.ask("/v1/conflicts/\(id)/resolutions", .object(body))
            guard !json else { return print(TerminalText.json(Value.object(answer).canonicalText)) }
            let resolution = answer["resolution"]?.members
            let shown = resolution?["value"].map(\.canonicalText) ?? "null"
            let what = resolution?["present"] == .boolean(false) ? "that it be absent" : shown
            print(TerminalText.printable("conflict \(id): decided for \(what)"))
        }

        /// Call by call, because one takes a bounded number.
        private func resolveAll(_ body: [(ExactString, Value)], _ server: ReviewingServer) async throws {
            var page: String?
            var totals: (decided: Int64, refused: Int64) = (0, 0)
            repeat {
                var query = filter.items
                if dryRun { query.append(("dryRun", "true")) }
                if let page { query.append(("page", page)) }
                let answer = try await server.ask("/v1/conflicts/resolutions", query: query, .object(body))
                if json { print(TerminalText.json(Value.object(answer).canonicalText)) }
                if case .integer(let count)? = answer["decided"] { totals.decided += count }
                if case .integer(let count)? = answer["refused"] { totals.refused += count }
                if !json, case .array(let results)? = answer["results"] { for result in results { tell(result) } }
                if case .string(let next)? = answer["next"] { page = next.text } else { page = nil }
            } while page != nil
            guard !json else { return }
            print(
                "\(totals.decided) \(dryRun ? "would be decided" : "decided"), "
                    + "\(totals.refused) \(dryRun ? "could not be" : "refused")")
        }

        private func tell(_ result: Value) {
            guard let result = result.members, case .string(let id)? = result["conflict"] else { return }
            func text(_ shown: Value?) -> String {
                shown?.members?["value"].map(\.canonicalText) ?? "(nothing)"
            }
            var line = "conflict \(id.text): "
            if let error = result["error"]?.members, case .string(let detail)? = error["detail"] {
                line += "refused, \(detail.text)"
            } else if result["omitted"] == .boolean(true) {
                line += "too long to be shown here"
            } else {
                let (before, after) = (text(result["before"]), text(result["after"]))
                line += before == after ? "stays \(after)" : "\(before) → \(after)"
            }
            print(TerminalText.printable(line))
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
        token = try await TokenMint(secret: data.secret()).token(claims)
    }

    /// - Parameter body: makes it a POST.
    /// - Throws: what the server refuses, in its own words.
    func ask(_ path: String, query: [(String, String)] = [], _ body: Value? = nil) async throws -> ObjectValue {
        var address = address + path
        let items = query.map { "\($0.0)=\($0.1.addingPercentEncoding(withAllowedCharacters: .alphanumerics) ?? "")" }
        if !items.isEmpty { address += "?" + items.joined(separator: "&") }
        var request = HTTPClientRequest(url: address)
        request.headers.add(name: "Authorization", value: "Bearer \(token)")
        if let body {
            request.method = .POST
            request.headers.add(name: "Content-Type", value: "application/json")
            request.body = .bytes(body.canonicalBytes)
        }
        let text: String
        let isDone: Bool
        do {
            let response = try await HTTPClient.shared.execute(request, timeout: .seconds(60))
            text = String(buffer: try await response.body.collect(upTo: 256 * 1024 * 1024))
            isDone = (200..<300).contains(response.status.code)
        } catch {
            throw CommandFailure.cannotStart("no server answers at \(self.address); start one, or name it with --url")
        }
        guard let answer = (try? Value(json: text))?.members else {
            throw CommandFailure.found("what answers at \(self.address) is no rejoin server")
        }
        guard isDone else {
            let detail = if case .string(let detail)? = answer["detail"] { detail.text } else { "the server refused" }
            throw CommandFailure.found(TerminalText.printable(detail))
        }
        return answer
    }
}

extension Value {
    /// The members of an object, nil for any other value.
    fileprivate var members: ObjectValue? {
        if case .object(let object) = self { object } else { nil }
    }
}
