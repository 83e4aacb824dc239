import Causality
import MergeCore
import StrictJSON

extension BatchRequest {
    /// A batch that a device is about to send. O(its size).
    /// - Parameters:
    ///   - device: the token's device; nil leaves it to the token.
    ///   - sentAtMilliseconds: when it is sent by the device's clock, in milliseconds since 1970; nil leaves it out.
    ///   - atomicity: what one invalid operation does to the batch.
    ///   - operations: what the batch asks for, in the order in which it is to happen.
    public init(
        device: DeviceID? = nil, sentAtMilliseconds: Int64?, atomicity: Batch.Atomicity = .allOrNothing,
        operations: [Operation]
    ) {
        var writer = JSONWriter()
        let fields = operations.map { operation in
            writer.write(.object(operation.fields))
            return writer.takeText()
        }
        let items = operations.map { BatchItem.operation($0) }
        self.init(
            device: device, sentAtMilliseconds: sentAtMilliseconds, atomicity: atomicity, items: items,
            fieldTexts: fields,
            fingerprint: Digest(ofCanonicalBytes: Self.encoded(device, sentAtMilliseconds, atomicity, items)))
    }

    /// The body of the request, in canonical form. A retry has to be the same batch under the same key: a client keeps these
    /// bytes, or the operations with their times. O(its size).
    public func encoded() -> [UInt8] { Self.encoded(device, sentAtMilliseconds, atomicity, items) }

    private static func encoded(
        _ device: DeviceID?, _ sentAtMilliseconds: Int64?, _ atomicity: Batch.Atomicity, _ items: [BatchItem]
    ) -> [UInt8] {
        var writer = JSONWriter(reservingCapacity: 128 + items.count * 256)
        writer.beginObject()
        writer.member("atomic", atomicity == .allOrNothing)
        if let device { writer.member("device", device.name) }
        writer.key("operations")
        writer.beginArray()
        for item in items { item.write(to: &writer) }
        writer.endArray()
        if let sentAtMilliseconds { writer.timeMember("sentAt", milliseconds: sentAtMilliseconds) }
        writer.endObject()
        return writer.bytes
    }
}
