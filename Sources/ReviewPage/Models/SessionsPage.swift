/// Where somebody is signed in, to be ended one by one.
public struct SessionsPage: Sendable, Hashable {
    /// How somebody signed in.
    public enum Way: String, Sendable, Hashable { case link, provider }

    /// One of the sessions.
    public struct Row: Sendable, Hashable {
        public let id: String
        /// What the browser called itself; empty where it said nothing.
        public let browser: String
        public let beganAtMilliseconds: Int64
        public let expiresAtMilliseconds: Int64
        public let way: Way
        /// Whether it is the one that looks at the page.
        public let isThis: Bool

        public init(
            id: String, browser: String, beganAtMilliseconds: Int64, expiresAtMilliseconds: Int64, way: Way,
            isThis: Bool
        ) {
            self.id = id
            self.browser = browser
            self.beganAtMilliseconds = beganAtMilliseconds
            self.expiresAtMilliseconds = expiresAtMilliseconds
            self.way = way
            self.isThis = isThis
        }
    }

    public let session: ReviewSession
    public let rows: [Row]

    public init(session: ReviewSession, rows: [Row]) {
        self.session = session
        self.rows = rows
    }
}
