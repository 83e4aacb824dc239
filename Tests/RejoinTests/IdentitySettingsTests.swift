import Causality
import SyncHTTP
import Testing

@testable import rejoin

@Suite("whose tokens are taken, as the settings say it")
struct IdentitySettingsTests {
    private func settings(_ issuer: String, more: String = "") throws -> IdentitySettings {
        let yaml =
            "own-tokens: true\nissuers:\n  - {issuer: 'https://a.example', audience: r, tenant: t, \(issuer)}\n\(more)"
        return try IdentitySettings(try YAMLText.root(of: yaml))
    }

    @Test("an issuer is what it is said to be")
    func whole() throws {
        let issuer = try #require(
            try settings(
                """
                keys: {file: keys.json}, algorithms: [ES256, RS256], leeway: 5, user: 'shop:{uid}', device: [d.x, id],
                roles: {claim: realm_access.roles, names: {boss: [admin, reviewer], field: device}}, tenants: [acme]
                """
            ).issuers.first)
        #expect(issuer.name == "https://a.example" && issuer.audiences == ["r"] && issuer.leewaySeconds == 5)
        #expect(issuer.keys == .file("keys.json") && issuer.algorithms == ["ES256", "RS256"])
        #expect(issuer.tenants == .named(["acme"]))
        #expect(issuer.claims.device?.names == ["d.x", "id"])
        #expect(issuer.claims.user == (try ClaimText(text: "shop:{uid}")))
        #expect(
            issuer.claims.roles
                == .mapped(
                    ClaimPlaces.Roles(
                        try ClaimPath(["realm_access", "roles"]),
                        meanings: ["boss": [.admin, .reviewer], "field": [.device]])))
    }

    @Test("what is not said is discovery, 'sub', no device, no roles and a minute")
    func standard() throws {
        let settings = try settings("")
        let issuer = try #require(settings.issuers.first)
        #expect(settings.takesOwnTokens && issuer.keys == .discovery && issuer.algorithms == nil)
        #expect(issuer.claims.user == .subject && issuer.claims.device == nil && issuer.claims.roles == .none)
        #expect(issuer.leewaySeconds == 60 && issuer.tenants == .asClaimed)
    }

    @Test(
        "what is misspelt or means nothing is refused with its place",
        arguments: [
            ("isuer: x", "isuer"), ("audience: ''", "audience"), ("audience: []", "audience"), ("tenant: ''", "tenant"),
            ("tenant: 'a..b'", "none of them empty"), ("tenant: 'a:{sub}:{org}'", "one claim in braces"),
            ("tenant: 'a:{sub'", "template"), ("tenant: 'a}{sub}'", "template"), ("tenant: {claim: x}", "list"),
            ("tenant: []", "1 to 8 names"), ("tenant: a.b.c.d.e.f.g.h.i", "1 to 8 names"),
            ("device: 'x:{sub}'", "is a template"), ("algorithms: [HS256]", "'HS256' is none of"),
            ("algorithms: [none]", "'none' is none of"), ("algorithms: []", "empty"), ("leeway: -1", "0 to 3600"),
            ("leeway: long", "0 to 3600"), ("keys: {url: 'http://b.example/k'}", "no https address"),
            ("keys: {url: 'https://u:p@b.example/k'}", "no https address"), ("keys: {url: 'ftp://b.example'}", "https"),
            ("keys: {uri: 'https://b.example'}", "uri"), ("keys: {}", "either"), ("keys: disco", "mapping"),
            ("keys: {url: 'https://b.example/k', file: k}", "either"), ("issuer: 'http://b.example'", "discovered"),
            ("issuer: accounts", "discovered"), ("roles: {claim: r}", "'names' is missing"),
            ("roles: {names: {a: admin}}", "'claim' is missing"), ("roles: {claim: r, names: {a: boss}}", "'boss'"),
            ("roles: {claim: r, names: {a: [admin, boss]}}", "'boss'"), ("roles: admin", "mapping"),
            ("tenants: all", "'any'"), ("tenants: []", "empty"), ("tenants: ['..']", "no names"),
            ("tenant: 'shop:{t}', tenants: [acme]", "nothing that 'tenant' comes to"),
        ])
    func refused(_ issuer: String, _ word: String) throws {
        // What stands there twice is refused by the YAML reader, so what is tried takes the place of what was there.
        var members = ["issuer: 'https://a.example'", "audience: r", "tenant: t"]
        members.removeAll { member in
            issuer.components(separatedBy: ", ").contains { $0.hasPrefix(member.prefix { $0 != ":" } + ":") }
        }
        let yaml = "issuers: [{\((members + [issuer]).joined(separator: ", "))}]"
        let root = try YAMLText.root(of: yaml)
        let error = #expect(throws: YAMLReadingError.self) { try IdentitySettings(root) }
        #expect(error?.message.hasPrefix("auth.issuers") == true && error?.message.contains(word) == true, "\(error!)")
    }

    @Test(
        "so is what is wrong around the issuers",
        arguments: [
            ("{}", "1 to 32"), ("issuers: []", "1 to 32"), ("issuers: {}", "list"), ("isuers: []", "isuers"),
            ("own-tokens: yes please\nissuers: []", "true or false"), ("issuers: [x]", "mapping"),
        ])
    func around(_ yaml: String, _ word: String) throws {
        let root = try YAMLText.root(of: yaml)
        let error = #expect(throws: YAMLReadingError.self) { try IdentitySettings(root) }
        #expect(error?.message.contains(word) == true, "\(error!)")
    }

    @Test("two issuers that can name one tenant need somebody who says that it is meant, and no issuer is there twice")
    func several() throws {
        let other = "  - {issuer: 'https://b.example', audience: r, tenant: org"
        #expect(throws: YAMLReadingError.self) { try settings("", more: other + "}") }
        #expect(try settings("", more: other + ", tenants: any}").issuers.count == 2)
        #expect(try settings("tenants: [acme]", more: other + ", tenants: [globex]}").issuers.count == 2)
        #expect(throws: YAMLReadingError.self) { try settings("tenants: [acme]", more: other + "}") }
        let twice = other.replacing("b.example", with: "a.example") + ", tenants: any}"
        let error = #expect(throws: YAMLReadingError.self) { try settings("", more: twice) }
        #expect(error?.message.contains("there twice") == true)
    }

    @Test("keys come over https, or from this machine")
    func addresses() {
        for good in ["https://a.example/k", "http://127.0.0.1:8080/k", "http://localhost/k", "http://[::1]:1/k"] {
            #expect(KeyAddress(good) != nil, "\(good)")
        }
        for bad in [
            "http://a.example/k", "http://127.0.0.1.example/k", "http://localhost.example", "file:///etc/passwd", "k",
            "",
            "https://", "https://user@a.example", "https://a.example/#f", "http://user:127.0.0.1@a.example/",
        ] {
            #expect(KeyAddress(bad) == nil, "\(bad)")
        }
        #expect(
            KeyAddress.discovery(of: "https://a.example/r/")?.url.absoluteString
                == "https://a.example/r/.well-known/openid-configuration")
        #expect(
            KeyAddress.discovery(of: "https://a.example")?.url.absoluteString
                == "https://a.example/.well-known/openid-configuration")
    }
}
