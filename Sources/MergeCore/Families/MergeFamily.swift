import Causality
import Values

/// How a unit keeps what was written to it: the state of one family of policies, with all that the family's meaning takes.
///
/// Policies of one family can be exchanged for one another without touching what is stored. A conforming type is the state of
/// one unit. What is asked of the whole family is `static`. Rules S7 and U2 to U7 of docs/semantics.md say what holds for each
/// family; docs/decisions/0036-a-policy-is-a-file.md says how one is added.
///
/// A state is a function of the events that were merged (rule U1): it depends on no order of arrival and on no clock. What
/// has a default is what most families do alike (`MergeFamily+Defaults.swift`).
public protocol MergeFamily: Sendable, Hashable {
    // MARK: What is declared and written

    /// The type of a field that has a policy of the family.
    /// - Parameter declared: the type that the collections file names; nil where it names none.
    /// - Throws: why the two do not go together.
    static func fieldType(declared: FieldType?, for policy: MergePolicy) throws(FamilyRefusal) -> FieldType

    /// The names that mark an object as a change for this family rather than as a plain value. They begin with `$`.
    static var markers: [ExactString] { get }

    /// Whether a value is written as it is to show. Not so where an operation says what is to be added to what is there.
    static var isAssigned: Bool { get }

    /// Whether the policies absorb concurrent writes, so that none of them is lost (rule N1 c). Where they do not, values
    /// stand beside one another, and what `apply` tells of them becomes a conflict.
    static var isAbsorbing: Bool { get }

    /// Reads what an operation says about a field. Depends on nothing that is stored.
    /// - Throws: why the family does not take it.
    static func change(
        from value: Value, of field: FieldRule, limits: Limits
    ) throws(FamilyRefusal) -> UnitWrite.Change

    // MARK: Merging

    /// Whether what is stored can count against a write of the policy. Where it cannot, `rejection` is not asked.
    static func canReject(_ policy: MergePolicy) -> Bool

    /// Why a change cannot be merged into a state; nil when it can. Only what the author had seen, what the change says, or a
    /// limit can count against it (rule N2). At most O(what the change names) and O(log n) for each.
    /// - Parameters:
    ///   - state: nil where the unit was never written.
    ///   - equality: when two values of the unit are the same.
    static func rejection(
        of write: UnitWrite, to state: Self?, in context: WriteContext, equality: UnitEquality
    ) -> Rejection?

    /// Merges a change that was admitted. O(what the change names) and O(log n) for each, beside what is copied where the
    /// state is shared. A change that is meant for another family does nothing.
    /// - Returns: what stands beside the write's value; nil where the family absorbs it.
    static func apply(
        _ write: UnitWrite, in context: WriteContext, equality: UnitEquality, to state: inout Self?
    ) -> RegisterMerge?

    /// The state before any write. A state whose join keeps all that was ever written can stand for itself.
    var bottom: Self { get }

    /// The least state that includes both: commutative, associative and idempotent (rule U7). Both are of one kind.
    /// - Parameter clock: of the record that this state is in. An event in it that the state does not hold was replaced.
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

    /// Adds what the state weighs, of which the unit's name is counted already. O(1), but where values stand beside one
    /// another.
    func weigh(into weight: inout UnitWeight, of unit: UnitKey)

    // MARK: The sides of a conflict

    /// The dots of the events behind what the unit holds, each once.
    var dots: [Dot] { get }

    /// The events whose values a later write replaces. Empty where nothing that was written is replaced.
    var replaceableEvents: [Event] { get }

    /// What certain events contributed; nil where they contributed nothing.
    func contribution(by policy: MergePolicy, where isIncluded: (Dot) -> Bool) -> Value?

    /// The same for each device by itself. O(n) in what the unit holds.
    func contributions(by policy: MergePolicy, where isIncluded: (Dot) -> Bool) -> [DeviceID: Value]

    /// Whether the unit shows already what a change wants that came too late (rule K2).
    func isHeld(_ write: UnitWrite, by equality: UnitEquality) -> Bool

    /// What the unit shows beside a change that came too late, and the event behind it; nil for an event where no single one
    /// is behind it. O(what the change names) where a state is large.
    func shown(beside write: UnitWrite) -> (value: Value?, event: Event?)

    /// The value of one event, where the state still holds it by itself.
    func value(of dot: Dot) -> Value?

    /// Why no write can make the unit show a value, for the reviewer who wants it; nil where one can.
    func obstacle(to value: Value, by policy: MergePolicy, type: FieldType) -> String?

    // MARK: Its stored form

    /// The names of the kinds of state that the family stores. Each belongs to one family only, and never to another one.
    static var kinds: [String] { get }

    /// The kind of this state, one of `kinds`. States of two kinds are not joined.
    var kind: String { get }

    /// Visits the events that `encode` names, in the same order.
    func visitEvents(_ visit: (Event) -> Void)

    /// Writes what `init(kind:from:)` reads. What is stored already has to stay readable.
    func encode(into writer: inout some UnitStateWriter)

    init(kind: String, from reader: inout some UnitStateReader) throws(UnreadableState)

    // MARK: Standing in a record

    /// The state in a record. Families that have no case of `UnitState` to themselves leave both as they are.
    var unitState: UnitState { get }

    /// nil where the state is of another family.
    init?(_ state: UnitState)
}

/// Why a family does not take what is declared or written.
public struct FamilyRefusal: Error, Sendable, Hashable {
    public let detail: String

    public init(_ detail: String) { self.detail = detail }
}

/// The write of which a change is a part.
public struct WriteContext: Sendable {
    public let event: Event
    /// What the author had seen, within the record's clock.
    public let seen: VersionVector
    /// Whether that is known to be all of the record, which spares looking. `false` says nothing.
    public let hasSeenAll: Bool
    public let limits: Limits

    public init(event: Event, seen: VersionVector, hasSeenAll: Bool, limits: Limits) {
        self.event = event
        self.seen = seen
        self.hasSeenAll = hasSeenAll
        self.limits = limits
    }
}
