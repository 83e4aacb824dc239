import Crypto
import Foundation
import HTTPTypes
import Hummingbird
import Logging
import NIOCore
import RejoinProcesses
import SyncWire
import Synchronization

/// An OpenID provider with one page, on which one says who one is.
final class SmallProvider: Sendable {
    private struct Code {
        let user: String
        let client: String
        let redirect: String
        let nonce: String
        let challenge: String
    }

    private let key = P256.Signing.PrivateKey()
    private let codes = Mutex<[String: Code]>([:])
    private let place = Mutex("")

    /// Its name, which is where it answers.
    var issuer: String { place.withLock { $0 } }

    /// Runs a provider beside the body. It answers at another site than the servers of tests.
    static func run<Answer: Sendable>(
        _ body: @escaping @Sendable (SmallProvider) async throws -> Answer
    ) async throws -> Answer {
        let provider = SmallProvider()
        let (ports, port) = AsyncStream.makeStream(of: Int.self)
        let application = Application(
            router: provider.router(),
            configuration: ApplicationConfiguration(address: .hostname("127.0.0.1", port: 0)),
            onServerRunning: { channel in port.yield(channel.localAddress?.port ?? 0) },
            logger: Logger(label: "provider") { _ in SwiftLogNoOpLogHandler() })
        return try await withThrowingTaskGroup(of: Answer?.self) { group in
            group.addTask {
                try await application.run()
                return nil
            }
            group.addTask {
                guard let number = await ports.first(where: { _ in true }) else {
                    throw TestError("the provider did not start")
                }
                provider.place.withLock { $0 = "http://localhost:\(number)" }
                return try await body(provider)
            }
            defer { group.cancelAll() }
            while let answer = try await group.next() {
                if let answer { return answer }
            }
            throw TestError("the provider ended")
        }
    }

    private func router() -> Router<BasicRequestContext> {
        let router = Router()
        router.get("/.well-known/openid-configuration") { _, _ in
            Self.json(
                """
                {"issuer": "\(self.issuer)", "jwks_uri": "\(self.issuer)/keys",
                 "authorization_endpoint": "\(self.issuer)/authorize", "token_endpoint": "\(self.issuer)/token",
                 "authorization_response_iss_parameter_supported": true}
                """)
        }
        router.get("/keys") { _, _ in
            let point = self.key.publicKey.x963Representation.dropFirst()
            let (x, y) = (Base64URL.encode(Array(point.prefix(32))), Base64URL.encode(Array(point.suffix(32))))
            return Self.json(#"{"keys": [{"kty": "EC", "crv": "P-256", "kid": "1", "x": "\#(x)", "y": "\#(y)"}]}"#)
        }
        router.get("/authorize") { request, _ in self.page(request) }
        router.post("/token") { request, _ in
            let body = try await request.body.collect(upTo: 64 * 1024)
            return try self.token(Self.fields(String(buffer: body)))
        }
        return router
    }

    private static func fields(_ text: String) -> [String: String] {
        let items = URLComponents(string: "/?" + text)?.queryItems ?? []
        return Dictionary(items.map { ($0.name, $0.value ?? "") }, uniquingKeysWith: { $1 })
    }

    private static func json(_ text: String, status: HTTPResponse.Status = .ok) -> Response {
        Response(
            status: status, headers: [.contentType: "application/json"],
            body: ResponseBody(byteBuffer: ByteBuffer(string: text)))
    }

    /// The page, with a link for each who may be the one.
    private func page(_ request: Request) -> Response {
        let asked = Self.fields(request.uri.query ?? "")
        var links = ""
        for user in ["rita", "ben"] {
            let code = UUID().uuidString
            codes.withLock {
                $0[code] = Code(
                    user: user, client: asked["client_id"] ?? "", redirect: asked["redirect_uri"] ?? "",
                    nonce: asked["nonce"] ?? "", challenge: asked["code_challenge"] ?? "")
            }
            var back = URLComponents(string: asked["redirect_uri"] ?? "")
            back?.queryItems = [
                URLQueryItem(name: "code", value: code), URLQueryItem(name: "state", value: asked["state"]),
                URLQueryItem(name: "iss", value: issuer),
            ]
            links += #"<p><a href="\#(back?.string?.replacing("&", with: "&amp;") ?? "")">I am \#(user)</a></p>"#
        }
        return Response(
            status: .ok, headers: [.contentType: "text/html"],
            body: ResponseBody(byteBuffer: ByteBuffer(string: "<!DOCTYPE html><h1>Who are you?</h1>\(links)")))
    }

    /// The token for a code, once, for whoever can show that they asked for it.
    private func token(_ form: [String: String]) throws -> Response {
        let code = codes.withLock { $0.removeValue(forKey: form["code"] ?? "") }
        let digest = Base64URL.encode(Array(SHA256.hash(data: Data((form["code_verifier"] ?? "").utf8))))
        guard let code, code.challenge == digest, code.client == form["client_id"],
            code.redirect == form["redirect_uri"]
        else { return Self.json(#"{"error": "invalid_grant"}"#, status: .badRequest) }
        let now = Int(Date().timeIntervalSince1970)
        let groups = code.user == "rita" ? #"["dispatcher"]"# : "[]"
        let parts = [
            #"{"alg": "ES256", "kid": "1"}"#,
            """
            {"iss": "\(issuer)", "aud": "\(code.client)", "sub": "\(code.user)", "org": "acme", "groups": \(groups),
             "iat": \(now), "exp": \(now + 300), "nonce": "\(code.nonce)"}
            """,
        ]
        let text = parts.map { Base64URL.encode(Array($0.utf8)) }.joined(separator: ".")
        let signature = try key.signature(for: Data(text.utf8)).rawRepresentation
        let token = text + "." + Base64URL.encode(Array(signature))
        return Self.json(#"{"access_token": "a", "token_type": "Bearer", "id_token": "\#(token)"}"#)
    }
}
