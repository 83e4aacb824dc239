import ArgumentParser
import Foundation
import SyncHTTP

/// Over what clients come, and whose word on them is believed.
struct TLSOptions: ParsableArguments {
    @Option(
        help: """
            A PEM file with the server's certificate, followed by its issuers: the server speaks TLS, and takes the file anew when it \
            changes. (REJOIN_TLS_CERTIFICATE)
            """)
    var tlsCertificate: String?

    @Option(help: "A PEM file with the certificate's private key. (REJOIN_TLS_KEY)")
    var tlsKey: String?

    @Option(
        help: """
            The address of a proxy in front, such as 10.0.0.0/8 or ::1, whose word is believed on whom it asks for; given once for \
            each. (REJOIN_TRUSTED_PROXY, separated by commas)
            """)
    var trustedProxy: [String] = []
}

/// The options of TLS and of proxies in force.
struct TLSSettings: Sendable {
    /// nil for HTTP without TLS.
    let files: Setting<CertificateFiles>?
    let trustedProxies: Setting<TrustedProxies>
    private let rowsOfFiles: [[String]]

    /// - Parameter options: those of the command line; nil for a command that has none.
    init(_ options: TLSOptions?, _ settings: SettingsResolution) throws(CommandFailure) {
        let certificate = settings.text(.tlsCertificate, options?.tlsCertificate)
        let key = settings.text(.tlsKey, options?.tlsKey)
        let given = options?.trustedProxy ?? []
        switch (certificate, key) {
        case (nil, nil): files = nil
        case (let certificate?, let key?):
            files = Setting(
                value: CertificateFiles(certificate: certificate.value, key: key.value), source: certificate.source)
        case (_?, nil): throw .cannotStart("'tls-certificate' needs 'tls-key', the file with its private key")
        case (nil, _?): throw .cannotStart("'tls-key' goes with 'tls-certificate', the file with the key's certificate")
        }
        rowsOfFiles = [(SettingName.tlsCertificate, certificate), (.tlsKey, key)].compactMap { name, setting in
            setting.map { ["  \(name.rawValue)", $0.value, $0.source.text] }
        }
        let proxies = settings.text(
            .trustedProxy, given.isEmpty ? nil : given.joined(separator: ","), default: "")
        var ranges: [AddressRange] = []
        for text in proxies.value.split(separator: ",").map({ $0.trimmingCharacters(in: .whitespaces) }) {
            guard let range = AddressRange(text) else {
                throw .cannotStart(
                    "trusted-proxy: '\(text)' is no address such as 192.0.2.7, 10.0.0.0/8 or 2001:db8::/32, or has bits beyond its "
                        + "prefix (\(proxies.source.text))")
            }
            ranges.append(range)
        }
        trustedProxies = Setting(value: TrustedProxies(ranges), source: proxies.source)
    }

    /// `https` where the server speaks TLS itself.
    var scheme: String { files == nil ? "http" : "https" }

    /// The settings as `doctor` shows them.
    var rows: [[String]] {
        let ranges = trustedProxies.value.ranges.map(\.description)
        return rowsOfFiles
            + (ranges.isEmpty
                ? [] : [["  trusted-proxy", ranges.joined(separator: ","), trustedProxies.source.text]])
    }
}

extension ServerCertificate {
    /// The host by which a person's browser may ask for the server; the one given where the certificate names none.
    func host(orElse host: String) -> String { hosts.first { !$0.hasPrefix("*") } ?? host }
}

extension String {
    /// The host as it stands in an address: one of IPv6 in brackets.
    var inAddress: String { contains(":") ? "[\(self)]" : self }
}
