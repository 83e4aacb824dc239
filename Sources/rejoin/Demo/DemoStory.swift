import AsyncHTTPClient
import Causality
import Foundation
import MergeCore
import StrictJSON
import SyncEngine
import SyncStorage
import SyncWire
import Values

/// Three devices of a building contractor that go offline, edit the same records and come back.
struct DemoStory {
    let server: DemoServer
    let ipad: DemoDevice
    let mac: DemoDevice
    let phone: DemoDevice

    private static let hour: Int64 = 3_600_000

    init(_ server: DemoServer, http: HTTPClient) async throws {
        self.server = server
        ipad = try await DemoDevice("ipad", of: "Ana", on: server, http: http)
        mac = try await DemoDevice("mac", of: "Ben", on: server, http: http)
        phone = try await DemoDevice("phone", of: "Cara", clockErrorMilliseconds: 3 * Self.hour, on: server, http: http)
    }

    func tell() async throws {
        try await begin()
        try await goOffline()
        try await comeBack()
        try await loseAnAnswer()
        try await showConflicts()
    }

    // MARK: The chapters

    private func begin() async throws {
        chapter("1. Everybody is online")
        say("Ana's ipad creates an estimate and a cost-book item; Ben's mac and Cara's phone pull them.")
        ipad.edit(
            .create, "estimates", "e-42", minutesAgo: 60,
            [
                ("title", "Kitchen"), ("number", "2026-042"), ("total", 1_200), ("status", "draft"),
                ("tags", ["$add": ["new"]]), ("lat", .double(48.137)), ("lng", .double(11.575)),
            ])
        ipad.edit(
            .create, "cost_book_items", "oak-board", minutesAgo: 60,
            [("name", "Oak board"), ("price", 40), ("bestPrice", 40), ("suppliers", ["$add": ["Holzmann"]])])
        show(try await ipad.send(), of: ipad)
        try await mac.pull()
        try await phone.pull()
    }

    private func goOffline() async throws {
        chapter("2. Everybody goes offline and works")
        say("Cara's phone has a wrong clock, three hours fast. Nobody sees what the others do.\n")
        ipad.edit(
            .update, "estimates", "e-42", minutesAgo: 40,
            [
                ("title", "Kitchen and bath"), ("tags", ["$add": ["urgent"]]), ("visits", ["$increment": 1]),
                ("status", "sent"),
            ])
        ipad.edit(.delete, "cost_book_items", "oak-board", minutesAgo: 35)
        mac.edit(
            .update, "estimates", "e-42", minutesAgo: 20,
            [("total", 1_350), ("status", "approved"), ("visits", ["$increment": 1])])
        mac.edit(.update, "cost_book_items", "oak-board", minutesAgo: 15, [("price", 44)])
        phone.edit(
            .update, "estimates", "e-42", minutesAgo: 30,
            [
                ("total", 1_280), ("status", "on hold"), ("visits", ["$increment": 1]),
                ("tags", ["$add": ["tiles"], "$remove": ["new"]]),
            ])
        phone.edit(
            .update, "cost_book_items", "oak-board", minutesAgo: 28,
            [("bestPrice", 37), ("suppliers", ["$add": ["Meyer"]])])
        for device in [ipad, phone, mac] {
            for operation in device.pending { say("  \(device.name.padded(6)) \(Self.line(operation))") }
        }
    }

    private func comeBack() async throws {
        chapter("3. They come back, one by one")
        for device in [phone, ipad, mac] {
            let answer = try await device.send()
            show(answer, of: device)
        }
        for device in [phone, ipad, mac] { try await device.pull() }
        try checkConvergence()
        say("\nAll three devices now hold the same records:")
        for (key, local) in mac.records.sorted(by: { $0.key < $1.key }) {
            say("  \(key.collection)/\(key.id)  clock \(local.clock)")
            if local.isDeleted { say("    deleted") }
            for member in local.fields.members {
                say("    \(member.name.text.padded(10)) \(member.value.canonicalText)")
            }
        }
        say("\nThe phone's clock did not decide anything: its edit of the total is older than the mac's, and lost.")
    }

    private func loseAnAnswer() async throws {
        chapter("4. An answer gets lost, and the phone sends its batch again")
        phone.edit(.update, "estimates", "e-42", minutesAgo: 1, [("visits", ["$increment": 1])])
        let first = try await phone.send()
        let again = try await phone.resend(first)
        guard again.answer.isReplayed, again.answer.outcomes.map(\.result) == first.answer.outcomes.map(\.result) else {
            throw DemoError("the second answer is not the first one")
        }
        say("  the server gives the stored answer, byte for byte: the visit is counted once")
    }

    private func showConflicts() async throws {
        chapter("5. What the merge decided, and what waits for a person")
        var query = ConflictQuery(limit: 50)
        query.order = .oldest
        var views: [ConflictView] = []
        for file in try await server.store.conflicts("demo", query) { views.append(try ConflictView(file)) }
        guard !views.isEmpty else { throw DemoError("no conflict was recorded") }
        say(ConflictTable.text(views), end: "")
        let report = try await server.store.verifyAudit(of: "demo")
        guard report.fault == nil else { throw DemoError("the audit does not verify") }
        say("\nThe audit has \(report.entries) entries; their hash chain verifies. Nothing was lost silently.")
    }

    // MARK: Telling

    private func chapter(_ title: String) { say("\n\(title)\n") }

    private func say(_ text: String, end: String = "\n") {
        print(text, terminator: end)
        fflush(nil)
    }

    private func show(_ exchange: DemoDevice.Exchange, of device: DemoDevice) {
        for (operation, outcome) in zip(exchange.operations, exchange.answer.outcomes) {
            let result = outcome.result
            let relation = result.relation?.rawValue ?? ""
            say(
                "  \(device.name.padded(6)) \(Self.name(operation).padded(38)) \(relation.padded(10)) → "
                    + result.outcome.rawValue)
            for conflict in result.conflicts {
                say(
                    "         conflict #\(conflict.id.text) on \(conflict.unit): \(conflict.policy), the "
                        + "\(conflict.winner.rawValue) side shows, \(conflict.status.rawValue)")
            }
        }
    }

    private func checkConvergence() throws {
        let states = [ipad, mac, phone].map { device in
            device.records.mapValues { Value.object([("f", .object($0.fields)), ("d", .boolean($0.isDeleted))]) }
        }
        guard states[0] == states[1], states[1] == states[2] else { throw DemoError("the devices do not agree") }
    }

    private static func name(_ operation: MergeCore.Operation) -> String {
        "\(operation.kind.rawValue) \(operation.record.collection)/\(operation.record.id)"
    }

    private static func line(_ operation: MergeCore.Operation) -> String {
        let fields = operation.fields.members.map { "\($0.name) = \($0.value.canonicalText)" }.joined(separator: ", ")
        let time = operation.claimedMilliseconds.map { Timestamp(milliseconds: $0).text } ?? ""
        return "\(time.dropFirst(11).prefix(5)) \(name(operation).padded(34)) \(fields)"
    }
}

extension String {
    /// Filled up with spaces to a width.
    func padded(_ width: Int) -> String { self + String(repeating: " ", count: max(0, width - count)) }
}
