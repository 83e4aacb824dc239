import Causality
import MergeCore
import StrictJSON
import SyncWire
import Values

/// Texts that a store keeps may be nested a little deeper than what devices may send, because values stand inside states.
let storedLimits = JSONLimits(maximumDepth: 64)

extension Value {
    /// Reads a text that this server wrote.
    public static func stored(_ text: String, as name: String) throws(StoreError) -> Value {
        do {
            return try Value(json: text, limits: storedLimits)
        } catch {
            throw .damaged("\(name) is no JSON: \(error)")
        }
    }

    var storedInteger: Int64? {
        if case .integer(let number) = self { number } else { nil }
    }

    public var storedText: ExactString? {
        if case .string(let text) = self { text } else { nil }
    }

    var storedArray: [Value]? {
        if case .array(let elements) = self { elements } else { nil }
    }

    public var storedObject: ObjectValue? {
        if case .object(let object) = self { object } else { nil }
    }
}

extension VersionVector {
    /// `{"device": counter}`, sorted by device: the canonical form.
    public var canonicalText: String {
        var writer = JSONWriter(reservingCapacity: 8 + 32 * count)
        write(to: &writer)
        return writer.text
    }

    init(stored text: String) throws(StoreError) {
        var scanner = JSONScanner(limits: storedLimits)
        let vector: VersionVector?
        do {
            vector = try scanner.versionVector(Array(text.utf8).span)
        } catch {
            throw .damaged("clock is no JSON: \(error)")
        }
        guard let vector else { throw .damaged("clock is no clock") }
        self = vector
    }
}
