import Causality
import GRDB
import SyncWire

/// Runs the machine: does what it says, and tells it what came of it. One thing is under way at a time.
actor SyncLoop {
    let replica: Replica
    let calls: ServerCalls
    let askForToken: @Sendable (DeviceID) async throws -> String
    private var machine: SyncMachine
    private(set) var credentials = ServerCalls.Credentials()
    /// The wait that something else to do may end.
    private var waiting: Task<Void, Never>?
    private var wasChanged = false
    /// Who waits until everything is here and there.
    private var waiters: [CheckedContinuation<SyncEnd, Never>] = []
    private var end: SyncEnd?
    private let mode: SyncMachine.Mode
    private let onPhase: @Sendable (SyncStatus.Phase) -> Void
    var phase: SyncStatus.Phase = .stopped

    init(
        _ mode: SyncMachine.Mode, of replica: Replica, calls: ServerCalls,
        token: @escaping @Sendable (DeviceID) async throws -> String,
        onPhase: @escaping @Sendable (SyncStatus.Phase) -> Void
    ) {
        self.replica = replica
        self.mode = mode
        self.calls = calls
        askForToken = token
        self.onPhase = onPhase
        machine = SyncMachine(mode, backoff: Backoff(seed: UInt64.random(in: 0 ... .max)))
        machine.waitSeconds = min(max(replica.options.waitSeconds, 1), 60)
    }

    /// Goes on until nothing is left to do, or the task is cancelled.
    func run() async throws -> SyncEnd {
        defer {
            if end == nil { end = .failed(.noAnswer) }
            tellWaiters(end ?? .failed(.noAnswer))
        }
        var isChecked = false
        while !Task.isCancelled {
            let facts: SyncMachine.Facts
            do {
                if !isChecked { try await replica.checkInstallation() }
                isChecked = true
                try await replica.noteRows()
                facts = try await replica.read { try $0.facts() }
            } catch is CancellationError {
                throw CancellationError()
            } catch {
                // Another process holds the file, or the device is locked: that passes.
                replica.log(.warning, "the database of this device failed: \(error)")
                guard mode == .staying else { throw error }
                await restAfterFailure()
                continue
            }
            switch machine.next(facts, nowMilliseconds: replica.time.clock.uptime().milliseconds) {
            case .finish(let end):
                self.end = end
                return end
            case .rest(let until):
                note(machine.pause.map { .paused($0) } ?? .offline)
                tellWaiters(machine.pause.map { .paused($0) } ?? .failed(machine.failure))
                await rest(untilMilliseconds: until)
            case .perform(let activity):
                note(phase(of: activity))
                if case .pull(let seconds) = activity, seconds > 0 { tellWaiters(.upToDate) }
                let outcome = await perform(activity)
                machine.note(outcome, of: activity, nowMilliseconds: replica.time.clock.uptime().milliseconds)
            }
        }
        throw CancellationError()
    }

    private func phase(of activity: SyncMachine.Activity) -> SyncStatus.Phase {
        switch activity {
        case .send: .sending
        case .pull(let waitSeconds): waitSeconds > 0 ? .upToDate : .pulling
        case .pullAgain, .fetchRecords, .fetchWanted: .pulling
        case .askForToken, .takeNewIdentity, .register, .checkSession, .fetchCollections:
            phase == .stopped ? .starting : phase
        }
    }

    private func note(_ phase: SyncStatus.Phase) {
        guard phase != self.phase else { return }
        self.phase = phase
        onPhase(phase)
    }

    // MARK: Waiting

    /// An edit was made here: a poll that only waits for others ends.
    func noteEdit() {
        wasChanged = true
        waiting?.cancel()
    }

    /// What was waited for may be there: the network, a token, the app in front.
    func wake() {
        machine.wake()
        noteEdit()
    }

    private func restAfterFailure() async {
        let now = replica.time.clock.uptime().milliseconds
        machine.note(.failed(.storage), of: .checkSession, nowMilliseconds: now)
        note(.offline)
        tellWaiters(.failed(.storage))
        if case .rest(let until) = machine.next(SyncMachine.Facts(), nowMilliseconds: now) {
            await rest(untilMilliseconds: until)
        }
    }

    /// Looks at everything again at once, and waits until it is done or came to nothing.
    func catchUp() async -> SyncEnd {
        if let end { return end }
        wake()
        machine.noteChange()
        return await withCheckedContinuation { waiters.append($0) }
    }

    /// Whether it goes on when nothing is left to do.
    var stays: Bool { mode == .staying }

    /// It will not run: another process does.
    func giveUp() {
        end = .failed(.runsElsewhere)
        tellWaiters(.failed(.runsElsewhere))
    }

    private func tellWaiters(_ end: SyncEnd) {
        let told = waiters
        waiters = []
        for waiter in told { waiter.resume(returning: end) }
    }

    private func rest(untilMilliseconds: Int64?) async {
        let duration = untilMilliseconds.map { Duration.milliseconds($0) - replica.time.clock.uptime() }
        await interruptibly { try? await Task.sleep(for: duration ?? .seconds(3_600)) }
    }

    /// Does something that an edit or a wake-up may end.
    private func interruptibly(_ body: @escaping @Sendable () async -> Void) async {
        guard !wasChanged else {
            wasChanged = false
            return
        }
        let task = Task { await body() }
        waiting = task
        await withTaskCancellationHandler {
            await task.value
        } onCancel: {
            task.cancel()
        }
        waiting = nil
        wasChanged = false
    }

    // MARK: Doing

    private func perform(_ activity: SyncMachine.Activity) async -> SyncMachine.Outcome {
        do {
            switch activity {
            case .askForToken: return try await obtainToken()
            case .takeNewIdentity:
                try await replica.write { try $0.takeNewIdentity(Replica.randomDevice()) }
                return .done(hasMore: false)
            case .register: return try await register()
            case .checkSession: return try await checkSession()
            case .fetchCollections: return try await fetchCollections()
            case .pullAgain: return try await pullAgain()
            case .fetchRecords: return try await fetchRecords()
            case .fetchWanted: return try await fetchWanted()
            case .send: return try await send()
            case .pull(let waitSeconds): return try await pull(waitSeconds: waitSeconds)
            }
        } catch is CancellationError {
            return .interrupted
        } catch {
            replica.log(.warning, "the database of this device failed: \(error)")
            return .failed(.storage)
        }
    }

    private func obtainToken() async throws -> SyncMachine.Outcome {
        let device = try await replica.read { try $0.device() }
        do {
            credentials = ServerCalls.Credentials(
                token: try await askForToken(device), device: device, tenant: replica.options.tenant)
            return .done(hasMore: false)
        } catch is CancellationError where Task.isCancelled {
            throw CancellationError()
        } catch {
            replica.log(.notice, "the app has no token: \(type(of: error))")
            return .failed(.noToken)
        }
    }

    private func register() async throws -> SyncMachine.Outcome {
        let device = try await replica.read { try $0.device() }
        switch await calls.ask(.register(device), as: credentials).0 {
        case .document:
            try await replica.write { try $0.set(.needsRegistration, nil) }
            return .done(hasMore: false)
        case .refused(let problem) where problem.code == .deviceMismatch: return .failed(.otherIdentity)
        case .refused(let problem): return try await handle(problem)
        case .none: return .failed(.noAnswer)
        case .cancelled: return calledOff
        }
    }

    private func checkSession() async throws -> SyncMachine.Outcome {
        let (answer, exchange) = await calls.ask(.session, as: credentials)
        switch answer {
        case .document(let session):
            let offset = learn(session.serverTimeMilliseconds, exchange)
            let isOurs = try await replica.write { transaction in
                try transaction.noteServerTime(session.serverTimeMilliseconds, offsetMilliseconds: offset)
                return try transaction.take(session)
            }
            return isOurs ? .done(hasMore: false) : .failed(.otherIdentity)
        case .refused(let problem) where problem.code == .deviceMismatch:
            // A server that was restored may not know the device any more. Whether it is somebody else's is told then.
            try await replica.write { try $0.set(.needsRegistration, "1") }
            return .handled
        case .refused(let problem): return try await handle(problem)
        case .none: return .failed(.noAnswer)
        case .cancelled: return calledOff
        }
    }

    private func learn(_ serverMilliseconds: Int64, _ exchange: ServerCalls.Exchange) -> Int64 {
        replica.time.learn(
            serverMilliseconds: serverMilliseconds, sent: exchange.sent, received: exchange.received)
    }

    private func fetchCollections() async throws -> SyncMachine.Outcome {
        switch await calls.ask(.collections, as: credentials).0 {
        case .document(let schema):
            try await replica.write { try $0.take(schema) }
            return .done(hasMore: false)
        case .refused(let problem): return try await handle(problem)
        case .none: return .failed(.noAnswer)
        case .cancelled: return calledOff
        }
    }

    private func send() async throws -> SyncMachine.Outcome {
        guard let batch = try await replica.write({ try $0.nextBatch() }) else { return .done(hasMore: false) }
        try await replica.noteBatch()
        let (answer, exchange) = await calls.ask(.batch(batch.body, key: batch.key), as: credentials)
        switch answer {
        case .document(let document):
            let offset = learn(document.serverTimeMilliseconds, exchange)
            do {
                try await replica.write { transaction in
                    try transaction.noteServerTime(document.serverTimeMilliseconds, offsetMilliseconds: offset)
                    try transaction.settle(batch, document)
                }
            } catch let error as DatabaseError where error.resultCode == .SQLITE_CONSTRAINT {
                // A constraint that holds at COMMIT says of none of the records that it is at fault. They are tried one by one with the next
                // page.
                try await replica.write { try $0.settle(batch, document, settingAside: "\(error)") }
            }
            return .done(hasMore: false)
        case .refused(let problem):
            let reaction = CallReaction(to: problem)
            switch reaction {
            case .splitBatch, .changeKey, .lookAtErrors:
                try await replica.write { try $0.settle(refused: batch, problem, reaction) }
                return .handled
            case .retryLater, .renewToken, .takeNewIdentity, .pullAgain, .pause:
                return try await handle(problem)
            }
        case .none: return .failed(.noAnswer)
        case .cancelled: return calledOff
        }
    }

    private func pull(waitSeconds: Int) async throws -> SyncMachine.Outcome {
        let call = try await replica.read { transaction in
            try transaction.feedCall(since: try transaction.cursor(), waitSeconds: waitSeconds > 0 ? waitSeconds : nil)
        }
        let answered: (ServerCalls.Answer<ChangesPage>, ServerCalls.Exchange)
        if waitSeconds > 0 {
            guard let waited = await waitForPage(call, waitSeconds) else { return .interrupted }
            answered = waited
        } else {
            answered = await calls.ask(call, as: credentials)
        }
        switch answered.0 {
        case .document(let page):
            // A page that was held says nothing about the time at which it was asked for.
            let offset = waitSeconds > 0 ? nil : learn(page.end.serverTimeMilliseconds, answered.1)
            do {
                try await replica.write { transaction in
                    if let offset {
                        try transaction.noteServerTime(page.end.serverTimeMilliseconds, offsetMilliseconds: offset)
                    }
                    try transaction.take(page)
                }
            } catch let error as DatabaseError where error.resultCode == .SQLITE_CONSTRAINT {
                try await replica.takeOneByOne(page)
            }
            return .done(hasMore: page.end.hasMore)
        case .refused(let problem): return try await handle(problem)
        case .none: return .failed(.noAnswer)
        case .cancelled: return waitSeconds > 0 ? .interrupted : calledOff
        }
    }

    /// - Returns: nil where something else to do came up.
    private func waitForPage(
        _ call: WireCall<ChangesPage>, _ seconds: Int
    ) async -> (ServerCalls.Answer<ChangesPage>, ServerCalls.Exchange)? {
        let box = AnswerBox<(ServerCalls.Answer<ChangesPage>, ServerCalls.Exchange)>()
        let (calls, credentials) = (calls, credentials)
        await interruptibly { await box.put(calls.ask(call, as: credentials, held: .seconds(seconds))) }
        return await box.content
    }

    private func pullAgain() async throws -> SyncMachine.Outcome {
        let call = try await replica.read { try $0.feedCall(since: try $0.text(.pullingAgainCursor)) }
        switch await calls.ask(call, as: credentials).0 {
        case .document(let page):
            try await replica.write { try $0.takeAgain(page) }
            return .done(hasMore: page.end.hasMore)
        case .refused(let problem):
            if case .pullAgain = CallReaction(to: problem) {
                // It was overtaken while it was under way.
                try await replica.write { try $0.set(.pullingAgainCursor, nil) }
            }
            return try await handle(problem)
        case .none: return .failed(.noAnswer)
        case .cancelled: return calledOff
        }
    }

    private func fetchRecords() async throws -> SyncMachine.Outcome {
        for key in try await replica.read({ try $0.unclearRecords() }) {
            switch await calls.ask(.record(key), as: credentials).0 {
            case .document(let answer): try await replica.write { try $0.clear(key, answer.record) }
            case .refused(let problem):
                guard problem.code == .notFound else { return try await handle(problem) }
                try await replica.write { try $0.clear(key, nil) }
            case .none: return .failed(.noAnswer)
            case .cancelled: return calledOff
            }
        }
        return .done(hasMore: false)
    }

    /// What came of a call that was called off: by whoever stops the sync, or by something on its way.
    var calledOff: SyncMachine.Outcome { Task.isCancelled ? .interrupted : .failed(.noAnswer) }

    /// What is done about a call that was refused as a whole.
    func handle(_ problem: Problem) async throws -> SyncMachine.Outcome {
        switch CallReaction(to: problem) {
        case .retryLater:
            return .failed(
                .busy(
                    problem.code,
                    retryAfterMilliseconds: problem.retryAfterSeconds.map { Int64(min(max($0, 0), 86_400)) * 1_000 }))
        case .renewToken: return .failed(.tokenRefused)
        case .takeNewIdentity:
            try await replica.write { try $0.set(.needsIdentity, problem.code.rawValue) }
            return .handled
        case .pullAgain(let reason):
            try await replica.write { transaction in
                try transaction.beginPullingAgain(reason)
                // The session says which one it is now, and that is no news then.
                if reason == .lineage { try transaction.set(.lineage, nil) }
            }
            return .handled
        case .splitBatch, .changeKey, .lookAtErrors, .pause: return .failed(.refused(problem.code))
        }
    }
}

/// Takes an answer out of a task that may be cancelled.
private actor AnswerBox<Content: Sendable> {
    private(set) var content: Content?

    func put(_ content: Content) { self.content = content }
}
