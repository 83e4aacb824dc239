import Logging
import SyncEngine
import SyncWire

/// The keys in force. They are read again where they may change while the server runs.
actor KeyRing {
    /// A token that names a key which is not here has the file read again, at most this often. Whoever makes up names
    /// must not keep the server reading.
    static let millisecondsBetweenReadings: Int64 = 10_000

    private var keys: VerificationKeys
    private let source: (@Sendable () async -> TokenKey?)?
    private let logger: Logger
    /// What was verified with the keys.
    private let verified: VerifiedTokens
    private var readAtMilliseconds: Int64?
    private var reading: Task<Void, Never>?

    init(
        _ keys: VerificationKeys, source: (@Sendable () async -> TokenKey?)?, verified: VerifiedTokens, logger: Logger
    ) {
        self.keys = keys
        self.verified = verified
        self.source = source
        self.logger = logger
        Self.tell(of: keys, logger)
    }

    /// The keys that may have signed the token of this header.
    func candidates(_ header: TokenHeader, nowMilliseconds: Int64) async -> [VerificationKey] {
        if let id = header.keyID, !keys.has(id: id), source != nil {
            if reading == nil, isDue(nowMilliseconds) {
                readAtMilliseconds = nowMilliseconds
                begin()
            }
            // Whoever comes while the file is read waits for what is in it.
            await reading?.value
        }
        return keys.candidates(id: header.keyID, algorithm: header.algorithm)
    }

    /// Reads the keys again. What cannot be read leaves the keys as they are. A set that can be read is in force, even
    /// where it has fewer keys than before.
    func read() async {
        if reading == nil { begin() }
        await reading?.value
    }

    private func isDue(_ now: Int64) -> Bool {
        guard let last = readAtMilliseconds else { return true }
        return now < last || now - last >= Self.millisecondsBetweenReadings
    }

    private func begin() {
        guard let source else { return }
        reading = Task {
            if let key = await source() {
                do {
                    take(try await key.read())
                } catch {
                    logger.error(
                        "the key file cannot be read; the keys stay as they are", metadata: ["error": "\(error)"])
                }
            } else {
                logger.error("the key file cannot be read; the keys stay as they are")
            }
            reading = nil
        }
    }

    private func take(_ read: VerificationKeys) {
        keys = read
        // Who took keys before this does not keep what it verifies with them.
        verified.forgetAll()
        logger.notice("the keys were read again", metadata: ["usable": "\(read.keys.count)"])
        Self.tell(of: read, logger)
        if read.keys.isEmpty { logger.error("no key of the set can be used: every token is refused") }
    }

    private static func tell(of keys: VerificationKeys, _ logger: Logger) {
        for finding in keys.findings { logger.warning("a key cannot be used", metadata: ["reason": "\(finding)"]) }
    }
}
