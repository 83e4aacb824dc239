import Causality
import HTTPTypes
import Hummingbird
import MergeCore
import NIOCore
import ReviewPage
import StrictJSON
import SyncEngine
import SyncStorage
import SyncWire

/// The reviewers' page: the same commands as the audit's routes, for people with a browser.
///
/// The page guards against hostile values, other sites and leaked links. Values come from devices, so the pages escape
/// everything and run under a strict Content-Security-Policy. The session is a cookie that scripts cannot read and
/// other sites cannot send, and every form carries a token of the session besides. A link signs in once, and only when
/// its page's button is pressed, so that whoever previews it does not use it up.
struct ReviewPageRoutes: Sendable {
    private static let conflictsPerPage = 50
    /// Counting stops here: the list says `999+`.
    private static let countBound = 1_000
    private static let summaryRows = 20

    let engine: SyncEngine
    let limits: RequestLimits
    let verifier: TokenVerifier
    let sessions: ReviewSessions
    let pages: ReviewPages
    /// Where reviewers sign in with their provider; nil where there is none.
    let flow: ProviderFlow?

    /// One thing that a signed-in reviewer's browser asks for.
    private struct Page: Sendable {
        let declared: ReviewAddress
        let handle: @Sendable (ReviewExchange) async throws -> Response

        init(
            _ method: HTTPRequest.Method, _ path: String, query: Set<String> = [],
            handle: @escaping @Sendable (ReviewExchange) async throws -> Response
        ) {
            declared = ReviewAddress(method, path, query: query)
            self.handle = handle
        }
    }

    /// Something that anybody may ask for.
    struct OpenPage: Sendable {
        let declared: ReviewAddress
        let handle: @Sendable (Request, QueryParameters, ServerContext) async throws -> Response

        init(
            _ method: HTTPRequest.Method, _ path: String, query: Set<String> = [],
            others: ReviewAddress.Others = .refused,
            handle: @escaping @Sendable (Request, QueryParameters, ServerContext) async throws -> Response
        ) {
            declared = ReviewAddress(method, path, query: query, others: others)
            self.handle = handle
        }
    }

    private var signedIn: [Page] {
        let filters = ConflictFilters.names
        return [
            Page(.get, "/review", query: filters.union(["page"])) { try await list($0) },
            Page(.get, "/review/summary") { try await summary($0) },
            Page(.get, "/review/bulk", query: filters.union(["choose", "note"])) { try await bulk($0) },
            Page(.post, "/review/bulk", query: filters) { try await decideMany($0) },
            Page(.get, "/review/conflicts/{id}", query: filters.union(["said"])) { try await conflict($0) },
            Page(.get, "/review/conflicts/{id}/sides/{number}", query: filters) { try await text($0, of: .side) },
            Page(.get, "/review/conflicts/{id}/comments/{number}", query: filters) { try await text($0, of: .comment) },
            Page(.get, "/review/conflicts/{id}/resolution", query: filters) { try await text($0, of: .resolution) },
            Page(.get, "/review/conflicts/{id}/now", query: filters) { try await text($0, of: .now) },
            Page(.get, "/review/conflicts/{id}/record", query: filters) { try await text($0, of: .record) },
            Page(.post, "/review/conflicts/{id}/decide", query: filters) { try await decide($0) },
            Page(.post, "/review/conflicts/{id}/comment", query: filters) { try await comment($0) },
            Page(.post, "/review/conflicts/{id}/assign", query: filters) { try await assign($0) },
            Page(.post, "/review/sign-out") { try await signOut($0) },
            Page(.get, "/review/sessions") { try await sessions($0) },
            Page(.post, "/review/sessions/end") { try await endSessions($0) },
        ]
    }

    private var open: [OpenPage] {
        [
            OpenPage(.get, "/review/pulse", query: ["since", "wait"]) { request, query, _ in
                try await pulse(request, query)
            },
            OpenPage(.get, "/review/sign-in", query: ["code"]) { request, query, context in
                await answering(request, context) { _ in try await offerSignIn(code: try query.one("code") ?? "") }
            },
            OpenPage(.post, "/review/sign-in") { request, _, context in
                await answering(request, context) { _ in try await signIn(request) }
            },
        ] + providerPages
            + ReviewAsset.all.map { asset in
                OpenPage(.get, asset.path, query: ["v"]) { _, _, _ in
                    var response = Response.content(asset.bytes, type: asset.contentType)
                    // The address of an asset changes with its bytes.
                    response.headers[.cacheControl] = "public, max-age=31536000, immutable"
                    return response
                }
            }
    }

    /// Everything that the pages answer at.
    var addresses: [ReviewAddress] { signedIn.map(\.declared) + open.map(\.declared) }

    func add(to router: Router<ServerContext>) {
        for page in signedIn {
            router.on(RouterPath(openAPI: page.declared.path), method: page.declared.method) { request, context in
                await answering(request, context) { reviewer in
                    guard let reviewer else {
                        return html(
                            pages.notice(signInNotice(.signedOut(path: request.uri.string), to: request.uri.string)),
                            status: .unauthorized)
                    }
                    return try await page.handle(
                        try ReviewExchange(
                            request, declared: page.declared.query, parameters: context.parameters, reviewer: reviewer))
                }
            }
        }
        for page in open {
            router.on(RouterPath(openAPI: page.declared.path), method: page.declared.method) { request, context in
                let query = try page.declared.parameters(of: request.uri.query)
                return try await page.handle(request, query, context)
            }
        }
    }

    // MARK: Answering

    /// Stands around every page: finds out who is signed in, and turns errors into pages.
    func answering(
        _ request: Request, _ context: ServerContext,
        _ body: (SignedInReviewer?) async throws -> Response
    ) async -> Response {
        var reviewer: SignedInReviewer?
        do {
            reviewer = try await signedIn(request)
            if let reviewer { context.charge?.name(reviewer.caller.tenant) }
            if let reviewer { try engine.charge(reviewer.caller) }
            return try await body(reviewer)
        } catch {
            let problem = Problem(mapping: error)
            let session = reviewer.map {
                ReviewSession(
                    user: $0.caller.user.text, tenant: $0.caller.tenant.name.text, csrf: $0.formToken)
            }
            let notice: NoticePage.Notice =
                switch problem.code.status {
                case 404: .notFound
                case 403: .forbidden
                case 400: .unreadable(reason: problem.detail)
                default: .trouble(requestID: context.requestID)
                }
            return html(
                pages.notice(NoticePage(notice, session: session)),
                status: HTTPResponse.Status(code: problem.code.status))
        }
    }

    func html(_ text: String, status: HTTPResponse.Status = .ok) -> Response {
        .page(text, status: status)
    }

    func seeOther(_ address: String, cookie: String? = nil) -> Response {
        var headers: HTTPFields = [.location: address, .cacheControl: "no-store"]
        if let cookie { headers[.setCookie] = cookie }
        return Response(status: .seeOther, headers: headers)
    }

    /// Whether a form comes from a page of this session. A browser that says that it comes from elsewhere is believed.
    func isOwn(_ form: FormFields, _ exchange: ReviewExchange) -> Bool {
        form["csrf"] == exchange.reviewer.formToken && exchange.request.comesFromHere
    }

    // MARK: The list and the summary

    private func list(_ exchange: ReviewExchange) async throws -> Response {
        let filters = exchange.filters
        let page = try exchange.query.one("page")
        let listing = try await engine.conflictListing(
            exchange.caller, filters.query(me: exchange.caller.user, limit: Self.conflictsPerPage), page: page,
            countingTo: Self.countBound)
        var rows: [ListPage.Row] = []
        for view in listing.views { rows.append(try ListPage.Row(view)) }
        return html(
            pages.list(
                ListPage(
                    session: exchange.session, filters: filters,
                    counts: ListPage.Counts(listing.counts, bound: Self.countBound), rows: rows,
                    nextPage: listing.next, isFirstPage: page == nil, position: listing.position)))
    }

    private func summary(_ exchange: ReviewExchange) async throws -> Response {
        let summary = try await engine.conflictCounts(exchange.caller)
        return html(
            pages.summary(
                SummaryPage(
                    summary, session: exchange.session, nowMilliseconds: engine.clock.now(), rows: Self.summaryRows)))
    }

    // MARK: One conflict

    private func conflict(_ exchange: ReviewExchange) async throws -> Response {
        let detail = try await detail(exchange)
        return html(
            try page(exchange, detail, message: PageMessage(said: exchange.query.all("said").first, detail.conflict)))
    }

    private func detail(_ exchange: ReviewExchange) async throws -> ConflictDetail {
        try await engine.conflictDetail(
            exchange.caller, try exchange.conflictID(), in: exchange.filters.query(me: exchange.caller.user, limit: 1))
    }

    private func page(
        _ exchange: ReviewExchange, _ detail: ConflictDetail, entered: EnteredDecision = EnteredDecision(),
        message: PageMessage?
    ) throws -> String {
        pages.conflict(
            try ConflictPage(
                detail, session: exchange.session, filters: exchange.filters, entered: entered, message: message))
    }

    private func decide(_ exchange: ReviewExchange) async throws -> Response {
        let id = try exchange.conflictID()
        let form = try await FormFields(of: exchange.request, limits: limits)
        let entered = EnteredDecision(
            chosen: form["choose"], valueText: form["choose"] == "value" ? form["value"] : nil, note: form["note"],
            restores: form["restore"] == "true")
        guard isOwn(form, exchange) else {
            let page = try page(exchange, try await detail(exchange), entered: entered, message: .formExpired)
            return html(page, status: .forbidden)
        }
        do {
            let result = try await engine.review(
                exchange.caller, id, .decide(try Decision(form: form, limits: engine.limits.wire)))
            return seeOther(
                exchange.address(
                    "/review/conflicts/\(id.position)", saying: result.isRepeated ? "decided-already" : "decided"))
        } catch let problem as Problem {
            guard problem.code != .notFound else { throw problem }
            // Where not even this can be read, a page says so instead.
            let detail = try await detail(exchange)
            let page = try page(
                exchange, detail, entered: entered,
                message: PageMessage(problem, on: detail.conflict, lookedAt: Int64(form["version"])))
            return html(page, status: HTTPResponse.Status(code: problem.code.status))
        }
    }

    private func comment(_ exchange: ReviewExchange) async throws -> Response {
        try await carryOut(exchange) { form in
            guard let text = try form.text("text", limits: engine.limits.wire) else {
                throw Problem(.invalidRequest, "A comment has at least one character.")
            }
            return (.comment(text), "commented")
        }
    }

    private func assign(_ exchange: ReviewExchange) async throws -> Response {
        try await carryOut(exchange) { form in
            let name = ExactString(form["to"].trimmingPrefix { $0 == " " }.description)
            guard !name.text.isEmpty else { return (.assign(nil), "assigned") }
            if let issue = NameRule.issue(in: name, limits: engine.limits.wire) {
                throw Problem(.invalidRequest, issue)
            }
            return (.assign(name), "assigned")
        }
    }

    /// Carries out a form.
    /// - Parameter read: what the form asks for, and the word for it when it is done.
    private func carryOut(
        _ exchange: ReviewExchange, _ read: (FormFields) throws -> (ReviewCommand, String)
    ) async throws -> Response {
        let id = try exchange.conflictID()
        let form = try await FormFields(of: exchange.request, limits: limits)
        guard isOwn(form, exchange) else {
            return html(
                try page(exchange, try await detail(exchange), message: .formExpired), status: .forbidden)
        }
        do {
            let (command, word) = try read(form)
            _ = try await engine.review(exchange.caller, id, command)
            return seeOther(exchange.address("/review/conflicts/\(id.position)", saying: word))
        } catch let problem as Problem {
            guard problem.code.status < 500, problem.code != .notFound else { throw problem }
            return html(
                try page(exchange, try await detail(exchange), message: .refused(reason: problem.detail)),
                status: HTTPResponse.Status(code: problem.code.status))
        }
    }

    // MARK: Many conflicts

    private func bulk(_ exchange: ReviewExchange) async throws -> Response {
        let filters = exchange.filters
        let query = filters.query(me: exchange.caller.user, limit: engine.limits.entriesPerPage)
        var preview: BulkPage.Preview?
        if let choice = exchange.query.all("choose").first.flatMap(BulkPage.Choice.init(rawValue:)),
            let word = Decision.Choice(word: choice.rawValue)
        {
            let outcome = try await engine.decide(
                exchange.caller, BulkDecision(.matching(query), choice: word), preview: true)
            preview = BulkPage.Preview(choice, outcome)
        }
        let listing = try await engine.conflictListing(
            exchange.caller, filters.query(me: exchange.caller.user, limit: 1), page: nil,
            countingTo: Self.countBound)
        let counts = ListPage.Counts(listing.counts, bound: Self.countBound)
        return html(
            pages.bulk(
                BulkPage(
                    session: exchange.session, filters: filters, count: counts.text(of: filters.status),
                    note: exchange.query.all("note").first ?? "", preview: preview)))
    }

    private func decideMany(_ exchange: ReviewExchange) async throws -> Response {
        let form = try await FormFields(of: exchange.request, limits: limits)
        guard isOwn(form, exchange) else {
            throw Problem(.forbidden, "The form is of another session.")
        }
        guard let choice = Decision.Choice(word: form["choose"]) else {
            throw Problem(.invalidRequest, "Nothing was chosen.")
        }
        var listed: [(conflict: ConflictID, version: Int64)] = []
        for field in form.all("conflict").prefix(engine.limits.entriesPerPage) {
            let parts = field.split(separator: ":").compactMap { Int64($0) }
            guard parts.count == 2, !listed.contains(where: { $0.conflict.position == parts[0] }) else {
                throw Problem(.invalidRequest, "A conflict is named by its id and version, once.")
            }
            listed.append((ConflictID(position: parts[0]), parts[1]))
        }
        let outcome = try await engine.decide(
            exchange.caller,
            BulkDecision(.listed(listed), choice: choice, note: try form.text("note", limits: engine.limits.wire)))
        return html(
            pages.bulkResult(BulkResultPage(outcome, session: exchange.session, filters: exchange.filters)))
    }

    // MARK: Live

    /// Answers the page's script where data and audit stand. The answer is held back until they move on.
    private func pulse(_ request: Request, _ query: QueryParameters) async throws -> Response {
        guard let reviewer = try await signedIn(request) else {
            throw Problem(.unauthenticated, "Nobody is signed in.")
        }
        try engine.charge(reviewer.caller)
        let asked = try query.integer("wait", in: 0...engine.limits.waitSeconds, default: 0)
        let wait = request.method == .head ? 0 : asked
        let position = try await engine.position(
            reviewer.caller, otherThan: try query.one("since") ?? "", waitSeconds: wait)
        var writer = JSONWriter()
        writer.beginObject()
        writer.member("position", position)
        writer.endObject()
        return .json(writer.bytes)
    }
}

extension HTTPField.Name {
    static let xFrameOptions = HTTPField.Name("X-Frame-Options") ?? .cookie
    static let referrerPolicy = HTTPField.Name("Referrer-Policy") ?? .cookie
    static let crossOriginOpenerPolicy = HTTPField.Name("Cross-Origin-Opener-Policy") ?? .cookie
    static let secFetchSite = HTTPField.Name("Sec-Fetch-Site") ?? .cookie
}

extension Request {
    /// Whether the request may come from this site. It is false only where the browser says that another site made it
    /// (Fetch Metadata).
    var comesFromHere: Bool {
        switch headers[.secFetchSite] {
        case nil, "same-origin", "none": true
        case _: false
        }
    }

    /// Whether the browser came over TLS, to this server or to a trusted proxy; `ProxyHeaders` has taken off what anybody
    /// else says.
    var isOverTLS: Bool { headers[.xForwardedProto]?.lowercased() == "https" }
}
