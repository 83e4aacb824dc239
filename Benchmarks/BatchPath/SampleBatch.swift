import Causality
import MergeCore
import StrictJSON
import SyncWire
import Values

/// Batches as apps send them, made from a fixed rule: the same bytes in every run.
public enum SampleBatch {
    /// A body of operations on as many records.
    /// - Parameter fields: what each writes; nil for eight fields of the usual kinds, 300 bytes together.
    public static func body(
        operations count: Int, device: String = "ipad-7", kind: String = "create", clock: Value = ["ipad-7": 1],
        fields: Value? = nil
    ) -> [UInt8] {
        var writer = JSONWriter()
        writer.beginObject()
        writer.member("device", device)
        writer.member("atomic", true)
        writer.key("operations")
        writer.beginArray()
        for index in 0..<count {
            writer.beginObject()
            writer.member("id", "0199a1c2-7d4e-7000-8000-\(100_000_000_000 + index)")
            writer.member("kind", kind)
            writer.member("collection", "estimates")
            writer.member("record", "estimate-\(index)")
            writer.member("clock", clock)
            writer.member("at", "2026-11-20T21:58:12.123Z")
            writer.member("fields", fields ?? Self.fields(index, device: device))
            writer.endObject()
        }
        writer.endArray()
        writer.endObject()
        return writer.bytes
    }

    private static func fields(_ index: Int, device: String) -> Value {
        [
            "title": .string("Kitchen and bath, number \(index)"), "total": .integer(Int64(120_000 + index)),
            "discount": .double(12.5), "paid": .boolean(index.isMultiple(of: 2)), "client": "Familie Grünwald",
            "notes": .string("Call before nine.\nThe key is with the neighbour: \"Meier\", says \(device)."),
            "lines": [["name": "Oak board", "count": 12], ["name": "Tiles", "count": 40]],
            "address": ["street": "Hauptstraße 12", "city": "München", "zip": "80331"],
        ]
    }

    public static func batch(_ body: [UInt8], key: ExactString) -> Batch? {
        guard let request = try? BatchRequest(body: body.span, limits: WireLimits()) else { return nil }
        return Batch(
            key: key, device: "ipad-7", user: "ana", atomicity: request.atomicity, receivedAtMilliseconds: 0,
            sentAtMilliseconds: nil, items: request.items)
    }
}
