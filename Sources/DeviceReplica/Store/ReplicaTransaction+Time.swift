import Causality

extension ReplicaTransaction {
    /// The server's time, as far as it is known here.
    func serverNow() throws -> Int64 {
        replica.time.now(offsetMilliseconds: replica.time.isLearned ? 0 : try integer(.offset) ?? 0)
    }

    /// Whether the server's time was ever heard of.
    func knowsServerTime() throws -> Bool {
        if replica.time.isLearned { return true }
        return try flag(.offset)
    }

    /// The time of a new edit: at least 1 ms above everything that was seen or handed out (Kulkarni et al. 2014).
    func tick() throws -> Int64 {
        var clock = HybridClock(latestMilliseconds: try integer(.latestTime) ?? 0)
        let time = clock.tick(deviceMilliseconds: try serverNow())
        try set(.latestTime, clock.latestMilliseconds)
        return time
    }

    /// Notes the greatest stamp of a record.
    func observe(stampMilliseconds: Int64) throws {
        guard stampMilliseconds > (try integer(.latestTime) ?? 0) else { return }
        try set(.latestTime, stampMilliseconds)
    }

    /// Notes what an answer said of the server's time. A clock that ran ahead for a while does not stay ahead for ever.
    func noteServerTime(_ serverMilliseconds: Int64, offsetMilliseconds: Int64) throws {
        try set(.offset, offsetMilliseconds)
        try set(.lastSuccess, serverMilliseconds)
        if let latest = try integer(.latestTime), latest > serverMilliseconds + 60_000 {
            try set(.latestTime, serverMilliseconds)
        }
    }
}
