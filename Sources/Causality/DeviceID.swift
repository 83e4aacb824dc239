/// One replica that authors operations: one install of an app, unique within its tenant.
///
/// Compared by bytes; that order breaks ties between stamps, so it must be the same on every engine and in SQL.
public struct DeviceID: Sendable, Hashable, Comparable {
    /// The name that the device registered. It has 1 to 128 bytes; the reader of tokens and batches checks that.
    public let name: ExactString

    /// Takes the name as it is. Nothing is checked here.
    public init(_ name: ExactString) {
        self.name = name
    }

    /// Takes the name as it is. Nothing is checked here.
    public init(_ name: String) {
        self.name = ExactString(name)
    }

    /// The prefix of the ids under which reviewers author their decisions. No client can register such an id.
    public static let reviewerPrefix = "reviewer:"

    /// The replica under which a reviewer's decisions are authored.
    public static func reviewer(_ user: ExactString) -> DeviceID {
        DeviceID(reviewerPrefix + user.text)
    }

    /// Whether the id belongs to the server's own namespace, so that no token may claim it.
    public var isReserved: Bool { name.text.utf8.starts(with: Self.reviewerPrefix.utf8) }

    /// Compares the names by their bytes.
    public static func < (left: DeviceID, right: DeviceID) -> Bool { left.name < right.name }
}

extension DeviceID: ExpressibleByStringLiteral {
    public init(stringLiteral value: String) {
        self.init(value)
    }
}

extension DeviceID: CustomStringConvertible {
    public var description: String { name.text }
}
