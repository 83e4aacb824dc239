import Foundation
import Testing

@testable import rejoin

@Suite("where reviewers sign in, as the settings say it")
struct SignInSettingsTests {
    private static let reviewers = "tenant: t, roles: {claim: r, names: {boss: reviewer}}"

    private func settings(_ signIn: String, issuer: String = reviewers) throws -> IdentitySettings {
        let yaml = "issuers: [{issuer: 'https://a.example', audience: r, \(issuer)}]\nsign-in: \(signIn)"
        return try IdentitySettings(try YAMLText.root(of: yaml))
    }

    @Test("it is what it is said to be, and 'openid' for a client without a secret where no more is said")
    func whole() throws {
        let whole = try settings(
            """
            {issuer: 'https://a.example', client-id: pages, client-secret-file: s, scopes: [openid, groups],
             address: 'https://sync.example:8443/'}
            """
        ).signIn
        #expect(whole?.issuer == "https://a.example" && whole?.clientID == "pages" && whole?.secretFile == "s")
        #expect(whole?.scopes == ["openid", "groups"] && whole?.address == "https://sync.example:8443")
        let least = "{issuer: 'https://a.example', client-id: pages, address: 'http://127.0.0.1:8080'}"
        for issuer in [Self.reviewers, "members: true"] {
            let signIn = try settings(least, issuer: issuer).signIn
            #expect(signIn?.scopes == ["openid"] && signIn?.secretFile == nil, "\(issuer)")
        }
    }

    @Test(
        "what is misspelt, missing or means nothing is refused with its place",
        arguments: [
            ("issuer", "", "'issuer' is missing"), ("issuer", "issuer: 'https://a.example/'", "none of 'auth.issuers'"),
            ("issuer", "issuer: 'https://b.example'", "none of 'auth.issuers'"), ("client-id", "", "'client-id'"),
            ("client-id", "client-id: ''", "'client-id'"), ("address", "", "'address' is missing"),
            ("address", "address: sync.example", "no https address"),
            ("address", "address: 'http://sync.example'", "no https address"),
            ("address", "address: 'https://sync.example/review'", "without a path"),
            ("address", "address: 'https://sync.example/?a=b'", "without a path"),
            ("address", "address: 'https://sync.example#x'", "no https address"),
            ("address", "address: 'https://u:p@sync.example'", "no https address"),
            ("scopes", "scopes: []", "'openid'"), ("scopes", "scopes: [groups]", "'openid'"),
            ("scopes", "scopes: [openid, 'a b']", "'openid'"), ("scopes", "scopes: openid", "list"),
            ("client-secret-file", "client-secret-file: ''", "path of a file"),
            ("client-secret", "client-secret: hush", "'client-secret' is unknown"),
            ("redirect", "redirect: x", "redirect"),
        ])
    func refused(_ name: String, _ member: String, _ word: String) throws {
        var members = [
            "issuer": "issuer: 'https://a.example'", "client-id": "client-id: pages",
            "address": "address: 'https://s.example'",
        ]
        members[name] = member.isEmpty ? nil : member
        let yaml = "{\(members.values.sorted().joined(separator: ", "))}"
        let error = #expect(throws: YAMLReadingError.self) { try settings(yaml) }
        #expect(error?.message.hasPrefix("auth.sign-in") == true && error?.message.contains(word) == true, "\(error!)")
    }

    @Test("the example of docs/identity.md can be used")
    func example() throws {
        let page = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../../docs/identity.md")
        let text = try String(contentsOf: page, encoding: .utf8)
        let section = try #require(
            text.components(separatedBy: "\n## ").first { $0.hasPrefix("Reviewers sign in with the provider\n") })
        let yaml = try #require(section.components(separatedBy: "```yaml\n").dropFirst().first)
        let root = try YAMLText.root(of: try #require(yaml.components(separatedBy: "```").first))
        let settings = try IdentitySettings(try YAMLMembers(root, at: "file", allowing: ["auth"]).node("auth"))
        #expect(settings.signIn?.scopes == ["openid", "roles"] && settings.signIn?.address == "https://sync.example")
    }

    @Test("an issuer of whom nobody reviews is refused")
    func nobody() throws {
        let signIn = "{issuer: 'https://a.example', client-id: pages, address: 'https://s.example'}"
        for issuer in ["tenant: t", "tenant: t, roles: {claim: r, names: {boss: admin}}"] {
            let error = #expect(throws: YAMLReadingError.self) { try settings(signIn, issuer: issuer) }
            #expect(error?.message.contains("nobody of 'https://a.example' is a reviewer") == true)
        }
        #expect(throws: YAMLReadingError.self) { try settings("x") }
        #expect(throws: YAMLReadingError.self) { try settings("[]") }
    }
}
