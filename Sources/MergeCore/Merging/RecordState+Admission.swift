import Causality

extension RecordState {
    /// Why a write cannot be merged into the record as it stands; empty when it can.
    ///
    /// Only what a write has seen can count against it. That others wrote concurrently is never a reason to refuse.
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
        var position: UnitStates.Position?
        for unitWrite in write.writes {
            let state = units.state(of: unitWrite.unit, near: &position)
            if let rejection = Self.rejection(of: unitWrite, to: state, in: write, rules: rules, limits: limits) {
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
        of unitWrite: UnitWrite, to state: UnitState?, in write: RecordWrite, rules: CollectionRules, limits: Limits
    ) -> Rejection? {
        guard state?.isKept(by: unitWrite.policy) ?? true else {
            return Rejection(
                .valueInvalid,
                "What is stored here was written under another kind of policy than '\(unitWrite.policy.rawValue)'.",
                at: path(to: unitWrite.unit))
        }
        switch unitWrite.change {
        case .increment(let amount):
            if !counter(state).canAdd(amount, by: write.event.dot.device) {
                return Rejection(
                    .valueInvalid, "The counter would leave the range of a 64-bit integer.",
                    at: path(to: unitWrite.unit))
            }
        case .elements(let adding, let removing):
            // A set that is over the limit already can be made smaller.
            let set = set(state)
            let count = set.count(adding: adding, removing: removing, context: write.context)
            if count > limits.elementsPerSet, count > set.count {
                return Rejection(
                    .valueInvalid, "A set has at most \(limits.elementsPerSet) elements.", at: path(to: unitWrite.unit))
            }
        case .assign(let value):
            guard let rule = unitWrite.policy.registerRule, rule.succession == .mustEqual else { return nil }
            let seen = Register(register(state).candidates.filter { write.context.contains($0.event.dot) })
            if let first = seen.visible(by: rule), !rules.equality(of: unitWrite.unit).areSame(first.value, value) {
                return Rejection(
                    .fieldImmutable, "The author had seen a value here, and it cannot be changed.",
                    at: path(to: unitWrite.unit))
            }
        }
        return nil
    }

    /// Required fields that neither the record shows nor the write has. What the write says itself was read before.
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
        switch units[unit] {
        case nil: return true
        case .extremum, .counter, .set: return false
        case .register(let register):
            let rule = rules.policy(of: unit).registerRule ?? .lastWriterWins
            guard let value = register.visible(by: rule)?.value else { return true }
            switch unit {
            case .field: return value == .null
            case .group, .record:
                guard case .object(let object) = value else { return true }
                return object[field] ?? .null == .null
            }
        }
    }

    private static func path(to unit: UnitKey) -> [ExactString] {
        if case .field(let name) = unit { ["fields", name] } else { ["fields"] }
    }
}

extension UnitState {
    /// Whether the policy keeps its state in this form.
    func isKept(by policy: MergePolicy) -> Bool {
        switch (self, policy.family) {
        case (.register, .register), (.counter, .counter), (.set, .set): true
        case (.extremum(let extremum), .extremum(let direction)): extremum.direction == direction
        case (.register, _), (.extremum, _), (.counter, _), (.set, _): false
        }
    }
}
