import Causality
import MergeCore
import SyncWire

/// Batches as apps send them, made from a fixed rule: the same bytes in every run.
enum SampleBatch {
    /// A body of updates, each with eight fields of the usual kinds.
    static func body(operations count: Int) -> [UInt8] {
        var writer = JSONWriter()
        writer.beginObject()
        writer.member("device", "ipad-7")
        writer.member("atomic", true)
        writer.key("operations")
        writer.beginArray()
        for index in 0..<count { writeOperation(index, to: &writer) }
        writer.endArray()
        writer.endObject()
        return writer.bytes
    }

    private static func writeOperation(_ index: Int, to writer: inout JSONWriter) {
        writer.beginObject()
        writer.member("id", "0199a1c2-7d4e-7000-8000-\(100_000_000_000 + index)")
        writer.member("kind", "create")
        writer.member("collection", "estimates")
        writer.member("record", "estimate-\(index)")
        writer.key("clock")
        writer.beginObject()
        writer.member("ipad-7", 1)
        writer.endObject()
        writer.member("at", "2026-11-20T21:58:12.123Z")
        writer.key("fields")
        writer.write(fields(index))
        writer.endObject()
    }

    private static func fields(_ index: Int) -> Value {
        [
            "title": .string("Kitchen and bath, number \(index)"), "total": .integer(Int64(120_000 + index)),
            "discount": .double(12.5), "paid": .boolean(index.isMultiple(of: 2)), "client": "Familie Grünwald",
            "notes": "Call before nine.\nThe key is with the neighbour: \"Meier\".",
            "lines": [["name": "Oak board", "count": 12], ["name": "Tiles", "count": 40]],
            "address": ["street": "Hauptstraße 12", "city": "München", "zip": "80331"],
        ]
    }

    static func batch(_ body: [UInt8], key: ExactString) -> Batch? {
        guard let request = try? BatchRequest(body: body.span, limits: Limits()) else { return nil }
        return Batch(
            key: key, device: "ipad-7", user: "ana", atomicity: request.atomicity, receivedAtMilliseconds: 0,
            sentAtMilliseconds: nil, submissions: request.submissions)
    }
}
