/// What somebody sees who opens the server's address in a browser. It says what this is, and where to go on.
public struct FrontPage: Sendable, Hashable {
    public let version: String

    public init(version: String) { self.version = version }
}
