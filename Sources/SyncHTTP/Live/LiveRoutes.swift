import Causality
import HTTPTypes
import Hummingbird
import MergeCore
import NIOCore
import SyncEngine
import SyncWire

/// Streams of live changes: server-sent events.
struct LiveRoutes: Sendable {
    /// Proxies that close what is silent do so after half a minute and more.
    static let quietInterval: Duration = .seconds(15)

    let engine: SyncEngine
    let metrics: ServerMetrics

    var routes: [Route] {
        [
            Route(
                .get, "/v1/changes/stream", .deviceOrReviewer, query: ["since", "collection", "deliver"],
                accessCheck: .byHandler, isEndless: true
            ) { try await stream($0) }
        ]
    }

    private func stream(_ exchange: Exchange) async throws -> Response {
        _ = try MediaType.accepted(exchange.request.headers, among: [.eventStream])
        let request = LiveRequest(
            from: try start(exchange), collections: try exchange.collections(engine.limits.wire),
            delivery: try delivery(exchange))
        // Everything that can be wrong is known before the head is sent, so that it is a problem document.
        let reader = try await engine.live(try exchange.requireCaller(), request)
        let headers: HTTPFields = [
            .contentType: MediaType.eventStream.text, .cacheControl: "no-store",
            // nginx gathers what it passes on unless it is told not to.
            .accelBuffering: "no",
        ]
        return Response(status: .ok, headers: headers, body: body(reader, exchange))
    }

    /// A browser that connects again says by itself what it was delivered last, at the address that it had at first.
    private func start(_ exchange: Exchange) throws(Problem) -> LiveRequest.Start {
        let since = try exchange.query.one("since")
        if let last = exchange.request.headers[.lastEventID], !last.isEmpty { return .delivered(last) }
        return since.map { .saved($0) } ?? .beginning
    }

    private func delivery(_ exchange: Exchange) throws(Problem) -> LiveDelivery {
        guard let text = try exchange.query.one("deliver") else { return .hints }
        guard let delivery = LiveDelivery(rawValue: text) else {
            let choices = LiveDelivery.allCases.map { "'\($0.rawValue)'" }.joined(separator: " or ")
            throw .invalidQuery("'deliver' is \(choices).")
        }
        return delivery
    }

    private func body(_ reader: LiveReader, _ exchange: Exchange) -> ResponseBody {
        let requestID = exchange.requestID
        return ResponseBody { writer in
            exchange.onPeerClosed { reader.stop() }
            do {
                try await writer.write(StreamEvent.retry.bytes)
                try await reader.run(quietAfter: Self.quietInterval) { news in
                    switch news {
                    case .change(let hint): try await writer.write(StreamEvent.change(hint).bytes)
                    case .page(let answer):
                        try await writer.write(answer.form { StreamEvent.page($0) }.bytes)
                    case .quiet: try await writer.write(StreamEvent.keepAlive.bytes)
                    }
                }
                try await writer.write(StreamEvent.end(.stopping, requestID: requestID).bytes)
            } catch let problem as Problem {
                metrics.noteProblem(problem.code)
                try await writer.write(StreamEvent.end(problem, requestID: requestID).bytes)
            }
            try await writer.finish(nil)
        }
    }
}

extension Exchange {
    /// The collections that the query names; empty for all.
    func collections(_ limits: WireLimits) throws(Problem) -> Set<ExactString> {
        var collections: Set<ExactString> = []
        for text in query.all("collection") {
            if let issue = NameRule.issue(in: ExactString(text), limits: limits) {
                throw Problem.invalidQuery("'collection': \(issue)")
            }
            collections.insert(ExactString(text))
        }
        return collections
    }
}

extension Problem {
    /// The server is about to stop; another one, or this one in a moment, goes on from the last cursor.
    static let stopping = Problem.overloaded(
        "The server is stopping. Connect again; the stream goes on from the last event.", retryAfterSeconds: 1)
}

extension HTTPField.Name {
    static let accelBuffering = HTTPField.Name("X-Accel-Buffering") ?? .cookie
    static let lastEventID = HTTPField.Name("Last-Event-ID") ?? .cookie
}
