import AsyncHTTPClient
import Causality
import DeviceReplica
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

    init(_ server: DemoServer, http: HTTPClient) throws {
        self.server = server
        ipad = try DemoDevice("ipad", of: "Ana", on: server)
        mac = try DemoDevice("mac", of: "Ben", on: server)
        phone = try DemoDevice("phone", of: "Cara", clockErrorMilliseconds: 3 * Self.hour, on: server)
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
        try await ipad.edit(minutesAgo: 60) { edit in
            try edit.create(
                "estimates", "e-42",
                [
                    "title": "Kitchen", "number": "2026-042", "total": 1_200, "status": "draft",
                    "tags": ["$add": ["new"]], "lat": .double(48.137), "lng": .double(11.575),
                ])
            try edit.create(
                "cost_book_items", "oak-board",
                ["name": "Oak board", "price": 40, "bestPrice": 40, "suppliers": ["$add": ["Holzmann"]]])
        }
        show(try await ipad.sync(), of: ipad)
        _ = try await mac.sync()
        _ = try await phone.sync()
    }

    private func goOffline() async throws {
        chapter("2. Everybody goes offline and works")
        say("Cara's phone has a wrong clock, three hours fast. Nobody sees what the others do.\n")
        try await ipad.edit(minutesAgo: 40) { edit in
            try edit.update("estimates", "e-42", ["title": "Kitchen and bath", "status": "sent"])
            try edit.add(["urgent"], to: "tags", of: "estimates", "e-42")
            try edit.increment("estimates", "e-42", "visits")
        }
        try await ipad.edit(minutesAgo: 35) { try $0.delete("cost_book_items", "oak-board") }
        try await phone.edit(minutesAgo: 30) { edit in
            try edit.update("estimates", "e-42", ["total": 1_280, "status": "on hold"])
            try edit.add(["tiles"], to: "tags", of: "estimates", "e-42")
            try edit.remove(["new"], from: "tags", of: "estimates", "e-42")
            try edit.increment("estimates", "e-42", "visits")
        }
        try await phone.edit(minutesAgo: 28) { edit in
            try edit.update("cost_book_items", "oak-board", ["bestPrice": 37])
            try edit.add(["Meyer"], to: "suppliers", of: "cost_book_items", "oak-board")
        }
        try await mac.edit(minutesAgo: 20) { edit in
            try edit.update("estimates", "e-42", ["total": 1_350, "status": "approved"])
            try edit.increment("estimates", "e-42", "visits")
        }
        try await mac.edit(minutesAgo: 15) { try $0.update("cost_book_items", "oak-board", ["price": 44]) }
        for device in [ipad, phone, mac] {
            for edit in try await device.client.pending() { say("  \(device.name.padded(6)) \(Self.line(edit))") }
        }
    }

    private func comeBack() async throws {
        chapter("3. They come back, one by one")
        for device in [phone, ipad, mac] { show(try await device.sync(), of: device) }
        for device in [phone, ipad, mac] { _ = try await device.sync() }
        try await checkConvergence()
        say("\nAll three devices now hold the same records:")
        for record in try await mac.records() {
            say("  \(record.key.collection)/\(record.key.id)\(record.isDeleted ? ", deleted" : "")")
            guard !record.isDeleted else { continue }
            for member in record.fields.members {
                say("    \(member.name.text.padded(10)) \(member.value.canonicalText)")
            }
            for (unit, siblings) in record.siblings {
                for sibling in siblings {
                    say("    \(unit.text.padded(10)) or \(sibling.value.canonicalText), of the \(sibling.device)")
                }
            }
        }
        say("\nThe phone's clock did not decide anything: its edit of the total is older than the mac's, and lost.")
    }

    private func loseAnAnswer() async throws {
        chapter("4. An answer gets lost, and the phone sends its batch again")
        try await phone.edit(minutesAgo: 1) { try $0.increment("estimates", "e-42", "visits") }
        phone.connection.loseNextAnswer()
        do {
            _ = try await phone.sync()
            throw DemoError("the answer was not lost")
        } catch SyncFailure.noAnswer {
            say(
                "  the phone does not know whether its visit was counted: \(try await phone.client.pending().count) edit is not confirmed"
            )
        }
        let first = phone.connection.takeExchanges()
        let again = try await phone.sync()
        guard let first = first.first, let again = again.first, again.answer.isReplayed,
            again.answer.outcomes.map(\.result) == first.answer.outcomes.map(\.result)
        else { throw DemoError("the second answer is not the first one") }
        say("  sent again, the same bytes: the server gives the stored answer, and the visit is counted once")
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

    private func show(_ exchanges: [DemoConnection.Exchange], of device: DemoDevice) {
        for exchange in exchanges {
            for (item, outcome) in zip(exchange.request.items, exchange.answer.outcomes) {
                guard case .operation(let operation) = item else { continue }
                let result = outcome.result
                let name = Self.name(operation.kind, operation.record).padded(38)
                let relation = (result.relation?.rawValue ?? "").padded(10)
                say("  \(device.name.padded(6)) \(name) \(relation) → " + result.outcome.rawValue)
                for conflict in result.conflicts {
                    say(
                        "         conflict #\(conflict.id.text) on \(conflict.unit): \(conflict.policy), the "
                            + "\(conflict.winner.rawValue) side shows, \(conflict.status.rawValue)")
                }
            }
        }
    }

    private func checkConvergence() async throws {
        let states = [try await ipad.records(), try await mac.records(), try await phone.records()].map { records in
            records.map { record in
                Value.object([
                    ("f", record.isDeleted ? .null : .object(record.fields)), ("d", .boolean(record.isDeleted)),
                ])
            }
        }
        guard states[0] == states[1], states[1] == states[2] else { throw DemoError("the devices do not agree") }
    }

    private static func name(_ kind: OperationKind, _ record: RecordKey) -> String {
        "\(kind.rawValue) \(record.collection)/\(record.id)"
    }

    private static func line(_ edit: PendingEdit) -> String {
        let fields = edit.fields.members.map { "\($0.name) = \($0.value.canonicalText)" }.joined(separator: ", ")
        let time = Timestamp(milliseconds: edit.editedAtMilliseconds).text
        return "\(time.dropFirst(11).prefix(5)) \(name(edit.kind, edit.record).padded(34)) \(fields)"
    }
}

extension String {
    /// Filled up with spaces to a width.
    func padded(_ width: Int) -> String { self + String(repeating: " ", count: max(0, width - count)) }
}
