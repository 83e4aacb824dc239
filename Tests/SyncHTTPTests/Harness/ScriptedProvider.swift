import EngineHarness
import Foundation
import SyncEngine
import SyncHTTP
import SyncWire
import Synchronization
import Testing

/// A provider that answers as a test says, and what it was sent.
final class ScriptedProvider: Sendable {
    static let issuer = "https://id.example/realm"
    static let clientID = "rejoin pages"

    typealias Answer = @Sendable (ProviderSignIn.Exchange) async throws -> Result<String, ProviderSignIn.Failure>

    let key = HandmadeKey(id: "1")
    private let state = Mutex<(answer: Answer?, exchanges: [[String: String]], discovery: Bool, readings: Int)>(
        (nil, [], true, 0))

    /// The forms that came.
    var exchanges: [[String: String]] { state.withLock { $0.exchanges } }
    /// How often it was asked where it answers.
    var readings: Int { state.withLock { $0.readings } }

    func answers(_ answer: @escaping Answer) { state.withLock { $0.answer = answer } }
    func isThere(_ isThere: Bool) { state.withLock { $0.discovery = isThere } }

    /// The provider for a server.
    func signIn(address: String = "http://localhost:8080", namesIssuer: Bool = false) -> ProviderSignIn {
        ProviderSignIn(
            issuer: Self.issuer, clientID: Self.clientID, scopes: ["openid", "groups"], address: address,
            discover: {
                self.state.withLock { state in
                    state.readings += 1
                    guard state.discovery else { return .failure(.unavailable(reason: "it is away")) }
                    return .success(
                        ProviderSignIn.Endpoints(
                            authorization: "https://id.example/authorize?realm=1", token: "https://id.example/token",
                            namesIssuer: namesIssuer, takesSecretInForm: false))
                }
            },
            exchange: { exchange, _ in
                let answer = self.state.withLock { state in
                    state.exchanges.append(
                        Dictionary(exchange.fields.map { ($0.name, $0.value) }, uniquingKeysWith: { $1 }))
                    return state.answer
                }
                do {
                    return try await answer?(exchange) ?? .failure(.refused(reason: "nothing was said"))
                } catch {
                    return .failure(.unavailable(reason: "the test is wrong: \(error)"))
                }
            })
    }

    /// What its tokens mean.
    func tokenIssuer(members: Bool = false) throws -> TokenIssuer {
        let groups = ClaimPlaces.Roles(try ClaimPath(text: "groups"), meanings: ["reviewers": [.reviewer]])
        return try .test(
            Self.issuer, ScriptedKeys([key.jwk()]), tenant: members ? nil : "tenant",
            roles: members ? .none : .mapped(groups))
    }

    func options(members: Bool = false) throws -> ServerOptions {
        var options = ServerOptions()
        options.issuers = [try tokenIssuer(members: members)]
        options.signIn = signIn()
        return options
    }

    /// The answer with this ID token.
    static func answer(_ token: String) -> String {
        #"{"access_token":"secret-access","token_type":"Bearer","expires_in":60,"id_token":"\#(token)"}"#
    }

    /// The claims of a reviewer's ID token, as members of an object.
    static func claims(nonce: String, _ changes: [String: String?] = [:]) -> String {
        let now = TestClock.start / 1000
        var claims: [String: String] = [
            "iss": #""\#(issuer)""#, "aud": #""\#(clientID)""#, "sub": #""rita""#, "iat": "\(now)",
            "exp": "\(now + 300)", "nonce": #""\#(nonce)""#, "tenant": #""acme""#, "groups": #"["reviewers","staff"]"#,
        ]
        for (name, value) in changes { claims[name] = value }
        return "{" + claims.sorted { $0.key < $1.key }.map { #""\#($0.key)":\#($0.value)"# }.joined(separator: ",")
            + "}"
    }

    /// Signs in the next one who comes back from this visit.
    func signsIn(_ visit: ProviderVisit, _ changes: [String: String?] = [:]) throws {
        let token = try key.token(Self.claims(nonce: visit.sent("nonce"), changes))
        answers { _ in .success(Self.answer(token)) }
    }
}

/// A browser that was sent to the provider.
struct ProviderVisit: Sendable {
    /// The parameters with which it came there.
    let parameters: [String: String]
    /// The text of the header `Cookie`.
    let cookie: String
    /// All of `Set-Cookie`.
    let setCookie: String
    let location: String

    func sent(_ name: String) -> String { parameters[name] ?? "" }
}

extension TestServer {
    func goToProvider(_ query: String = "") async throws -> ProviderVisit {
        let answer = try await send(.get, "/review/provider\(query)")
        #expect(answer.status == 303)
        let location = try #require(answer.header("Location"))
        let items = URLComponents(string: location)?.queryItems ?? []
        let setCookie = try #require(answer.header("Set-Cookie"))
        return ProviderVisit(
            parameters: Dictionary(items.map { ($0.name, $0.value ?? "") }, uniquingKeysWith: { $1 }),
            cookie: String(setCookie.prefix { $0 != ";" }), setCookie: setCookie, location: location)
    }

    /// - Parameters:
    ///   - more: what the provider adds to the address.
    ///   - state: nil for that of the visit.
    ///   - cookie: nil for that of the visit.
    func comeBack(
        _ visit: ProviderVisit, _ more: String = "&code=c", state: String? = nil, cookie: String? = nil
    ) async throws -> Answer {
        try await send(
            .get, "/review/provider/callback?state=\(state ?? visit.sent("state"))\(more)",
            headers: [("Cookie", cookie ?? visit.cookie)])
    }
}

extension Answer {
    /// All of `Set-Cookie`, by the cookies' names.
    var cookies: [String: String] {
        Dictionary(
            headers[values: .setCookie].map { (String($0.prefix { $0 != "=" }), $0) }, uniquingKeysWith: { $1 })
    }

    /// The session that was begun, as the header `Cookie` has it.
    var sessionCookie: String? { cookies["rejoin_review"].map { String($0.prefix { $0 != ";" }) } }
}
