import Causality
import Values

/// How a unit keeps what was written to it: the state of one family of policies, with all that the family means.
///
/// Policies of one family can be exchanged for one another without touching what is stored. A conforming type is the
/// state of one unit. What is asked of the whole family is `static`. Rules S7 and U2 to U7 of docs/semantics.md say
/// what holds for each family; <doc:AddingAPolicyOrAFamily> says how one is added, and
/// docs/decisions/0036-a-policy-is-a-file.md why.
///
/// A state is a function of the events that were merged (rule U1): it depends on no order of arrival and on no clock. A
/// requirement has a default where most families do alike (`MergeFamily+Defaults.swift`).
public protocol MergeFamily: Sendable, Hashable {
    // MARK: What is declared and written

    /// The type of a field that has a policy of the family.
    /// - Parameters:
    ///   - declared: the type that the collections file names; nil where it names none.
    ///   - policy: the policy of the field.
    /// - Throws: why the two do not go together.
    static func fieldType(declared: FieldType?, for policy: MergePolicy) throws(FamilyRefusal) -> FieldType

    /// The names that mark an object as a change for this family rather than as a plain value. They begin with `$`.
    static var markers: [ExactString] { get }

    /// Whether a value is written in the form in which it is to show. It is not where an operation says what is to be
    /// added to what is there.
    static var isAssigned: Bool { get }

    /// Whether the policies absorb concurrent writes, so that none of them is lost (rule N1 c). In a family that does
    /// not absorb them, values stand beside one another, and what `apply` tells of them becomes a conflict.
    static var isAbsorbing: Bool { get }

    /// Reads what an operation says about a field. The answer depends on nothing that is stored.
    /// - Throws: why the family does not take it.
    static func change(
        from value: Value, of field: FieldRule, limits: Limits
    ) throws(FamilyRefusal) -> UnitWrite.Change

    // MARK: Merging

    /// Whether what is stored can count against a write of the policy. `rejection` is asked only where it can.
    static func canReject(_ policy: MergePolicy) -> Bool

    /// Why a change cannot be merged into a state; nil when it can. Only what the author had seen, what the change
    /// says, or a limit can count against it (rule N2). At most O(what the change names), and O(log n) for each.
    /// - Parameters:
    ///   - write: the change.
    ///   - state: what is stored; nil where the unit was never written.
    ///   - context: the write of which the change is a part.
    ///   - equality: when two values of the unit are the same.
    static func rejection(
        of write: UnitWrite, to state: Self?, in context: WriteContext, equality: UnitEquality
    ) -> Rejection?

    /// Merges a change that was admitted. A change that is meant for another family does nothing.
    ///
    /// O(what the change names), and O(log n) for each; where the state is shared, what is copied comes on top.
    /// - Returns: what stands beside the write's value; nil where the family absorbs it.
    static func apply(
        _ write: UnitWrite, in context: WriteContext, equality: UnitEquality, to state: inout Self?
    ) -> RegisterMerge?

    /// The state before any write. A state whose join keeps all that was ever written may give itself.
    var bottom: Self { get }

    /// The least state that includes both: commutative, associative and idempotent (rule U7). Both states are of one
    /// kind.
    /// - Parameters:
    ///   - other: the state in the other record.
    ///   - clock: the clock of the record that this state is in. An event in it that the state does not hold was
    ///     replaced.
    ///   - otherClock: the clock of the record that the other state is in.
    func join(_ other: Self, clock: VersionVector, otherClock: VersionVector) -> Self

    // MARK: What shows

    /// The value that the unit shows; nil when it shows none.
    func visible(by policy: MergePolicy) -> Value?

    /// Whether what shows has a value, other than `null`, for one of the unit's fields.
    func hasValue(for field: ExactString, in unit: UnitKey, by policy: MergePolicy) -> Bool

    /// Whether several events' values stand beside one another. O(1).
    var hasSiblings: Bool { get }

    /// The values beside the visible one, where they wait for a decision.
    func siblings(by policy: MergePolicy, _ equality: UnitEquality) -> [Sibling]

    /// Adds what the state weighs. The unit's name is counted already. O(1), except where values stand beside one
    /// another.
    func weigh(into weight: inout UnitWeight, of unit: UnitKey)

    // MARK: The sides of a conflict

    /// The dots of the events behind what the unit holds, each once.
    var dots: [Dot] { get }

    /// The events whose values a later write replaces. Empty where nothing that was written is replaced.
    var replaceableEvents: [Event] { get }

    /// What certain events contributed; nil where they contributed nothing.
    func contribution(by policy: MergePolicy, where isIncluded: (Dot) -> Bool) -> Value?

    /// What each device contributed of certain events. O(n) in what the unit holds.
    func contributions(by policy: MergePolicy, where isIncluded: (Dot) -> Bool) -> [DeviceID: Value]

    /// Whether the unit already shows what a change wants that came too late (rule K2).
    func isHeld(_ write: UnitWrite, by equality: UnitEquality) -> Bool

    /// What the unit shows beside a change that came too late, and the event behind it. The event is nil where no
    /// single one is behind the value. O(what the change names) where a state is large.
    func shown(beside write: UnitWrite) -> (value: Value?, event: Event?)

    /// The value of one event; nil where the state does not hold it by itself any more.
    func value(of dot: Dot) -> Value?

    /// Tells a reviewer who wants a value why no write can make the unit show it; nil where a write can.
    func obstacle(to value: Value, by policy: MergePolicy, type: FieldType) -> String?

    // MARK: Its stored form

    /// The names of the kinds of state that the family stores. A name belongs to one family, and is never given to
    /// another one.
    static var kinds: [String] { get }

    /// The kind of this state, one of `kinds`. States of two kinds are not joined with each other.
    var kind: String { get }

    /// Visits the events that `encode` names, in the same order.
    func visitEvents(_ visit: (Event) -> Void)

    /// Writes what ``init(kind:from:)`` reads. A state that was stored once has to stay readable.
    func encode(into writer: inout some UnitStateWriter)

    /// Reads a stored state.
    /// - Parameters:
    ///   - kind: one of `kinds`, as it was stored.
    ///   - reader: stands before the state's first element.
    /// - Throws: ``UnreadableState`` where something else is there.
    init(kind: String, from reader: inout some UnitStateReader) throws(UnreadableState)

    // MARK: Standing in a record

    /// The state as it stands in a record. A family that has no case of ``UnitState`` to itself leaves this requirement
    /// and the next to their defaults.
    var unitState: UnitState { get }

    /// Takes the state out of a record; nil where it is of another family.
    init?(_ state: UnitState)
}

/// Why a family does not take what is declared or written.
public struct FamilyRefusal: Error, Sendable, Hashable {
    /// The reason, for people. It never holds a field's value.
    public let detail: String

    /// Takes the reason.
    public init(_ detail: String) { self.detail = detail }
}

/// The write of which a change is a part.
public struct WriteContext: Sendable {
    /// The event that the write is.
    public let event: Event
    /// What the author had seen. It is within the record's clock.
    public let seen: VersionVector
    /// Whether the author is known to have seen all of the record, which spares a family looking. `false` says nothing.
    public let hasSeenAll: Bool
    /// As in `Limits`, of which there are too many to copy with every operation.
    public let valuesPerUnit: Int
    /// As in `Limits`.
    public let elementsPerSet: Int

    /// The context of a write, with what families need to know of the limits.
    public init(event: Event, seen: VersionVector, hasSeenAll: Bool, limits: Limits) {
        self.event = event
        self.seen = seen
        self.hasSeenAll = hasSeenAll
        valuesPerUnit = limits.valuesPerUnit
        elementsPerSet = limits.elementsPerSet
    }
}
