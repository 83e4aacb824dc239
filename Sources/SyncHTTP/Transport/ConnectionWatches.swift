import NIOCore

/// How a body comes. Only time in which the server waits for it counts against its client.
struct BodyWatch {
    private var waited = TimeAmount.zero
    private var waitingSince: NIODeadline?
    private var bytes = 0

    init() {}

    init(beganAt now: NIODeadline) { waitingSince = now }

    mutating func beginWaiting(_ now: NIODeadline) {
        if waitingSince == nil { waitingSince = now }
    }

    mutating func note(bytes: Int) {
        self.bytes += bytes
        if let since = waitingSince { waited = waited + (NIODeadline.now() - since) }
        waitingSince = nil
    }

    /// Begins anew, as if nothing had been sent or waited for.
    mutating func restart(_ now: NIODeadline) {
        self = BodyWatch(beganAt: now)
    }

    func isTooSlow(_ now: NIODeadline, _ limits: TransportLimits, isStopping: Bool) -> Bool {
        let waiting = waitingSince.map { now - $0 } ?? .zero
        let milliseconds = (waited + waiting).nanoseconds / 1_000_000
        let grace = isStopping ? limits.stoppingMilliseconds : limits.bodyGraceMilliseconds
        guard milliseconds > grace else { return false }
        return milliseconds > limits.bodyMilliseconds
            || Int64(bytes) * 1_000 < Int64(limits.bodyBytesPerSecond) * milliseconds
    }
}

/// How an answer is taken.
struct AnswerWatch {
    private var takenBytes = 0
    private var movedAt: NIODeadline?

    mutating func restart(_ now: NIODeadline) { movedAt = now }

    /// Whether the client takes nothing of its answer.
    /// - Parameters:
    ///   - writtenBytes: all that the server wrote so far.
    ///   - bufferedBytes: those of them that the kernel does not have yet.
    ///   - now: the time.
    mutating func isStalled(
        writtenBytes: Int, bufferedBytes: Int, _ now: NIODeadline, after bound: TimeAmount
    ) -> Bool {
        let taken = writtenBytes - bufferedBytes
        guard bufferedBytes > 0, taken == takenBytes, let movedAt else {
            takenBytes = taken
            movedAt = bufferedBytes > 0 ? now : nil
            return false
        }
        return now - movedAt >= bound
    }
}
