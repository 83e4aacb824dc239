import Causality
import MergeCore
import SyncEngine
import SyncStorage
import SyncWire

/// The tenant that a command is about: the one that was named, or the only one there is.
enum TenantChoice {
    static func tenant(_ named: String?, in store: any SyncStore) async throws(CommandFailure) -> TenantID {
        let tenants: [TenantID]
        do {
            tenants = try await store.tenants()
        } catch {
            throw .cannotStart(error.line)
        }
        if let named {
            let tenant = TenantID(named)
            guard tenants.contains(tenant) else { throw .cannotStart("there is no tenant '\(named)' in this data") }
            return tenant
        }
        guard let only = tenants.first, tenants.count == 1 else {
            let names = tenants.map(\.name.text).joined(separator: ", ")
            throw .cannotStart(tenants.isEmpty ? "there is no tenant in this data" : "name one with --tenant: \(names)")
        }
        return only
    }
}

enum DeviceIDRule {
    static func issue(_ text: String) -> String? { DeviceID(text).registrationIssue(WireLimits()) }
}
