import Causality
import HTTPTypes
import Hummingbird
import MergeCore
import StrictJSON
import SyncEngine
import SyncWire
import Values

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
        let body = try await exchange.jsonBody(engine.limits)
        let value: Value
        do {
            value = try JSONParser().parse(body.readableBytesUInt8Span)
        } catch {
            throw Problem(
                .malformedJSON, error.detail, errors: [.init(.malformedJSON, error.detail, at: error.pointer)])
        }
        guard case .object(let object) = value, case .string(let name)? = object["id"] else {
            throw Problem(
                .invalidRequest, "The body is {\"id\": device}.",
                errors: [.init(.invalidRequest, "'id' is a string.", at: .root.appending(name: "id"))])
        }
        guard object["tenant"] == nil else { throw Problem(.invalidRequest, "The tenant comes from the token alone.") }
        let device = DeviceID(name)
        guard caller.roles.contains(.admin) || caller.device == device else {
            throw Problem(.deviceMismatch, "A device registers itself only.")
        }
        let (answer, isNew) = try await engine.register(caller, device, user: caller.user)
        return .json(answer, status: isNew ? .created : .ok)
    }

    private func retire(_ exchange: Exchange) async throws -> Response {
        let device = DeviceID(try exchange.name("id", limits: engine.limits))
        try await engine.retire(try exchange.requireCaller(), device)
        return Response(status: .noContent)
    }
}
