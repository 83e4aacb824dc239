import Foundation
import RejoinProcesses
import SyncHTTP

@testable import rejoin

extension Caller {
    init(data: String, address: String, tenant: String, device: String?, roles: [String]) async throws {
        let mint = await TokenMint(secret: try DataDirectory(path: data).secret())
        let claims = TokenClaims(
            user: device ?? "somebody", tenant: tenant, device: device,
            roles: roles + (device == nil ? [] : ["device"]), expiresAtSeconds: Date().timeIntervalSince1970 + 3_600)
        self.init(address: address, token: try await mint.token(claims))
    }
}

extension ServerProcess {
    /// A caller with a token of the server's own key.
    func caller(tenant: String = "acme", device: String? = nil, roles: [String] = []) async throws -> Caller {
        try await Caller(data: data, address: address, tenant: tenant, device: device, roles: roles)
    }
}
