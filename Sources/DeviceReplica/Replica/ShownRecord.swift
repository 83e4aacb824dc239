import Causality
import MergeCore
import StrictJSON
import SyncWire
import Values

/// A record as the app shows it: what the server last said, with the edits laid over it that are not confirmed.
public struct ShownRecord: Sendable, Hashable {
    /// The record's collection and id.
    public let key: RecordKey
    /// Its fields. A deleted record keeps those that are known here.
    public var fields: ObjectValue
    /// Whether a delete hides it.
    public var isDeleted: Bool
    /// Whether edits of it are not confirmed by the server.
    public var isPending: Bool
    /// The values beside the visible ones of fields that await a decision, by the unit's name.
    public var siblings: [ExactString: [ShownSibling]]
    /// How many of its conflicts await a decision, as the server last said.
    public var openConflicts: Int64
    /// What whoever looks at it has seen of the others' work.
    let clock: VersionVector

    /// The value of a field; nil where the record does not have it.
    public subscript(field: ExactString) -> Value? { fields[field] }
}

/// A value beside the visible one of a field that awaits a decision, with the device that wrote it.
public struct ShownSibling: Sendable, Hashable {
    /// The value that does not show.
    public let value: Value
    /// The device that wrote it.
    public let device: DeviceID
}

extension ShownRecord {
    /// A record of which no edit is pending, as its row shows it: without what is beside the visible values.
    init(plain record: WireRecord) throws(WireError) {
        self.init(
            key: record.key, fields: try record.fieldValues(), isDeleted: record.isDeleted, isPending: false,
            siblings: [:],
            openConflicts: record.openConflicts, clock: VersionVector())
    }

    /// Lays edits over what the server said. O(n) in what is named, for each edit.
    ///
    /// An edit that the base already holds is not laid over it again: after a lost answer the pull may bring a device's own
    /// event before the acknowledgement does, and an increment must not count twice.
    /// - Parameters:
    ///   - base: nil for a record that the server has not told of.
    ///   - pending: the edits of the record in their order.
    ///   - rules: of its collection.
    /// - Returns: nil where there is no such record here.
    init?(_ base: RecordBase?, under pending: [PendingOperation], by rules: CollectionRules) {
        let clock = base?.clock ?? VersionVector()
        let unseen = pending.filter { operation in operation.sent.map { !clock.contains($0.dot) } ?? true }
        guard let key = base?.key ?? unseen.first?.key else { return nil }
        self.init(
            key: key, fields: base?.fields ?? ObjectValue([]),
            isDeleted: base?.isDeleted ?? (unseen.first?.kind == .delete),
            isPending: !pending.allSatisfy(\.isSettled), siblings: base?.shownSiblings ?? [:],
            openConflicts: base?.openConflicts ?? 0, clock: clock)
        for operation in unseen { apply(operation, by: rules) }
        // An edit of a record of which nothing else is known shows what it wrote; a delete of it leaves nothing to show.
        guard base != nil || unseen.contains(where: { $0.kind != .delete }) else { return nil }
    }

    private mutating func apply(_ operation: PendingOperation, by rules: CollectionRules) {
        switch operation.kind {
        case .delete:
            isDeleted = true
            return
        case .create, .restore: isDeleted = false
        case .update: break
        }
        let writesWhole = rules.recordMerge != nil && operation.kind != .restore
        var values: [ExactString: Value] = [:]
        if !writesWhole { for member in fields.members { values[member.name] = member.value } }
        for member in operation.fields.members {
            let unit = rules.unit(of: member.name)
            values[member.name] = FieldChange(member.value).applied(
                to: values[member.name], by: rules.policy(of: unit))
            siblings[unit.name] = nil
        }
        fields = ObjectValue(values.map { ObjectValue.Member(name: $0.key, value: $0.value) })
    }
}

extension RecordBase {
    /// What the wire says of the values beside the visible ones. What cannot be read is left out.
    fileprivate var shownSiblings: [ExactString: [ShownSibling]] {
        guard let siblings, case .object(let units)? = try? Value(json: siblings, limits: JSONLimits(maximumDepth: 128))
        else { return [:] }
        var shown: [ExactString: [ShownSibling]] = [:]
        for unit in units.members {
            guard case .array(let values) = unit.value else { continue }
            shown[unit.name] = values.compactMap { sibling in
                guard case .object(let members) = sibling, let value = members["value"],
                    case .string(let device)? = members["device"]
                else { return nil }
                return ShownSibling(value: value, device: DeviceID(device))
            }
        }
        return shown
    }
}
