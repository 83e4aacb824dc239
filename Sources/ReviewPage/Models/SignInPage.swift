/// The page behind a link that signs somebody in. To open it does nothing yet, so that a preview of the link cannot use
/// it up.
public struct SignInPage: Sendable, Hashable {
    public let user: String
    public let tenant: String
    public let code: String

    public init(user: String, tenant: String, code: String) {
        self.user = user
        self.tenant = tenant
        self.code = code
    }
}

/// A page that says why there is nothing else to see.
public struct NoticePage: Sendable, Hashable {
    public enum Notice: Sendable, Hashable {
        /// - Parameter path: what was asked for, path and query. A browser sends no strict cookie along when it follows a
        ///   link from elsewhere, so that asking again may be all it takes.
        case signedOut(path: String)
        /// The link was used already, is too old, or is none at all.
        case linkSpent
        case justSignedOut
        case forbidden
        case notFound
        /// The address or the form is not what this page sends.
        case unreadable(reason: String)
        case trouble(requestID: String)
        /// A page on the way from the provider to the pages. The browser keeps the session's strict cookie to itself as long as it
        /// follows what another site began; a page of our own begins anew.
        /// - Parameter path: where to go on.
        case signedIn(path: String)
        /// There is no such attempt to sign in at the provider, or not any more.
        case attemptOver
        /// The provider did not sign anybody in.
        case declined
        case providerAway
        case providerBusy
        /// The provider knows who it is, and they review nothing here.
        case noReviewer
        /// They review for several tenants.
        case choice([Choice])
    }

    /// A tenant to choose.
    public struct Choice: Sendable, Hashable {
        public let name: String
        public let address: String

        public init(name: String, address: String) {
            self.name = name
            self.address = address
        }
    }

    public let notice: Notice
    /// The reviewer who looks, where that is known.
    public let session: ReviewSession?
    /// Where signing in with the provider begins; nil where there is none.
    public let provider: String?

    public init(_ notice: Notice, session: ReviewSession? = nil, provider: String? = nil) {
        self.notice = notice
        self.session = session
        self.provider = provider
    }
}
