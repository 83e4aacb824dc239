import Foundation
import SyncEngine
import SyncHTTP
import Yams

extension IdentitySettings {
    /// `sign-in`: the issuer at which reviewers sign in.
    struct SignIn: Sendable, Hashable {
        /// One of the issuers.
        let issuer: String
        /// Who this server is there.
        let clientID: String
        /// Where its secret is; nil for a client without one.
        let secretFile: String?
        let scopes: [String]
        /// Where browsers find this server, without a path.
        let address: String
    }
}

extension IdentitySettings.SignIn {
    private static let place = "auth.sign-in"

    init(_ node: Node, among issuers: [IdentitySettings.Issuer]) throws(YAMLReadingError) {
        let members = try YAMLMembers(
            node, at: Self.place, allowing: ["issuer", "client-id", "client-secret-file", "scopes", "address"])
        issuer = try members.needed("issuer", "which of the issuers reviewers sign in at")
        clientID = try members.needed("client-id", "who this server is at the issuer")
        secretFile = try members.text("client-secret-file")
        guard secretFile != "" else {
            throw YAMLReadingError("\(Self.place).client-secret-file", "this is the path of a file")
        }
        scopes = try Self.scopes(members)
        address = try Self.address(members)
        try Self.check(issuer, among: issuers)
    }

    private static func scopes(_ members: YAMLMembers) throws(YAMLReadingError) -> [String] {
        guard members.has("scopes") else { return ["openid"] }
        let scopes = try members.list("scopes")
        // RFC 6749 section 3.3.
        let isPlain = scopes.allSatisfy { scope in
            !scope.isEmpty && scope.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F && $0 != 0x22 && $0 != 0x5C }
        }
        guard isPlain, scopes.contains("openid") else {
            throw YAMLReadingError("\(place).scopes", "this is a list of scopes, 'openid' among them")
        }
        return scopes
    }

    private static func address(_ members: YAMLMembers) throws(YAMLReadingError) -> String {
        let text = try members.needed("address", "where browsers find this server, as in https://sync.example")
        let origin = text.hasSuffix("/") ? String(text.dropLast()) : text
        guard let url = KeyAddress(origin)?.url, url.path().isEmpty, url.query() == nil else {
            throw YAMLReadingError(
                "\(place).address",
                "'\(text)' is no https address of a host without a path (http is for this machine's own alone)")
        }
        return origin
    }

    private static func check(
        _ name: String, among issuers: [IdentitySettings.Issuer]
    ) throws(YAMLReadingError) {
        guard let issuer = issuers.first(where: { $0.name == name }) else {
            throw YAMLReadingError("\(place).issuer", "'\(name)' is none of 'auth.issuers', to the letter")
        }
        guard KeyAddress.discovery(of: name) != nil else {
            throw YAMLReadingError(
                "\(place).issuer", "'\(name)' is no https address, so where it signs in cannot be discovered")
        }
        let hasReviewers =
            switch (issuer.claims.tenant, issuer.claims.roles) {
            case (.membership, _): true
            case (.claimed, .mapped(let roles)): roles.meanings.values.contains { $0.contains(.reviewer) }
            case (.claimed, .own), (.claimed, .none): false
            }
        guard hasReviewers else {
            throw YAMLReadingError(
                "\(place).issuer",
                "nobody of '\(name)' is a reviewer: none of its 'roles' means that, and it has no 'members'")
        }
    }
}
