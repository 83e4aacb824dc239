import HTTPTypes
import Hummingbird
import MergeCore
import NIOCore
import StrictJSON
import SyncEngine
import SyncStorage
import SyncWire
import Values

/// Something of which a conflict's page shows the beginning.
enum ConflictText: Sendable {
    case side
    case comment
    case resolution
    /// What the conflict's unit shows now.
    case now
    /// All fields of the record.
    case record
}

extension ReviewPageRoutes {
    /// All of one thing, as it is kept: values in canonical JSON, comments as they were written.
    ///
    /// Plain text, so that a browser shows whatever a device wrote and does nothing else with it.
    /// - Throws: `not_found` where the conflict has no such side or comment, or the record no value.
    func text(_ exchange: ReviewExchange, of part: ConflictText) async throws -> Response {
        let id = try exchange.conflictID()
        let text: String?
        switch part {
        case .now, .record:
            let record = try await engine.reviewedRecord(exchange.caller, id)
            let value = part == .now ? record?.shown : record.map { Value.object($0.fields) }
            text = value?.canonicalText
        case .side, .comment, .resolution:
            let view = try await engine.conflictView(exchange.caller, id)
            switch part {
            case .side: text = try view.sides.at(try exchange.number()).flatMap { $0.row.present ? $0.row.value : nil }
            case .comment: text = try view.comments.at(try exchange.number())?.text.text
            case .resolution, .now, .record: text = view.ending?.value?.canonicalText
            }
        }
        guard let text else { throw Problem.notFound }
        return Response(
            status: .ok,
            headers: [
                .contentType: "text/plain; charset=utf-8", .cacheControl: "no-store",
                .contentSecurityPolicy: "default-src 'none'; sandbox", .xFrameOptions: "DENY",
                .referrerPolicy: "same-origin", .crossOriginOpenerPolicy: "same-origin",
            ], body: ResponseBody(byteBuffer: ByteBuffer(string: text)))
    }
}

extension Array {
    fileprivate func at(_ index: Int) -> Element? { indices.contains(index) ? self[index] : nil }
}
