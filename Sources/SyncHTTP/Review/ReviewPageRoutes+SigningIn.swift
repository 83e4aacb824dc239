import Hummingbird
import MergeCore
import ReviewPage
import SyncEngine
import SyncWire

extension ReviewPageRoutes {
    func offerSignIn(code: String) async throws -> Response {
        guard
            let link = await verifier.link(
                code: code, nowMilliseconds: engine.clock.now(), limits: engine.limits.wire)
        else { return html(pages.notice(NoticePage(.linkSpent)), status: .forbidden) }
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
        else { return html(pages.notice(NoticePage(.linkSpent)), status: .forbidden) }
        let cookie = try await sessions.cookie(
            tenant: link.caller.tenant, user: link.caller.user, nowMilliseconds: now, isSecure: request.isOverTLS)
        return seeOther("/review", cookie: cookie)
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
            guard error.code == .unauthenticated else { throw error }
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
        var response = html(pages.notice(NoticePage(.justSignedOut)))
        response.headers[.setCookie] = ReviewSessions.endingCookie(isSecure: exchange.request.isOverTLS)
        return response
    }
}
