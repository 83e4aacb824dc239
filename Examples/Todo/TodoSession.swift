import Causality
import Foundation
import MergeCore
import RejoinClient
import Values

/// What the user does in one run of the app.
actor TodoSession {
    private let client: RejoinClient
    private var syncing: Task<Void, any Error>?
    private var shown: [ShownRecord] = []
    private var parked: [ParkedEdit] = []

    init(_ client: RejoinClient) { self.client = client }

    /// - Returns: whether the app goes on.
    func perform(_ line: String) async throws -> Bool {
        let words = line.split(separator: " ", maxSplits: 2).map(String.init)
        let rest = line.split(separator: " ", maxSplits: 1).dropFirst().first.map(String.init) ?? ""
        switch words.first {
        case nil: break
        case "list"?: try await list()
        case "add"?: try await add(rest)
        case "edit"?, "choose"?: try await update(words, ["title": .string(try third(words))])
        case "done"?: try await update(words, ["done": true])
        case "work"?:
            let record = try record(words)
            guard let minutes = Int64(try third(words)) else { throw Mistake("how many minutes?") }
            let all = try await client.write { edit in
                try edit.increment("todos", record.key.id, "minutes", by: minutes)
                return try edit.record("todos", record.key.id)?["minutes"]
            }
            say("worked \(all.text) minutes on it in all")
        case "tag"?:
            let (record, tag) = (try record(words), Value.string(try third(words)))
            try await client.write { try $0.add([tag], to: "tags", of: "todos", record.key.id) }
        case "delete"?:
            let record = try record(words)
            try await client.write { try $0.delete("todos", record.key.id) }
        case "offline"?: await goOffline()
        case "online"?: goOnline()
        case "sync"?: try await sync()
        case "status"?: try await status()
        case "conflicts"?: try await conflicts()
        case "parked"?: try await listParked()
        case "retry"?: _ = try await client.retry(try parkedEdit(words).id)
        case "discard"?: try await client.discard(try parkedEdit(words).id)
        case "help"?: say(TodoApp.helpMessage())
        case "quit"?: return false
        case let word?: throw Mistake("'\(word)' is no command; 'help' lists them")
        }
        return true
    }

    // MARK: The list

    private func list() async throws {
        shown = try await client.records("todos")
        if shown.isEmpty { say("nothing to do") }
        for (index, record) in shown.enumerated() {
            var line = "\(index + 1). [\(record["done"] == true ? "x" : " ")] \(record["title"].text)"
            if case .integer(let minutes)? = record["minutes"] { line += ", \(minutes) min" }
            if case .array(let tags)? = record["tags"], !tags.isEmpty {
                line += " #" + tags.map { Optional($0).text }.joined(separator: " #")
            }
            if record.isPending { line += " (not confirmed)" }
            say(line)
            for sibling in record.siblings["title"] ?? [] {
                say(
                    "   or: \(Optional(sibling.value).text) (from \(sibling.device)); 'choose \(index + 1) TITLE' decides"
                )
            }
        }
    }

    private func add(_ title: String) async throws {
        guard !title.isEmpty else { throw Mistake("what?") }
        let id = ExactString(UUID().uuidString.lowercased())
        try await client.write { try $0.create("todos", id, ["title": .string(title), "done": false]) }
        say("added \(id)")
    }

    private func update(_ words: [String], _ fields: [ExactString: Value]) async throws {
        let record = try record(words)
        try await client.write { try $0.update("todos", record.key.id, fields) }
    }

    private func record(_ words: [String]) throws -> ShownRecord {
        guard words.count > 1, let number = Int(words[1]), shown.indices.contains(number - 1) else {
            throw Mistake("which one? 'list' numbers them")
        }
        return shown[number - 1]
    }

    private func third(_ words: [String]) throws -> String {
        guard words.count > 2 else { throw Mistake("something is missing after '\(words.joined(separator: " "))'") }
        return words[2]
    }

    // MARK: The network

    func goOnline() {
        guard syncing == nil else { return }
        let client = client
        syncing = Task { try await client.run() }
    }

    func goOffline() async {
        syncing?.cancel()
        _ = await syncing?.result
        syncing = nil
    }

    private func sync() async throws {
        try await client.syncNow()
        say("synced")
    }

    private func status() async throws {
        let (status, metrics) = (try await client.status(), try await client.metrics())
        say(
            "\(status.phase): \(status.pending) not confirmed, \(status.parked) refused, \(status.setAside) set aside, "
                + "\(metrics.acknowledged) confirmed, \(metrics.conflicts) conflicts; device \(try await client.device())"
        )
    }

    private func conflicts() async throws {
        for conflict in try await client.conflicts() {
            let shown = conflict.shown.map { Value.object($0.members.map { ($0.name, $0.value) }).text } ?? "?"
            say(
                "\(conflict.unit) of \(conflict.record.id): written here \(Value.object(conflict.own.members.map { ($0.name, $0.value) }).text), "
                    + "shows \(shown) (\(conflict.policy), \(conflict.status))")
        }
    }

    private func listParked() async throws {
        parked = try await client.parked()
        for (index, edit) in parked.enumerated() {
            say("\(index + 1). \(edit.kind.rawValue) of \(edit.record.id): \(edit.code): \(edit.detail)")
        }
    }

    private func parkedEdit(_ words: [String]) throws -> ParkedEdit {
        guard words.count > 1, let number = Int(words[1]), parked.indices.contains(number - 1) else {
            throw Mistake("which one? 'parked' numbers them")
        }
        return parked[number - 1]
    }
}

/// What the user did wrong.
struct Mistake: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) { self.description = description }
}

extension Value? {
    /// The value as a user reads it.
    fileprivate var text: String { self?.text ?? "" }
}

extension Value {
    /// The value as a user reads it.
    fileprivate var text: String {
        switch self {
        case .string(let text): text.text
        case .integer(let number): "\(number)"
        case .double(let number): "\(number)"
        case .boolean(let flag): flag ? "yes" : "no"
        case .null: "nothing"
        case .array(let elements): elements.map(\.text).joined(separator: ", ")
        case .object(let object): object.members.map { "\($0.name) “\($0.value.text)”" }.joined(separator: ", ")
        }
    }
}
