import Causality

/// The boundary that keeps customers' data apart. It always comes from a verified token, never from what a request
/// says.
public struct TenantID: Sendable, Hashable, Comparable {
    /// The tenant's name, as the token has it.
    public let name: ExactString

    /// Takes the name as it is.
    public init(_ name: ExactString) { self.name = name }
    /// Takes the name as it is.
    public init(_ name: String) { self.name = ExactString(name) }

    /// Compares the names by their bytes.
    public static func < (left: TenantID, right: TenantID) -> Bool { left.name < right.name }
}

extension TenantID: ExpressibleByStringLiteral {
    public init(stringLiteral value: String) { self.init(value) }
}
