/// How long to wait after failures in a row: exponential with full jitter, so that devices which failed together do not come
/// back together (Brooker 2015, "Exponential backoff and jitter").
struct Backoff: Sendable, Hashable {
    /// The bound of the first wait.
    var firstMilliseconds: Int64 = 500
    /// The bound of every wait.
    var longestMilliseconds: Int64 = 300_000
    private(set) var failures = 0
    private var random: UInt64

    /// - Parameter seed: where the jitter begins. Devices have different ones.
    init(seed: UInt64) { random = seed }

    /// Something went well.
    mutating func reset() { failures = 0 }

    /// Something failed.
    /// - Parameter retryAfterMilliseconds: what the server asked for, which is never undercut.
    /// - Returns: the milliseconds to wait.
    mutating func next(retryAfterMilliseconds: Int64?) -> Int64 {
        let bound = min(longestMilliseconds, firstMilliseconds << Int64(min(failures, 20)))
        failures += 1
        let jitter = Int64(draw() % UInt64(bound + 1))
        guard let retryAfterMilliseconds else { return jitter }
        // Those who were all told the same time come back spread over the time after it.
        return retryAfterMilliseconds + jitter / 4
    }

    /// SplitMix64 (Steele et al. 2014).
    private mutating func draw() -> UInt64 {
        random &+= 0x9E37_79B9_7F4A_7C15
        var mixed = random
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}
