import Foundation
import HTTPTypes

/// How an answer's bytes are coded on their way.
enum ContentCoding: Sendable, Hashable {
    case identity, gzip

    /// What the client has chosen of the two (RFC 9110 section 12.5.3). A client that names nothing gets the bytes as they are.
    static func accepted(_ headers: HTTPFields) -> ContentCoding {
        let header = headers[values: .acceptEncoding].joined(separator: ",").lowercased()
        var (gzip, identity, others): (Double?, Double?, Double?)
        for part in header.split(separator: ",") {
            let pieces = part.split(separator: ";").map { $0.trimmingCharacters(in: .whitespaces) }
            let quality = pieces.dropFirst().first { $0.hasPrefix("q=") }.map { Double($0.dropFirst(2)) ?? 0 } ?? 1
            switch pieces.first {
            case "gzip", "x-gzip": gzip = max(gzip ?? 0, quality)
            case "identity": identity = quality
            case "*": others = quality
            case _: break
            }
        }
        let quality = gzip ?? others ?? 0
        return quality > 0 && quality >= identity ?? 0 ? .gzip : .identity
    }
}
