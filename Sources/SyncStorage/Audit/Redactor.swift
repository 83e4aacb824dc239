import Causality
import Crypto
import MergeCore
import SyncWire
import Values

/// Replaces the values of redacted fields by salted hashes, for everything that outlives the record: the audit and the
/// stored operations.
///
/// The hash is an HMAC-SHA-256 under the data set's own key, over tenant, collection, field and value. Equal values of a
/// field hash alike, so that a reviewer can see that two sides agree; nothing else can be told without the key.
public struct Redactor: Sendable {
    private let key: SymmetricKey
    private let tenant: TenantID

    public init(identity: StoreIdentity, tenant: TenantID) {
        key = SymmetricKey(data: identity.redactionKey)
        self.tenant = tenant
    }

    /// The value that a unit of the collection has, or an object of several fields of it (the whole record), with redacted
    /// fields hashed.
    public func redacted(_ value: Value, unit: UnitKey, collection: ExactString, rules: CollectionRules) -> Value {
        switch unit {
        case .field(let name):
            return rules.isRedacted(name) ? hash(value, collection: collection, field: name) : value
        case .group, .record:
            guard case .object(let object) = value else { return value }
            return .object(redacted(object, collection: collection, rules: rules))
        }
    }

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
