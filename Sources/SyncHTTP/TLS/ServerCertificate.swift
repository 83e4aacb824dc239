import Foundation
import NIOCore
import NIOSSL
import X509

/// A certificate and its key, read and found good.
public struct ServerCertificate: Sendable {
    /// A certificate that ends within so many days is due.
    public static let daysToRenew = 14

    /// The hosts that it is for; `subjectAltName`, as browsers go by nothing else (RFC 9110 section 4.3.4).
    public let hosts: [String]
    /// Until when it is valid: it, and those that lead from it to an authority.
    public let notAfter: Date
    /// The key file's mode.
    public let keyMode: Int
    /// The two files' bytes, by which a change of them is seen.
    let bytes: [[UInt8]]
    /// For handshakes that may choose HTTP/2.
    let context: NIOSSLContext
    /// For those that may not.
    let contextWithoutHTTP2: NIOSSLContext

    /// Reads the files. It blocks.
    public init(_ files: CertificateFiles, at now: Date) throws(CertificateFault) {
        try self.init(files, holding: try Self.bytes(of: files), at: now)
    }

    /// The bytes of the two files. It blocks.
    static func bytes(of files: CertificateFiles) throws(CertificateFault) -> [[UInt8]] {
        [try bytes(files.certificate), try bytes(files.key)]
    }

    /// - Parameter bytes: what the files hold.
    init(_ files: CertificateFiles, holding bytes: [[UInt8]], at now: Date) throws(CertificateFault) {
        self.bytes = bytes
        let (certificate, key) = (bytes[0], bytes[1])
        let mode =
            (try? FileManager.default.attributesOfItem(
                atPath: URL(filePath: files.key).resolvingSymlinksInPath().path)[.posixPermissions] as? NSNumber)?
            .intValue ?? 0
        guard mode & 0o007 == 0 else { throw .exposedKey(files.key, mode: mode) }
        keyMode = mode

        let chain = try Self.chain(certificate, files.certificate)
        let parsed = try Self.parsed(chain, files.certificate)
        try Self.checkOrder(parsed, files.certificate)
        for certificate in parsed where certificate.notValidBefore > now {
            throw .notYetValid(files.certificate, day: Self.day(certificate.notValidBefore))
        }
        let end = parsed.map(\.notValidAfter).min() ?? .distantPast
        guard end > now else { throw .expired(files.certificate, day: Self.day(end)) }
        notAfter = end
        hosts = Self.hosts(of: parsed[0])

        guard !String(decoding: key, as: UTF8.self).contains("ENCRYPTED") else { throw .encryptedKey(files.key) }
        let privateKey: NIOSSLPrivateKey
        do {
            privateKey = try NIOSSLPrivateKey(bytes: key, format: .pem)
        } catch {
            throw .noKey(files.key)
        }
        do {
            context = try Self.context(chain, privateKey, protocols: ["h2", "http/1.1"])
            contextWithoutHTTP2 = try Self.context(chain, privateKey, protocols: ["http/1.1"])
        } catch {
            // Everything else about the two was found good before.
            throw .keyOfAnother(files)
        }
    }

    /// What is not wrong yet.
    public func warnings(at now: Date) -> [String] {
        var warnings: [String] = []
        let days = Int(notAfter.timeIntervalSince(now) / 86_400)
        if days < Self.daysToRenew {
            warnings.append("it expires on \(Self.day(notAfter)), in \(days) days; renew it")
        }
        if hosts.isEmpty { warnings.append("it names no host (subjectAltName), so that clients refuse it") }
        return warnings
    }

    /// For whom it is and until when, for people.
    public var summary: String {
        "for \(hosts.isEmpty ? "no host" : hosts.joined(separator: ", ")), until \(Self.day(notAfter))"
    }

    private static func bytes(_ path: String) throws(CertificateFault) -> [UInt8] {
        guard let data = FileManager.default.contents(atPath: path) else { throw .unreadable(path) }
        return Array(data)
    }

    private static func chain(_ bytes: [UInt8], _ path: String) throws(CertificateFault) -> [NIOSSLCertificate] {
        let chain: [NIOSSLCertificate]
        do {
            chain = try NIOSSLCertificate.fromPEMBytes(bytes)
        } catch {
            throw .noCertificate(path)
        }
        // A file that is being written ends in the middle of one.
        let begun = String(decoding: bytes, as: UTF8.self).ranges(of: "-----BEGIN CERTIFICATE-----").count
        guard !chain.isEmpty, chain.count == begun else { throw .noCertificate(path) }
        return chain
    }

    private static func parsed(
        _ chain: [NIOSSLCertificate], _ path: String
    ) throws(CertificateFault) -> [Certificate] {
        do {
            return try chain.map { try Certificate(derEncoded: try $0.toDERBytes()) }
        } catch {
            throw .unusable(path, reason: "its form is not understood")
        }
    }

    /// Each is followed by its issuer (RFC 8446 section 4.4.2). Clients that do not sort them fail, and others hide that.
    private static func checkOrder(_ chain: [Certificate], _ path: String) throws(CertificateFault) {
        for (place, (certificate, next)) in zip(chain, chain.dropFirst()).enumerated()
        where certificate.issuer != next.subject {
            throw .disordered(
                path, place: place + 2, subject: "\(next.subject)", issuerBefore: "\(certificate.issuer)")
        }
    }

    private static func hosts(of certificate: Certificate) -> [String] {
        let names = (try? certificate.extensions.subjectAlternativeNames).flatMap { $0 }
        return (names.map(Array.init) ?? []).compactMap { name in
            switch name {
            case .dnsName(let host): host
            case .ipAddress(let octets): IPAddress(octets: Array(octets.bytes))?.description
            case _: nil
            }
        }
    }

    private static func context(
        _ chain: [NIOSSLCertificate], _ key: NIOSSLPrivateKey, protocols: [String]
    ) throws -> NIOSSLContext {
        var configuration = TLSConfiguration.makeServerConfiguration(
            certificateChain: chain.map { .certificate($0) }, privateKey: .privateKey(key))
        configuration.minimumTLSVersion = .tlsv12
        // Of TLS 1.2 those with a fresh key for each connection and with authenticated encryption, as HTTP/2 wants them
        // (RFC 9113 section 9.2.2). Those of TLS 1.3 all are so.
        configuration.cipherSuiteValues = [
            .TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, .TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
            .TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384, .TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
            .TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256, .TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
        ]
        configuration.applicationProtocols = protocols
        configuration.renegotiationSupport = .none
        // The client's word that it ends is not waited for (RFC 8446 section 6.1): the guard of the connection knows whether
        // anything is still to come.
        configuration.shutdownTimeout = .milliseconds(500)
        return try NIOSSLContext(configuration: configuration)
    }

    static func day(_ date: Date) -> String {
        date.formatted(.iso8601.year().month().day().dateSeparator(.dash))
    }
}
