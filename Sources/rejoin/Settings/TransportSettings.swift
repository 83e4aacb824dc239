import ArgumentParser
import SyncHTTP

/// What bounds connections and the memory of requests.
struct TransportOptions: ParsableArguments {
    @Option(help: "Connections at the same time. (default: 10000; REJOIN_CONNECTIONS)")
    var connections: Int?

    @Option(
        help: """
            Answer /healthz, /readyz and /metrics at this port instead of beside everything else, 0 for a free one. \
            (REJOIN_MANAGEMENT_PORT)
            """)
    var managementPort: Int?

    @Option(
        help: """
            MiB that bodies and answers of all requests together may take; one tenant a quarter of it. \
            (default: 256; REJOIN_REQUEST_MEMORY)
            """)
    var requestMemory: Int?

    @Option(help: "Seconds in which a request's body has to come. (default: 300; REJOIN_BODY_TIMEOUT)")
    var bodyTimeout: Int?

    @Option(
        help: """
            Seconds after which a client that takes nothing of its answer is disconnected. \
            (default: 30; REJOIN_ANSWER_TIMEOUT)
            """)
    var answerTimeout: Int?
}

/// The transport's options in force.
struct TransportSettings: Sendable {
    let connections: Setting<Int>
    let managementPort: Setting<Int>?
    let requestMemoryMiB: Setting<Int>
    let bodyTimeoutSeconds: Setting<Int>
    let answerTimeoutSeconds: Setting<Int>

    init(_ options: TransportOptions, _ settings: SettingsResolution) throws(CommandFailure) {
        connections = try settings.integer(.connections, options.connections, in: 1...1_000_000, default: 10_000)
        let port = try settings.integer(.managementPort, options.managementPort, in: 0...65_535, default: -1)
        managementPort = port.value < 0 ? nil : port
        // One body of the largest size, as it is parsed, has to fit into one tenant's share.
        requestMemoryMiB = try settings.integer(
            .requestMemory, options.requestMemory, in: 128...1_048_576, default: 256)
        bodyTimeoutSeconds = try settings.integer(.bodyTimeout, options.bodyTimeout, in: 1...86_400, default: 300)
        answerTimeoutSeconds = try settings.integer(.answerTimeout, options.answerTimeout, in: 1...3_600, default: 30)
    }

    var limits: TransportLimits {
        var limits = TransportLimits()
        limits.connections = connections.value
        limits.memoryBytes = requestMemoryMiB.value * 1024 * 1024
        limits.bodyMilliseconds = Int64(bodyTimeoutSeconds.value) * 1_000
        limits.bodyGraceMilliseconds = min(limits.bodyGraceMilliseconds, limits.bodyMilliseconds)
        limits.stalledAnswerMilliseconds = Int64(answerTimeoutSeconds.value) * 1_000
        limits.stoppingMilliseconds = min(limits.stoppingMilliseconds, limits.stalledAnswerMilliseconds)
        return limits
    }

    /// The settings as `doctor` shows them.
    var rows: [[String]] {
        func row(_ name: SettingName, _ setting: Setting<Int>, _ unit: String = "") -> [String] {
            ["  \(name.rawValue)", "\(setting.value)\(unit)", setting.source.text]
        }
        var rows = [
            row(.connections, connections), row(.requestMemory, requestMemoryMiB, " MiB"),
            row(.bodyTimeout, bodyTimeoutSeconds, " s"), row(.answerTimeout, answerTimeoutSeconds, " s"),
        ]
        if let managementPort { rows.append(row(.managementPort, managementPort)) }
        return rows
    }
}
