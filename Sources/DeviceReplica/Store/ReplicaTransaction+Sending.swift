import Causality
import Foundation
import GRDB
import MergeCore
import SyncWire
import Values

/// A batch as it goes out, the same bytes until an answer arrives.
struct FrozenBatch: Sendable, Hashable {
    let key: ExactString
    let body: [UInt8]
}

extension ReplicaTransaction {
    /// The batch whose fate is unknown, or a new one of the edits that come next, which then has its events, its key and its bytes.
    /// - Returns: nil where there is nothing to send.
    func nextBatch() throws -> FrozenBatch? {
        if let row = try row(Statements.selectBatch) {
            return FrozenBatch(key: ExactString(row["key"] as String), body: Array(row["body"] as Data))
        }
        let operations = try nextOperations()
        guard !operations.isEmpty else { return nil }
        return try freeze(operations)
    }

    private func freeze(_ waiting: [PendingOperation]) throws -> FrozenBatch {
        let device = try device()
        let offset = try integer(.offset) ?? 0
        let key = ExactString(UUID().uuidString.lowercased())
        var counters: [RecordKey: Int64] = [:]
        var operations: [MergeCore.Operation] = []
        for var operation in waiting {
            let last: Int64
            if let given = counters[operation.key] {
                last = given
            } else {
                last = try ownCounter(operation.key, base: base(operation.key), device: device)
            }
            counters[operation.key] = last + 1
            let dot = Dot(device: device, counter: last + 1)
            operation.sent = PendingOperation.Sent(dot: dot, batch: key)
            if !operation.isInServerTime {
                // From now on it is one time: whatever is learned later, the operation stays what it was.
                operation.editedAtMilliseconds += offset
                operation.isInServerTime = true
            }
            operations.append(operation.operation(as: dot))
            try update(operation)
        }
        // The times are in server time already. A time of sending would age with every repetition of these bytes.
        let body = BatchRequest(
            device: device, sentAtMilliseconds: nil,
            atomicity: waiting.count > 0 && waiting[0].isAtomic ? .allOrNothing : .eachOperation, operations: operations
        ).encoded()
        try run(Statements.insertBatch, [key.text, Data(body), operations.count])
        try raise(.batchesMade)
        return FrozenBatch(key: key, body: body)
    }

    /// The edits that come next, in their order, within what a batch may have. What one local transaction wrote stays together
    /// where it fits, and an edit that is to be taken whole or not at all has a batch of its own.
    private func nextOperations() throws -> [PendingOperation] {
        var cut = BatchCut(limits: try sendingLimits(), operationLimit: Int(try integer(.batchOperations) ?? .max))
        var last = Int64.min
        while true {
            let page = try rows(Statements.selectWaiting, [last]).map(PendingOperation.init(row:))
            guard let end = page.last?.position else { return cut.finished() }
            last = end
            for operation in page {
                if operation.isAtomic {
                    guard cut.isEmpty else { return cut.finished() }
                    return try rows(Statements.selectWaitingOfEdit, [operation.transaction]).map(
                        PendingOperation.init(row:))
                }
                guard cut.take(operation) else { return cut.finished() }
            }
        }
    }

    // MARK: The answer

    /// Takes the answer to a batch: each operation has its fate, the records that the batch touched stand as the server says.
    /// - Parameter reason: why the records are set aside instead; nil where they are taken.
    func settle(_ batch: FrozenBatch, _ answer: BatchAnswer, settingAside reason: String? = nil) throws {
        let sent = try rows(Statements.selectSent, [batch.key.text]).map(PendingOperation.init(row:))
        try run(Statements.deleteBatches)
        guard sent.count == answer.outcomes.count else {
            throw ReplicaError.damaged("a batch of \(sent.count) operations was answered for \(answer.outcomes.count)")
        }
        var shown: [RecordKey: WireRecord] = [:]
        for record in answer.records?.records ?? [] { shown[record.key] = record }
        for (operation, outcome) in zip(sent, answer.outcomes) {
            // What a refused one took with it has been parked already.
            guard
                let operation = try row(Statements.selectOperation, [operation.id.name.text]).map(
                    PendingOperation.init(row:))
            else { continue }
            try settle(operation, outcome, as: shown[operation.key])
        }
        if let reason {
            for record in answer.records?.records ?? [] where try isNews(record, known: sequence(of: record.key)) {
                try keepAside(record, because: reason)
            }
        } else {
            try take(answer.records?.records ?? [])
        }
        for record in answer.records?.records ?? [] { try forgetSettled(record) }
        try forgetLeaving()
        try restoreBatchSize()
    }

    /// The record stands as it does after all that was settled. A replay that was numbered anew has taken no number there.
    private func forgetSettled(_ record: WireRecord) throws {
        guard let base = try base(record.key), base.sequence >= record.sequence else { return }
        try replica.options.mirror?.capture(record.key, self)
        try run(Statements.deleteSettledOfRecord, [record.key.collection.text, record.key.id.text])
        try run(Statements.deleteOwnCounter, [record.key.collection.text, record.key.id.text, Int64.max])
        // What showed with the operation may show otherwise without it.
        if replica.options.mirror != nil { try showAgain(record.key) }
    }

    private func settle(_ operation: PendingOperation, _ outcome: OperationOutcome, as record: WireRecord?) throws {
        let result = outcome.result
        switch result.outcome {
        case .applied, .merged, .conflicted, .older:
            if outcome.isReplayed, record == nil {
                // Which number it has there is not known: the record says so.
                try replica.options.mirror?.capture(operation.key, self)
                try delete(operation)
                try markUnclear(operation.key)
                return try raise(.acknowledged)
            }
            try settleTaken(operation, result, as: record, isReplayed: outcome.isReplayed)
        case .skipped:
            try react(.waitForOthers, to: operation, Refusal(result.rejections.first))
        case .rejected:
            let rejection = result.rejections.first
            let code = rejection.map { ProblemCode($0.code) } ?? .invalidRequest
            try react(OperationReaction(to: code), to: operation, Refusal(rejection))
        }
    }

    private func settleTaken(
        _ operation: PendingOperation, _ result: OperationResult, as record: WireRecord?, isReplayed: Bool
    ) throws {
        guard let dot = operation.sent?.dot else { return }
        // A replay under another number than its first one has not taken this one.
        let hasNumber = try !isReplayed || record?.versionVector().contains(dot) == true
        var settled = operation
        settled.isSettled = true
        settled.sent?.batch = nil
        try update(settled)
        if hasNumber {
            try run(
                Statements.upsertOwnCounter, [operation.key.collection.text, operation.key.id.text, dot.counter])
            try remember(operation, dot)
        }
        try raise(.acknowledged)
        try raise(.latencyTotal, by: max(0, try serverNow() - operation.editedAtMilliseconds))
        for conflict in result.conflicts { try note(conflict, of: operation, as: record) }
        // The base may hold it already, when the pull was quicker than the answer.
        if let base = try base(operation.key), base.clock.contains(dot) { try delete(settled) }
    }

    /// Keeps what the operation added to counters: a server that was set back does not know it any more.
    private func remember(_ operation: PendingOperation, _ dot: Dot) throws {
        for member in operation.fields.members {
            guard case .increment(let amount) = FieldChange(member.value) else { continue }
            try run(
                Statements.insertIncrement,
                [
                    operation.key.collection.text, operation.key.id.text, dot.device.name.text, dot.counter,
                    member.name.text, amount, operation.editedAtMilliseconds,
                ])
        }
    }

    private func note(_ conflict: ConflictSummary, of operation: PendingOperation, as record: WireRecord?) throws {
        let rules = try rules(of: operation.key.collection)
        let own = operation.fields.members.filter { rules.unit(of: $0.name).name == conflict.unit }
        let fields = try record?.fieldValues()
        let shown = fields.map { fields in fields.members.filter { rules.unit(of: $0.name).name == conflict.unit } }
        try run(
            Statements.insertConflict,
            [
                conflict.id.text, operation.id.name.text, operation.key.collection.text, operation.key.id.text,
                conflict.unit.text, conflict.policy.text, conflict.status.rawValue, conflict.winner.rawValue,
                Value.object(ObjectValue(own)).canonicalText, shown.map { Value.object(ObjectValue($0)).canonicalText },
                try serverNow(),
            ])
        try run(Statements.trimConflicts)
        try raise(.conflicts)
    }

    // MARK: Refusals

    /// How often an operation is made ready again, before it is parked with the reason that it met last.
    private static let attempts = 5
    /// An operation that waits for others is not to blame.
    private static let attemptsOfWaiting = 50

    private func react(_ reaction: OperationReaction, to operation: PendingOperation, _ refusal: Refusal) throws {
        var again = operation
        again.sent = nil
        again.attempts += 1
        let limit = reaction == .waitForOthers ? Self.attemptsOfWaiting : Self.attempts
        guard reaction != .park, again.attempts <= limit else { return try park(operation, because: refusal) }
        switch reaction {
        case .park, .waitForOthers: break
        case .refetch: try markUnclear(operation.key)
        case .takeNewIdentity: try set(.needsIdentity, refusal.code)
        case .rename: again.id = OperationID(UUID().uuidString.lowercased())
        case .splitBatch: try shrinkBatches()
        }
        try update(again)
        if again.id != operation.id { try rename(operation.id, to: again.id) }
    }

    /// Operations that name another one name it by its new id.
    private func rename(_ old: OperationID, to new: OperationID) throws {
        for row in try rows(Statements.selectDependents, [old.name.text]) {
            var dependent = try PendingOperation(row: row)
            dependent.dependsOn = dependent.dependsOn.map { $0 == old ? new : $0 }
            try update(dependent)
        }
    }

    func markUnclear(_ key: RecordKey) throws {
        try run(Statements.insertUnclear, [key.collection.text, key.id.text])
    }

    /// Takes the refusal of a whole batch of which nothing was stored.
    func settle(refused batch: FrozenBatch, _ problem: Problem, _ reaction: CallReaction) throws {
        let sent = try rows(Statements.selectSent, [batch.key.text]).map(PendingOperation.init(row:))
        try run(Statements.deleteBatches)
        try run(Statements.thawBatch, [batch.key.text])
        switch reaction {
        case .changeKey, .takeNewIdentity, .renewToken, .pause, .retryLater, .pullAgain: break
        case .splitBatch:
            // One that is too much by itself will not become less, nor do those that stand or fall together.
            guard let first = sent.first else { return }
            if sent.count > 1, !first.isAtomic { return try shrinkBatches(below: sent.count) }
            try parkAll(sent, because: Refusal(problem))
            try restoreBatchSize()
        case .lookAtErrors: try lookAtErrors(problem, sent)
        }
    }

    private func lookAtErrors(_ problem: Problem, _ sent: [PendingOperation]) throws {
        var errors: [Int: Problem.Detail] = [:]
        for error in problem.errors { if let index = error.index, errors[index] == nil { errors[index] = error } }
        let isForGood = errors.isEmpty || errors.values.contains { OperationReaction(to: $0.code) == .park }
        guard !isForGood else {
            let detail = "Another operation of the same edit was refused."
            let others = Refusal(code: ProblemCode.dependencyFailed.rawValue, detail: detail, pointer: "")
            let culprits = sent.enumerated().compactMap { index, operation in
                errors[index].map { (operation, Refusal($0)) }
            }
            let rest = sent.map { ($0, errors.isEmpty ? Refusal(problem) : others) }
            // Each is parked once, with its own reason where it has one.
            try park(culprits + rest)
            return
        }
        for (index, operation) in sent.enumerated() {
            guard let error = errors[index] else { continue }
            try react(OperationReaction(to: error.code), to: operation, Refusal(error))
        }
    }

    private func parkAll(_ operations: [PendingOperation], because refusal: Refusal) throws {
        for operation in operations { try park(operation, because: refusal) }
    }

    // MARK: The size of batches

    func sendingLimits() throws -> SendingLimits {
        try text(.limits).map { try SendingLimits(jsonText: $0) } ?? SendingLimits()
    }

    private func shrinkBatches(below count: Int? = nil) throws {
        let present = Int(try integer(.batchOperations) ?? Int64(try sendingLimits().operations))
        try set(.batchOperations, Int64(max(1, min(present, count ?? present) / 2)))
    }

    private func restoreBatchSize() throws {
        guard let present = try integer(.batchOperations) else { return }
        let limit = Int64(try sendingLimits().operations)
        try set(.batchOperations, present * 2 >= limit ? nil : String(present * 2))
    }
}
