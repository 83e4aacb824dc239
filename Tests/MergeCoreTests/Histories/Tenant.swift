import Causality
import MergeCore
import Values

/// One tenant's data in memory, committed to through `BatchDecider` as a store would: it reads what the batch's read set names
/// and nothing else, decides, and writes the plan.
struct Tenant {
    let schema: Schema
    var limits = Limits()
    var stored = Snapshot()
    private(set) var audit: [AuditEntry] = []

    init(_ schema: Schema = .open) { self.schema = schema }

    /// A tenant whose collection `notes` has the given rules.
    init(rules: CollectionRules) { self.init(Schema(declaring: ["notes": rules])) }

    @discardableResult
    mutating func commit(_ batch: Batch) -> BatchDecision {
        var decider = BatchDecider(
            over: snapshot(of: batch.readSet), under: DecisionSettings(schema: schema, limits: limits))
        let decision = decider.decide(batch)
        stored.records.merge(decider.plan.records) { _, later in later }
        stored.sequence = decider.plan.sequence
        stored.auditPosition = decider.plan.auditPosition
        audit += decider.plan.audit
        for operation in decision.operations {
            let others = (stored.operations[operation.known.id] ?? []).filter { $0.device != operation.known.device }
            stored.operations[operation.known.id] = others + [operation.known]
            if let record = operation.known.record, let dot = operation.dot {
                stored.dots[RecordDot(record: record, dot: dot)] = operation.known
            }
        }
        return decision
    }

    /// Decides a conflict through `BatchDecider`, as a store would have it done.
    @discardableResult
    mutating func decide(
        _ decision: Decision, on conflict: RecordedConflict, by reviewer: Reviewer
    ) -> DecisionOutcome {
        var readSet = ReadSet()
        readSet.records.insert(conflict.record)
        var decider = BatchDecider(over: snapshot(of: readSet), under: DecisionSettings(schema: schema, limits: limits))
        let outcome = decider.decide(decision, on: conflict, by: reviewer) { value, _ in value }
        stored.records.merge(decider.plan.records) { _, later in later }
        stored.sequence = decider.plan.sequence
        stored.auditPosition = decider.plan.auditPosition
        audit += decider.plan.audit
        return outcome
    }

    /// The conflict as its entries tell it.
    func recorded(_ id: ConflictID?) -> RecordedConflict? {
        let entries = audit.filter { $0.conflict == id }
        guard let first = entries.first, case .opened(let opening) = first.content else { return nil }
        var sides: [ConflictSide] = []
        var dropped: Set<Dot> = []
        var ending: RecordedConflict.Ending?
        var version: Int64 = 0
        for entry in entries {
            version = entry.version
            switch entry.content {
            case .opened(let opening): sides = opening.sides
            case .sidesChanged(_, let joined, let gone):
                sides += joined
                dropped.formUnion(gone)
            case .superseded: ending = .superseded
            case .resolved(let resolution): ending = .resolved(side: resolution.side, value: resolution.value)
            case .commented, .assigned: break
            }
        }
        return RecordedConflict(
            id: first.conflict, record: first.record, kind: opening.kind, unit: opening.unit.name, version: version,
            sides: sides.map {
                .init(
                    role: $0.role, won: $0.won, isDropped: dropped.contains($0.event.dot), value: $0.value,
                    dot: $0.event.dot)
            }, ending: ending)
    }

    /// Takes over the data of a tenant that was under other rules.
    mutating func adopt(_ other: Tenant) {
        stored = other.stored
        audit = other.audit
    }

    func snapshot(of readSet: ReadSet) -> Snapshot {
        Snapshot(
            records: stored.records.filter { readSet.records.contains($0.key) },
            operations: stored.operations.filter {
                readSet.operations.contains($0.key) || readSet.dependencies.contains($0.key)
            },
            dots: stored.dots.filter { readSet.dots.contains($0.key) }, sequence: stored.sequence,
            auditPosition: stored.auditPosition)
    }

    /// Leaves of a deleted record its marker only.
    mutating func purge(_ key: RecordKey) {
        guard let record = stored.records[key] else { return }
        stored.records[key] = StoredRecord(
            key: key, state: RecordState(clock: record.state.clock), sequence: record.sequence, isPurged: true)
    }

    // MARK: Looking at the record `notes/n`

    static let key = RecordKey(collection: "notes", id: "n")

    var record: StoredRecord? { stored.records[Self.key] }
    var state: RecordState { record?.state ?? RecordState() }
    var rules: CollectionRules { schema.rules(for: "notes") ?? CollectionRules() }
    /// The record's fields, nil where it is deleted or not there.
    var fields: ObjectValue? {
        state.isUnknown || state.isDeleted(rules.deletes) ? nil : state.visibleFields(rules)
    }
    /// The conflicts as they were first recorded.
    var openings: [ConflictOpening] {
        audit.compactMap { if case .opened(let opening) = $0.content { opening } else { nil } }
    }
}

extension Digest {
    /// A digest that differs where the text does, made without a library: four hashes by Fowler, Noll and Vo (FNV-1a).
    init(standingFor text: String) {
        func word(_ seed: UInt64) -> UInt64 {
            text.utf8.reduce(0xCBF2_9CE4_8422_2325 &+ seed) { ($0 ^ UInt64($1)) &* 0x100_0000_01B3 }
        }
        self.init(words: (word(0), word(1), word(2), word(3)))
    }
}

/// An operation on `notes/n`, with a fingerprint over the same things as a real one.
func operation(
    _ id: OperationID, _ kind: OperationKind, _ clock: VersionVector, _ fields: ObjectValue = ObjectValue([]),
    at milliseconds: Int64? = 0, record: RecordKey = Tenant.key, dependsOn: [OperationID] = []
) -> Operation {
    let content = "\(kind) \(record) \(fields) \(String(describing: milliseconds))"
    return Operation(
        id: id, kind: kind, record: record, clock: clock, claimedMilliseconds: milliseconds, fields: fields,
        dependsOn: dependsOn, fingerprint: Digest(standingFor: content))
}

func fields(_ members: (ExactString, Value)...) -> ObjectValue {
    ObjectValue(members.map { ObjectValue.Member(name: $0.0, value: $0.1) })
}

func notes(_ id: ExactString) -> RecordKey { RecordKey(collection: "notes", id: id) }

extension Batch {
    /// A time of receipt after which no test's edit lies.
    static let receivedAt: Int64 = 1_000_000_000

    init(
        _ device: DeviceID, _ operations: [Operation], atomicity: Atomicity = .eachOperation, user: ExactString = "ada",
        sentAt: Int64? = nil
    ) {
        self.init(
            key: "k", device: device, user: user, atomicity: atomicity, receivedAtMilliseconds: Self.receivedAt,
            sentAtMilliseconds: sentAt, items: operations.map { .operation($0) })
    }
}

extension Tenant {
    /// Commits one operation by itself.
    @discardableResult
    mutating func send(_ operation: Operation, from device: DeviceID, user: ExactString = "ada") -> OperationOutcome {
        commit(Batch(device, [operation], user: user)).outcomes[0]
    }
}

extension OperationOutcome {
    var outcome: OutcomeKind { result.outcome }
    var codes: [Rejection.Code] { result.rejections.map(\.code) }
}
