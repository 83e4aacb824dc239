import Causality

extension RecordState {
    /// Why a write cannot be merged into the record as it stands; empty when it can. O(k log n) in the number k of
    /// units that the write names.
    ///
    /// Only what a write has seen can count against it. That others wrote concurrently is never a reason to refuse
    /// (rule N2).
    public func rejections(of write: RecordWrite, rules: CollectionRules, limits: Limits) -> [Rejection] {
        var rejections: [Rejection] = []
        if clock[write.event.dot.device] == 0, clock.count >= limits.clockEntries {
            rejections.append(
                Rejection(
                    .clockFull,
                    "\(limits.clockEntries) devices have written this record, which is the most. Tell the user; the edit can go "
                        + "into a new record.",
                    at: ["clock"]))
        }
        if write.kind == .update, hasSeenDeletion(write.context, policy: rules.deletes) {
            rejections.append(
                Rejection(
                    .recordDeleted,
                    "The author had seen that the record is deleted. A 'restore' with these fields brings it back."))
        }
        let context = WriteContext(event: write.event, seen: write.context, hasSeenAll: false, limits: limits)
        var position: UnitStates.Position?
        for unitWrite in write.writes {
            let state = units.state(of: unitWrite.unit, near: &position)
            if let rejection = Self.rejection(of: unitWrite, to: state, in: context, rules: rules) {
                rejections.append(rejection)
            }
        }
        if write.kind != .delete { rejections += missingFields(write, rules: rules) }
        return rejections
    }

    /// Whether the record was deleted in what the author had seen, as far as the state can still tell.
    ///
    /// Under `update-wins` a record is deleted only if every write was seen by a delete, so whoever has seen all deletes that
    /// stand has seen it deleted. Under `delete-wins` one delete that nothing has superseded is enough.
    private func hasSeenDeletion(_ context: VersionVector, policy: DeletePolicy) -> Bool {
        guard isDeleted(policy) else { return false }
        switch policy {
        case .updateWins: return deletion.deletes.allSatisfy { context.contains($0.dot) }
        case .deleteWins: return deletion.deletes.contains { context.contains($0.dot) }
        }
    }

    private static func rejection(
        of write: UnitWrite, to state: UnitState?, in context: WriteContext, rules: CollectionRules
    ) -> Rejection? {
        guard state?.isKept(by: write.policy) ?? true else {
            return Rejection(
                .valueInvalid,
                "What is stored here was written under another kind of policy than '\(write.policy.rawValue)'.",
                at: write.unit.path)
        }
        return UnitState.rejection(of: write, to: state, in: context, rules: rules)
    }

    /// The required fields that neither the record shows nor the write has. What the write itself says was checked
    /// before.
    private func missingFields(_ write: RecordWrite, rules: CollectionRules) -> [Rejection] {
        let missing = rules.required.filter { lacks($0, rules) }
        guard !missing.isEmpty else { return [] }
        let written = Set(write.writes.map(\.unit))
        return missing.filter { !written.contains(rules.unit(of: $0)) }.map {
            Rejection(.fieldRequired, "This field is required.", at: ["fields", $0])
        }
    }

    /// Whether the field is absent or `null`: it may have been written before it was required.
    private func lacks(_ field: ExactString, _ rules: CollectionRules) -> Bool {
        let unit = rules.unit(of: field)
        guard let state = units[unit] else { return true }
        return !state.hasValue(for: field, in: unit, by: rules.policy(of: unit))
    }
}

extension UnitKey {
    /// The place in an operation where it writes the unit.
    var path: [ExactString] {
        if case .field(let name) = self { ["fields", name] } else { ["fields"] }
    }
}
