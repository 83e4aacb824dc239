/// Where a server's certificate and its key lie.
public struct CertificateFiles: Sendable, Hashable {
    /// The certificate, followed by those that lead from it to an authority, in PEM.
    public let certificate: String
    /// Its private key, in PEM, without a passphrase.
    public let key: String

    /// Names the two files.
    public init(certificate: String, key: String) {
        self.certificate = certificate
        self.key = key
    }
}

/// Why a server does not present a certificate.
public enum CertificateFault: Error, Sendable, Hashable {
    /// This file cannot be read.
    case unreadable(String)
    /// This file holds no certificate, or half of one.
    case noCertificate(String)
    /// This file holds no key.
    case noKey(String)
    /// The key in this file has a passphrase.
    case encryptedKey(String)
    /// Others than the owner and the owner's group can read the key.
    case exposedKey(String, mode: Int)
    /// The key is not that of the first certificate.
    case keyOfAnother(CertificateFiles)
    /// The certificate at this place, from 1, did not issue the one before it.
    case disordered(String, place: Int, subject: String, issuerBefore: String)
    /// It, or one that leads from it to an authority, was valid until this day.
    case expired(String, day: String)
    /// It, or one that leads from it to an authority, is valid from this day on.
    case notYetValid(String, day: String)
    /// It cannot be shown for another reason.
    case unusable(String, reason: String)

    /// What is wrong, and what helps, in one line.
    public var message: String {
        switch self {
        case .unreadable(let path): "cannot read \(path)"
        case .noCertificate(let path):
            "\(path) holds no whole certificate; it is a PEM file, the server's own certificate first and then its issuers"
        case .noKey(let path): "\(path) holds no private key in PEM"
        case .encryptedKey(let path):
            "the key \(path) has a passphrase, and nobody is there to give it; write it anew with 'openssl pkey'"
        case .exposedKey(let path, let mode):
            "others can read \(path) (mode \(String(mode, radix: 8))); chmod 600 it, and have a new certificate made for a new key"
        case .keyOfAnother(let files):
            "\(files.key) is not the key of the first certificate of \(files.certificate), which has to be the server's own"
        case .disordered(let path, let place, let subject, let issuerBefore):
            "\(path) is out of order: certificate \(place) is of '\(subject)', and the one before it was issued by "
                + "'\(issuerBefore)'; put each before the one that issued it, and the server's own first"
        case .expired(let path, let day): "the certificate \(path) expired on \(day); renew it"
        case .notYetValid(let path, let day):
            "the certificate \(path) is valid from \(day) on; check this machine's clock, or wait"
        case .unusable(let path, let reason): "the certificate \(path) cannot be used: \(reason)"
        }
    }
}
