import Causality

/// A JSON value as the page shows it.
///
/// The caller has read the text strictly. Numbers stay the texts that they were, so that none is shown rounded, and
/// members stay in their order. A value is never deeper than the wire allows (32), which bounds what walks over it.
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
    /// Whether two are the same, text by its scalars. (`==` takes canonically equivalent texts for equal.) O(n).
    static func areSame(_ left: PageValue?, _ right: PageValue?) -> Bool {
        switch (left, right) {
        case (nil, nil), (.null?, .null?): return true
        case (.bool(let left)?, .bool(let right)?): return left == right
        case (.number(let left)?, .number(let right)?), (.string(let left)?, .string(let right)?):
            return ExactString(left) == ExactString(right)
        case (.array(let left)?, .array(let right)?):
            return left.count == right.count && zip(left, right).allSatisfy { areSame($0, $1) }
        case (.object(let left)?, .object(let right)?):
            return left.count == right.count
                && zip(left, right).allSatisfy {
                    ExactString($0.name) == ExactString($1.name) && areSame($0.value, $1.value)
                }
        case (nil, _), (.null?, _), (.bool?, _), (.number?, _), (.string?, _), (.array?, _), (.object?, _): return false
        }
    }

    /// The hash that stands for a value which the audit does not keep (`{"$redacted": "<64 hex>"}`); nil for any other value.
    var redactedHash: String? {
        guard case .object(let members) = self, members.count == 1, members[0].name == "$redacted",
            case .string(let hash) = members[0].value, hash.utf8.count == 64,
            hash.utf8.allSatisfy({ "0123456789abcdef".utf8.contains($0) })
        else { return nil }
        return hash
    }
}
