import Hummingbird
import MergeCore
import ReviewPage
import SyncEngine
import SyncStorage
import SyncWire

extension ReviewPageRoutes {
    func offerSignIn(code: String) async throws -> Response {
        guard
            let link = await verifier.link(
                code: code, nowMilliseconds: engine.clock.now(), limits: engine.limits.wire)
        else { return html(pages.notice(signInNotice(.linkSpent)), status: .forbidden) }
        var response = html(
            pages.signIn(
                SignInPage(
                    user: link.caller.user.text, tenant: link.caller.tenant.name.text, code: code)))
        // The address holds the code.
        response.headers[.referrerPolicy] = "no-referrer"
        return response
    }

    func signIn(_ request: Request) async throws -> Response {
        let form = try await FormFields(of: request, limits: limits, bodyBytes: limits.signInBytes)
        let now = engine.clock.now()
        guard request.comesFromHere,
            let link = await verifier.link(code: form["code"], nowMilliseconds: now, limits: engine.limits.wire),
            try await isPermitted(link.caller), try await engine.spend(link.caller, link.code)
        else { return html(pages.notice(signInNotice(.linkSpent)), status: .forbidden) }
        return seeOther("/review", cookie: try await beginSession(of: link.caller, by: .link, request))
    }

    /// Begins a session of a browser, and notes it so that it can be seen and ended.
    /// - Returns: its cookie.
    func beginSession(
        of reviewer: Caller, by way: ReviewSessionRow.Way, _ request: Request
    ) async throws -> String {
        let new = ReviewSessions.newSession(
            of: reviewer.user, by: way, nowMilliseconds: engine.clock.now(), browser: request.headers[.userAgent])
        let cookie = try await sessions.cookie(of: new, reviewer, isSecure: request.isOverTLS)
        try await engine.begin(reviewer.tenant, new)
        return cookie
    }

    /// Who is signed in; nil for a session that has ended.
    func signedIn(_ request: Request) async throws(Problem) -> SignedInReviewer? {
        let reviewer = await sessions.reviewer(
            cookies: request.headers[values: .cookie], nowMilliseconds: engine.clock.now(),
            isSecure: request.isOverTLS)
        guard let reviewer, try await isPermitted(reviewer.caller) else { return nil }
        return reviewer
    }

    /// Whether the caller's access has not ended.
    func isPermitted(_ caller: Caller) async throws(Problem) -> Bool {
        do {
            try await engine.permit(caller)
            return true
        } catch {
            // Whoever is no member any more is signed out, and may sign in as somebody else.
            let isOver = error.code == .unauthenticated || error.code == .forbidden && caller.memberRoles != nil
            guard isOver else { throw error }
            return false
        }
    }

    func signOut(_ exchange: ReviewExchange) async throws -> Response {
        let form = try await FormFields(of: exchange.request, limits: limits)
        guard isOwn(form, exchange) else { throw Problem(.forbidden, "The form is of another session.") }
        // The session ends on the server too, so that whoever has a copy of the cookie is signed out as well.
        if let session = exchange.caller.session {
            try await engine.end(
                exchange.caller.tenant,
                .session(session, expiresAtMilliseconds: exchange.reviewer.expiresAtMilliseconds))
        }
        var response = html(pages.notice(signInNotice(.justSignedOut)))
        response.headers[.setCookie] = ReviewSessions.endingCookie(isSecure: exchange.request.isOverTLS)
        return response
    }

    // MARK: Sessions

    /// Where the reviewer is signed in.
    func sessions(_ exchange: ReviewExchange) async throws -> Response {
        let rows = try await engine.reviewSessions(of: exchange.caller).map { row in
            SessionsPage.Row(
                id: row.id.text, browser: row.browser, beganAtMilliseconds: row.beganAtMilliseconds,
                expiresAtMilliseconds: row.expiresAtMilliseconds, way: row.way == .link ? .link : .provider,
                isThis: row.id == exchange.caller.session)
        }
        return html(pages.sessions(SessionsPage(session: exchange.session, rows: rows)))
    }

    /// Ends one of the reviewer's sessions, or all but the one that asks.
    func endSessions(_ exchange: ReviewExchange) async throws -> Response {
        let form = try await FormFields(of: exchange.request, limits: limits)
        guard isOwn(form, exchange) else { throw Problem(.forbidden, "The form is of another session.") }
        let named = form["session"]
        try await engine.endSessions(of: exchange.caller) { row in
            named.isEmpty ? row.id != exchange.caller.session : row.id.text == named
        }
        return seeOther("/review/sessions")
    }
}
