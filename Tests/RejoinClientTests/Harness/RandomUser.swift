import Causality
import MergeCore
import RejoinClient
import SeededRandom
import Values

/// Somebody who edits records at random, and remembers what was seen.
struct RandomUser {
    let device: TestDevice
    var count = 0

    private static let estimates: [ExactString] = ["e0", "e1"]
    private static let drafts: [ExactString] = ["d0", "d1"]

    init(_ device: TestDevice) { self.device = device }

    /// A value that nobody else writes.
    private mutating func fresh() -> Value {
        count += 1
        return .string("\(device.name)-\(count)")
    }

    mutating func edit(_ random: inout SeededGenerator, _ history: inout WrittenHistory) async throws {
        let (collection, ids): (ExactString, [ExactString]) =
            switch random.below(5) {
            case 0: ("drafts", Self.drafts)
            case 1: ("sheets", ["s0"])
            case _: ("estimates", Self.estimates)
            }
        let key = RecordKey(collection: collection, id: random.pick(ids))
        let shown = try await device.client.record(key.collection, key.id)
        guard let shown, !shown.isDeleted else {
            if shown != nil, random.below(2) == 0 {
                try await restore(key)
            } else {
                try await create(key, shown, &history)
            }
            return
        }
        if random.below(12) == 0 {
            history.sawAll(of: key, shown)
            try await device.client.write { try $0.delete(key.collection, key.id) }
        } else if collection == "estimates" {
            try await editEstimate(key, shown, &random, &history)
        } else {
            let field: ExactString = collection == "sheets" ? random.pick(["a", "b"]) : "text"
            let value = fresh()
            history.wrote(value, to: field, of: key, seeing: shown)
            // A sheet is one unit: whoever writes a field of it writes what it shows in the others.
            if collection == "sheets" { history.sawAll(of: key, shown) }
            try await device.client.write { try $0.update(key.collection, key.id, [field: value]) }
        }
    }

    private func restore(_ key: RecordKey) async throws {
        try await device.client.write { try $0.restore(key.collection, key.id) }
    }

    private mutating func create(
        _ key: RecordKey, _ shown: ShownRecord?, _ history: inout WrittenHistory
    ) async throws {
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
        history.wrote(value, to: field, of: key, seeing: shown)
        try await device.client.write { try $0.create(key.collection, key.id, [field: value]) }
    }

    private mutating func editEstimate(
        _ key: RecordKey, _ shown: ShownRecord, _ random: inout SeededGenerator, _ history: inout WrittenHistory
    ) async throws {
        switch random.below(12) {
        case 0:
            let amount = Int64(random.below(5) + 1)
            let id = try await device.client.write { edit in
                try edit.increment(key.collection, key.id, "visits", by: amount)
            }
            history.incremented("visits", of: key, by: amount, in: id)
        case 1:
            let element = fresh()
            history.added(element, to: "tags", of: key)
            try await device.client.write { try $0.add([element], to: "tags", of: key.collection, key.id) }
        case 2:
            guard case .array(let elements)? = shown["tags"], !elements.isEmpty else { return }
            let element = random.pick(elements)
            history.removed(element, from: "tags", of: key)
            try await device.client.write { try $0.remove([element], from: "tags", of: key.collection, key.id) }
        case 3:
            count += 1
            let value = Value.number(
                Double(count) + Double(device.name.name.text.utf8.reduce(0) { $0 + Int($1) }) / 1_000)
            guard let value else { return }
            history.wrote(value, to: "lat", of: key, seeing: shown)
            history.see("lng", of: key, shown)
            try await device.client.write { try $0.update(key.collection, key.id, ["lat": value, "lng": value]) }
        case 4:
            let (first, second) = (fresh(), fresh())
            history.wrote(first, to: "title", of: key, seeing: shown)
            history.wrote(second, to: "status", of: key, seeing: shown)
            try await device.client.write { try $0.update(key.collection, key.id, ["title": first, "status": second]) }
        case let choice:
            let field: ExactString = ["title", "status", "notes", "title"][choice % 4]
            let value = fresh()
            history.wrote(value, to: field, of: key, seeing: shown)
            try await device.client.write { try $0.update(key.collection, key.id, [field: value]) }
        }
    }
}
