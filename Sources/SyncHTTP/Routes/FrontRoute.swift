import HTTPTypes
import Hummingbird
import NIOCore
import ReviewPage
import StrictJSON
import SyncWire

/// The server's bare address: a page in a browser, a few words for programs. It is open, because it says nothing about
/// any tenant.
struct FrontRoute: Sendable {
    let pages: ReviewPages
    let version: String

    var routes: [Route] {
        [Route(.get, "/", .open) { try front($0) }]
    }

    private func front(_ exchange: Exchange) throws -> Response {
        switch try MediaType.accepted(exchange.request.headers, among: [.json, .html]) {
        case .html: return .page(pages.front(FrontPage(version: version)))
        case .json, .ndjson, .csv, .eventStream:
            var writer = JSONWriter()
            writer.beginObject()
            writer.member("name", "rejoin")
            writer.member("version", version)
            writer.member("contract", "/openapi.yaml")
            writer.member("review", "/review")
            writer.endObject()
            return .json(writer.bytes)
        }
    }
}

extension Response {
    /// A page of this server, under the policy that all of them are served with.
    static func page(_ text: String, status: HTTPResponse.Status = .ok) -> Response {
        Response(
            status: status,
            headers: [
                .contentType: ReviewPages.contentType, .cacheControl: "no-store",
                .contentSecurityPolicy: ReviewPages.contentSecurityPolicy, .xFrameOptions: "DENY",
                .referrerPolicy: "same-origin", .crossOriginOpenerPolicy: "same-origin",
            ], body: ResponseBody(byteBuffer: ByteBuffer(string: text)))
    }
}
