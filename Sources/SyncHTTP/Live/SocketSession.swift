import AsyncAlgorithms
import Causality
import Hummingbird
import MergeCore
import NIOCore
import SyncEngine
import SyncWire
import Synchronization

/// One socket while it is open: what its client asks, one message after the other, and what its subscriptions tell.
struct SocketSession: Sendable {
    /// A message that was refused for its client's budget keeps the next one from being read for at most this long.
    private static let longestPause: Duration = .seconds(5)

    let engine: SyncEngine
    let verifier: TokenVerifier
    let metrics: ServerMetrics
    let exchange: Exchange
    /// The place among its owner's long polls and streams that the socket itself takes.
    private let place: ReaderStream
    private let state: SharedState

    init(
        engine: SyncEngine, verifier: TokenVerifier, metrics: ServerMetrics, exchange: Exchange, caller: Caller,
        place: ReaderStream
    ) {
        self.engine = engine
        self.verifier = verifier
        self.metrics = metrics
        self.exchange = exchange
        self.place = place
        state = SharedState(caller)
    }

    /// What all tasks of a socket share.
    private final class SharedState: Sendable {
        struct Subscription {
            let reader: LiveReader
            /// An id may be used again, and then stands for another one.
            let number: Int
        }

        struct Value {
            var caller: Caller
            var readers: [Int64: Subscription] = [:]
            var subscriptions = 0
            /// With what the socket is closed; nil while nobody wants that.
            var close: UInt16?
        }

        private let value: Mutex<Value>

        init(_ caller: Caller) { value = Mutex(Value(caller: caller)) }

        func with<Result: Sendable>(_ body: (inout sending Value) -> sending Result) -> Result {
            value.withLock { body(&$0) }
        }
    }

    /// Serves the socket until its client or the server ends it.
    /// - Returns: the code to close with; nil where the connection knows it.
    func run(_ writer: inout any ResponseBodyWriter) async throws -> UInt16? {
        let outbox = AsyncChannel<ByteBuffer>()
        exchange.onPeerClosed { end(nil, outbox) }
        if let charge = exchange.charge { exchange.tellConnection(SocketIsMetered(charge: charge)) }
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { await listen(outbox) }
            group.addTask { await watchToken(outbox) }
            // One message at a time: whoever has another waits until this one is with the connection.
            for await message in outbox { try await writer.write(message) }
            group.cancelAll()
        }
        return state.with { $0.close }
    }

    /// Ends the socket: nobody is told anything any more.
    private func end(_ close: UInt16?, _ outbox: AsyncChannel<ByteBuffer>) {
        let readers = state.with { state in
            state.close = state.close ?? close
            defer { state.readers = [:] }
            return state.readers.values.map(\.reader)
        }
        for reader in readers { reader.stop() }
        outbox.finish()
    }

    private func send(_ message: SocketMessage, _ outbox: AsyncChannel<ByteBuffer>) async {
        await outbox.send(ByteBuffer(bytes: message.encoded(requestID: exchange.requestID)))
    }

    // MARK: Listening

    private func listen(_ outbox: AsyncChannel<ByteBuffer>) async {
        await withTaskGroup(of: Void.self) { readers in
            do {
                for try await message in exchange.request.body where message.readableBytes > 0 {
                    await answer(message, outbox, &readers)
                    exchange.tellConnection(NextMessageIsWanted())
                }
            } catch {
                // The connection is gone.
            }
            end(nil, outbox)
        }
    }

    private func answer(
        _ message: ByteBuffer, _ outbox: AsyncChannel<ByteBuffer>, _ readers: inout TaskGroup<Void>
    ) async {
        let bytes = message.readableBytes * MemoryCharge.parsedBytesPerByte
        do throws(Problem) {
            try exchange.charge?.take(bytes)
            defer { exchange.charge?.giveBack(bytes) }
            let caller = state.with { $0.caller }
            try engine.checkToken(of: caller)
            let request = try SocketRequest(message: message.readableBytesUInt8Span, limits: engine.limits.wire)
            switch request.kind {
            case .subscribe(let id, let since, let collections, let delivery):
                try await permit(caller)
                let reader = try await engine.live(
                    caller,
                    LiveRequest(
                        from: since.map { .saved($0.text) } ?? .beginning, collections: Set(collections),
                        delivery: delivery))
                let number = try add(reader, id)
                readers.addTask { await tell(id, number, reader, outbox) }
            case .unsubscribe(let id):
                try await permit(caller)
                guard let reader = state.with({ $0.readers.removeValue(forKey: id) }) else {
                    throw Problem(.notFound, "There is no subscription with this id.")
                }
                reader.reader.stop()
                await send(.unsubscribed(id: id), outbox)
            case .token(let token):
                try engine.charge(caller)
                try await renew(token)
                await send(.renewed, outbox)
            case .batch(let batch): try await commit(batch, caller, outbox)
            }
        } catch {
            await refuse(error, SocketRequest.correlation(of: message.readableBytesUInt8Span), outbox)
        }
    }

    private func permit(_ caller: Caller) async throws(Problem) {
        try engine.charge(caller)
        try await engine.permit(caller)
    }

    private func refuse(
        _ problem: Problem, _ correlation: SocketCorrelation, _ outbox: AsyncChannel<ByteBuffer>
    ) async {
        metrics.noteProblem(problem.code)
        await send(.error(correlation, problem), outbox)
        if let close = problem.closeCode {
            end(close, outbox)
        } else if problem.code == .rateLimited {
            // Whoever floods the socket is not read meanwhile.
            await engine.clock.sleep(for: min(.seconds(problem.retryAfterSeconds ?? 1), Self.longestPause))
        }
    }

    private func add(_ reader: LiveReader, _ id: Int64) throws(Problem) -> Int {
        let number: Int? = state.with { state in
            guard state.readers[id] == nil else { return nil }
            state.subscriptions += 1
            state.readers[id] = SharedState.Subscription(reader: reader, number: state.subscriptions)
            return state.subscriptions
        }
        guard let number else { throw Problem(.invalidRequest, "There is a subscription with this id already.") }
        return number
    }

    /// Takes a subscription away.
    /// - Returns: whether it was there: whoever stopped it has taken it away before.
    private func remove(_ id: Int64, _ number: Int) -> Bool {
        state.with { state in
            guard state.readers[id]?.number == number else { return false }
            state.readers[id] = nil
            return true
        }
    }

    /// A fresh token of the same device and user, for the socket and for all its subscriptions.
    private func renew(_ token: String) async throws(Problem) {
        let former = state.with { $0.caller }
        var fresh = try await verifier.caller(
            "Bearer \(token)", in: TenantHeader(tenant: former.memberRoles == nil ? nil : former.tenant),
            nowMilliseconds: engine.clock.now(), limits: engine.limits.wire, memberships: engine.memberships)
        // A provider's token knows no device; the socket was opened in the name of one.
        if former.isDeviceNamed, fresh.mayNameDevice, let device = former.device { fresh = fresh.naming(device) }
        try Route.Access.deviceOrReviewer.check(fresh)
        try await engine.permit(fresh)
        let (current, readers) = state.with { ($0.caller, $0.readers.values.map(\.reader)) }
        guard current.tenant == fresh.tenant, current.user == fresh.user, current.device == fresh.device else {
            throw Problem(.forbidden, "A fresh token is of the same tenant, user and device.")
        }
        for reader in readers { try reader.renew(fresh) }
        let renewed = fresh
        state.with { $0.caller = renewed }
    }

    private func commit(
        _ batch: SocketRequest.Batch, _ caller: Caller, _ outbox: AsyncChannel<ByteBuffer>
    ) async throws(Problem) {
        let receivedAt = engine.clock.now()
        try Route.Access.device.check(caller)
        guard let device = caller.device else { throw Problem(.forbidden, "A batch needs a device's token.") }
        let charge = try await engine.charge(caller, device: device, key: batch.key)
        try await engine.permit(caller)
        let committed = try await BatchCommitting(engine: engine, metrics: metrics).commit(
            ByteBuffer(bytes: batch.body), key: batch.key, of: device, caller, charge,
            mode: batch.isDryRun ? .dryRun : .commit, returning: batch.answer, receivedAtMilliseconds: receivedAt)
        await send(.batch(key: batch.key, isReplayed: committed.isReplayed, answer: committed.answer), outbox)
    }

    // MARK: Telling

    private func tell(_ id: Int64, _ number: Int, _ reader: LiveReader, _ outbox: AsyncChannel<ByteBuffer>) async {
        do {
            try await reader.run(quietAfter: LiveRoutes.quietInterval) { news in
                switch news {
                case .change(let hint): await send(.change(id: id, hint), outbox)
                case .page(let answer): await send(.page(id: id, answer.page), outbox)
                // The connection asks by itself whether its client is there.
                case .quiet: break
                }
            }
            // Nobody has stopped it, so it is the server that stops.
            if remove(id, number) { end(SocketClose.goingAway.rawValue, outbox) }
        } catch {
            let problem = Problem(mapping: error)
            guard remove(id, number) else { return }
            await refuse(problem, SocketCorrelation(id: id), outbox)
        }
    }

    /// Ends the socket with its token, unless a fresh one has come by then.
    private func watchToken(_ outbox: AsyncChannel<ByteBuffer>) async {
        while !Task.isCancelled {
            let left = engine.validity(of: state.with { $0.caller })
            guard left > .zero else {
                return await refuse(
                    Problem(.tokenExpired, "The token's 'exp' has passed."), SocketCorrelation(), outbox)
            }
            await engine.clock.sleep(for: min(left, .seconds(3_600)))
        }
    }
}

extension Problem {
    /// With what a socket is closed on which nothing more can be done; nil where only one thing has failed.
    fileprivate var closeCode: UInt16? {
        switch code {
        case .tokenExpired, .unauthenticated: SocketClose.policy.rawValue
        case .deviceRetired: UInt16(4_000 + code.status)
        case _: nil
        }
    }
}
