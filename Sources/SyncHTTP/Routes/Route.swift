import HTTPTypes
import Hummingbird
import MergeCore
import SyncEngine
import SyncWire

/// One thing that the server answers. All of them are in one list, from which the router, the test of tenant isolation and
/// the comparison with the OpenAPI document are made.
public struct Route: Sendable {
    /// Who may ask.
    public enum Access: Sendable, Hashable, CaseIterable {
        case open
        /// Anyone with a valid token may ask.
        case anyone
        case device
        case deviceOrReviewer
        case reviewer
        case admin
        /// A user who may have devices is among them, for one of their own.
        case adminOrDevice
    }

    /// What a body is, which bounds its bytes.
    enum BodyKind: Sendable, Hashable {
        case batch, decision, query, small

        func bytes(_ limits: RequestLimits) -> Int {
            switch self {
            case .batch: limits.bodyBytes
            case .decision: limits.decisionBytes
            case .query: limits.queryBodyBytes
            case .small: limits.smallBodyBytes
            }
        }
    }

    /// How a request is taken from its caller's budget, before its body is read.
    enum Charging: Sendable, Hashable {
        case beforehand
        /// The handler itself takes the request, and gives it back when it turns out to be a replay.
        case byHandler
    }

    /// When it is asked whether the caller's access has ended.
    enum AccessCheck: Sendable, Hashable {
        /// It is asked before the handler is called.
        case beforehand
        /// The handler asks for it together with what it reads, before it answers anything of that.
        case byHandler
    }

    /// Where a request carries its token.
    enum Credentials: Sendable, Hashable {
        /// In `Authorization`.
        case header
        /// There, or among the subprotocols of a socket: a browser can set no header there.
        case headerOrSubprotocol
    }

    public let method: HTTPRequest.Method
    /// The path as in OpenAPI: `/v1/records/{collection}/{id}`.
    public let path: String
    public let access: Access
    /// How much of a body is read.
    let body: BodyKind
    /// The query parameters. Any other is refused before anything is done.
    public let query: Set<String>
    let charging: Charging
    let accessCheck: AccessCheck
    /// Whether the answer goes on for as long as the client listens.
    public let isEndless: Bool
    let credentials: Credentials
    let handle: @Sendable (Exchange) async throws -> Response

    init(
        _ method: HTTPRequest.Method, _ path: String, _ access: Access, body: BodyKind = .small,
        query: Set<String> = [],
        charging: Charging = .beforehand, accessCheck: AccessCheck = .beforehand, isEndless: Bool = false,
        credentials: Credentials = .header,
        handle: @escaping @Sendable (Exchange) async throws -> Response
    ) {
        self.method = method
        self.path = path
        self.access = access
        self.body = body
        self.query = query
        self.charging = charging
        self.accessCheck = accessCheck
        self.isEndless = isEndless
        self.credentials = credentials
        self.handle = handle
    }

}

extension RouterPath {
    /// A path as OpenAPI writes it, in the router's notation: `/v1/records/{collection}/{id}` is `/v1/records/:collection/:id`.
    init(openAPI path: String) {
        self.init(path.replacing("{", with: ":").replacing("}", with: ""))
    }
}

extension Route.Access {
    /// - Throws: `forbidden` when the caller's token does not permit the route.
    func check(_ caller: Caller) throws(Problem) {
        let isDevice = caller.device != nil && caller.roles.contains(.device)
        let isReviewer = caller.roles.contains(.reviewer)
        let isAdmin = caller.roles.contains(.admin)
        let isPermitted =
            switch self {
            case .open, .anyone: true
            case .device: isDevice
            case .deviceOrReviewer: isDevice || isReviewer
            case .reviewer: isReviewer
            case .admin: isAdmin
            case .adminOrDevice: isAdmin || isDevice || caller.mayNameDevice
            }
        guard isPermitted else { throw Problem(.forbidden, "This route needs \(needed).") }
    }

    private var needed: String {
        switch self {
        case .open, .anyone: "nothing"
        case .device: "a device: in the token (claim 'device', role 'device'), or named by 'Rejoin-Device'"
        case .deviceOrReviewer: "a device (in the token, or named by 'Rejoin-Device') or the role 'reviewer'"
        case .reviewer: "the role 'reviewer'"
        case .admin: "the role 'admin'"
        case .adminOrDevice: "the role 'admin' or a device's token"
        }
    }
}
