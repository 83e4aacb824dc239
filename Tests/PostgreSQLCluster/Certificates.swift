/// What TLS needs, made anew for each cluster: a certificate for `localhost` and 127.0.0.1, the authority that signed
/// it, and an authority that did not.
struct Certificates {
    let directory: String

    var authority: String { "\(directory)/authority.crt" }
    var otherAuthority: String { "\(directory)/other-authority.crt" }
    var server: String { "\(directory)/server.crt" }
    var serverKey: String { "\(directory)/server.key" }

    /// Makes the files, as the server's user, who must own its key.
    func make(_ installation: Installation) throws(PostgreSQLClusterError) {
        func openssl(_ arguments: [String]) throws(PostgreSQLClusterError) {
            let new = [
                "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-noenc", "-days", "2",
            ]
            _ = try Subprocess.run(installation.asServerUser(["openssl"] + new + arguments, in: directory))
        }
        for name in ["authority", "other-authority"] {
            try openssl(["-subj", "/CN=Rejoin tests: \(name)", "-keyout", "\(name).key", "-out", "\(name).crt"])
        }
        try openssl([
            "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1",
            "-addext", "basicConstraints=critical,CA:FALSE", "-CA", authority, "-CAkey", "authority.key",
            "-keyout", serverKey, "-out", server,
        ])
    }
}
