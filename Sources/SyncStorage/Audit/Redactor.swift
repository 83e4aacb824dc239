import Causality
import Crypto
import MergeCore
import SyncWire
import Values

/// Replaces the values of redacted fields by salted hashes, for everything that outlives the record: the audit and the
/// stored operations.
///
/// The hash is an HMAC-SHA-256 (RFC 2104) under the data set's own key, over tenant, collection, field and value. Equal
/// values of a field have equal hashes, so that a reviewer can see that two sides agree. Nothing else can be told
/// without the key.
public struct Redactor: Sendable {
    private let key: SymmetricKey
    private let tenant: TenantID

    /// Takes the data set's key.
    public init(identity: StoreIdentity, tenant: TenantID) {
        key = SymmetricKey(data: identity.redactionKey)
        self.tenant = tenant
    }

    /// A value with its redacted fields hashed. The value is what a unit of the collection has, or an object of several
    /// fields of it (the whole record).
    public func redacted(_ value: Value, unit: UnitKey, collection: ExactString, rules: CollectionRules) -> Value {
        switch unit {
        case .field(let name):
            return rules.isRedacted(name) ? hash(value, collection: collection, field: name) : value
        case .group, .record:
            guard case .object(let object) = value else { return value }
            return .object(redacted(object, collection: collection, rules: rules))
        }
    }

    /// Fields of the collection with the redacted ones hashed. O(n).
    public func redacted(_ fields: ObjectValue, collection: ExactString, rules: CollectionRules) -> ObjectValue {
        guard fields.members.contains(where: { rules.isRedacted($0.name) }) else { return fields }
        return ObjectValue(
            fields.members.map { member in
                rules.isRedacted(member.name)
                    ? ObjectValue.Member(
                        name: member.name, value: hash(member.value, collection: collection, field: member.name))
                    : member
            })
    }

    private func hash(_ value: Value, collection: ExactString, field: ExactString) -> Value {
        let message: Value = [
            .string(tenant.name), .string(collection), .string(field), value,
        ]
        let code = MergeCore.Digest(of: message, authenticatedBy: key)
        return .object([(RedactionMarker.name, .string(code.hex))])
    }
}
