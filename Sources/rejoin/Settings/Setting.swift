import Foundation
import Values

/// Where the value of an option came from.
enum SettingSource: Sendable, Hashable {
    case commandLine
    case environment(String)
    case file(String)
    case standard

    var text: String {
        switch self {
        case .commandLine: "command line"
        case .environment(let name): "environment (\(name))"
        case .file(let path): "file (\(path))"
        case .standard: "default"
        }
    }
}

/// An option in force.
struct Setting<Value: Sendable>: Sendable {
    let value: Value
    let source: SettingSource
}

/// The names that options have in the environment and in a settings file.
enum SettingName: String, CaseIterable {
    case data, host, port, collections, jwks
    case publicKey = "public-key"
    case signingKey = "signing-key"
    case issuer, audience
    case tokenLeeway = "token-leeway"
    case logLevel = "log-level"
    case requestsPerSecond = "requests-per-second"
    case bytesPerSecond = "bytes-per-second"
    case tlsCertificate = "tls-certificate"
    case tlsKey = "tls-key"
    case trustedProxy = "trusted-proxy"
    case connections
    case managementPort = "management-port"
    case requestMemory = "request-memory"
    case bodyTimeout = "body-timeout"
    case answerTimeout = "answer-timeout"
    case readersPerDevice = "readers-per-device"
    case readersPerTenant = "readers-per-tenant"
    case allowOrigin = "allow-origin"
    case devicesPerUser = "devices-per-user"
    case database
    case databaseConnections = "database-connections"
    case databaseConnectTimeout = "database-connect-timeout"
    case databaseLockTimeout = "database-lock-timeout"
    case databaseStatementTimeout = "database-statement-timeout"

    /// `REJOIN_LOG_LEVEL` for `log-level`.
    var environmentName: String {
        "REJOIN_" + rawValue.uppercased().replacing("-", with: "_")
    }
}
