import Causality
import HTTPTypes
import SyncEngine
import SyncStorage
import SyncWire

/// The tenant that a request names (`Rejoin-Tenant`), because its user may be a member of several. It proves nothing.
struct TenantHeader {
    /// How many names an answer lists at most.
    private static let namesInAnswer = 20

    /// The tenant; nil where the request names none.
    let tenant: TenantID?

    /// - Throws: `forbidden` for what is no tenant's name, or for more than one.
    init(_ fields: HTTPFields, limits: WireLimits) throws(Problem) {
        let values = fields[values: .rejoinTenant]
        guard let value = values.first else {
            tenant = nil
            return
        }
        // Percent-encoded as in a path: header fields are no place for other characters than ASCII.
        guard values.count == 1, let text = value.removingPercentEncoding else {
            throw Problem(.forbidden, "'Rejoin-Tenant' is one tenant's name, percent-encoded as in a path.")
        }
        if let issue = NameRule.issue(in: ExactString(text), limits: limits) { throw Problem(.forbidden, issue) }
        tenant = TenantID(text)
    }

    /// No header: the user is a member of one tenant, or the token says which one is meant.
    static let none = TenantHeader(tenant: nil)

    init(tenant: TenantID?) { self.tenant = tenant }

    /// Checks that a token's own tenant is not contradicted.
    /// - Throws: `forbidden`.
    func check(_ claimed: TenantID) throws(Problem) {
        guard tenant == nil || tenant == claimed else {
            throw Problem(.forbidden, "The token is for another tenant than 'Rejoin-Tenant' names.")
        }
    }

    /// The membership that is meant.
    /// - Throws: `forbidden` where there is none, and where nobody says which of several. It is one answer for a tenant that is
    ///   not there and for one that the user does not belong to.
    func membership(among found: [Membership]) throws(Problem) -> Membership {
        if let tenant {
            guard let membership = found.first(where: { $0.tenant == tenant }) else {
                throw Problem(.forbidden, "You are no member of the tenant that 'Rejoin-Tenant' names.")
            }
            return membership
        }
        guard let only = found.first else {
            throw Problem(.forbidden, "You are a member of no tenant here. Somebody who looks after one can add you.")
        }
        guard found.count == 1 else {
            let names = found.prefix(Self.namesInAnswer).map(\.tenant.name.text).joined(separator: ", ")
            let rest = found.count > Self.namesInAnswer ? " and more" : ""
            throw Problem(
                .forbidden, "You are a member of several tenants. Name one in 'Rejoin-Tenant': \(names)\(rest).")
        }
        return only
    }
}
