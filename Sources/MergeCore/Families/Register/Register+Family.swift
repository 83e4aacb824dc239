import Causality
import Values

extension Register: MergeFamily {
    public static var isAbsorbing: Bool { false }

    public static func canReject(_ policy: MergePolicy) -> Bool { policy.registerRule?.succession == .mustEqual }

    /// A write that has seen a value that stays may only repeat it.
    public static func rejection(
        of write: UnitWrite, to state: Register?, in context: WriteContext, equality: UnitEquality
    ) -> Rejection? {
        guard let rule = write.policy.registerRule, rule.succession == .mustEqual, let state,
            case .assign(let value) = write.change
        else { return nil }
        let seen = Register(state.candidates.filter { context.seen.contains($0.event.dot) })
        guard let first = seen.visible(by: rule), !equality.areSame(first.value, value) else { return nil }
        return Rejection(
            .fieldImmutable, "The author had seen a value here, and it cannot be changed.", at: write.unit.path)
    }

    /// What the author had seen is replaced, and the rest stays beside the new value (rule M2).
    public static func apply(
        _ write: UnitWrite, in context: WriteContext, equality: UnitEquality, to state: inout Register?
    ) -> RegisterMerge? {
        guard case .assign(let value) = write.change, let rule = write.policy.registerRule else { return nil }
        var register = state ?? Register()
        // Repeating an immutable value that was seen leaves the first event in its place. Otherwise a different value that
        // arrives later could find that event replaced, and be taken for concurrent where it was not.
        if rule.succession == .mustEqual, register.holdsValue(seenBy: context.seen) { return nil }
        let replaced = context.hasSeenAll ? register.dropAll() : register.drop(seenBy: context.seen)
        let remaining = register
        let incoming = Candidate(value: value, event: context.event)
        register.insert(incoming, limit: context.valuesPerUnit, rule: rule)
        state = register
        return RegisterMerge(
            unit: write.unit, policy: write.policy, rule: rule, equality: equality, incoming: incoming,
            replaced: replaced, remaining: remaining, result: register)
    }

    public var bottom: Register { Register() }

    // MARK: What shows

    public func visible(by policy: MergePolicy) -> Value? {
        if let only { return only.value }
        return visible(by: policy.registerRule ?? .lastWriterWins)?.value
    }

    public func hasValue(for field: ExactString, in unit: UnitKey, by policy: MergePolicy) -> Bool {
        guard let value = visible(by: policy) else { return false }
        switch unit {
        case .field: return value != .null
        case .group, .record:
            guard case .object(let object) = value else { return false }
            return object[field] ?? .null != .null
        }
    }

    public var hasSiblings: Bool { count > 1 }

    public func siblings(by policy: MergePolicy, _ equality: UnitEquality) -> [Sibling] {
        guard let rule = policy.registerRule, rule.losers == .awaitDecision else { return [] }
        return siblings(by: rule, equality).map { Sibling(value: $0.value, event: $0.event) }
    }

    // MARK: The sides of a conflict

    public var dots: [Dot] { candidates.map(\.event.dot) }
    public var replaceableEvents: [Event] { candidates.map(\.event) }

    /// The value that would show among those of the events.
    public func contribution(by policy: MergePolicy, where isIncluded: (Dot) -> Bool) -> Value? {
        Register(candidates.filter { isIncluded($0.event.dot) }).visible(by: policy)
    }

    public func contributions(by policy: MergePolicy, where isIncluded: (Dot) -> Bool) -> [DeviceID: Value] {
        Dictionary(grouping: candidates.filter { isIncluded($0.event.dot) }, by: \.event.dot.device)
            .compactMapValues { Register($0).visible(by: policy) }
    }

    public func shown(beside write: UnitWrite) -> (value: Value?, event: Event?) {
        let shown = visible(by: write.policy.registerRule ?? .lastWriterWins)
        return (shown?.value, shown?.event)
    }

    public func value(of dot: Dot) -> Value? {
        candidates.first { $0.event.dot == dot }?.value
    }

    // MARK: The stored form: events, each with its value behind it; of one event alone a value that shows is left out

    public static var kinds: [String] { [kind] }
    static var kind: String { "r" }
    public var kind: String { Self.kind }

    public func visitEvents(_ visit: (Event) -> Void) {
        if let only {
            visit(only.event)
        } else {
            for candidate in candidates { visit(candidate.event) }
        }
    }

    public func encode(into writer: inout some UnitStateWriter) {
        if let only {
            writer.event(only.event)
            if !writer.isShown(only.value) { writer.value(only.value) }
        } else {
            for candidate in candidates {
                writer.event(candidate.event)
                writer.value(candidate.value)
            }
        }
    }

    public init(kind: String, from reader: inout some UnitStateReader) throws(UnreadableState) {
        guard try reader.hasNext() else {
            self.init()
            return
        }
        let first = try reader.event()
        guard try reader.hasNext() else {
            self.init(Candidate(value: try reader.shownValue(), event: first))
            return
        }
        let value = try reader.value()
        guard try reader.hasNext() else {
            self.init(Candidate(value: value, event: first))
            return
        }
        var candidates = [Candidate(value: value, event: first)]
        repeat {
            let event = try reader.event()
            candidates.append(Candidate(value: try reader.value(), event: event))
        } while try reader.hasNext()
        self.init(candidates)
    }

    // MARK: Standing in a record

    public var unitState: UnitState { .register(self) }

    public init?(_ state: UnitState) {
        guard case .register(let own) = state else { return nil }
        self = own
    }
}
