import Causality
import MergeCore
import StrictJSON
import Values

/// The body of a device's registration.
public struct DeviceRegistration: Sendable, Hashable {
    /// One install of the app, by an id that is unique in the tenant.
    public let device: DeviceID

    public init(device: DeviceID) { self.device = device }

    /// - Throws: `malformed_json`, `invalid_request`.
    public init(body: Span<UInt8>) throws(Problem) {
        let object = try ObjectValue(body: body)
        guard case .string(let name)? = object["id"] else {
            throw Problem(
                .invalidRequest, "The body is {\"id\": device}.",
                errors: [.init(.invalidRequest, "'id' is a string.", at: .root.appending(name: "id"))])
        }
        device = DeviceID(name)
    }

    /// The body of the request as JSON. O(its size).
    public func encoded() -> [UInt8] {
        var writer = JSONWriter()
        writer.beginObject()
        writer.member("id", device.name)
        writer.endObject()
        return writer.bytes
    }
}
