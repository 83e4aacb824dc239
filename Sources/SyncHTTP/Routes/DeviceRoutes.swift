import Causality
import HTTPTypes
import Hummingbird
import MergeCore
import SyncEngine
import SyncWire

/// Registering, listing and retiring devices.
struct DeviceRoutes: Sendable {
    let engine: SyncEngine

    var routes: [Route] {
        [
            Route(.get, "/v1/devices", .admin) { .json(try await engine.devices(try $0.requireCaller())) },
            Route(.post, "/v1/devices", .adminOrDevice) { try await register($0) },
            Route(.delete, "/v1/devices/{id}", .admin) { try await retire($0) },
        ]
    }

    private func register(_ exchange: Exchange) async throws -> Response {
        let caller = try exchange.requireCaller()
        let body = try await exchange.jsonBody()
        let device = try DeviceRegistration(body: body.readableBytesUInt8Span).device
        let isForAnybody = caller.roles.contains(.admin)
        guard isForAnybody || caller.device == device || caller.mayNameDevice else {
            throw Problem(.deviceMismatch, "A device registers itself only.")
        }
        let (answer, isNew) =
            try await isForAnybody || caller.device == device
            ? engine.register(caller, device) : engine.registerOwn(caller, device)
        return .json(answer, status: isNew ? .created : .ok)
    }

    private func retire(_ exchange: Exchange) async throws -> Response {
        let device = DeviceID(try exchange.name("id"))
        try await engine.retire(try exchange.requireCaller(), device)
        return Response(status: .noContent)
    }
}
