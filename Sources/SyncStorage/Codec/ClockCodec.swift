import Causality
import MergeCore
import SyncWire

/// Texts that a store keeps may be nested a little deeper than what devices may send, because values stand inside states.
let storedLimits = JSONLimits(maximumDepth: 64)

extension Value {
    /// Reads a text that this server wrote.
    static func stored(_ text: String, as name: String) throws(StoreError) -> Value {
        do {
            return try Value(json: text, limits: storedLimits)
        } catch {
            throw .damaged("\(name) is no JSON: \(error)")
        }
    }

    var storedInteger: Int64? {
        if case .integer(let number) = self { number } else { nil }
    }

    var storedText: ExactString? {
        if case .string(let text) = self { text } else { nil }
    }

    var storedArray: [Value]? {
        if case .array(let elements) = self { elements } else { nil }
    }

    var storedObject: ObjectValue? {
        if case .object(let object) = self { object } else { nil }
    }
}

extension VersionVector {
    /// `{"device": counter}`, sorted by device: the canonical form.
    public var canonicalText: String {
        var writer = JSONWriter()
        writer.beginObject()
        for entry in entries { writer.member(entry.device.name.text, entry.counter) }
        writer.endObject()
        return writer.text
    }

    init(stored text: String) throws(StoreError) {
        guard let object = try MergeCore.Value.stored(text, as: "clock").storedObject else {
            throw .damaged("clock is no object")
        }
        var entries: [Entry] = []
        entries.reserveCapacity(object.count)
        for member in object.members {
            guard let counter = member.value.storedInteger, counter > 0 else { throw .damaged("clock has no counter") }
            entries.append(Entry(device: DeviceID(member.name), counter: counter))
        }
        self.init(entries)
    }
}
