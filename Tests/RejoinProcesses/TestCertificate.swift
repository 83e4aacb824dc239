import Foundation

/// A certificate for `localhost` and 127.0.0.1 that signed itself, and its key, in a directory.
package struct TestCertificate: Sendable {
    package let certificate: String
    package let key: String

    /// The options of `rejoin serve`.
    package var options: [String] { ["--tls-certificate", certificate, "--tls-key", key] }

    /// Makes them.
    /// - Parameters:
    ///   - directory: where.
    ///   - name: what the files are called.
    ///   - days: for how long it is valid.
    ///   - issuer: who signs it; nil for itself.
    package static func make(
        in directory: String, _ name: String = "server", days: Int = 90, issuer: TestCertificate? = nil
    ) async throws -> TestCertificate {
        let made = TestCertificate(certificate: "\(directory)/\(name).crt", key: "\(directory)/\(name).key")
        var arguments = [
            "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-noenc", "-days", "\(days)",
            "-subj", "/CN=\(name)", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1", "-keyout", made.key,
            "-out", made.certificate,
        ]
        if let issuer { arguments += ["-CA", issuer.certificate, "-CAkey", issuer.key] }
        let process = try await LaunchedProcess(arguments, program: .found("openssl"))
        guard await process.exit == .code(0) else { throw TestError("openssl: \(process.errors.text)") }
        return made
    }
}
