import Foundation
import HTTPTypes
import SyncWire

/// The representations that are offered.
enum MediaType: Sendable, Hashable {
    case json, ndjson, csv, html, eventStream

    var text: String {
        switch self {
        case .json: "application/json"
        case .ndjson: "application/x-ndjson"
        case .csv: "text/csv; charset=utf-8"
        case .html: "text/html; charset=utf-8"
        case .eventStream: "text/event-stream"
        }
    }

    /// The type without its parameters.
    fileprivate var name: String { String(text.prefix { $0 != ";" }) }
}

extension MediaType {
    /// The client's choice among what a route offers (RFC 9110 section 12.5.1): the offer with the greatest quality,
    /// the first of equals. Without `Accept` it is the first offer.
    /// - Throws: `not_acceptable` when the client takes none of them.
    static func accepted(_ headers: HTTPFields, among offers: [MediaType]) throws(Problem) -> MediaType {
        let header = headers[values: .accept].joined(separator: ",")
        guard !header.trimmingCharacters(in: .whitespaces).isEmpty else { return offers.first ?? .json }
        var best: (offer: MediaType, quality: Double)?
        for offer in offers {
            let quality = quality(of: offer.name, in: header)
            if quality > best?.quality ?? 0 { best = (offer, quality) }
        }
        guard let best else {
            throw Problem(.notAcceptable, "Offered: \(offers.map(\.name).joined(separator: ", ")).")
        }
        return best.offer
    }

    /// The quality that a header gives to a type. The most specific of the ranges that match decides.
    private static func quality(of name: String, in header: String) -> Double {
        var found: (specificity: Int, quality: Double) = (-1, 0)
        for part in header.split(separator: ",") {
            let pieces = part.split(separator: ";").map { $0.trimmingCharacters(in: .whitespaces).lowercased() }
            guard let range = pieces.first else { continue }
            let type = name.prefix { $0 != "/" }
            let specificity = range == name ? 2 : range == "\(type)/*" ? 1 : range == "*/*" ? 0 : -1
            guard specificity > found.specificity else { continue }
            let quality = pieces.dropFirst().first { $0.hasPrefix("q=") }.flatMap { Double($0.dropFirst(2)) } ?? 1
            found = (specificity, quality)
        }
        return found.specificity >= 0 ? found.quality : 0
    }
}
