import EngineHarness
import Foundation
import HTTPTypes
import MergeCore
import SyncHTTP
import Testing

/// A reviewer's browser, as far as a server sees it: a cookie and forms.
struct ReviewBrowser: Sendable {
    let server: TestServer
    /// The text of the header `Cookie`.
    let cookie: String
    /// The text of the hidden field `csrf`.
    let formToken: String

    var cookieValue: String { String(cookie.drop { $0 != "=" }.dropFirst()) }

    func get(_ path: String) async throws -> Answer {
        try await server.send(.get, path, headers: [("Cookie", cookie)])
    }

    /// Sends a form of the session's own.
    func post(
        _ path: String, _ fields: [(String, String)], headers: [(String, String)] = []
    ) async throws -> Answer {
        try await server.post(path, fields + [("csrf", formToken)], headers: headers + [("Cookie", cookie)])
    }
}

extension TestServer {
    func linkCode(
        tenant: String = "acme", user: String = "rita", validSeconds: Int64 = 900
    ) async throws -> String {
        try await mint.token(
            .link(
                user: user, tenant: tenant, id: UUID().uuidString,
                expiresAtSeconds: Double(clock.now / 1000 + validSeconds)))
    }

    func signIn(tenant: String = "acme", user: String = "rita") async throws -> ReviewBrowser {
        let answer = try await post("/review/sign-in", [("code", try await linkCode(tenant: tenant, user: user))])
        let cookie = String(try #require(answer.header("Set-Cookie")).prefix { $0 != ";" })
        let page = try await send(.get, "/review", headers: [("Cookie", cookie)])
        return ReviewBrowser(server: self, cookie: cookie, formToken: try #require(page.hidden("csrf")))
    }

    func post(
        _ path: String, _ fields: [(String, String)], headers: [(String, String)] = []
    ) async throws -> Answer {
        let body = fields.map { "\($0.0)=\(Self.encoded($0.1))" }.joined(separator: "&")
        return try await send(
            .post, path, headers: [("Content-Type", "application/x-www-form-urlencoded")] + headers,
            body: Array(body.utf8))
    }

    private static func encoded(_ text: String) -> String {
        text.addingPercentEncoding(withAllowedCharacters: .alphanumerics) ?? ""
    }

    /// A record whose status two devices gave without having heard of each other: first "sent", then "draft", which shows.
    @discardableResult
    func makeConflict(_ record: String) async throws -> TestDevice {
        let mac = try await device("mac", user: "ben")
        let ipad = try await device("ipad", user: "ana")
        _ = try await mac.send(mac.creating(record, ["status": "sent"], in: "estimates", at: TestClock.start - 9))
        _ = try await ipad.send(ipad.creating(record, ["status": "draft"], in: "estimates"))
        return mac
    }
}

extension Answer {
    /// The value of a page's first hidden field of the name.
    func hidden(_ name: String) -> String? { allHidden(name).first }

    func allHidden(_ name: String) -> [String] {
        text.components(separatedBy: "<input type=\"hidden\" name=\"\(name)\" value=\"").dropFirst().map { rest in
            String(rest.prefix { $0 != "\"" }).replacing("&quot;", with: "\"").replacing("&#34;", with: "\"")
                .replacing("&amp;", with: "&").replacing("&#43;", with: "+").replacing("&#61;", with: "=")
        }
    }
}
