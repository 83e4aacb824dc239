import Foundation
import MergeCore
import StrictJSON
import SyncHTTP
import Values

/// The document in which an issuer tells about itself (OpenID Connect Discovery 1.0 section 4).
struct ProviderDiscovery: Sendable {
    private let place: KeyAddress
    private let members: ObjectValue

    static func read(_ issuer: String) async throws(KeySource.Unreadable) -> ProviderDiscovery {
        guard let place = KeyAddress.discovery(of: issuer) else {
            throw KeySource.Unreadable("'\(issuer)' is no address")
        }
        let answer = try await ProviderAnswers.text(at: place)
        guard case .object(let members)? = try? Value(json: answer) else {
            throw KeySource.Unreadable("what \(place.url) answers is no JSON object")
        }
        // A document that speaks of somebody else says nothing of this issuer (section 4.3).
        guard members["issuer"] == .string(.init(issuer)) else {
            throw KeySource.Unreadable("\(place.url) tells of another issuer than '\(issuer)'")
        }
        return ProviderDiscovery(place: place, members: members)
    }

    /// An address that the document gives.
    func address(_ name: String) throws(KeySource.Unreadable) -> KeyAddress {
        guard case .string(let text)? = members[.init(name)], let address = KeyAddress(text.text),
            address.url.scheme == "https" || place.isOwn
        else { throw KeySource.Unreadable("\(place.url) has no '\(name)' that is an https address") }
        return address
    }

    /// Where reviewers sign in.
    func endpoints() throws(KeySource.Unreadable) -> ProviderSignIn.Endpoints {
        let methods = texts("token_endpoint_auth_methods_supported")
        return ProviderSignIn.Endpoints(
            authorization: try address("authorization_endpoint").url.absoluteString,
            token: try address("token_endpoint").url.absoluteString,
            namesIssuer: members["authorization_response_iss_parameter_supported"] == .boolean(true),
            // Where nothing is said the header is what is taken (section 3).
            takesSecretInForm: methods.contains("client_secret_post") && !methods.contains("client_secret_basic"))
    }

    private func texts(_ name: String) -> [String] {
        guard case .array(let values)? = members[.init(name)] else { return [] }
        return values.compactMap { if case .string(let text) = $0 { text.text } else { nil } }
    }
}
