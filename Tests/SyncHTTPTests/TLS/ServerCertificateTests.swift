import Foundation
import RejoinProcesses
import SyncHTTP
import Testing

@Suite("a certificate and its key, as they lie in files")
struct ServerCertificateTests {
    private func fault(_ files: CertificateFiles, at now: Date = Date()) -> CertificateFault? {
        do {
            _ = try ServerCertificate(files, at: now)
            return nil
        } catch {
            return error
        }
    }

    private func files(_ made: TestCertificate) -> CertificateFiles {
        CertificateFiles(certificate: made.certificate, key: made.key)
    }

    private func day(_ days: Double) -> Date { Date().addingTimeInterval(days * 86_400) }

    @Test("it is good, due, or over, as its time is")
    func time() async throws {
        try await withTemporaryDirectory { directory in
            let files = files(try await .make(in: directory, days: 90))
            let certificate = try ServerCertificate(files, at: Date())
            #expect(certificate.hosts == ["localhost", "127.0.0.1"])
            #expect(certificate.warnings(at: Date()) == [])
            #expect(certificate.warnings(at: day(75)) == [])
            #expect(certificate.warnings(at: day(80)).first?.contains("in 9 days") == true)
            guard case .expired(files.certificate, _) = fault(files, at: day(91)) else {
                Issue.record("it is over")
                return
            }
            guard case .notYetValid(files.certificate, _) = fault(files, at: day(-1)) else {
                Issue.record("it is not valid yet")
                return
            }
        }
    }

    @Test("what is wrong with the files is told apart")
    func faults() async throws {
        try await withTemporaryDirectory { directory in
            let one = try await TestCertificate.make(in: directory, "one")
            let two = try await TestCertificate.make(in: directory, "two")
            let nowhere = directory + "/nowhere"
            #expect(fault(CertificateFiles(certificate: nowhere, key: one.key)) == .unreadable(nowhere))
            #expect(fault(CertificateFiles(certificate: one.certificate, key: nowhere)) == .unreadable(nowhere))
            #expect(
                fault(CertificateFiles(certificate: one.key, key: one.key)) == .noCertificate(one.key))
            #expect(
                fault(CertificateFiles(certificate: one.certificate, key: two.certificate)) == .noKey(two.certificate)
                    || fault(CertificateFiles(certificate: one.certificate, key: two.certificate))
                        == .exposedKey(two.certificate, mode: 0o644)
            )
            let mixed = CertificateFiles(certificate: one.certificate, key: two.key)
            #expect(fault(mixed) == .keyOfAnother(mixed))
            try FileManager.default.setAttributes([.posixPermissions: 0o644], ofItemAtPath: two.key)
            #expect(fault(files(two)) == .exposedKey(two.key, mode: 0o644))
            let half = directory + "/half"
            let text = try String(contentsOfFile: one.certificate, encoding: .utf8)
            try (text + text.prefix(300)).write(toFile: half, atomically: true, encoding: .utf8)
            #expect(fault(CertificateFiles(certificate: half, key: one.key)) == .noCertificate(half))
            let locked = directory + "/locked.key"
            let encrypting = try await runFound(
                "openssl", "pkey", "-in", one.key, "-aes256", "-passout", "pass:secret", "-out", locked)
            try #require(encrypting.exit == .code(0))
            #expect(fault(CertificateFiles(certificate: one.certificate, key: locked)) == .encryptedKey(locked))
        }
    }

    @Test("a chain is in order, the server's own certificate first, and expires with the first of it")
    func order() async throws {
        try await withTemporaryDirectory { directory in
            let authority = try await TestCertificate.make(in: directory, "authority", days: 30)
            let own = try await TestCertificate.make(in: directory, "own", days: 90, issuer: authority)
            func chain(_ name: String, _ parts: TestCertificate...) throws -> CertificateFiles {
                let text = try parts.map { try String(contentsOfFile: $0.certificate, encoding: .utf8) }.joined()
                try text.write(toFile: directory + name, atomically: true, encoding: .utf8)
                return CertificateFiles(certificate: directory + name, key: own.key)
            }
            let whole = try ServerCertificate(try chain("/whole", own, authority), at: Date())
            #expect(whole.notAfter < day(31))
            #expect(try ServerCertificate(try chain("/alone", own), at: Date()).notAfter > day(80))
            let stranger = try await TestCertificate.make(in: directory, "stranger")
            guard case .disordered(_, place: 2, _, _) = fault(try chain("/other", own, stranger)) else {
                Issue.record("the stranger did not issue it")
                return
            }
            guard case .disordered = fault(try chain("/backwards", authority, own)) else {
                Issue.record("the authority comes last")
                return
            }
        }
    }
}
