import Causality
import Values

extension MergePolicy {
    /// `counter`: the sum of all increments shows, each counted exactly once.
    ///
    /// Source: the PN-counter (Shapiro et al. 2011, section 3.1.3). Rule P4 of docs/semantics.md.
    public static let counter = MergePolicy("counter", .counter)
}

extension CounterTotals: MergeFamily {
    public static func fieldType(
        declared: FieldType?, for policy: MergePolicy
    ) throws(FamilyRefusal) -> FieldType {
        guard declared ?? .integer == .integer else { throw FamilyRefusal("a counter is of type integer") }
        return .integer
    }

    private static let increment: ExactString = "$increment"
    public static var markers: [ExactString] { [increment] }
    public static var isAssigned: Bool { false }

    public static func change(
        from value: Value, of field: FieldRule, limits: Limits
    ) throws(FamilyRefusal) -> UnitWrite.Change {
        guard case .object(let object) = value, object.count == 1, case .integer(let amount)? = object[increment] else {
            throw FamilyRefusal("A counter takes {\"$increment\": integer} and nothing else.")
        }
        return .increment(amount)
    }

    static func spelling(_ amount: Int64) -> Value { [increment: .integer(amount)] }

    public static func rejection(
        of write: UnitWrite, to state: CounterTotals?, in context: WriteContext, equality: UnitEquality
    ) -> Rejection? {
        guard case .increment(let amount) = write.change else { return nil }
        guard !(state ?? CounterTotals()).canAdd(amount, by: context.event.dot.device) else { return nil }
        return Rejection(
            .valueInvalid, "The counter would leave the range of a 64-bit integer.", at: write.unit.path)
    }

    public static func apply(
        _ write: UnitWrite, in context: WriteContext, equality: UnitEquality, to state: inout CounterTotals?
    ) -> RegisterMerge? {
        guard case .increment(let amount) = write.change else { return nil }
        var totals = state ?? CounterTotals()
        // The state lets go of the totals, so that they are changed in place and not copied.
        state = nil
        totals.add(amount, at: context.event.dot)
        state = totals
        return nil
    }

    public var bottom: CounterTotals { CounterTotals() }

    public func join(_ other: CounterTotals, clock: VersionVector, otherClock: VersionVector) -> CounterTotals {
        join(other)
    }

    // MARK: What shows, and the sides of a conflict

    public func visible(by policy: MergePolicy) -> Value? { .integer(sum) }

    public func weigh(into weight: inout UnitWeight, of unit: UnitKey) {
        // The sum that shows has the same room whatever it is: to count is not to grow.
        weight.values += 20
        weight.counters += count * WeightOf.total
    }

    public var dots: [Dot] { totals.map(\.dot) }

    // MARK: The stored form: for each device its last event and its total

    public static var kinds: [String] { ["c"] }
    public var kind: String { "c" }

    public func visitEvents(_ visit: (Event) -> Void) {}

    public func encode(into writer: inout some UnitStateWriter) {
        for total in chunks {
            writer.beginList()
            writer.dot(total.dot)
            writer.integer(total.amount)
            writer.endList()
        }
    }

    public init(kind: String, from reader: inout some UnitStateReader) throws(UnreadableState) {
        var totals: [Total] = []
        while try reader.hasNext() {
            try reader.beginList()
            let dot = try reader.dot()
            totals.append(Total(dot: dot, amount: try reader.integer()))
            try reader.endList()
        }
        self.init(totals)
    }

    // MARK: Standing in a record

    public var unitState: UnitState { .counter(self) }

    public init?(_ state: UnitState) {
        guard case .counter(let own) = state else { return nil }
        self = own
    }
}
