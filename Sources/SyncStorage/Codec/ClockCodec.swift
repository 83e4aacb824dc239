import Causality
import MergeCore
import StrictJSON
import SyncWire
import Values

/// Texts that a store keeps may be nested a little deeper than what devices may send, because values stand inside states.
let storedLimits = JSONLimits(maximumDepth: 64)

extension Value {
    /// Reads a text that this server wrote.
    /// - Parameters:
    ///   - text: the text.
    ///   - name: what it is, for the error.
    /// - Throws: `damaged` where the text is no JSON.
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

    /// The text, where the value is one.
    public var storedText: ExactString? {
        if case .string(let text) = self { text } else { nil }
    }

    var storedArray: [Value]? {
        if case .array(let elements) = self { elements } else { nil }
    }

    /// The members, where the value is an object.
    public var storedObject: ObjectValue? {
        if case .object(let object) = self { object } else { nil }
    }
}

extension VersionVector {
    /// The clock as `{"device": counter}`, sorted by device. This is its canonical form. O(n).
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
