/// Who looks at the page.
public struct ReviewSession: Sendable, Hashable {
    public let user: String
    public let tenant: String
    /// The token that goes back with every form, in the hidden field `csrf`.
    public let csrf: String

    public init(user: String, tenant: String, csrf: String) {
        self.user = user
        self.tenant = tenant
        self.csrf = csrf
    }
}
