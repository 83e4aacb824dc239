import HTTPTypes
import SyncWire

/// An address at which the pages answer, and its query parameters.
public struct ReviewAddress: Sendable, Hashable {
    /// What is done about parameters that the address does not have.
    public enum Others: Sendable, Hashable {
        /// They are refused before anything is done.
        case refused
        /// They are passed over, because who sends the browser adds some of their own.
        case ignored
    }

    public let method: HTTPRequest.Method
    /// The path as in OpenAPI: `/review/conflicts/{id}`.
    public let path: String
    /// The parameters.
    public let query: Set<String>
    /// What is done about others.
    public let others: Others

    init(_ method: HTTPRequest.Method, _ path: String, query: Set<String>, others: Others = .refused) {
        self.method = method
        self.path = path
        self.query = query
        self.others = others
    }

    /// Reads the query of a request.
    /// - Throws: `invalid_request` for parameters that are refused, and for what cannot be read.
    func parameters(of query: String?) throws(Problem) -> QueryParameters {
        switch others {
        case .refused: try QueryParameters(query, declared: self.query)
        case .ignored: try QueryParameters(query)
        }
    }
}
