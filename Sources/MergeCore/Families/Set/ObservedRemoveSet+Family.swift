import Causality
import Values

extension MergePolicy {
    /// `set`: a removal takes out the additions that its author had seen. An addition that is concurrent to it stays.
    ///
    /// Source: the optimised observed-remove set (Bieniusa et al. 2012). Rule P5 of docs/semantics.md.
    public static let set = MergePolicy("set", .set)
}

extension ObservedRemoveSet: MergeFamily {
    public static func fieldType(
        declared: FieldType?, for policy: MergePolicy
    ) throws(FamilyRefusal) -> FieldType {
        guard declared ?? .set == .set else { throw FamilyRefusal("'merge: set' is of type set") }
        return .set
    }

    // MARK: What is written

    private static let add: ExactString = "$add"
    private static let remove: ExactString = "$remove"
    public static var markers: [ExactString] { [add, remove] }
    public static var isAssigned: Bool { false }

    public static func change(
        from value: Value, of field: FieldRule, limits: Limits
    ) throws(FamilyRefusal) -> UnitWrite.Change {
        guard case .object(let object) = value, !object.isEmpty,
            object.members.allSatisfy({ $0.name == add || $0.name == remove }),
            let adding = elements(object[add]), let removing = elements(object[remove])
        else { throw FamilyRefusal("A set takes {\"$add\": [...], \"$remove\": [...]}, either or both.") }
        guard adding.count <= limits.elementsPerSet, removing.count <= limits.elementsPerSet else {
            throw FamilyRefusal("A set has at most \(limits.elementsPerSet) elements.")
        }
        return .elements(adding: adding, removing: removing)
    }

    /// - Returns: the array's elements, none when it is not there; nil when it is no array.
    private static func elements(_ value: Value?) -> [Value]? {
        guard let value else { return [] }
        guard case .array(let elements) = value else { return nil }
        return elements
    }

    static func spelling(adding: [Value], removing: [Value]) -> Value {
        .object([(add, .array(adding)), (remove, .array(removing))])
    }

    /// A set that is already over the limit can be made smaller.
    public static func rejection(
        of write: UnitWrite, to state: ObservedRemoveSet?, in context: WriteContext, equality: UnitEquality
    ) -> Rejection? {
        guard case .elements(let adding, let removing) = write.change else { return nil }
        let set = state ?? ObservedRemoveSet()
        let count = set.count(adding: adding, removing: removing, context: context.seen)
        guard count > context.elementsPerSet, count > set.count else { return nil }
        return Rejection(
            .valueInvalid, "A set has at most \(context.elementsPerSet) elements.", at: write.unit.path)
    }

    public static func apply(
        _ write: UnitWrite, in context: WriteContext, equality: UnitEquality, to state: inout ObservedRemoveSet?
    ) -> RegisterMerge? {
        guard case .elements(let adding, let removing) = write.change else { return nil }
        var set = state ?? ObservedRemoveSet()
        // The state lets go of the set, so that it is changed in place and not copied.
        state = nil
        set.change(adding: adding, removing: removing, at: context.event.dot, context: context.seen)
        state = set
        return nil
    }

    public var bottom: ObservedRemoveSet { ObservedRemoveSet() }

    // MARK: What shows, and the sides of a conflict

    public func visible(by policy: MergePolicy) -> Value? { .array(values) }

    public func weigh(into weight: inout UnitWeight, of unit: UnitKey) { weight.values += self.weight }

    public var dots: [Dot] { Set(elements.flatMap(\.dots)).sorted() }

    /// The elements that the events added.
    public func contribution(by policy: MergePolicy, where isIncluded: (Dot) -> Bool) -> Value? {
        let added = elements.filter { $0.dots.contains(where: isIncluded) }.map(\.value)
        return added.isEmpty ? nil : .array(added)
    }

    public func contributions(by policy: MergePolicy, where isIncluded: (Dot) -> Bool) -> [DeviceID: Value] {
        var added: [DeviceID: [Value]] = [:]
        for element in elements {
            for device in Set(element.dots.filter(isIncluded).map(\.device)) {
                added[device, default: []].append(element.value)
            }
        }
        return added.mapValues { .array($0) }
    }

    public func isHeld(_ write: UnitWrite, by equality: UnitEquality) -> Bool {
        switch write.change {
        case .elements(let adding, let removing):
            let added = Set(adding)
            return adding.allSatisfy(contains) && removing.allSatisfy { added.contains($0) || !contains($0) }
        case .assign(let value): return equality.areSame(visible(by: write.policy), value)
        case .increment, .edit: return false
        }
    }

    /// The elements among those that the change names, in canonical order.
    public func shown(beside write: UnitWrite) -> (value: Value?, event: Event?) {
        guard case .elements(let adding, let removing) = write.change else { return (visible(by: write.policy), nil) }
        return (.array(Set(adding + removing).filter(contains).sorted { $0.precedes($1) }), nil)
    }

    // MARK: The stored form: each element with the events that added it

    public static var kinds: [String] { ["s"] }
    public var kind: String { "s" }

    public func visitEvents(_ visit: (Event) -> Void) {}

    public func encode(into writer: inout some UnitStateWriter) {
        for element in elements {
            writer.beginList()
            writer.value(element.value)
            for dot in element.dots { writer.dot(dot) }
            writer.endList()
        }
    }

    public init(kind: String, from reader: inout some UnitStateReader) throws(UnreadableState) {
        var elements: [Element] = []
        while try reader.hasNext() {
            try reader.beginList()
            let value = try reader.value()
            var dots = [try reader.dot()]
            while try reader.hasNext() { dots.append(try reader.dot()) }
            elements.append(Element(value: value, dots: dots))
            try reader.endList()
        }
        self.init(elements)
    }

    // MARK: Standing in a record

    public var unitState: UnitState { .set(self) }

    public init?(_ state: UnitState) {
        guard case .set(let own) = state else { return nil }
        self = own
    }
}
