import Causality

/// What happened in one register.
public struct RegisterMerge: Sendable, Hashable {
    /// The unit that the register belongs to.
    public let unit: UnitKey
    /// The policy under which it was written.
    public let policy: MergePolicy
    /// What the policy says of registers.
    public let rule: RegisterRule
    /// When two of the values are the same.
    public let equality: UnitEquality
    /// The write's own value.
    public let incoming: Register.Candidate
    /// The values that the write had seen and replaced.
    public let replaced: Register
    /// The values that the write had not seen: it was concurrent to them.
    public let remaining: Register
    /// The register after the write.
    public let result: Register
}

// MARK: Conflicts (rules K1 and K4)

extension RegisterMerge {
    func conflictNotes(open: OpenConflict?, limits: Limits) -> [ConflictNote] {
        if let open {
            if result.distinct(by: equality).count <= 1 {
                return [.superseded(open.id, unit: unit, by: incoming.event)]
            }
            if rule.losers == .awaitDecision {
                guard let change = change(of: open) else { return [] }
                guard open.version >= limits.entriesPerConflict, let next = openedConflict else { return [change] }
                // No conflict grows for ever: a long one ends here, and all that stands goes on in a new one.
                return [.superseded(open.id, unit: unit, by: incoming.event), next]
            }
        }
        let note =
            switch rule.losers {
            case .decidedByPolicy: automaticConflict
            case .awaitDecision: openedConflict
            }
        return note.map { [$0] } ?? []
    }

    /// The conflict between the value that showed among those the write had not seen, and the write's own. The others
    /// that were not seen lost when they met the one that showed; a surviving twin is the only one that never did.
    private var automaticConflict: ConflictNote? {
        guard let stored = remaining.visible(by: rule), let shown = result.visible(by: rule) else { return nil }
        var sides = areSame(stored, incoming) ? [shown] : [stored, incoming]
        if let twin = survivingTwin, !sides.contains(where: { areSame($0, twin) }) { sides.insert(twin, at: 0) }
        guard sides.count > 1 else { return nil }
        return .opened(
            ConflictOpening(
                kind: .writeWrite, unit: unit, policy: policy.rawValue, sides: sides.map(side(of:))))
    }

    private func areSame(_ left: Register.Candidate, _ right: Register.Candidate) -> Bool {
        left.hasSameValue(as: right, by: equality)
    }

    /// The value that showed until the write replaced its event, where another device's event still holds it. As long
    /// as the value showed, it lost to nothing.
    private var survivingTwin: Register.Candidate? {
        guard let before = Register(replaced.candidates + remaining.candidates).visible(by: rule),
            replaced.candidates.contains(where: { $0.event.dot == before.event.dot })
        else {
            return nil
        }
        return remaining.distinct(by: equality).first { areSame($0, before) }
    }

    private var openedConflict: ConflictNote? {
        let candidates = result.distinct(by: equality)
        guard candidates.count > 1 else { return nil }
        return .opened(
            ConflictOpening(
                kind: .writeWrite, unit: unit, policy: policy.rawValue, awaitsDecision: true,
                sides: candidates.map(side(of:))))
    }

    /// The sides of an open conflict are the register's values, each with its latest event, before the write and after it.
    /// Where the event that stood for a value is replaced while a twin of it stays, the twin takes its place.
    private func change(of open: OpenConflict) -> ConflictNote? {
        let before = Register(replaced.candidates + remaining.candidates).distinct(by: equality)
        let after = Register(remaining.candidates + [incoming]).distinct(by: equality)
        // An event writes one value to a unit, so its dot stands for both.
        let dotsBefore = Set(before.map(\.event.dot))
        let dotsAfter = Set(after.map(\.event.dot))
        let joined = after.filter { !dotsBefore.contains($0.event.dot) }
        let dropped = before.filter { !dotsAfter.contains($0.event.dot) }
        guard !joined.isEmpty || !dropped.isEmpty else { return nil }
        return .sidesChanged(
            open.id, unit: unit, joined: joined.map(side(of:)), dropped: dropped.map(\.event.dot))
    }

    private func side(of candidate: Register.Candidate) -> ConflictSide {
        ConflictSide(
            role: candidate.event.dot == incoming.event.dot ? .incoming : .stored,
            won: candidate.event.dot == result.visible(by: rule)?.event.dot, value: candidate.value,
            event: candidate.event)
    }
}
