import Causality

/// What is declared about one field.
public struct FieldRule: Sendable, Hashable {
    /// What the field may hold.
    public let type: FieldType
    /// How concurrent writes of the field meet.
    public let merge: MergePolicy
    /// How much of the field's values the audit may keep.
    public let audit: AuditClass

    public init(type: FieldType = .json, merge: MergePolicy = .lww, audit: AuditClass = .full) {
        self.type = type
        self.merge = merge
        self.audit = audit
    }
}

/// How much of a value the audit may keep.
public enum AuditClass: String, Sendable, Hashable, CaseIterable {
    /// The audit keeps values as they are.
    case full
    /// The audit keeps that a value was there and a salted hash of it, never the value.
    case redacted
}

/// Fields that are one unit, so that no merge shows a combination that nobody entered (rule S3).
public struct GroupRule: Sendable, Hashable {
    /// The names of the fields, sorted.
    public let fields: [ExactString]
    /// How concurrent writes of the group meet.
    public let merge: MergePolicy

    public init(fields: [ExactString], merge: MergePolicy = .lww) {
        self.fields = fields.sorted()
        self.merge = merge
    }
}

/// Whether devices choose the ids of a collection's records.
public enum KeyRule: String, Sendable, Hashable, CaseIterable {
    /// Devices choose the ids.
    case free
    /// The collection has one record a tenant, under the id `singleton` (rule S6).
    case singleton

    /// The id of the only record.
    public static let singletonID: ExactString = "singleton"
}

/// What is declared about one collection.
public struct CollectionRules: Sendable, Hashable {
    /// The declared fields. nil where every field is accepted, each with `FieldRule()`.
    public let fields: [ExactString: FieldRule]?
    /// The declared groups.
    public let groups: [ExactString: GroupRule]
    /// The policy of the whole record, where the record is one unit (`unit: record`); then `groups` is empty.
    public let recordMerge: MergePolicy?
    /// Who prevails when a delete and a write have not seen each other.
    public let deletes: DeletePolicy
    /// The names of the required fields, sorted.
    public let required: [ExactString]
    /// Whether devices choose the ids of records.
    public let key: KeyRule
    private let groupOfField: [ExactString: ExactString]
    /// The types of those fields whose values have several spellings.
    private let spelledFields: [ExactString: FieldType]

    /// The rules of a collection about which nothing is declared.
    public static let undeclared = CollectionRules()

    /// Takes what a collections file declares. Whether the declarations go together was checked before. O(n) in fields.
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

    /// The unit to which a field belongs. O(1).
    public func unit(of field: ExactString) -> UnitKey {
        if recordMerge != nil { return .record }
        if !groupOfField.isEmpty, let group = groupOfField[field] { return .group(group) }
        return .field(field)
    }

    /// The policy of a unit. A unit that is stored but no longer declared is shown by the default (rule S7).
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
    /// The declared collections.
    public let collections: [ExactString: CollectionRules]
    /// Whether a collection that is not declared is accepted, with default rules.
    public let acceptsUndeclared: Bool

    /// The schema that accepts the declared collections and no other.
    public init(declaring collections: [ExactString: CollectionRules]) {
        self.collections = collections
        acceptsUndeclared = false
    }

    private init() {
        collections = [:]
        acceptsUndeclared = true
    }

    /// The schema of a server without a collections file: it takes every collection and every field, with `lww` (rule
    /// S1).
    public static let open = Schema()

    /// The rules of a collection.
    /// - Returns: nil when the collection is not declared and the schema is not open.
    public func rules(for collection: ExactString) -> CollectionRules? {
        if let declared = collections[collection] { return declared }
        return acceptsUndeclared ? .undeclared : nil
    }
}
