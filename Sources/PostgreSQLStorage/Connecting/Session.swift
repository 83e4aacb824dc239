import CLibPQ
import Glibc
import SyncStorage

/// One connection to PostgreSQL, always in pipeline mode: an exchange sends any number of statements and one sync, and
/// reads all answers, in one round trip. (PostgreSQL documentation, "Pipeline Mode".)
///
/// A session is confined to one thread at a time. Every call blocks its thread, for no longer than the time allowed for
/// an answer.
final class Session {
    private let handle: OpaquePointer
    private let timeToAnswer: Duration
    private var prepared: Set<String> = []
    /// On what the statements run. It is known once the session is configured.
    var topology = Topology.oneNode
    /// The life that the database was found in; nil before it was asked for.
    var life: StoredLife?
    /// Told of the life that is found.
    var latestLife: LatestLife?
    /// Whether the session is of no use any more, and is to be closed and replaced.
    private(set) var isBroken = false
    /// Whether libpq may hold much memory for it. libpq doubles the buffer of what it could not send yet, and gives it back
    /// with the connection only.
    private(set) var isSwollen = false
    /// Whether a COMMIT was sent since the last `beginWork`. Until it was, nothing can have been stored.
    private(set) var hasSentCommit = false
    var probe: StoreProbe?
    /// How many round trips there were.
    private(set) var exchangeCount = 0
    /// What the database reported for the statement that failed last.
    private(set) var lastReport: ServerError?
    private var works = 0
    private var nextPlanning = 16
    private var planningInterval: Duration = .seconds(1)
    private var planningTime = ContinuousClock.now + .seconds(1)
    private var discardsPlans = false
    /// How often plans were dropped.
    private(set) var planningCount = 0

    /// Blocks until the connection stands.
    /// - Throws: `unavailable`, or `cannotOpen` where trying again cannot help.
    init(_ conninfo: Conninfo, options: PostgreSQLStore.Options) throws(StoreError) {
        handle = try conninfo.connect(options)
        timeToAnswer = options.statementTimeout + .seconds(5)
        guard PQsetnonblocking(handle, 1) == 0, PQenterPipelineMode(handle) == 1 else {
            PQfinish(handle)
            throw .unavailable("the connection cannot be pipelined")
        }
        // Notices (a table that is there already) would otherwise be printed by libpq.
        PQsetNoticeReceiver(handle, { _, _ in }, nil)
    }

    deinit { PQfinish(handle) }

    var processID: Int32 { PQbackendPID(handle) }
    var descriptor: Int32 { PQsocket(handle) }
    var isEncrypted: Bool { PQsslInUse(handle) == 1 }

    /// Marks where the work of a new caller begins.
    func beginWork(_ probe: StoreProbe?) {
        hasSentCommit = false
        lastReport = nil
        self.probe = probe
        forgetEarlyPlans()
    }

    /// Ends a transaction that was refused, before it is tried in another way. Nothing of it was stored.
    func startOver() {
        rollBack()
        hasSentCommit = false
        lastReport = nil
    }

    /// Drops plans that were made too early. A generic plan that was made while a table was nearly empty may read it by
    /// any of its indexes, and stays until the database gathers statistics, about a minute later. So a table that grows
    /// from nothing is planned for again as it does. The works of this session tell how it may have grown, and so does
    /// the time, in which other sessions and servers may have worked.
    private func forgetEarlyPlans() {
        works += 1
        let now = ContinuousClock.now
        guard works == nextPlanning || now >= planningTime else { return }
        if works >= nextPlanning { nextPlanning = works < 10_000 ? works * 4 : .max }
        if now >= planningTime {
            planningInterval = min(planningInterval * 4, .seconds(3600))
            planningTime = now + planningInterval
        }
        discardsPlans = true
        planningCount += 1
    }

    // MARK: Exchanges

    /// Sends the statements and reads their answers, in one round trip.
    ///
    /// - Parameters:
    ///   - requests: the statements with their values.
    ///   - patience: how long an answer may take; nil for as long as a statement may, and a little more.
    /// - Returns: one result a statement.
    /// - Throws: `tooLarge` before anything is sent; what the first statement that failed reported, after which no
    ///   other was executed; `unsettled` when the connection was lost while a commit among them was under way.
    func exchange(_ requests: [Request], within patience: Duration? = nil) throws(StoreError) -> [QueryResult] {
        if let probe { for request in requests { try probe(request.statement.name) } }
        if let request = requests.first(where: \.parameters.isTooLarge) {
            throw .tooLarge("a value of a gigabyte or more (\(request.statement.name))")
        }
        if discardsPlans {
            discardsPlans = false
            _ = try send([Request(Statements.discardPlans)], commit: nil, within: patience ?? timeToAnswer)
        }
        exchangeCount += 1
        let commit = requests.firstIndex { $0.statement == Statements.commit }
        return try send(requests, commit: commit, within: patience ?? timeToAnswer)
    }

    private func send(
        _ requests: [Request], commit: Int?, within patience: Duration
    ) throws(StoreError) -> [QueryResult] {
        if commit != nil { hasSentCommit = true }
        var results: [QueryResult] = []
        var report: (index: Int, ServerError)?
        do throws(StoreError) {
            let deadline = ContinuousClock.now + patience
            let fresh = try queue(requests, by: deadline)
            for (index, request) in requests.enumerated() {
                let name = request.statement.name
                if fresh.contains(index) {
                    switch try answer(to: name, by: deadline) {
                    case .success: prepared.insert(name)
                    case .failure(let found): report = report ?? (index, found)
                    case nil: break
                    }
                }
                switch try answer(to: name, by: deadline) {
                case .success(let result): results.append(result)
                case .failure(let found): report = report ?? (index, found)
                case nil: break
                }
            }
            try readSync(by: deadline)
        } catch {
            isBroken = true
            // What the server reported before the connection went says more than that it went.
            if let report, commit.map({ report.index < $0 }) ?? true { throw report.1.meaning }
            if commit != nil { throw .unsettled("the connection was lost during a commit") }
            throw error
        }
        guard let (index, found) = report else { return results }
        lastReport = found
        if found.endsSession { isBroken = true }
        if let commit, index >= commit, found.leavesCommitOpen {
            throw .unsettled("the database lost sight of a commit (\(found.sqlState))")
        }
        throw found.meaning
    }

    /// Ends a transaction that may be open, whatever became of it. A session that cannot end it is broken.
    func rollBack() {
        guard !isBroken else { return }
        switch PQtransactionStatus(handle) {
        case PQTRANS_INTRANS, PQTRANS_INERROR:
            let probe = probe
            self.probe = nil
            defer { self.probe = probe }
            do throws(StoreError) {
                _ = try exchange([Request(Statements.rollback)])
            } catch {
                isBroken = true
            }
        case PQTRANS_IDLE: break
        default: isBroken = true
        }
    }

    /// Runs a script of many statements through the simple protocol. Only migrations do.
    func run(script: String, called name: String) throws(StoreError) {
        if let probe { try probe(name) }
        guard PQexitPipelineMode(handle) == 1 else { throw lost() }
        defer { if PQenterPipelineMode(handle) != 1 { isBroken = true } }
        guard let result = PQexec(handle, script) else { throw lost() }
        defer { PQclear(result) }
        guard PQresultStatus(result) != PGRES_COMMAND_OK, PQresultStatus(result) != PGRES_TUPLES_OK else { return }
        guard let error = ServerError(result, statement: name) else { throw lost() }
        lastReport = error
        throw error.meaning
    }

    /// The notifications that have arrived since the last call. It does not wait.
    /// - Throws: `unavailable` when the connection is gone.
    func notifications() throws(StoreError) -> [(sender: Int32, payload: String)] {
        guard PQconsumeInput(handle) == 1 else { throw lost() }
        var found: [(Int32, String)] = []
        while let notification = PQnotifies(handle) {
            found.append((notification.pointee.be_pid, String(cString: notification.pointee.extra)))
            PQfreemem(notification)
        }
        return found
    }

    // MARK: Sending

    /// Bytes of a statement's values above which they are sent before the next statement is queued, so that libpq has a
    /// copy of one large statement and not of all.
    private static let largeStatementBytes = 256 * 1024
    /// Bytes of a statement's values above which the session is closed after its work: connecting again takes less time
    /// than the database takes for so much.
    private static let swellingBytes = 4 * 1024 * 1024

    /// - Returns: the requests whose statement is prepared on the way.
    private func queue(
        _ requests: [Request], by deadline: ContinuousClock.Instant
    ) throws(StoreError) -> Set<Int> {
        var fresh: Set<Int> = []
        var sent: Set<String> = []
        for (index, request) in requests.enumerated() {
            let statement = request.statement
            if !prepared.contains(statement.name), sent.insert(statement.name).inserted {
                guard PQsendPrepare(handle, statement.name, statement.sql(on: topology), 0, nil) == 1 else {
                    throw lost()
                }
                fresh.insert(index)
            }
            let byteCount = request.parameters.bytes.count
            if byteCount > Self.swellingBytes { isSwollen = true }
            guard request.parameters.send(handle, statement.name) else { throw lost() }
            guard byteCount > Self.largeStatementBytes else { continue }
            while try !flush() { try wait(for: POLLIN | POLLOUT, by: deadline) }
        }
        guard PQpipelineSync(handle) == 1 else { throw lost() }
        return fresh
    }

    // MARK: Receiving

    /// - Returns: nil for a statement that was skipped because one before it failed.
    private func answer(
        to statement: String, by deadline: ContinuousClock.Instant
    ) throws(StoreError) -> Result<QueryResult, ServerError>? {
        var found: Result<QueryResult, ServerError>?
        // There is one result, and then a null that ends the statement's results.
        while let result = try nextResult(by: deadline) {
            switch PQresultStatus(result) {
            case PGRES_TUPLES_OK, PGRES_COMMAND_OK: found = .success(QueryResult(owning: result, statement: statement))
            case PGRES_PIPELINE_ABORTED: PQclear(result)
            default:
                let error = ServerError(result, statement: statement)
                PQclear(result)
                guard let error else { throw lost() }
                found = .failure(error)
            }
        }
        if found == nil, PQstatus(handle) == CONNECTION_BAD { throw lost() }
        return found
    }

    private func readSync(by deadline: ContinuousClock.Instant) throws(StoreError) {
        guard let result = try nextResult(by: deadline) else { throw lost() }
        defer { PQclear(result) }
        guard PQresultStatus(result) == PGRES_PIPELINE_SYNC else { throw lost() }
    }

    private func nextResult(by deadline: ContinuousClock.Instant) throws(StoreError) -> OpaquePointer? {
        while PQisBusy(handle) == 1 { try waitForTraffic(by: deadline) }
        return PQgetResult(handle)
    }

    /// Sends what is still to be sent and takes in what has come. It does both at once, because the server stops
    /// reading while nobody reads its answers.
    private func waitForTraffic(by deadline: ContinuousClock.Instant) throws(StoreError) {
        try wait(for: flush() ? POLLIN : POLLIN | POLLOUT, by: deadline)
    }

    /// - Returns: whether all is sent.
    private func flush() throws(StoreError) -> Bool {
        let flushed = PQflush(handle)
        guard flushed >= 0 else { throw lost() }
        return flushed == 0
    }

    /// Takes in what comes, and returns as soon as one of the events is there.
    private func wait(for events: Int32, by deadline: ContinuousClock.Instant) throws(StoreError) {
        var entry = pollfd(fd: PQsocket(handle), events: Int16(events), revents: 0)
        let left = (deadline - .now) / .milliseconds(1)
        guard left > 0 else {
            isBroken = true
            throw .unavailable("the database did not answer in time")
        }
        let count = poll(&entry, 1, Int32(clamping: Int(left.rounded(.up))))
        guard count >= 0 || errno == EINTR else { throw lost() }
        if count > 0, entry.revents & Int16(POLLIN | POLLHUP | POLLERR) != 0 {
            guard PQconsumeInput(handle) == 1 else { throw lost() }
        }
    }

    private func lost() -> StoreError {
        isBroken = true
        return .unavailable("the connection to the database was lost")
    }
}

extension ServerError {
    /// - Returns: nil where there is no state: libpq itself reports that the connection is gone.
    fileprivate init?(_ result: OpaquePointer, statement: String) {
        // Fields are named by letters: PostgreSQL documentation, "Error and Notice Message Fields".
        func field(_ letter: UInt8) -> String? {
            PQresultErrorField(result, Int32(letter)).map { String(cString: $0) }
        }
        guard let state = field(UInt8(ascii: "C")) else { return nil }
        self.init(sqlState: state, statement: statement, message: field(UInt8(ascii: "M")) ?? "")
    }
}

extension Parameters {
    /// - Returns: whether libpq took the statement.
    fileprivate func send(_ handle: OpaquePointer, _ name: String) -> Bool {
        let lengths = ranges.map { Int32(clamping: $0?.count ?? 0) }
        let formats = [Int32](repeating: 1, count: ranges.count)
        return bytes.withUnsafeBytes { buffer in
            // An empty value needs an address too: without one it would be NULL.
            let nowhere = UnsafeRawPointer(bitPattern: 1)
            let values = ranges.map { range in
                range.flatMap { (buffer.baseAddress ?? nowhere)?.advanced(by: $0.lowerBound) }?
                    .assumingMemoryBound(to: CChar.self)
            }
            return PQsendQueryPrepared(handle, name, Int32(ranges.count), values, lengths, formats, 1) == 1
        }
    }
}
