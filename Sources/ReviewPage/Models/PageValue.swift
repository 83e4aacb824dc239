/// A JSON value as the page shows it.
///
/// The caller has read the text strictly. Numbers stay the texts that they were, so that none is shown rounded, and members
/// stay in their order. Never deeper than the wire allows (32), which bounds what walks over it.
public indirect enum PageValue: Sendable, Hashable {
    public struct Member: Sendable, Hashable {
        public let name: String
        public let value: PageValue

        public init(_ name: String, _ value: PageValue) {
            self.name = name
            self.value = value
        }
    }

    case null
    case bool(Bool)
    case number(String)
    case string(String)
    case array([PageValue])
    case object([Member])
}

extension PageValue {
    /// The hash that stands for a value which the audit does not keep (`{"$redacted": "<64 hex>"}`); nil for any other value.
    var redactedHash: String? {
        guard case .object(let members) = self, members.count == 1, members[0].name == "$redacted",
            case .string(let hash) = members[0].value, hash.utf8.count == 64,
            hash.utf8.allSatisfy({ "0123456789abcdef".utf8.contains($0) })
        else { return nil }
        return hash
    }
}
