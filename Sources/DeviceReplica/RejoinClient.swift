import Causality
import Foundation
import GRDB
import MergeCore
import SyncWire
import Synchronization
import Values

/// Keeps an app's records on the device, and brings them and the server's together.
///
/// Edits are made offline, always: ``write(_:)`` puts them into the device's own database and returns. ``run()`` sends them when it
/// can, and takes what others did. No edit is ever lost without a word: it is confirmed by the server, or it is pending, or it is
/// parked with the reason for which the server refused it (``parked()``).
///
/// ```swift
/// let client = try RejoinClient(database: pool, server: url) { device in try await auth.token(for: device) }
/// Task { try await client.run() }
/// try await client.write { edit in try edit.create("todos", id, ["title": "Milk"]) }
/// ```
///
/// The tables that the client makes begin with `rejoin_`, and may lie in the app's own database.
public final class RejoinClient: Sendable {
    package let replica: Replica
    private let connection: any ServerConnection
    private let token: @Sendable (DeviceID) async throws -> String
    private let running = Mutex<SyncLoop?>(nil)
    private let phases = PhaseBoard()

    /// Opens the device's side over a connection of the app's own. The module `RejoinClient` has the usual one.
    /// - Parameters:
    ///   - database: the app's own `DatabasePool` or `DatabaseQueue`, or one for the client alone.
    ///   - connection: how the server is reached.
    ///   - options: what is kept here, and how.
    ///   - token: gives a token of the user for a device id. It is asked before the first request, and again when the server does not
    ///     take the token any more. When it throws, the sync pauses until ``wake()``; nothing is lost.
    /// - Throws: ``ReplicaError`` and GRDB's errors, where the tables cannot be opened.
    public init(
        database: any DatabaseWriter, connection: any ServerConnection, options: ClientOptions = ClientOptions(),
        token: @escaping @Sendable (_ device: DeviceID) async throws -> String
    ) throws {
        replica = try Replica(database, options)
        self.connection = connection
        self.token = token
    }

    // MARK: Editing and reading

    /// Makes edits in one local transaction. What it wrote goes to the server in one batch where it fits.
    /// - Throws: what the block throws; then nothing of it was kept. ``EditRefusal`` for an edit that the server would refuse.
    @discardableResult
    public func write<Result: Sendable>(
        _ body: @escaping @Sendable (EditTransaction) throws -> Result
    ) async throws -> Result {
        try await write(isAtomic: false, body)
    }

    /// Makes edits that the server is to take all together or not at all.
    @discardableResult
    public func writeWhole<Result: Sendable>(
        _ body: @escaping @Sendable (EditTransaction) throws -> Result
    ) async throws -> Result {
        try await write(isAtomic: true, body)
    }

    private func write<Result: Sendable>(
        isAtomic: Bool, _ body: @escaping @Sendable (EditTransaction) throws -> Result
    ) async throws -> Result {
        let result = try await replica.write { transaction in
            try body(
                EditTransaction(
                    database: transaction.db, transaction: transaction, number: try transaction.nextEdit(),
                    isAtomic: isAtomic))
        }
        await running.withLock { $0 }?.noteEdit()
        return result
    }

    /// The record as the app shows it: what the server last said, with pending edits laid over it. nil where there is none.
    public func record(_ collection: ExactString, _ id: ExactString) async throws -> ShownRecord? {
        try await replica.read { try $0.shown(RecordKey(collection: collection, id: id)) }
    }

    /// The records of a collection that are not deleted, in the order of their ids. O(n).
    public func records(_ collection: ExactString) async throws -> [ShownRecord] {
        try await replica.read { try $0.shown(collection) }
    }

    /// The records of a collection, now and whenever they change, by whomever.
    public func observe(_ collection: ExactString) -> AsyncValueObservation<[ShownRecord]> {
        let replica = replica
        return ValueObservation.tracking { db in
            try ReplicaTransaction(db: db, replica: replica).shown(collection)
        }.removeDuplicates().values(in: replica.database)
    }

    // MARK: On demand

    /// Has records of a collection be kept here that is kept on demand (``ClientOptions/onDemand``). They arrive with the next sync, and
    /// are kept up to date from then on. Ids that nobody has used yet may be among them.
    /// - Throws: ``ReplicaError/notOnDemand(collection:)``.
    public func want(_ collection: ExactString, _ ids: [ExactString]) async throws {
        try await replica.write { transaction in
            try transaction.requireOnDemand(collection)
            for id in ids { try transaction.want(RecordKey(collection: collection, id: id)) }
        }
        await running.withLock { $0 }?.noteEdit()
    }

    /// Lets records go that are kept on demand. Nothing is deleted at the server. Those of which edits are pending or parked stay, and are kept
    /// up to date, until that is settled. ``ClientOptions/applying`` is not called for them.
    /// - Throws: ``ReplicaError/notOnDemand(collection:)``.
    public func unwant(_ collection: ExactString, _ ids: [ExactString]) async throws {
        try await replica.write { transaction in
            try transaction.requireOnDemand(collection)
            for id in ids { try transaction.unwant(RecordKey(collection: collection, id: id)) }
        }
    }

    /// The ids of a collection's records that are wanted, sorted.
    /// - Throws: ``ReplicaError/notOnDemand(collection:)``.
    public func wanted(_ collection: ExactString) async throws -> [ExactString] {
        try await replica.read { transaction in
            try transaction.requireOnDemand(collection)
            return try transaction.wanted(collection)
        }
    }

    // MARK: Syncing

    /// Syncs until the task is cancelled: sends edits as they are made, takes changes as they happen, and tries again after every
    /// failure. Nothing has to be done about a failure but for what ``status()`` says is paused.
    /// - Throws: ``SyncFailure/runsElsewhere``; `CancellationError`.
    public func run() async throws {
        _ = try await sync(.staying)
    }

    /// Syncs once: everything that is pending is sent, everything that the server has is taken. Beside ``run()`` it has that look at
    /// everything at once.
    /// - Throws: ``SyncFailure`` where it came to nothing. What was done until then stays done.
    public func syncNow() async throws {
        let present = running.withLock { $0 }
        let end = if let present { await present.catchUp() } else { try await sync(.once) }
        switch end {
        case .upToDate: return
        case .failed(let failure): throw failure
        case .paused(let pause): throw SyncFailure.paused(pause)
        }
    }

    private func sync(_ mode: SyncMachine.Mode) async throws -> SyncEnd {
        let calls = ServerCalls(
            connection: connection, time: replica.time, log: replica.options.log,
            timeout: replica.options.requestTimeout)
        var lock: SyncLock?
        defer { lock = nil }
        let loop = SyncLoop(mode, of: replica, calls: calls, token: token) { [phases] in phases.set($0) }
        while let present = starting(loop) {
            // A sync that is under way and ends is waited for; one that stays is the one.
            guard await !present.stays else { throw SyncFailure.runsElsewhere }
            _ = await present.catchUp()
            await Task.yield()
        }
        defer {
            running.withLock { $0 = nil }
            phases.set(.stopped)
        }
        if let mark = replica.mark {
            lock = SyncLock(besides: mark)
            guard lock != nil else {
                await loop.giveUp()
                throw SyncFailure.runsElsewhere
            }
        }
        let watch = watchTables(mode, loop)
        defer { watch?.cancel() }
        let end = try await loop.run()
        if end == .upToDate { phases.set(.upToDate) }
        return end
    }

    /// Whether a sync is under way in this process.
    package var isRunning: Bool { running.withLock { $0 != nil } }

    /// Has the loop send what is written into the app's own tables.
    private func watchTables(_ mode: SyncMachine.Mode, _ loop: SyncLoop) -> Task<Void, Never>? {
        guard mode == .staying, let mirror = replica.options.mirror else { return nil }
        let database = replica.database
        return Task { await mirror.watch(database) { Task { await loop.noteEdit() } } }
    }

    /// Makes the loop the one that runs. - Returns: the one that runs already; nil where the given one does now.
    private func starting(_ loop: SyncLoop) -> SyncLoop? {
        running.withLock { running in
            guard let present = running else {
                running = loop
                return nil
            }
            return present
        }
    }

    /// The network is back, the app came to the front, the user signed in: what failed or was paused is tried again at once.
    public func wake() async { await running.withLock { $0 }?.wake() }

    // MARK: Watching

    /// What the client is doing, now and whenever it changes.
    public var phase: AsyncStream<SyncStatus.Phase> { phases.stream() }

    /// What the client is doing, and what is left to do.
    public func status() async throws -> SyncStatus {
        let metrics = try await metrics()
        return SyncStatus(
            phase: phases.now, pending: metrics.pending, parked: metrics.parked, setAside: metrics.setAside)
    }

    /// Numbers for whoever watches the app.
    public func metrics() async throws -> SyncMetrics { try await replica.read { try $0.metrics() } }

    /// The device id under which edits are sent now.
    public func device() async throws -> DeviceID { try await replica.read { try $0.device() } }

    /// Edits that the server has not confirmed, in their order.
    public func pending() async throws -> [PendingEdit] { try await replica.read { try $0.pendingEdits() } }

    /// Edits that the server refused, with their reasons, the oldest first.
    public func parked() async throws -> [ParkedEdit] { try await replica.read { try $0.parkedEdits() } }

    /// Sends a parked edit again. As it was, it has seen what its author had: what came since is met as a conflict. With other fields
    /// it is an edit of now, whose author has seen what shows.
    /// - Returns: its operation; nil where nothing is parked under the id.
    @discardableResult
    public func retry(
        _ id: OperationID, fields: [ExactString: Value]? = nil, as kind: OperationKind? = nil
    ) async throws -> OperationID? {
        let again = try await replica.write { try $0.retryParked(id, fields: fields, as: kind) }
        await running.withLock { $0 }?.noteEdit()
        return again
    }

    /// Lets a parked edit go.
    public func discard(_ id: OperationID) async throws {
        try await replica.write { try $0.discardParked(id) }
    }

    /// Changes of the server that could not be applied here, with their reasons.
    public func setAside() async throws -> [SetAsideChange] { try await replica.read { try $0.setAsideChanges() } }

    /// Conflicts that edits of this device met, after a position; the newest thousand are kept.
    public func conflicts(after position: Int64 = 0) async throws -> [MetConflict] {
        try await replica.read { try $0.metConflicts(after: position) }
    }

    /// Conflicts that edits of this device meet from now on.
    public func observeConflicts() -> AsyncValueObservation<[MetConflict]> {
        let replica = replica
        return ValueObservation.tracking { db in
            try ReplicaTransaction(db: db, replica: replica).metConflicts(after: 0)
        }.removeDuplicates().values(in: replica.database)
    }
}

/// What a client is doing, for all who want to know.
private final class PhaseBoard: Sendable {
    private struct State {
        var phase = SyncStatus.Phase.stopped
        var watchers: [UUID: AsyncStream<SyncStatus.Phase>.Continuation] = [:]
    }

    private let state = Mutex(State())

    var now: SyncStatus.Phase { state.withLock { $0.phase } }

    func set(_ phase: SyncStatus.Phase) {
        let watchers = state.withLock { state -> [AsyncStream<SyncStatus.Phase>.Continuation] in
            guard state.phase != phase else { return [] }
            state.phase = phase
            return Array(state.watchers.values)
        }
        for watcher in watchers { watcher.yield(phase) }
    }

    func stream() -> AsyncStream<SyncStatus.Phase> {
        let (stream, continuation) = AsyncStream.makeStream(
            of: SyncStatus.Phase.self, bufferingPolicy: .bufferingNewest(16))
        let id = UUID()
        continuation.onTermination = { [weak self] _ in self?.state.withLock { $0.watchers[id] = nil } }
        state.withLock { state in
            state.watchers[id] = continuation
            continuation.yield(state.phase)
        }
        return stream
    }
}
