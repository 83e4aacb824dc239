import HTTPTypes
import Hummingbird
import NIOCore

extension Exchange {
    /// Answers below this fit into one packet, with their head.
    private static let leastBytes = 1_024

    private var coding: ContentCoding { .accepted(request.headers) }

    /// A whole JSON answer, compressed where the client takes that and it is worth it. `HEAD` compresses too: it says how long
    /// the answer to `GET` is.
    func json(_ forms: AnswerForms) async -> Response {
        var response: Response
        if coding == .gzip, forms.plain.readableBytes >= Self.leastBytes,
            let packed = await forms.gzipped(chargedTo: charge)
        {
            response = .json(packed)
            response.headers[.contentEncoding] = "gzip"
        } else {
            response = .json(forms.plain)
        }
        response.headers[.vary] = "Accept-Encoding"
        return response
    }

    /// An answer of unknown length, compressed where the client takes that.
    func stream(_ body: ResponseBody, as type: MediaType) -> Response {
        let isCompressed = coding == .gzip
        var headers: HTTPFields = [.contentType: type.text, .cacheControl: "no-store", .vary: "Accept-Encoding"]
        if isCompressed { headers[.contentEncoding] = "gzip" }
        return Response(
            status: .ok, headers: headers, body: isCompressed ? body.gzipped(chargedTo: charge) : body)
    }
}
