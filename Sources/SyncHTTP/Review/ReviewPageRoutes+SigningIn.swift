import Hummingbird
import MergeCore
import ReviewPage
import SyncEngine
import SyncWire

extension ReviewPageRoutes {
    func offerSignIn(code: String) async throws -> Response {
        guard
            let link = await verifier.link(
                code: code, nowMilliseconds: engine.clock.now(), limits: engine.limits)
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
        let form = try await FormFields(of: request, limits: engine.limits)
        let now = engine.clock.now()
        guard request.comesFromHere,
            let link = await verifier.link(code: form["code"], nowMilliseconds: now, limits: engine.limits),
            try await engine.spend(link.caller, link.code)
        else { return html(pages.notice(NoticePage(.linkSpent)), status: .forbidden) }
        let cookie = try await sessions.cookie(
            tenant: link.caller.tenant, user: link.caller.user, nowMilliseconds: now, isSecure: request.isOverTLS)
        return seeOther("/review", cookie: cookie)
    }

    func signOut(_ exchange: ReviewExchange) async throws -> Response {
        let form = try await FormFields(of: exchange.request, limits: engine.limits)
        guard isOwn(form, exchange) else { throw Problem(.forbidden, "The form is of another session.") }
        var response = html(pages.notice(NoticePage(.justSignedOut)))
        response.headers[.setCookie] = ReviewSessions.endingCookie(isSecure: exchange.request.isOverTLS)
        return response
    }
}
