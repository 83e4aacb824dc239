import Causality
import StrictJSON

/// A registered device.
public struct WireDevice: WireDocument, Hashable {
    /// The device's id.
    public let device: DeviceID
    /// The user who registered it.
    public let user: ExactString
    /// When it was registered, in server milliseconds since 1970.
    public let registeredAtMilliseconds: Int64
    /// When it was seen last, in server milliseconds since 1970.
    public let lastSeenAtMilliseconds: Int64
    /// Up to where in the feed it has everything.
    public let acknowledgedSequence: Int64
    /// nil while it may call.
    public let retiredAtMilliseconds: Int64?

    public init(
        device: DeviceID, user: ExactString, registeredAtMilliseconds: Int64, lastSeenAtMilliseconds: Int64,
        acknowledgedSequence: Int64, retiredAtMilliseconds: Int64?
    ) {
        self.device = device
        self.user = user
        self.registeredAtMilliseconds = registeredAtMilliseconds
        self.lastSeenAtMilliseconds = lastSeenAtMilliseconds
        self.acknowledgedSequence = acknowledgedSequence
        self.retiredAtMilliseconds = retiredAtMilliseconds
    }

    public func write(to writer: inout JSONWriter) {
        writer.beginObject()
        writer.member("id", device.name)
        writer.member("user", user)
        writer.timeMember("registeredAt", milliseconds: registeredAtMilliseconds)
        writer.timeMember("lastSeenAt", milliseconds: lastSeenAtMilliseconds)
        writer.member("acknowledgedSequence", acknowledgedSequence)
        writer.key("retiredAt")
        if let retiredAtMilliseconds { writer.timestamp(milliseconds: retiredAtMilliseconds) } else { writer.null() }
        writer.endObject()
    }

    public init(reading members: DocumentMembers) throws(WireError) {
        device = DeviceID(try members.text("id"))
        user = try members.text("user")
        registeredAtMilliseconds = try members.time("registeredAt")
        lastSeenAtMilliseconds = try members.time("lastSeenAt")
        acknowledgedSequence = try members.integer("acknowledgedSequence")
        retiredAtMilliseconds = try members.optionalTime("retiredAt")
    }
}

/// All devices of a tenant, by id.
public struct DevicesAnswer: WireDocument, Hashable {
    /// The devices in the order of their ids, the retired ones too.
    public let devices: [WireDevice]

    public init(devices: [WireDevice]) { self.devices = devices }

    public func write(to writer: inout JSONWriter) {
        writer.beginObject()
        writer.documents("devices", devices)
        writer.endObject()
    }

    public init(reading members: DocumentMembers) throws(WireError) { devices = try members.documents("devices") }
}
