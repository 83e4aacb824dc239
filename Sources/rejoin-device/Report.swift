import Causality
import Foundation
import MergeCore
import RejoinClient
import StrictJSON
import Values

/// How a device's tables and the server stand to one another.
struct Report: Sendable {
    private let status: SyncStatus
    private let metrics: SyncMetrics
    private let device: DeviceID
    private let failure: SyncFailure?
    private let hasSynced: Bool
    private let parked: [ParkedEdit]
    private let setAside: [SetAsideChange]
    private let unsendable: [UnsendableRow]
    private let observed: [PendingEdit]

    init(_ client: RejoinClient, hasSynced: Bool = false, _ failure: SyncFailure? = nil) async throws {
        status = try await client.status()
        metrics = try await client.metrics()
        device = try await client.device()
        parked = try await client.parked()
        setAside = try await client.setAside()
        unsendable = try await client.unsendable()
        observed = try await client.observed()
        self.failure = failure
        self.hasSynced = hasSynced
    }

    func tell(json: Bool) {
        print(json ? document.canonicalText : text)
        // Also into a pipe, at once.
        fflush(nil)
    }

    /// What it is doing, or how it ended.
    private var phase: String {
        switch (failure, status.phase) {
        case (let failure?, _): Self.word(failure)
        case (nil, .stopped): hasSynced ? "synced" : "stopped"
        case (nil, .paused(let pause)): Self.word(pause)
        case (nil, let phase): "\(phase)"
        }
    }

    /// A word that programs can rely on.
    private static func word(_ failure: SyncFailure) -> String {
        switch failure {
        case .noAnswer: "noAnswer"
        case .refused(let code): code
        case .paused(let pause): word(pause)
        case .storage: "storage"
        case .runsElsewhere: "runsElsewhere"
        }
    }

    private static func word(_ pause: SyncPause) -> String {
        switch pause {
        case .token: "pausedForToken"
        case .otherIdentity: "pausedForOtherIdentity"
        case .refused(let code): code
        }
    }

    private var text: String {
        var lines = [
            "\(phase): \(status.pending) not confirmed, \(parked.count) refused, "
                + "\(setAside.count) set aside, \(unsendable.count) unsendable, \(metrics.acknowledged) confirmed, "
                + "\(metrics.conflicts) conflicts; device \(device)"
        ]
        lines += parked.map {
            "refused \($0.id.name): \($0.kind.rawValue) of \($0.record.collection)/\($0.record.id): \($0.detail)"
        }
        lines += setAside.map { "set aside \($0.record.collection)/\($0.record.id): \($0.reason)" }
        lines += unsendable.map { "unsendable \($0.table)/\($0.id?.text ?? "?"): \($0.reason)" }
        lines += observed.map {
            "would send: \($0.kind.rawValue) \($0.record.collection)/\($0.record.id) \(Value.object($0.fields).canonicalText)"
        }
        return lines.joined(separator: "\n")
    }

    private var document: Value {
        [
            "phase": text(phase), "failure": failure.map { text(Self.word($0)) } ?? .null,
            "device": .string(device.name),
            "pending": .integer(Int64(status.pending)), "confirmed": .integer(Int64(metrics.acknowledged)),
            "conflicts": .integer(Int64(metrics.conflicts)), "refused": .array(parked.map(document(of:))),
            "setAside": .array(setAside.map(document(of:))), "unsendable": .array(unsendable.map(document(of:))),
            "wouldSend": .array(observed.map(document(of:))),
        ]
    }

    private func document(of edit: ParkedEdit) -> Value {
        [
            "id": .string(edit.id.name), "record": name(edit.record), "kind": text(edit.kind.rawValue),
            "fields": .object(edit.fields), "code": text(edit.code), "detail": text(edit.detail),
        ]
    }

    private func document(of change: SetAsideChange) -> Value {
        ["record": name(change.record), "reason": text(change.reason)]
    }

    private func document(of row: UnsendableRow) -> Value {
        ["table": text(row.table), "id": row.id.map { .string($0) } ?? .null, "reason": text(row.reason)]
    }

    private func document(of edit: PendingEdit) -> Value {
        ["record": name(edit.record), "kind": text(edit.kind.rawValue), "fields": .object(edit.fields)]
    }

    private func name(_ key: RecordKey) -> Value { text("\(key.collection)/\(key.id)") }

    private func text(_ text: String) -> Value { .string(ExactString(text)) }
}
