import Causality
import MergeCore
import Values

extension History {
    /// The history as well-behaved devices would have made it, ready to be sent: an immutable value that was seen is only
    /// repeated.
    /// - Returns: nil when a device deletes what it has never seen.
    func sendable() -> History? {
        var lawful = self
        for index in events.indices {
            let event = lawful.events[index]
            guard case .write(let writes) = event.action else {
                if event.past.bits == 0 { return nil }
                continue
            }
            let seen = Oracle(lawful, arrived: event.past)
            let repeated = writes.map { write in
                guard write.policy == .immutable, let value = seen.visible(write.unit) else { return write }
                return UnitWrite(unit: write.unit, policy: write.policy, change: .assign(value))
            }
            lawful.events[index].action = .write(repeated)
        }
        return lawful
    }

    func operation(_ index: Int) -> Operation {
        let event = events[index]
        let kind: OperationKind
        var members: [(ExactString, Value)] = []
        switch event.action {
        case .delete:
            kind = .delete
        case .write(let writes):
            if event.past.bits == 0 {
                kind = .create
            } else {
                kind = Oracle(self, arrived: event.past).isDeleted ? .restore : .update
            }
            members = writes.flatMap { $0.unit.fields(of: $0.value) }
        }
        return Operation(
            id: OperationID("o\(index)"), kind: kind, record: Tenant.key, clock: clock(of: event.past.with(index)),
            claimedMilliseconds: event.milliseconds,
            fields: ObjectValue(members.map { ObjectValue.Member(name: $0.0, value: $0.1) }),
            fingerprint: Digest(standingFor: "\(index)"))
    }

    func device(_ index: Int) -> DeviceID { Self.devices[events[index].device] }

    /// Commits the events one by one.
    /// - Parameter check: is asked after every commit, with the events that have arrived by then.
    /// - Returns: what the check found first, or that an operation was refused, which no history here deserves.
    func failure(
        sending order: [Int], to tenant: inout Tenant, check: (Tenant, EventSet) -> String? = { _, _ in nil }
    ) -> String? {
        var arrived = EventSet()
        for index in order {
            let outcome = tenant.send(operation(index), from: device(index))
            guard outcome.result.isAccepted else { return "order \(order): \(index) was refused: \(outcome.codes)" }
            arrived = arrived.with(index)
            if let failure = check(tenant, arrived) { return "order \(order), after \(index): \(failure)" }
        }
        return nil
    }
}
