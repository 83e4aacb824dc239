import HTTPTypes
import Hummingbird
import SyncEngine
import SyncWire

/// The routes for those who run the server. They are open, because they say nothing about any tenant.
struct OperatorRoutes: Sendable {
    let engine: SyncEngine
    let metrics: ServerMetrics
    let gate: ConnectionGate
    let memoryBudget: MemoryBudget
    let transport: TransportLimits
    let certificates: ServerCertificates?
    let gauges: [ServerGauge]

    /// The paths by which a server is watched. They are answered even when it has as many connections as it may.
    static let watchingPaths: Set<String> = ["/healthz", "/readyz", "/metrics"]

    var routes: [Route] {
        [
            Route(.get, "/healthz", .open) { _ in .json(ByteBuffer(string: "{\"status\":\"alive\"}")) },
            Route(.get, "/readyz", .open) { _ in
                try await engine.checkReadiness()
                return .json(ByteBuffer(string: "{\"status\":\"ready\"}"))
            },
            Route(.get, "/metrics", .open) { _ in await exposition() },
            Route(.get, "/openapi.yaml", .open) { _ in
                .content(OpenAPIDocument.bytes, type: "application/yaml")
            },
        ]
    }

    private func exposition() async -> Response {
        let load = await engine.load()
        var text = Exposition()
        metrics.write(to: &text)
        text.single("rejoin_waiting_batches", .gauge, "Batches that wait in a commit queue.", load.waitingBatches)
        text.single("rejoin_waiting_readers", .gauge, "Long polls that are held.", load.waitingReaders)
        gate.write(to: &text, limits: transport)
        certificates?.write(to: &text, gate: gate.figures)
        memoryBudget.write(to: &text)
        for gauge in ServerGauge.process + gauges {
            if let value = gauge.read() { text.single(gauge.name, .gauge, gauge.help, value) }
        }
        return .content(text.bytes, type: "text/plain; version=0.0.4; charset=utf-8")
    }
}
