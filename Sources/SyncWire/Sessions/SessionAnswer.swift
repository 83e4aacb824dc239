import Causality
import StrictJSON
import Values

/// Who the caller is to the server, and what it may ask.
public struct SessionAnswer: WireDocument, Hashable {
    /// A limit by its `name`, which has its unit in it, and its `value`.
    public struct Limit: Sendable, Hashable {
        public let name: String
        public let value: Int64

        /// A limit by its name. The value has to fit into 64 bits.
        public init(_ name: String, _ value: some BinaryInteger) {
            self.name = name
            self.value = Int64(value)
        }
    }

    /// The tenant that the token names.
    public let tenant: ExactString
    /// The user that the token names.
    public let user: ExactString
    /// nil for people.
    public let device: DeviceID?
    /// In the order of their bytes.
    public let roles: [ExactString]
    /// The data set's id; it changes where the data is restored.
    public let lineage: String
    /// In the order in which they are sent.
    public let limits: [Limit]
    /// When the answer was made by the server's clock, in milliseconds since 1970.
    public let serverTimeMilliseconds: Int64

    public init(
        tenant: ExactString, user: ExactString, device: DeviceID?, roles: [ExactString], lineage: String,
        limits: [Limit], serverTimeMilliseconds: Int64
    ) {
        self.tenant = tenant
        self.user = user
        self.device = device
        self.roles = roles
        self.lineage = lineage
        self.limits = limits
        self.serverTimeMilliseconds = serverTimeMilliseconds
    }

    /// A limit; nil where the server has none of this name. O(n).
    public func limit(_ name: String) -> Int64? { limits.first { $0.name == name }?.value }

    public func write(to writer: inout JSONWriter) {
        writer.beginObject()
        writer.member("tenant", tenant)
        writer.member("user", user)
        if let device { writer.member("device", device.name) }
        writer.key("roles")
        writer.write(.array(roles.map { .string($0) }))
        writer.member("lineage", lineage)
        writer.key("limits")
        writer.beginObject()
        for limit in limits { writer.member(limit.name, limit.value) }
        writer.endObject()
        writer.timeMember("serverTime", milliseconds: serverTimeMilliseconds)
        writer.endObject()
    }

    /// The limits come in the order of their names.
    public init(reading members: DocumentMembers) throws(WireError) {
        tenant = try members.text("tenant")
        user = try members.text("user")
        device = try members.optionalText("device").map { DeviceID($0) }
        roles = try members.texts("roles")
        lineage = try members.text("lineage").text
        let sent = try members.members("limits")
        var limits: [Limit] = []
        for name in sent.names { limits.append(Limit(name.text, try sent.integer(name))) }
        self.limits = limits
        serverTimeMilliseconds = try members.time("serverTime")
    }
}
