import HTTPTypes
import Hummingbird
import SyncEngine
import SyncWire

/// For those who run the server. Open: they say nothing about any tenant.
struct OperatorRoutes: Sendable {
    let engine: SyncEngine
    let metrics: ServerMetrics

    var routes: [Route] {
        [
            Route(.get, "/healthz", .open) { _ in .json(Array("{\"status\":\"alive\"}".utf8)) },
            Route(.get, "/readyz", .open) { _ in
                try await engine.checkReadiness()
                return .json(Array("{\"status\":\"ready\"}".utf8))
            },
            Route(.get, "/metrics", .open) { _ in await exposition() },
            Route(.get, "/openapi.yaml", .open) { _ in
                .content(OpenAPIDocument.bytes, type: "application/yaml")
            },
        ]
    }

    private func exposition() async -> Response {
        let load = await engine.load()
        let text = metrics.exposition(gauges: [
            ("rejoin_waiting_batches", "Batches that wait in a lane.", load.waitingBatches),
            ("rejoin_waiting_readers", "Long polls that are held.", load.waitingReaders),
        ])
        return .content(Array(text.utf8), type: "text/plain; version=0.0.4; charset=utf-8")
    }
}
