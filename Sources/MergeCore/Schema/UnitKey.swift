import Causality

/// What wins or loses together: a field, a declared group of fields, or the whole record.
public enum UnitKey: Sendable, Hashable {
    /// A field by itself.
    case field(ExactString)
    /// A declared group of fields.
    case group(ExactString)
    /// The whole record.
    case record

    /// The name by which conflicts and problems call the unit; `$record` for the whole record.
    ///
    /// Field names cannot begin with `$`, and a schema refuses a group that is named like a field. So the name is
    /// unambiguous within a collection.
    public var name: ExactString {
        switch self {
        case .field(let name), .group(let name): name
        case .record: "$record"
        }
    }
}

extension UnitKey: Comparable {
    public static func < (left: UnitKey, right: UnitKey) -> Bool {
        if case (.field(let left), .field(let right)) = (left, right) { return left < right }
        return left.name == right.name ? left.rank < right.rank : left.name < right.name
    }

    private var rank: Int {
        switch self {
        case .field: 0
        case .group: 1
        case .record: 2
        }
    }
}
