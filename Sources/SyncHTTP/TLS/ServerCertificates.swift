import Foundation
import Logging
import NIOSSL
import ServiceLifecycle
import Synchronization

/// The certificate that new connections are shown. It follows its files: connections that are open keep theirs.
///
/// What is found wrong in the files is said once, and looked at again; until they are good the certificate before stays.
public final class ServerCertificates: Service, Sendable {
    private struct State {
        var current: ServerCertificate
        /// What was found wrong at last, and in which bytes.
        var fault: CertificateFault?
        var reloads: UInt64 = 0
        var failedReloads: UInt64 = 0
        var warned: [String] = []
    }

    private let files: CertificateFiles
    private let logger: Logger
    private let pollInterval: Duration
    private let state: Mutex<State>

    /// Reads the files. It blocks.
    /// - Parameter pollInterval: how often they are looked at.
    public init(
        _ files: CertificateFiles, pollInterval: Duration = .seconds(2), logger: Logger
    ) throws(CertificateFault) {
        self.files = files
        self.logger = logger
        self.pollInterval = pollInterval
        state = Mutex(State(current: try ServerCertificate(files, at: Date())))
        warn()
    }

    /// The certificate that is shown now.
    public var current: ServerCertificate { state.withLock { $0.current } }

    /// Whether the files were last found wrong, how often they were taken anew, and how often they were not.
    public var figures: (isFaulty: Bool, reloads: UInt64, failedReloads: UInt64) {
        state.withLock { ($0.fault != nil, $0.reloads, $0.failedReloads) }
    }

    func context(mayChooseHTTP2: Bool) -> NIOSSLContext {
        state.withLock { mayChooseHTTP2 ? $0.current.context : $0.current.contextWithoutHTTP2 }
    }

    /// Looks at the files until the server stops.
    public func run() async throws {
        await cancelWhenGracefulShutdown { [self] in
            while !Task.isCancelled {
                try? await Task.sleep(for: pollInterval)
                await readAgain()
            }
        }
    }

    /// Takes what the files hold now, if it is good and something else than before.
    public func readAgain() async {
        let before = current
        // Files can be on a disk that does not answer; no task waits for that on a thread of tasks.
        let read: Result<ServerCertificate, CertificateFault> = await withCheckedContinuation { continuation in
            DispatchQueue.global().async { [files] in
                continuation.resume(
                    returning: Result { () throws(CertificateFault) in
                        let bytes = try ServerCertificate.bytes(of: files)
                        guard bytes != before.bytes else { return before }
                        return try ServerCertificate(files, holding: bytes, at: Date())
                    })
            }
        }
        switch read {
        case .success(let certificate): take(certificate)
        case .failure(let fault): note(fault)
        }
    }

    private func take(_ certificate: ServerCertificate) {
        let isNew = state.withLock { state in
            state.fault = nil
            guard certificate.bytes != state.current.bytes else { return false }
            state.current = certificate
            state.reloads += 1
            return true
        }
        if isNew {
            logger.notice("the certificate was read again", metadata: ["certificate": "\(certificate.summary)"])
        }
        warn()
    }

    private func note(_ fault: CertificateFault) {
        let isNew = state.withLock { state in
            guard state.fault != fault else { return false }
            state.fault = fault
            state.failedReloads += 1
            return true
        }
        guard isNew else { return }
        logger.error(
            "the certificate was not read again; the one before stays", metadata: ["reason": "\(fault.message)"])
    }

    /// Says what is due, once.
    private func warn() {
        let warnings = current.warnings(at: Date())
        let isNew = state.withLock { state in
            defer { state.warned = warnings }
            // The days that are left go down; a warning a day is enough.
            return state.warned != warnings
        }
        guard isNew else { return }
        for warning in warnings { logger.warning("the certificate \(files.certificate): \(warning)") }
    }
}

extension ServerCertificates {
    func write(to text: inout Exposition, gate: ConnectionGate.Figures) {
        let figures = figures
        text.single(
            "rejoin_certificate_expiry_seconds", .gauge, "When the certificate expires, in seconds since 1970.",
            Int(current.notAfter.timeIntervalSince1970))
        text.family("rejoin_certificate_reloads_total", .counter, "Changes of the certificate's files, by outcome.")
        text.sample("rejoin_certificate_reloads_total", ["outcome": "taken"], figures.reloads)
        text.sample("rejoin_certificate_reloads_total", ["outcome": "refused"], figures.failedReloads)
        text.single(
            "rejoin_certificate_faulty", .gauge, "Whether the certificate's files were last found wrong.",
            figures.isFaulty ? 1 : 0)
        text.family("rejoin_handshakes_total", .counter, "TLS handshakes that ended, by outcome.")
        for end in HandshakeEnd.allCases {
            text.sample("rejoin_handshakes_total", ["outcome": end.rawValue], gate.handshakes[end] ?? 0)
        }
        text.single("rejoin_handshakes", .gauge, "TLS handshakes under way.", gate.handshaking)
    }
}
