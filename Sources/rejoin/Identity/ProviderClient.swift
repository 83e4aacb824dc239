import Foundation
import MergeCore
import StrictJSON
import SyncHTTP
import Values

/// This server as a client of the issuer at which reviewers sign in.
struct ProviderClient: Sendable {
    let settings: IdentitySettings.SignIn

    var signIn: ProviderSignIn {
        ProviderSignIn(
            issuer: settings.issuer, clientID: settings.clientID, scopes: settings.scopes, address: settings.address,
            discover: {
                do throws(KeySource.Unreadable) {
                    return .success(try await ProviderDiscovery.read(settings.issuer).endpoints())
                } catch {
                    return .failure(.unavailable(reason: error.reason))
                }
            }, exchange: { await exchange($0, $1) })
    }

    /// The client's secret, as it stands now; nil for a client without one.
    func secret() async throws(KeySource.Unreadable) -> String? {
        guard let path = settings.secretFile else { return nil }
        let text = await TextFile.read(path)?.trimmingCharacters(in: .whitespacesAndNewlines)
        guard let text, !text.isEmpty else {
            throw KeySource.Unreadable("the client's secret at \(path) cannot be read, or is empty")
        }
        return text
    }

    /// Checks that the secret is there. Whether the provider is, is seen when somebody signs in.
    func check() async throws(CommandFailure) {
        do throws(KeySource.Unreadable) {
            _ = try await secret()
        } catch {
            throw .cannotStart("auth.sign-in: \(error.reason)")
        }
    }

    private func exchange(
        _ exchange: ProviderSignIn.Exchange, _ endpoints: ProviderSignIn.Endpoints
    ) async -> Result<String, ProviderSignIn.Failure> {
        do throws(KeySource.Unreadable) {
            guard let address = KeyAddress(endpoints.token) else {
                return .failure(.unavailable(reason: "the token endpoint is no https address"))
            }
            var fields = exchange.fields
            var authorization: String?
            switch try await secret() {
            // Whoever has no secret says who they are (RFC 6749 section 3.2.1).
            case nil: fields.append(FormField("client_id", settings.clientID))
            case let secret? where endpoints.takesSecretInForm:
                fields += [FormField("client_id", settings.clientID), FormField("client_secret", secret)]
            case let secret?: authorization = basic(secret)
            }
            let answer = try await ProviderAnswers.answer(
                to: FormField.text(fields), authorization: authorization, at: address)
            return answer.status == 200 ? .success(answer.text) : .failure(Self.failure(answer, at: address))
        } catch {
            return .failure(.unavailable(reason: error.reason))
        }
    }

    /// RFC 6749 section 2.3.1: both parts are encoded as in a form first.
    private func basic(_ secret: String) -> String {
        let pair = FormField.encoded(settings.clientID) + ":" + FormField.encoded(secret)
        return "Basic " + Data(pair.utf8).base64EncodedString()
    }

    /// The errors of RFC 6749 section 5.2. Nothing else of an answer is told to anybody.
    private static let knownErrors: Set = [
        "invalid_request", "invalid_client", "invalid_grant", "unauthorized_client", "unsupported_grant_type",
        "invalid_scope",
    ]

    private static func failure(_ answer: ProviderAnswers.Answer, at address: KeyAddress) -> ProviderSignIn.Failure {
        var error: String?
        if case .object(let members)? = try? Value(json: answer.text), case .string(let text)? = members["error"],
            knownErrors.contains(text.text)
        {
            error = text.text
        }
        let reason = "\(address.url) answers \(answer.status)" + (error.map { " \($0)" } ?? "")
        return error == "invalid_grant" ? .refused(reason: reason) : .unavailable(reason: reason)
    }
}
