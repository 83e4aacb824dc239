import Causality
import Foundation
import GRDB
import MergeCore
import SyncWire
import Values

/// One local transaction with edits. The block that it is given to is the transaction: when the block throws, nothing of it stays.
///
/// An app that keeps tables of its own writes them with ``database`` in the same transaction.
public struct EditTransaction {
    /// The database within the transaction.
    public let database: Database
    let transaction: ReplicaTransaction
    let number: Int64
    let isAtomic: Bool
    /// How long ago the edits were made, in milliseconds.
    var ageMilliseconds: Int64 = 0
    /// Whether the edits say what was done to rows of the app's tables already.
    var isOfRows = false

    // MARK: Edits

    /// Makes a record. Under the id of a deleted record it is made anew: what the record had before and is not named comes back as
    /// `null`.
    /// - Throws: ``EditRefusal`` where there is such a record, or the edit is against the server's rules.
    @discardableResult
    public func create(
        _ collection: ExactString, _ id: ExactString, _ fields: [ExactString: Value], dependsOn: [OperationID] = []
    ) throws -> OperationID {
        let key = RecordKey(collection: collection, id: id)
        guard let shown = try shown(key) else {
            // This device has written the record before and forgot it: the server says what the edit is to be.
            if try transaction.ownCounter(key, base: nil, device: transaction.device()) > 0 {
                try transaction.markUnclear(key)
            }
            return try add(.create, key, fields, seeing: VersionVector(), dependsOn: dependsOn)
        }
        guard shown.isDeleted else { throw EditRefusal(.recordExists, "There is such a record already.") }
        let all = try remade(fields, of: shown, keeping: [])
        return try add(.restore, key, all, seeing: shown.clock, dependsOn: dependsOn)
    }

    /// The fields of a record that is made anew, and of what it had before what must not come back.
    func remade(
        _ fields: [ExactString: Value], of shown: ShownRecord, keeping kept: Set<ExactString>
    ) throws -> [ExactString: Value] {
        let rules = try transaction.rules(of: shown.key.collection)
        var all = fields
        for member in shown.fields.members where all[member.name] == nil && !kept.contains(member.name) {
            switch rules.policy(of: rules.unit(of: member.name)).family {
            case .register: all[member.name] = .null
            case .set:
                if case .array(let elements) = member.value, !elements.isEmpty {
                    all[member.name] = FieldChange.elements(adding: [], removing: elements).value
                }
            // What never goes back cannot be taken away either.
            case .extremum, .counter, .other: break
            }
        }
        for name in rules.required where all[name] == .null { all[name] = nil }
        return all
    }

    /// Changes fields of a record. A field that is not named stays as it is.
    /// - Parameters:
    ///   - collection: the record's collection.
    ///   - id: its id there.
    ///   - fields: what is written.
    ///   - seen: the record as the user saw it, where that was a while ago: a form that was open while changes were pulled. What came
    ///     since is then met as a conflict, and not overwritten unseen. nil: as it shows now.
    ///   - dependsOn: operations without which this one must not be taken.
    /// - Throws: ``EditRefusal`` where there is no such record, or the edit is against the server's rules.
    @discardableResult
    public func update(
        _ collection: ExactString, _ id: ExactString, _ fields: [ExactString: Value], seen: ShownRecord? = nil,
        dependsOn: [OperationID] = []
    ) throws -> OperationID {
        let key = RecordKey(collection: collection, id: id)
        let shown = try requireShown(key)
        return try add(
            .update, key, try completed(fields, of: seen.map { $0.clock == shown.clock ? shown : $0 } ?? shown),
            seeing: seen?.clock.intersection(shown.clock) ?? shown.clock, dependsOn: dependsOn)
    }

    /// Deletes a record. What came since the record that was `seen` is not deleted unseen, as with ``update(_:_:_:seen:dependsOn:)``.
    /// - Throws: ``EditRefusal`` where there is no such record.
    @discardableResult
    public func delete(
        _ collection: ExactString, _ id: ExactString, seen: ShownRecord? = nil, dependsOn: [OperationID] = []
    ) throws -> OperationID {
        let key = RecordKey(collection: collection, id: id)
        let shown = try requireShown(key)
        return try add(
            .delete, key, [:], seeing: seen?.clock.intersection(shown.clock) ?? shown.clock, dependsOn: dependsOn)
    }

    /// Undoes the deletion of a record, and may change fields of it.
    /// - Throws: ``EditRefusal`` where no such record is known here, or it is not deleted.
    @discardableResult
    public func restore(
        _ collection: ExactString, _ id: ExactString, _ fields: [ExactString: Value] = [:],
        dependsOn: [OperationID] = []
    ) throws -> OperationID {
        let key = RecordKey(collection: collection, id: id)
        guard let shown = try shown(key) else { throw EditRefusal.noRecord }
        guard shown.isDeleted else { throw EditRefusal(.recordExists, "The record is not deleted.") }
        return try add(.restore, key, fields, seeing: shown.clock, dependsOn: dependsOn)
    }

    /// Adds to a counter. Increments of several devices all count.
    @discardableResult
    public func increment(
        _ collection: ExactString, _ id: ExactString, _ field: ExactString, by amount: Int64 = 1
    ) throws -> OperationID {
        try update(collection, id, [field: FieldChange.increment(amount).value])
    }

    /// Adds elements to a set.
    @discardableResult
    public func add(
        _ elements: [Value], to field: ExactString, of collection: ExactString, _ id: ExactString
    ) throws -> OperationID {
        try requireSome(elements)
        return try update(collection, id, [field: FieldChange.elements(adding: elements, removing: []).value])
    }

    /// Removes elements from a set. What another device adds meanwhile stays.
    @discardableResult
    public func remove(
        _ elements: [Value], from field: ExactString, of collection: ExactString, _ id: ExactString
    ) throws -> OperationID {
        try requireSome(elements)
        return try update(collection, id, [field: FieldChange.elements(adding: [], removing: elements).value])
    }

    /// Decides a field that has several values beside one another: this one shows, and the others that are here are overwritten.
    /// A value that came since the record that was `seen` stays beside it.
    @discardableResult
    public func choose(
        _ value: Value, for field: ExactString, of collection: ExactString, _ id: ExactString, seen: ShownRecord? = nil
    ) throws -> OperationID {
        try update(collection, id, [field: value], seen: seen)
    }

    /// The record as the app shows it, with what this transaction has written; nil where there is none.
    public func record(_ collection: ExactString, _ id: ExactString) throws -> ShownRecord? {
        try shown(RecordKey(collection: collection, id: id))
    }

    // MARK: What all of them do

    /// What shows, with what was changed in the record's row.
    private func shown(_ key: RecordKey) throws -> ShownRecord? {
        if !isOfRows { try transaction.replica.options.mirror?.capture(key, transaction) }
        return try transaction.shown(key)
    }

    /// Has the record's row follow an edit that was not made in it.
    private func showInTable(_ key: RecordKey) throws {
        guard !isOfRows, let mirror = transaction.replica.options.mirror, let shown = try transaction.shown(key) else {
            return
        }
        try mirror.applying(transaction) { try mirror.apply(shown, transaction, checksParents: true) }
    }

    private func requireShown(_ key: RecordKey) throws -> ShownRecord {
        guard let shown = try shown(key) else { throw EditRefusal.noRecord }
        guard !shown.isDeleted else {
            throw EditRefusal(.recordDeleted, "The record is deleted. Restore it to change it.")
        }
        return shown
    }

    private func requireSome(_ elements: [Value]) throws {
        guard !elements.isEmpty else { throw EditRefusal(.valueInvalid, "No element is named.") }
    }

    /// What wins or loses together is written together.
    private func completed(
        _ fields: [ExactString: Value], of shown: ShownRecord
    ) throws -> [ExactString: Value] {
        let rules = try transaction.rules(of: shown.key.collection)
        guard rules.recordMerge != nil || !rules.groups.isEmpty else { return fields }
        let units = Set(fields.keys.map { rules.unit(of: $0) }).filter { if case .field = $0 { false } else { true } }
        guard !units.isEmpty else { return fields }
        var all = fields
        for member in shown.fields.members where all[member.name] == nil && units.contains(rules.unit(of: member.name))
        {
            all[member.name] = member.value
        }
        return all
    }

    /// - Parameter context: the base's clock as the author saw it.
    func add(
        _ kind: OperationKind, _ key: RecordKey, _ fields: [ExactString: Value], seeing context: VersionVector,
        dependsOn: [OperationID]
    ) throws -> OperationID {
        let edit = PendingOperation(
            position: try transaction.nextPosition(), id: OperationID(UUID().uuidString.lowercased()), kind: kind,
            key: key, fields: ObjectValue(fields.map { .init(name: $0.key, value: $0.value) }), context: context,
            editedAtMilliseconds: try transaction.tick() - ageMilliseconds,
            isInServerTime: try transaction.knowsServerTime(),
            dependsOn: dependsOn, transaction: number, isAtomic: isAtomic)
        try check(edit)
        try transaction.wantEdited(key)
        if let last = try transaction.lastOperation(of: key),
            let joined = last.joined(edit, by: try transaction.rules(of: key.collection)),
            joined.fields.count <= WireLimits().fieldsPerOperation, (try? check(joined)) != nil
        {
            try transaction.update(joined)
            try showInTable(key)
            return joined.id
        }
        try transaction.insert(edit)
        try showInTable(key)
        return edit.id
    }

    /// Tells a mistake where it is made, as far as what the server declared is known here.
    private func check(_ edit: PendingOperation) throws {
        let operation = edit.operation(as: Dot(device: "self", counter: 1))
        guard let schema = try transaction.schema() else { return }
        guard let rules = schema.rules(for: edit.key.collection) else {
            throw EditRefusal(.unknownCollection, "The server does not know the collection '\(edit.key.collection)'.")
        }
        var rejections = rules.rejections(of: operation)
        if edit.kind == .create {
            for name in rules.required where edit.fields[name] == nil {
                let isNamed = rejections.contains { $0.code == .fieldRequired && $0.path.last == name }
                if !isNamed {
                    rejections.append(Rejection(.fieldRequired, "This field is required.", at: ["fields", name]))
                }
            }
        }
        guard rejections.isEmpty else { throw EditRefusal(rejections: rejections) }
    }
}

/// Why an edit is not made. Nothing of it was kept.
public struct EditRefusal: Error, Sendable, Hashable, CustomStringConvertible {
    /// Everything that is wrong with it, in the words of the protocol.
    public let rejections: [Rejection]

    package init(rejections: [Rejection]) { self.rejections = rejections }

    package init(_ code: Rejection.Code, _ detail: String) { rejections = [Rejection(code, detail)] }

    static let noRecord = EditRefusal(.invalidRequest, "There is no such record here.")

    public var description: String {
        rejections.map { rejection in
            let path = rejection.path.map(\.text).joined(separator: ".")
            return path.isEmpty ? rejection.detail : "\(path): \(rejection.detail)"
        }.joined(separator: " ")
    }
}

extension ReplicaTransaction {
    /// The number of a new local transaction.
    func nextEdit() throws -> Int64 {
        let number = (try integer(.edit) ?? 0) + 1
        try set(.edit, number)
        return number
    }
}
