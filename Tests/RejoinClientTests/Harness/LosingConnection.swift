import DeviceReplica
import Synchronization

/// A connection that delivers requests and loses the answers to some of them.
final class LosingConnection: ServerConnection {
    private let base: any ServerConnection
    private let lost = Mutex<String?>(nil)
    private let asked = Mutex<[String]>([])

    init(_ base: any ServerConnection) { self.base = base }

    /// - Parameter path: the beginning of the paths whose answers get lost; nil for none.
    func losesAnswers(to path: String?) { lost.withLock { $0 = path } }

    /// What was asked, each by method and path without its query.
    var requests: [String] { asked.withLock { $0 } }

    func send(_ request: ServerRequest) async throws(ConnectionFailure) -> ServerResponse {
        asked.withLock { $0.append("\(request.method) \(request.path.prefix { $0 != "?" })") }
        let response = try await base.send(request)
        if let path = lost.withLock({ $0 }), request.path.hasPrefix(path) { throw .timedOut }
        return response
    }
}
