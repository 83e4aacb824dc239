import Causality
import HTTPTypes
import SyncEngine
import SyncWire

/// The device that a request names (`Rejoin-Device`), because a provider's token knows none. It proves nothing.
struct DeviceHeader {
    /// The device; nil where the request names none.
    let device: DeviceID?

    /// - Throws: `device_mismatch` for what is no device's id, or for more than one.
    init(_ fields: HTTPFields, limits: WireLimits) throws(Problem) {
        let values = fields[values: .rejoinDevice]
        guard let value = values.first else {
            device = nil
            return
        }
        // Percent-encoded as in a path: header fields are no place for other characters than ASCII.
        guard values.count == 1, let text = value.removingPercentEncoding else {
            throw Problem(.deviceMismatch, "'Rejoin-Device' is one device's id, percent-encoded as in a path.")
        }
        let device = DeviceID(text)
        if let issue = device.registrationIssue(limits) { throw Problem(.deviceMismatch, issue) }
        self.device = device
    }
}

extension Caller {
    /// The caller as the device that the request names. What the token says goes before it.
    /// - Throws: `device_mismatch` where the token is another device's, or its roles are not those of a device.
    func naming(_ header: DeviceHeader, on route: Route) throws(Problem) -> Caller {
        guard let named = header.device, named != device else { return self }
        guard device == nil else { throw Problem(.deviceMismatch, "The token belongs to another device.") }
        guard mayNameDevice else {
            throw Problem(.deviceMismatch, "This token's roles do not let it act as a device.")
        }
        // Where a device is registered, it may not be there yet.
        return route.access == .adminOrDevice ? self : naming(named)
    }
}
