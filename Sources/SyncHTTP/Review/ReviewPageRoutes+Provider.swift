import Causality
import HTTPTypes
import Hummingbird
import MergeCore
import ReviewPage
import SyncEngine
import SyncStorage
import SyncWire

extension ReviewPageRoutes {
    /// Where the provider is gone to and come back from; nothing where there is none.
    var providerPages: [OpenPage] {
        guard let flow else { return [] }
        return [
            OpenPage(.get, ProviderSignIn.path, query: ["to", "tenant"]) { request, query, context in
                await answering(request, context) { _ in try await goToProvider(flow, query) }
            },
            // Providers add parameters of their own (RFC 6749 section 4.1.2).
            OpenPage(
                .get, ProviderSignIn.callbackPath, query: ["code", "state", "iss", "error"], others: .ignored
            ) { request, query, context in
                await answering(request, context) { _ in try await comeBack(flow, request, query, context) }
            },
        ]
    }

    /// A page that says why there is nothing else to see, with the way to the provider where there is one.
    /// - Parameter path: where to go on after signing in.
    func signInNotice(_ notice: NoticePage.Notice, to path: String? = nil) -> NoticePage {
        NoticePage(notice, provider: flow?.provider.beginning(to: path.flatMap(PagePath.init)?.text))
    }

    private func goToProvider(_ flow: ProviderFlow, _ query: QueryParameters) async throws -> Response {
        let now = engine.clock.now()
        let path = try query.one("to").flatMap(PagePath.init)?.text ?? "/review"
        let tenant = try query.one("tenant").flatMap { name in
            NameRule.issue(in: ExactString(name), limits: engine.limits.wire) == nil ? name : nil
        }
        let attempt = flow.attempts.begin(to: path, tenant: tenant, nowMilliseconds: now)
        let endpoints: ProviderSignIn.Endpoints
        do throws(ProviderFlow.End) {
            endpoints = try await flow.endpoints(nowMilliseconds: now)
        } catch {
            return ended(error)
        }
        var response = seeOther(
            flow.provider.authorizationAddress(attempt, at: endpoints), cookie: try await flow.attempts.cookie(attempt))
        response.headers[.referrerPolicy] = "no-referrer"
        return response
    }

    private func comeBack(
        _ flow: ProviderFlow, _ request: Request, _ query: QueryParameters, _ context: ServerContext
    ) async throws -> Response {
        // A code counts once. Whoever only looks does not use it up.
        guard request.method == .get else { return html("") }
        let now = engine.clock.now()
        let back = try ProviderFlow.Return(query)
        let attempt = await flow.attempts.attempt(cookies: request.headers[values: .cookie], nowMilliseconds: now)
        // An address that somebody else made does not end the attempt of this browser.
        guard let attempt, let state = back.state, attempt.has(state: state) else { return ended(.over) }
        let token: String
        do throws(ProviderFlow.End) {
            token = try await flow.idToken(back, of: attempt, from: context.address, nowMilliseconds: now)
        } catch {
            // Whoever has to wait may load the page again.
            return error == .busy ? ended(error) : last(flow, ended(error))
        }
        return last(flow, try await signIn(flow, idToken: token, attempt, request))
    }

    /// The last answer of an attempt, which ends it in the browser too.
    private func last(_ flow: ProviderFlow, _ answer: Response) -> Response {
        var response = answer
        response.headers.append(HTTPField(name: .setCookie, value: flow.attempts.endingCookie))
        // The address holds the code.
        response.headers[.referrerPolicy] = "no-referrer"
        return response
    }

    private func signIn(
        _ flow: ProviderFlow, idToken: String, _ attempt: SignInAttempt, _ request: Request
    ) async throws -> Response {
        let now = engine.clock.now()
        let outcome = try await verifier.reviewer(
            idToken: idToken,
            expecting: IDTokenExpectation(
                issuer: flow.provider.issuer, clientID: flow.provider.clientID, nonce: attempt.nonce,
                tenant: attempt.tenant.map { TenantID($0) }),
            nowMilliseconds: now, limits: engine.limits.wire, memberships: engine.memberships)
        switch outcome {
        case .refused(let reason):
            flow.note("its ID token is refused: \(reason)")
            return ended(.away)
        case .notReviewer:
            return html(pages.notice(NoticePage(.noReviewer)), status: .forbidden)
        case .choice(let tenants):
            let choices = tenants.prefix(Self.choicesShown).map { tenant in
                NoticePage.Choice(
                    name: tenant.name.text,
                    address: flow.provider.beginning(to: attempt.path, tenant: tenant.name.text))
            }
            return html(pages.notice(NoticePage(.choice(choices))))
        case .reviewer(let caller):
            // It counts once over all servers.
            guard try await isPermitted(caller),
                let code = OneTimeCode(
                    id: ExactString("provider sign-in \(attempt.state)"),
                    expiresAtMilliseconds: attempt.expiresAtMilliseconds),
                try await engine.spend(caller, code)
            else { return ended(.over) }
            var response = html(pages.notice(NoticePage(.signedIn(path: attempt.path))))
            response.headers[.setCookie] = try await beginSession(of: caller, by: .provider, request)
            return response
        }
    }

    /// Who is a member of more names one at the provider's button.
    private static let choicesShown = 100

    private func ended(_ end: ProviderFlow.End) -> Response {
        let (notice, status): (NoticePage.Notice, HTTPResponse.Status) =
            switch end {
            case .over: (.attemptOver, .forbidden)
            case .declined: (.declined, .forbidden)
            case .away: (.providerAway, .serviceUnavailable)
            case .busy: (.providerBusy, .tooManyRequests)
            }
        return html(pages.notice(signInNotice(notice)), status: status)
    }
}
