import Causality
import MergeCore
import SeededRandom
import StrictJSON
import SyncWire
import Values

/// Documents of every kind, made at random: what the server could send, not what one server did.
extension SeededGenerator {
    /// A name as the rule for names takes it.
    mutating func name() -> ExactString {
        let pieces = ["a", "b", "é", "\"", "\\", "/", "~", " ", "😀", "e\u{301}", "_", "-", "%"]
        return ExactString("n" + several(8) { $0.pick(pieces) }.joined() + "n")
    }
    mutating func flag() -> Bool { Bool.random(using: &self) }
    mutating func optional<Made>(_ make: (inout SeededGenerator) -> Made) -> Made? { flag() ? make(&self) : nil }
    mutating func several<Made>(_ bound: Int = 4, _ make: (inout SeededGenerator) -> Made) -> [Made] {
        (0..<below(bound)).map { _ in make(&self) }
    }

    /// Within the years that RFC 3339 can write.
    mutating func time() -> Int64 { Int64(below(8_000_000_000)) * 1_000 + Int64(below(1_000)) - 2_000_000_000_000 }
    mutating func counter() -> Int64 { Int64(below(1 << 53)) + 1 }
    mutating func conflictID() -> ConflictID { ConflictID(position: Int64(below(1 << 53))) }
    mutating func recordKey() -> RecordKey { RecordKey(collection: name(), id: name()) }
    mutating func object() -> ObjectValue {
        ObjectValue(
            several(5) { generator in (generator.name(), generator.value(depth: 2)) }
                .map { .init(name: $0.0, value: $0.1) })
    }

    mutating func clock() -> VersionVector {
        VersionVector(several(5) { .init(device: DeviceID($0.name()), counter: $0.counter()) })
    }

    mutating func clockText() -> String {
        var writer = JSONWriter()
        clock().write(to: &writer)
        return writer.text
    }

    // MARK: Batches

    mutating func operation() -> Operation {
        let kind = pick(OperationKind.allCases)
        var clock = clock()
        if clock.isEmpty { clock = clock.setting(DeviceID("d"), to: counter()) }
        return Operation(
            id: OperationID(name()), kind: kind, record: recordKey(), clock: clock,
            claimedMilliseconds: optional { $0.time() }, fields: kind == .delete ? ObjectValue([]) : object(),
            dependsOn: several(3) { OperationID($0.name()) })
    }

    mutating func batchRequest() -> BatchRequest {
        BatchRequest(
            device: optional { DeviceID($0.name()) }, sentAtMilliseconds: optional { $0.time() },
            atomicity: flag() ? .allOrNothing : .eachOperation, operations: several { $0.operation() })
    }

    mutating func rejection() -> Rejection {
        Rejection(
            pick(Rejection.Code.allCases), text(), at: several(3) { $0.name() },
            expectedCounter: optional { $0.counter() })
    }

    mutating func result() -> OperationResult {
        if flag() {
            return OperationResult(
                outcome: pick([.applied, .merged, .conflicted, .older]), relation: pick(Relation.allCases),
                conflicts: several { generator in
                    ConflictSummary(
                        id: generator.conflictID(), unit: generator.name(), policy: generator.name(),
                        status: generator.pick(ConflictStatus.allCases),
                        winner: generator.pick(ConflictSide.Role.allCases))
                }, sequence: optional { $0.counter() })
        }
        return OperationResult(
            outcome: pick([.rejected, .skipped]), relation: nil,
            rejections: [rejection()] + several(3) { $0.rejection() })
    }

    mutating func record() -> WireRecord {
        let isDeleted = flag()
        return WireRecord(
            key: recordKey(), sequence: counter(), isDeleted: isDeleted, clock: clockText(), stampMilliseconds: time(),
            fields: isDeleted ? "{}" : Value.object(object()).canonicalText,
            siblings: isDeleted ? nil : optional { Value.object($0.object()).canonicalText }, openConflicts: counter())
    }

    mutating func batchAnswer() -> BatchAnswer {
        let records = optional { generator in
            var records = TouchedRecords(byteLimit: 1_000)
            for record in generator.several(6, { $0.record() }) { records.take(record) }
            return records
        }
        return BatchAnswer(
            key: name(), serverTimeMilliseconds: time(), cursor: text(), kind: pick([.committed, .replayed, .dryRun]),
            outcomes: several(5) { generator in
                OperationOutcome(
                    id: generator.optional { OperationID($0.name()) }, record: nil, result: generator.result(),
                    isReplayed: generator.flag())
            }, records: records)
    }

    // MARK: Conflicts

    mutating func conflict() -> WireConflict {
        WireConflict(
            id: conflictID(), kind: text(), status: text(), version: counter(), collection: text(), record: text(),
            unit: text(), policy: text(), openedAtMilliseconds: time(), batch: text(), clockBefore: clockText(),
            clockAfter: clockText(), sides: several { $0.side() }, assignee: optional { $0.text() },
            comments: several { .init(user: $0.name(), text: $0.name(), atMilliseconds: $0.time()) },
            ending: optional { $0.ending() })
    }

    mutating func side() -> WireConflict.Side {
        WireConflict.Side(
            role: text(), won: flag(), present: flag(), isDropped: flag(), value: value(depth: 3).canonicalText,
            device: text(), user: text(), counter: counter(), stampMilliseconds: time(),
            claimedAtMilliseconds: optional { $0.time() }, operation: text())
    }

    mutating func ending() -> WireConflict.Ending {
        let isResolved = flag()
        return WireConflict.Ending(
            kind: isResolved ? .resolved : .superseded, atMilliseconds: time(), device: name(), counter: counter(),
            operation: name(), user: name(), side: isResolved ? optional { $0.below(9) } : nil,
            value: isResolved ? optional { $0.value(depth: 3) } : nil, note: isResolved ? optional { $0.name() } : nil)
    }

    mutating func problem() -> Problem {
        var problem = Problem(
            pick(ProblemCode.allCases), text(),
            errors: several { generator in
                var pointer = JSONPointer.root
                for name in generator.several(4, { $0.text() }) { pointer = pointer.appending(name: name) }
                return Problem.Detail(
                    generator.pick(ProblemCode.allCases), generator.text(), at: pointer,
                    index: generator.optional { $0.below(1_000) }, id: generator.optional { OperationID($0.name()) },
                    expectedCounter: generator.optional { $0.counter() })
            }, limit: optional { $0.below(1 << 40) })
        if !problem.errors.isEmpty { problem.errorsOmitted = optional { $0.below(1_000) } }
        problem.reason = optional { $0.pick(Problem.ResyncReason.allCases) }
        problem.expectedCounter = optional { $0.counter() }
        problem.conflict = optional { $0.conflict().canonicalBytes }
        if flag() { problem.isRetryableOverride = !problem.code.isRetryable }
        return problem
    }

    mutating func bulkAnswer() -> BulkResolutionAnswer {
        BulkResolutionAnswer(
            isPreview: flag(),
            entries: several { generator in
                let outcome: BulkResolutionAnswer.Outcome =
                    generator.flag()
                    ? .refused(generator.problem())
                    : .decided(
                        version: generator.counter(), isRepeated: generator.flag(),
                        generator.optional { generator in
                            .init(
                                before: generator.optional { $0.value(depth: 2) },
                                after: generator.optional { $0.value(depth: 2) })
                        })
                return .init(conflict: generator.conflictID(), outcome: outcome, isCut: generator.flag())
            }, next: optional { $0.text() })
    }

    // MARK: The rest

    mutating func wireOperation() -> WireOperation {
        WireOperation(
            id: OperationID(name()), device: DeviceID(name()), user: name(), batch: name(),
            record: optional { $0.recordKey() }, clock: clockText(), counter: optional { $0.counter() },
            result: result(), stampMilliseconds: optional { $0.time() }, recordedAtMilliseconds: time(),
            content: Value.object(object()).canonicalText)
    }

    mutating func counts() -> ConflictCounts {
        func some(_ generator: inout SeededGenerator) -> [ConflictCounts.Count] {
            generator.several { .init(name: $0.text(), count: $0.counter()) }
        }
        var counts = ConflictCounts()
        counts.byStatus = some(&self)
        counts.byKind = some(&self)
        counts.byCollection = some(&self)
        counts.byDevice = some(&self)
        counts.byDay = some(&self)
        counts.byUnit = several { .init(collection: $0.name(), unit: $0.name(), count: $0.counter()) }
        return counts
    }

    mutating func device() -> WireDevice {
        WireDevice(
            device: DeviceID(name()), user: name(), registeredAtMilliseconds: time(), lastSeenAtMilliseconds: time(),
            acknowledgedSequence: counter(), retiredAtMilliseconds: optional { $0.time() })
    }

    mutating func session() -> SessionAnswer {
        SessionAnswer(
            tenant: name(), user: name(), device: optional { DeviceID($0.name()) }, roles: several { $0.name() },
            lineage: text(),
            limits: Set(several(9) { $0.name() }).sorted().map { .init($0.text, below(1 << 40)) },
            serverTimeMilliseconds: time())
    }

    mutating func schema() -> Schema {
        guard below(4) > 0 else { return .open }
        let registers: [MergePolicy] = [.lww, .fww, .manual, .immutable]
        let collections = several { generator in
            (
                generator.name(),
                CollectionRules(
                    fields: generator.optional { generator in
                        Dictionary(
                            generator.several { generator in
                                (
                                    generator.name(),
                                    FieldRule(
                                        type: generator.pick(FieldType.allCases),
                                        merge: generator.pick(MergePolicy.allCases),
                                        audit: generator.pick(AuditClass.allCases))
                                )
                            }, uniquingKeysWith: { first, _ in first })
                    },
                    groups: Dictionary(
                        generator.several(3) { generator in
                            (
                                generator.name(),
                                GroupRule(
                                    fields: generator.several { $0.name() }, merge: generator.pick(registers))
                            )
                        }, uniquingKeysWith: { first, _ in first }),
                    recordMerge: generator.optional { $0.pick(registers) },
                    deletes: generator.pick(DeletePolicy.allCases), required: generator.several { $0.name() },
                    key: generator.pick(KeyRule.allCases))
            )
        }
        return Schema(declaring: Dictionary(collections, uniquingKeysWith: { first, _ in first }))
    }
}

extension WireConflict {
    /// As a problem carries it.
    fileprivate var canonicalBytes: [UInt8] {
        (try? JSONParser(limits: JSONLimits(maximumDepth: 128)).parse(encoded()).canonicalBytes) ?? []
    }
}
