import Causality
import MergeCore
import Values

/// What an edit does to one field, read from the form in which it goes over the wire.
package enum FieldChange: Sendable, Hashable {
    case set(Value)
    case increment(Int64)
    case elements(adding: [Value], removing: [Value])

    private static let increment: ExactString = "$increment"
    private static let add: ExactString = "$add"
    private static let remove: ExactString = "$remove"

    /// Any value has a meaning: what has none of the marked forms is a value to be set.
    init(_ value: Value) {
        guard case .object(let object) = value, let first = object.members.first?.name else {
            self = .set(value)
            return
        }
        if first == Self.increment, object.count == 1, case .integer(let amount)? = object[first] {
            self = .increment(amount)
        } else if object.members.allSatisfy({ $0.name == Self.add || $0.name == Self.remove }),
            let adding = Self.elements(object[Self.add]), let removing = Self.elements(object[Self.remove])
        {
            self = .elements(adding: adding, removing: removing)
        } else {
            self = .set(value)
        }
    }

    private static func elements(_ value: Value?) -> [Value]? {
        switch value {
        case nil: []
        case .array(let elements)?: elements
        case _: nil
        }
    }

    /// The form in which it goes over the wire.
    package var value: Value {
        switch self {
        case .set(let value): value
        case .increment(let amount): [Self.increment: .integer(amount)]
        case .elements(let adding, let removing):
            .object(
                [(Self.add, adding), (Self.remove, removing)].filter { !$0.1.isEmpty }.map { ($0.0, .array($0.1)) })
        }
    }

    /// What shows after the change. O(n) in the value.
    /// - Parameters:
    ///   - shown: what showed before; nil for an absent field.
    ///   - policy: of the field's unit.
    func applied(to shown: Value?, by policy: MergePolicy) -> Value {
        switch self {
        case .set(let value):
            guard case .extremum(let direction) = policy.family, let shown, shown != .null else { return value }
            let isBetter = direction == .greatest ? shown.precedes(value) : value.precedes(shown)
            return isBetter ? value : shown
        case .increment(let amount):
            guard case .integer(let total)? = shown else { return .integer(amount) }
            let (sum, overflows) = total.addingReportingOverflow(amount)
            return overflows ? .integer(total) : .integer(sum)
        case .elements(let adding, let removing):
            var elements = FieldChange.elements(shown) ?? []
            let removed = Set(removing).subtracting(adding)
            elements.removeAll { removed.contains($0) }
            let present = Set(elements)
            for element in Set(adding) where !present.contains(element) { elements.append(element) }
            return .array(elements.sorted { $0.precedes($1) })
        }
    }

    /// The one change that does what this one and then the other one do; nil where there is none.
    func followed(by later: FieldChange) -> FieldChange? {
        switch (self, later) {
        case (.increment(let first), .increment(let second)):
            let (sum, overflows) = first.addingReportingOverflow(second)
            return overflows ? nil : .increment(sum)
        case (.elements(let added, let removed), .elements(let adding, let removing)):
            let taken = Set(removing).subtracting(adding)
            let all = Set(added).subtracting(taken).union(adding)
            let gone = Set(removed).union(taken).subtracting(all)
            return .elements(adding: Self.ordered(all), removing: Self.ordered(gone))
        case (.set, .set): return later
        case _: return nil
        }
    }

    private static func ordered(_ elements: Set<Value>) -> [Value] { elements.sorted { $0.precedes($1) } }
}
