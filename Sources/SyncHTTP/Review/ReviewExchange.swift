import Causality
import HTTPTypes
import Hummingbird
import MergeCore
import NIOCore
import ReviewPage
import SyncEngine
import SyncStorage
import SyncWire

/// One request of a signed-in reviewer's browser on its way to its answer.
struct ReviewExchange: Sendable {
    let request: Request
    let query: QueryParameters
    let reviewer: SignedInReviewer
    private let parameters: Parameters

    /// Reads the address.
    /// - Throws: `invalid_request` for a parameter that the page does not have, and for a filter that cannot be read: a
    ///   page that showed more than was asked for would have more decided than was meant.
    init(
        _ request: Request, declared: Set<String>, parameters: Parameters, reviewer: SignedInReviewer
    ) throws(Problem) {
        self.request = request
        self.parameters = parameters
        self.reviewer = reviewer
        query = try QueryParameters(request.uri.query, declared: declared)
        for name in declared { _ = try query.one(name) }
        guard declared.isSuperset(of: ConflictFilters.names),
            let unread = ConflictFilters.unread(in: { query.all($0).first })
        else { return }
        throw .invalidQuery("'\(unread)' cannot be read as a filter.")
    }

    var caller: Caller { reviewer.caller }

    var session: ReviewSession {
        ReviewSession(
            user: caller.user.text, tenant: caller.tenant.name.text, csrf: reviewer.formToken)
    }

    /// The filters that the address names, which every form keeps.
    var filters: ConflictFilters {
        ConflictFilters { name in query.all(name).first }
    }

    func conflictID() throws(Problem) -> ConflictID {
        guard let text = parameters.get("id"), let position = Int64(text) else { throw .notFound }
        return ConflictID(position: position)
    }

    /// The number in the address, of a side or a comment, from 0.
    func number() throws(Problem) -> Int {
        guard let text = parameters.get("number"), let number = Int(text), number >= 0 else { throw .notFound }
        return number
    }

    /// The same address with a word about what was done, for the page after a form.
    func address(_ path: String, saying word: String) -> String {
        var items = (request.uri.query ?? "").split(separator: "&").filter { !$0.hasPrefix("said=") }
        items.append("said=\(word)")
        return path + "?" + items.joined(separator: "&")
    }
}

/// The fields of a form (`application/x-www-form-urlencoded`), read once.
struct FormFields: Sendable {
    private let fields: QueryParameters

    /// - Throws: `unsupported_media_type`, `batch_too_large`, `invalid_request`.
    /// - Parameter bodyBytes: how many are read, nil for those of any form.
    init(of request: Request, limits: RequestLimits, bodyBytes: Int? = nil) async throws(Problem) {
        let type = request.headers[.contentType]?.prefix { $0 != ";" }.lowercased()
        guard type == "application/x-www-form-urlencoded" else {
            throw Problem(.unsupportedMediaType, "This is for forms.")
        }
        let bodyBytes = bodyBytes ?? limits.formBytes
        let body = try await request.body.whole(of: request, upTo: bodyBytes)
        fields = QueryParameters(
            try EncodedPairs(body.readableBytesView, within: .init(bytes: bodyBytes, pairs: limits.formFields)))
    }

    /// The first field of the name; empty where there is none.
    subscript(_ name: String) -> String { fields.all(name).first ?? "" }

    func all(_ name: String) -> [String] { fields.all(name) }

    /// A text, in which a browser ends lines as it likes; nil when it is empty.
    /// - Throws: `invalid_request` when it is longer than a comment may be.
    func text(_ name: String, limits: WireLimits) throws(Problem) -> ExactString? {
        let text = self[name].replacing("\r\n", with: "\n")
        guard !text.isEmpty else { return nil }
        guard text.utf8.count <= limits.commentBytes else {
            throw Problem(.invalidRequest, "A text here has at most \(limits.commentBytes) bytes.")
        }
        return ExactString(text)
    }
}
