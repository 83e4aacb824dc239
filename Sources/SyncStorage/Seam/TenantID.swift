import Causality

/// The isolation boundary. Always derived from a verified token, never from what a request says.
public struct TenantID: Sendable, Hashable, Comparable {
    public let name: ExactString

    public init(_ name: ExactString) { self.name = name }
    public init(_ name: String) { self.name = ExactString(name) }

    public static func < (left: TenantID, right: TenantID) -> Bool { left.name < right.name }
}

extension TenantID: ExpressibleByStringLiteral {
    public init(stringLiteral value: String) { self.init(value) }
}
