import Logging
import SyncEngine
import SyncWire

/// The keys in force of one issuer. They are read again where they may change while the server runs.
actor KeyRing {
    private var keys: VerificationKeys
    /// What the keys were read from; nil before there were any.
    private var key: TokenKey?
    private let algorithms: Set<String>?
    private let source: KeySource?
    private let logger: Logger
    /// What was verified with the keys.
    private let verified: VerifiedTokens
    /// When they were read last, whatever came of it.
    private var readAtMilliseconds: Int64?
    /// From when on they are known to be what they are.
    private var freshSinceMilliseconds: Int64?
    private var reading: Task<Void, Never>?
    /// How often other keys were read.
    private var readings = 0

    init(
        _ keys: VerificationKeys, of key: TokenKey?, algorithms: Set<String>? = nil, source: KeySource?,
        verified: VerifiedTokens, logger: Logger
    ) {
        self.keys = keys
        self.key = key
        self.algorithms = algorithms
        self.verified = verified
        self.source = source
        self.logger = logger
        Self.tell(of: keys, logger)
    }

    /// The keys that may have signed the token of this header.
    /// - Returns: nil where there never was a key. Then nothing can be said of the token.
    func candidates(_ header: TokenHeader, nowMilliseconds now: Int64) async -> Candidates? {
        if isPossible(header), key == nil || header.keyID.map({ !keys.has(id: $0) }) == true, source != nil {
            beginIfDue(now)
            // Whoever comes while the keys are read waits for what is in them.
            await reading?.value
        } else if case .olderThan(let age)? = source?.schedule {
            let since = freshSinceMilliseconds ?? now
            freshSinceMilliseconds = since
            // What is here is good for those who come meanwhile.
            if now - since >= age { beginIfDue(now) }
        }
        guard key != nil else { return nil }
        return candidates(header)
    }

    /// Keys, and which reading they are from.
    struct Candidates {
        let keys: [VerificationKey]
        fileprivate let reading: Int
    }

    /// The keys that may have signed a token which names none, after those that were here have not. A new key is known
    /// by nothing else.
    /// - Returns: nil where there are no others.
    func candidates(
        _ header: TokenHeader, after tried: Candidates, nowMilliseconds now: Int64
    ) async -> Candidates? {
        guard header.keyID == nil, source != nil, isPossible(header) else { return nil }
        if tried.reading == readings { beginIfDue(now) }
        await reading?.value
        return tried.reading == readings ? nil : candidates(header)
    }

    private func candidates(_ header: TokenHeader) -> Candidates {
        Candidates(keys: keys.candidates(id: header.keyID, algorithm: header.algorithm), reading: readings)
    }

    /// Whether a key of this issuer can be for the token's algorithm. Any other token is not worth a reading.
    private func isPossible(_ header: TokenHeader) -> Bool {
        VerificationKeys.knownAlgorithms.contains(header.algorithm)
            || keys.keys.contains { $0.algorithm == header.algorithm }
    }

    /// Reads the keys again. What cannot be read leaves the keys as they are. A set that can be read is in force, even
    /// where it has fewer keys than before.
    func read() async {
        if reading == nil { begin(.whatever) }
        await reading?.value
    }

    private enum Taking {
        case whatever
        /// What was verified with the keys stays, where they are the same.
        case changes(atMilliseconds: Int64)
    }

    private func beginIfDue(_ now: Int64) {
        guard reading == nil, let source else { return }
        let least = key == nil ? source.leastMillisecondsUntilThereAreKeys : source.leastMillisecondsBetweenReadings
        if let last = readAtMilliseconds, now >= last, now - last < least { return }
        readAtMilliseconds = now
        begin(.changes(atMilliseconds: now))
    }

    private func begin(_ taking: Taking) {
        guard let source else { return }
        reading = Task {
            switch await source.read() {
            case .success(let key): await take(key, taking, from: source)
            case .failure(let error): tellUnreadable(error.reason, source)
            }
            reading = nil
        }
    }

    private func take(_ key: TokenKey, _ taking: Taking, from source: KeySource) async {
        if case .changes(let now) = taking {
            if key == self.key {
                freshSinceMilliseconds = now
                return
            }
        }
        let read: VerificationKeys
        do {
            read = try await key.read(for: algorithms)
        } catch {
            tellUnreadable(error.message, source)
            return
        }
        guard self.key != nil || !read.keys.isEmpty else {
            tellUnreadable(read.findings.joined(separator: "; "), source)
            return
        }
        if case .changes(let now) = taking { freshSinceMilliseconds = now }
        self.key = key
        keys = read
        readings += 1
        // Who took keys before this does not keep what it verifies with them.
        verified.forgetAll()
        logger.notice(
            "the keys were read again", metadata: ["place": "\(source.place)", "usable": "\(read.keys.count)"])
        Self.tell(of: read, logger)
        if read.keys.isEmpty { logger.error("no key of the set can be used: every token is refused") }
    }

    private func tellUnreadable(_ reason: String, _ source: KeySource) {
        logger.error(
            "the keys cannot be read; they stay as they are",
            metadata: ["place": "\(source.place)", "reason": "\(reason)"])
    }

    private static func tell(of keys: VerificationKeys, _ logger: Logger) {
        for finding in keys.findings { logger.warning("a key cannot be used", metadata: ["reason": "\(finding)"]) }
    }
}
