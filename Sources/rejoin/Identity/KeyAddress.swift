import Foundation

/// An address from which keys are taken: `https`, because whoever changes an answer on its way signs what they like; or
/// `http` on this machine.
struct KeyAddress: Sendable, Hashable {
    let url: URL

    /// - Returns: nil for what is no such address, and for one with a user, a query or a fragment.
    init?(_ text: String) {
        guard let url = URL(string: text), let host = url.host(percentEncoded: false), !host.isEmpty,
            url.user == nil, url.password == nil, url.fragment == nil
        else { return nil }
        switch url.scheme {
        case "https": break
        case "http" where Self.isOwn(host): break
        case _: return nil
        }
        self.url = url
    }

    /// Where the issuer of the name tells about itself (OpenID Connect Discovery section 4).
    static func discovery(of issuer: String) -> KeyAddress? {
        KeyAddress((issuer.hasSuffix("/") ? String(issuer.dropLast()) : issuer) + "/.well-known/openid-configuration")
    }

    /// Whether everything goes on inside this machine.
    var isOwn: Bool { url.host(percentEncoded: false).map(Self.isOwn) ?? false }

    private static func isOwn(_ host: String) -> Bool { ["127.0.0.1", "::1", "[::1]", "localhost"].contains(host) }
}
