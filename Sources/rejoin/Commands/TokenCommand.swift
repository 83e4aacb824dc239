import ArgumentParser
import Causality
import Foundation
import MergeCore
import SyncEngine
import SyncHTTP
import SyncWire

struct TokenCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "token",
        abstract:
            "Mint a token, or a link that signs a reviewer in, with the server's own key; print it alone.",
        subcommands: [MintTokenCommand.self, RevokeTokensCommand.self],
        defaultSubcommand: MintTokenCommand.self)
}

struct MintTokenCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "mint", abstract: "Mint a token, or a link; what 'rejoin token' does by itself.")

    @OptionGroup var common: CommonOptions

    @Option(help: "The tenant that the token is for.")
    var tenant: String

    @Option(help: "The device that the token is bound to.")
    var device: String?

    @Option(help: "reviewer or admin; can be given more than once.")
    var role: [String] = []

    @Option(help: "The user, 'sub' in the token. (default: the device, or the role)")
    var user: String?

    @Option(help: "How long it is valid: a number and s, m, h or d. (default: 30d; of a link, 15m)")
    var expires: String?

    @Flag(help: "A link to the reviewers' page instead, which signs the user in once. With --role reviewer.")
    var link = false

    @Option(
        help: """
            Where the browser finds the server, for --link. (default: what the settings say of host, port and TLS, \
            http://127.0.0.1:8080)
            """)
    var url: String?

    func run() async throws {
        let settings = try SettingsResolution(config: common.config)
        let data = DataDirectory(settings, common)
        let claims = try link ? linkClaims() : claims()
        let prefix = try link ? base(settings) + "/review/sign-in?code=" : ""
        print(prefix + (try await TokenMint(data.ownKeys().signing).token(claims)))
    }

    private func linkClaims() throws(CommandFailure) -> TokenClaims {
        guard role == [Caller.Role.reviewer.rawValue], device == nil else {
            throw .cannotStart("--link is for a reviewer: give --role reviewer and nothing else")
        }
        let claims = try claims()
        return .link(
            user: claims.sub, tenant: claims.tenant, id: UUID().uuidString, issuedAtSeconds: claims.iat,
            expiresAtSeconds: claims.exp)
    }

    private func base(_ settings: SettingsResolution) throws(CommandFailure) -> String {
        let url = if let url { url } else { try settings.browserAddress }
        guard let parsed = URL(string: url), ["http", "https"].contains(parsed.scheme), parsed.host != nil,
            parsed.query == nil, parsed.fragment == nil
        else { throw .cannotStart("--url is where the server is, as in https://sync.example.org") }
        return String(url.reversed().drop { $0 == "/" }.reversed())
    }

    private func claims() throws(CommandFailure) -> TokenClaims {
        guard device != nil || !role.isEmpty else { throw .cannotStart("give --device, or --role reviewer or admin") }
        var roles: [String] = device == nil ? [] : [Caller.Role.device.rawValue]
        for name in role {
            guard let known = Caller.Role(rawValue: name), known != .device else {
                throw .cannotStart("'\(name)' is no role; give reviewer or admin")
            }
            roles.append(known.rawValue)
        }
        if let device, let issue = DeviceIDRule.issue(device) { throw .cannotStart("--device: \(issue)") }
        for (option, name) in [("--tenant", tenant), ("--user", user)] {
            // Names that the server would refuse at every request.
            if let name, let issue = NameRule.issue(in: ExactString(name), limits: WireLimits()) {
                throw .cannotStart("\(option): \(issue)")
            }
        }
        let expires = expires ?? (link ? "15m" : "30d")
        guard let seconds = Self.seconds(expires) else {
            throw .cannotStart("'\(expires)' is no time; give a number and s, m, h or d")
        }
        // The time goes to the millisecond: of what is revoked and minted anew in one second, the new one is good.
        let now = (Date().timeIntervalSince1970 * 1000).rounded(.up) / 1000
        return TokenClaims(
            user: user ?? device ?? role.first ?? "", tenant: tenant, device: device, roles: roles,
            issuedAtSeconds: now, expiresAtSeconds: now.rounded() + seconds)
    }

    static func seconds(_ text: String) -> Double? {
        let units: [Character: Double] = ["s": 1, "m": 60, "h": 3_600, "d": 86_400]
        guard let last = text.last, let unit = units[last], let number = Int(text.dropLast()), number > 0,
            number <= 36_500
        else { return nil }
        return Double(number) * unit
    }
}

extension SettingsResolution {
    /// Where a browser finds a server with these settings.
    fileprivate var browserAddress: String {
        get throws(CommandFailure) {
            let tls = try TLSSettings(nil, self)
            let port = try integer(.port, nil, in: 0...65_535, default: 8080).value
            let host = text(.host, nil, default: "127.0.0.1").value
            let named = tls.files.flatMap { try? ServerCertificate($0.value, at: Date()) }?.host(orElse: host) ?? host
            return "\(tls.scheme)://\(named.inAddress):\(port)"
        }
    }
}
