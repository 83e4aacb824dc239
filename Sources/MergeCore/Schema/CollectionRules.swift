import Causality

/// What is declared about one field.
public struct FieldRule: Sendable, Hashable {
    public let type: FieldType
    public let merge: MergePolicy
    public let audit: AuditClass

    public init(type: FieldType = .json, merge: MergePolicy = .lww, audit: AuditClass = .full) {
        self.type = type
        self.merge = merge
        self.audit = audit
    }
}

/// How much of a value the audit may keep.
public enum AuditClass: String, Sendable, Hashable, CaseIterable {
    case full
    /// The audit keeps that a value was there and a salted hash of it, never the value.
    case redacted
}

/// Fields that are one unit, so that no merge shows a combination that nobody entered.
public struct GroupRule: Sendable, Hashable {
    /// Sorted.
    public let fields: [ExactString]
    public let merge: MergePolicy

    public init(fields: [ExactString], merge: MergePolicy = .lww) {
        self.fields = fields.sorted()
        self.merge = merge
    }
}

/// Whether devices choose the ids of a collection's records.
public enum KeyRule: String, Sendable, Hashable, CaseIterable {
    case free
    /// One record per tenant, under the id `singleton`.
    case singleton

    public static let singletonID: ExactString = "singleton"
}

/// What is declared about one collection.
public struct CollectionRules: Sendable, Hashable {
    /// nil: every field is accepted, with `FieldRule()`.
    public let fields: [ExactString: FieldRule]?
    public let groups: [ExactString: GroupRule]
    /// Set when the whole record is one unit (`unit: record`); then `groups` is empty.
    public let recordMerge: MergePolicy?
    public let deletes: DeletePolicy
    /// Sorted.
    public let required: [ExactString]
    public let key: KeyRule
    private let groupOfField: [ExactString: ExactString]
    /// The types of the fields whose values have several spellings.
    private let spelledFields: [ExactString: FieldType]

    /// The rules of a collection about which nothing is declared.
    public static let undeclared = CollectionRules()

    public init(
        fields: [ExactString: FieldRule]? = nil, groups: [ExactString: GroupRule] = [:],
        recordMerge: MergePolicy? = nil, deletes: DeletePolicy = .updateWins, required: [ExactString] = [],
        key: KeyRule = .free
    ) {
        self.fields = fields
        self.groups = groups
        self.recordMerge = recordMerge
        self.deletes = deletes
        self.required = required.sorted()
        self.key = key
        // A field that two groups name, as no collections file may, is in the first by name and not in whichever comes first.
        groupOfField = Dictionary(
            groups.sorted { $0.key < $1.key }.flatMap { name, group in group.fields.map { ($0, name) } },
            uniquingKeysWith: { first, _ in first })
        spelledFields = (fields ?? [:]).mapValues(\.type).filter(\.value.hasSpellings)
    }

    /// What is declared about a field.
    /// - Returns: nil when the collection declares its fields and this is none of them.
    public func rule(of field: ExactString) -> FieldRule? {
        guard let fields else { return FieldRule() }
        return fields[field]
    }

    /// The unit to which a field belongs.
    public func unit(of field: ExactString) -> UnitKey {
        if recordMerge != nil { return .record }
        if !groupOfField.isEmpty, let group = groupOfField[field] { return .group(group) }
        return .field(field)
    }

    /// The policy of a unit. A unit that is stored but no longer declared is shown by the default.
    public func policy(of unit: UnitKey) -> MergePolicy {
        switch unit {
        case .field(let name): rule(of: name)?.merge ?? .lww
        case .group(let name): groups[name]?.merge ?? .lww
        case .record: recordMerge ?? .lww
        }
    }

    /// When two values of a unit are the same.
    public func equality(of unit: UnitKey) -> UnitEquality {
        guard !spelledFields.isEmpty else { return .exact }
        switch unit {
        case .field(let name): return spelledFields[name].map { .field($0) } ?? .exact
        case .group, .record: return .members(spelledFields)
        }
    }

    /// Whether the audit must not keep the field's value.
    public func isRedacted(_ field: ExactString) -> Bool {
        fields?[field]?.audit == .redacted
    }
}

/// The collections that a server accepts.
public struct Schema: Sendable, Hashable {
    public let collections: [ExactString: CollectionRules]
    /// Whether a collection that is not declared is accepted, with default rules.
    public let acceptsUndeclared: Bool

    public init(declaring collections: [ExactString: CollectionRules]) {
        self.collections = collections
        acceptsUndeclared = false
    }

    private init() {
        collections = [:]
        acceptsUndeclared = true
    }

    /// Every collection, every field, `lww`: what a server without a collections file does.
    public static let open = Schema()

    /// - Returns: nil when the collection is not declared and the schema is not open.
    public func rules(for collection: ExactString) -> CollectionRules? {
        if let declared = collections[collection] { return declared }
        return acceptsUndeclared ? .undeclared : nil
    }
}
