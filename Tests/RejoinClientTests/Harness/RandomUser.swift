import Causality
import MergeCore
import DeviceReplica
import SeededRandom
import Values

/// Somebody who edits records at random, and remembers what was seen.
struct RandomUser: Sendable {
    let device: TestDevice
    private(set) var history = WrittenHistory()
    private var count = 0

    static let records: [(collection: ExactString, ids: [ExactString])] = [
        ("estimates", ["e0", "e1"]), ("drafts", ["d0", "d1"]), ("sheets", ["s0"]),
    ]

    /// The collection of which the device keeps some records only; nil for none.
    private let onDemand: ExactString?

    init(_ device: TestDevice, onDemand: ExactString? = nil) {
        self.device = device
        self.onDemand = onDemand
    }

    /// Wants a record, or lets one go, where the device keeps some only.
    func changeWishes(seed: UInt64) async throws {
        guard let onDemand, let ids = Self.records.first(where: { $0.collection == onDemand })?.ids else { return }
        var random = SeededGenerator(seed: seed)
        let id = random.pick(ids)
        if random.below(2) == 0 {
            try await device.client.want(onDemand, [id])
        } else {
            try await device.client.unwant(onDemand, [id])
        }
    }

    /// Wants everything that there may be.
    func wantAll() async throws {
        guard let onDemand, let ids = Self.records.first(where: { $0.collection == onDemand })?.ids else { return }
        try await device.client.want(onDemand, ids)
    }

    /// Makes one edit. What is seen is seen in the transaction of the edit.
    mutating func edit(seed: UInt64) async throws {
        let edit = RandomEdit(name: device.name.name.text, count: count, random: SeededGenerator(seed: seed))
        let done = try await device.client.write { transaction in
            var edit = edit
            try edit.perform(in: transaction)
            return edit
        }
        count = done.count
        if let place = done.made { history.sawOwn(place) }
        history.merge(done.history)
    }
}

/// One random edit, and what its author saw.
private struct RandomEdit: Sendable {
    let name: String
    var count: Int
    var random: SeededGenerator
    var history = WrittenHistory()
    /// What was written to a record of which nothing showed.
    var made: WrittenHistory.Place?

    init(name: String, count: Int, random: SeededGenerator) {
        self.name = name
        self.count = count
        self.random = random
    }

    /// A value that nobody else writes.
    private mutating func fresh() -> Value {
        count += 1
        return .string("\(name)-\(count).")
    }

    mutating func perform(in edit: EditTransaction) throws {
        let (collection, ids) = RandomUser.records[[0, 0, 0, 1, 2][random.below(5)]]
        let key = RecordKey(collection: collection, id: random.pick(ids))
        let shown = try edit.record(key.collection, key.id)
        guard let shown, !shown.isDeleted else {
            if shown != nil, random.below(2) == 0 {
                try edit.restore(key.collection, key.id)
            } else {
                try create(key, shown, edit)
            }
            return
        }
        if random.below(12) == 0 {
            history.sawAll(of: key, shown)
            try edit.delete(key.collection, key.id)
        } else if collection == "estimates" {
            try editEstimate(key, shown, edit)
        } else {
            let field: ExactString = collection == "sheets" ? random.pick(["a", "b"]) : "text"
            let value = fresh()
            history.wrote(value, to: field, of: key, seeing: shown)
            // A sheet is one unit: whoever writes a field of it writes what it shows in the others.
            if collection == "sheets" { history.sawAll(of: key, shown) }
            try edit.update(key.collection, key.id, [field: value])
        }
    }

    private mutating func create(_ key: RecordKey, _ shown: ShownRecord?, _ edit: EditTransaction) throws {
        let field: ExactString =
            switch key.collection {
            case "estimates": "title"
            case "sheets": "a"
            case _: "text"
            }
        let value = fresh()
        if let shown {
            history.sawAll(of: key, shown)
            if case .array(let elements)? = shown["tags"] {
                for element in elements { history.removed(element, from: "tags", of: key) }
            }
        }
        if shown == nil { made = WrittenHistory.Place(record: key, field: field) }
        history.wrote(value, to: field, of: key, seeing: shown)
        try edit.create(key.collection, key.id, [field: value])
    }

    private mutating func editEstimate(_ key: RecordKey, _ shown: ShownRecord, _ edit: EditTransaction) throws {
        switch random.below(12) {
        case 0:
            let amount = Int64(random.below(5) + 1)
            let id = try edit.increment(key.collection, key.id, "visits", by: amount)
            history.incremented("visits", of: key, by: amount, in: id)
        case 1:
            let element = fresh()
            history.added(element, to: "tags", of: key)
            try edit.add([element], to: "tags", of: key.collection, key.id)
        case 2:
            guard case .array(let elements)? = shown["tags"], !elements.isEmpty else { return }
            let element = random.pick(elements)
            history.removed(element, from: "tags", of: key)
            try edit.remove([element], from: "tags", of: key.collection, key.id)
        case 3:
            count += 1
            let sum = name.utf8.reduce(0) { $0 + Int($1) }
            guard let value = Value.number(Double(count) + Double(sum % 997) / 1_000) else { return }
            history.wrote(value, to: "lat", of: key, seeing: shown)
            history.see("lng", of: key, shown)
            try edit.update(key.collection, key.id, ["lat": value, "lng": value])
        case 4:
            let (first, second) = (fresh(), fresh())
            history.wrote(first, to: "title", of: key, seeing: shown)
            history.wrote(second, to: "status", of: key, seeing: shown)
            try edit.update(key.collection, key.id, ["title": first, "status": second])
        case let choice:
            let field: ExactString = ["title", "status", "notes", "title"][choice % 4]
            let value = fresh()
            history.wrote(value, to: field, of: key, seeing: shown)
            try edit.update(key.collection, key.id, [field: value])
        }
    }
}
