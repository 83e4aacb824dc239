import Causality
import MergeCore
import DeviceReplica
import StrictJSON
import SyncWire
import Values

/// What the users of all devices did, by what they saw when they did it: the naive oracle of "nothing is lost silently".
///
/// It knows nothing of clocks, contexts or merges. A value that somebody wrote has to be somewhere at the end: it shows, or it is
/// beside what shows, or somebody wrote over it who saw it, or it is a side of a conflict in the audit, or its edit is parked.
struct WrittenHistory: Sendable {
    struct Place: Hashable, Sendable {
        let record: RecordKey
        let field: ExactString
    }

    /// Values that were written, each only once.
    private var written: [Place: Set<Value>] = [:]
    /// Values that somebody saw who then wrote over them, or deleted the record.
    private var seen: [Place: Set<Value>] = [:]
    private var increments: [Place: [OperationID: Int64]] = [:]
    private var added: [Place: Set<Value>] = [:]
    /// What each author last did about an element: took it out, or had that go before it was an edit.
    private var removed: [Place: [Value: [String: Removal]]] = [:]

    private struct Removal: Sendable {
        /// When it was, in the author's own count.
        let number: Int
        let isSo: Bool
    }

    mutating func wrote(_ value: Value, to field: ExactString, of key: RecordKey, seeing shown: ShownRecord?) {
        let place = Place(record: key, field: field)
        written[place, default: []].insert(value)
        see(field, of: key, shown)
    }

    mutating func see(_ field: ExactString, of key: RecordKey, _ shown: ShownRecord?) {
        guard let shown else { return }
        let place = Place(record: key, field: field)
        if let value = shown[field] { seen[place, default: []].insert(value) }
        for sibling in shown.siblings[field] ?? [] { seen[place, default: []].insert(sibling.value) }
    }

    /// Whoever makes a record that this device let go has seen what the device itself wrote to it.
    mutating func sawOwn(_ place: Place) { seen[place, default: []].formUnion(written[place] ?? []) }

    /// Somebody deleted the record, or made it anew, and saw all that it showed.
    mutating func sawAll(of key: RecordKey, _ shown: ShownRecord) {
        for member in shown.fields.members { see(member.name, of: key, shown) }
        for field in shown.siblings.keys { see(field, of: key, shown) }
    }

    mutating func incremented(_ field: ExactString, of key: RecordKey, by amount: Int64, in operation: OperationID) {
        increments[Place(record: key, field: field), default: [:]][operation, default: 0] += amount
    }

    mutating func added(_ element: Value, to field: ExactString, of key: RecordKey) {
        added[Place(record: key, field: field), default: []].insert(element)
    }

    /// - Parameters:
    ///   - author: who took it out.
    ///   - number: when, in the author's own count.
    mutating func removed(
        _ element: Value, from field: ExactString, of key: RecordKey, by author: String = "", at number: Int = 0
    ) {
        removed[Place(record: key, field: field), default: [:]][element, default: [:]][author] =
            Removal(number: number, isSo: true)
    }

    /// What this author took out is there again: it was no edit yet when the row went.
    mutating func keptAfterAll(
        _ element: Value, in field: ExactString, of key: RecordKey, by author: String, at number: Int
    ) {
        removed[Place(record: key, field: field), default: [:]][element, default: [:]][author] =
            Removal(number: number, isSo: false)
    }

    /// Takes what others did.
    mutating func merge(_ other: WrittenHistory) {
        written.merge(other.written) { $0.union($1) }
        seen.merge(other.seen) { $0.union($1) }
        increments.merge(other.increments) { $0.merging($1, uniquingKeysWith: +) }
        added.merge(other.added) { $0.union($1) }
        removed.merge(other.removed) { mine, theirs in
            mine.merging(theirs) { $0.merging($1) { $1.number >= $0.number ? $1 : $0 } }
        }
    }

    // MARK: The end

    /// What is left of it all.
    struct End {
        var records: [RecordKey: WireRecord] = [:]
        /// Everything that the audit holds of a record's conflicts, as text.
        var audit: [RecordKey: String] = [:]
        var parked: [ParkedEdit] = []
    }

    /// What was lost without a word, in words; empty where nothing was.
    func losses(at end: End) throws -> [String] {
        var losses: [String] = []
        for (place, values) in written {
            let record = end.records[place.record]
            let shown = try record.map { try $0.fieldValues()[place.field] } ?? nil
            let siblings = record?.siblings ?? ""
            let audit = end.audit[place.record] ?? ""
            for value in values {
                let text = value.canonicalText
                let isKept =
                    shown == value || siblings.contains(text) || seen[place]?.contains(value) == true
                    || audit.contains(text)
                    || end.parked.contains { $0.record == place.record && $0.fields[place.field] == value }
                if !isKept { losses.append("\(place.record.collection)/\(place.record.id).\(place.field): \(text)") }
            }
        }
        return losses + (try lostCounts(at: end)) + (try lostElements(at: end))
    }

    private func lostCounts(at end: End) throws -> [String] {
        let parked = Set(end.parked.map(\.id))
        return try increments.compactMap { place, amounts in
            guard let record = end.records[place.record], !record.isDeleted else { return nil }
            let expected = amounts.filter { !parked.contains($0.key) }.values.reduce(0, +)
            let shown = try record.fieldValues()[place.field] ?? 0
            return shown == .integer(expected)
                ? nil : "\(place.record.id).\(place.field): \(expected) was counted, \(shown.canonicalText) shows"
        }
    }

    private func lostElements(at end: End) throws -> [String] {
        try added.flatMap { place, elements -> [String] in
            guard let record = end.records[place.record], !record.isDeleted else { return [] }
            var shown: Set<Value> = []
            if case .array(let there)? = try record.fieldValues()[place.field] { shown = Set(there) }
            let gone = (removed[place] ?? [:]).mapValues { $0.filter(\.value.isSo) }.filter { !$0.value.isEmpty }
            return elements.compactMap { element in
                let isParked = end.parked.contains {
                    $0.record == place.record
                        && $0.fields[place.field]?.canonicalText.contains(element.canonicalText) == true
                }
                if let authors = gone[element] {
                    // Who takes an element out, or makes the record anew, may be refused, and is told so.
                    let isRefused = end.parked.contains {
                        $0.record == place.record && $0.fields[place.field] != nil
                    }
                    return shown.contains(element) && !isRefused
                        ? "\(element.canonicalText) was removed (\(authors.map { "by \($0.key) at \($0.value.number)" })) and is there"
                        : nil
                }
                return shown.contains(element) || isParked ? nil : "\(element.canonicalText) was added and is lost"
            }
        }
    }
}
