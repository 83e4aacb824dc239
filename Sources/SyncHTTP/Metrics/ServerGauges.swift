import Foundation
import SyncEngine

/// A figure that is read at the time of the scrape.
public struct ServerGauge: Sendable {
    let name: String
    let help: String
    let read: @Sendable () -> Int?

    /// Makes a gauge.
    /// - Parameter read: reads the figure; nil where there is none at the moment. It must not block for long.
    public init(_ name: String, _ help: String, read: @escaping @Sendable () -> Int?) {
        self.name = name
        self.help = help
        self.read = read
    }
}

extension ServerGauge {
    /// What the operating system says of the process, under the names that all of Prometheus' clients use.
    static let process: [ServerGauge] = [
        ServerGauge("process_open_fds", "Descriptors that are open.") {
            (try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd"))?.count
        },
        ServerGauge("process_max_fds", "Descriptors that may be open.") {
            var limit = rlimit()
            guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return nil }
            return Int(clamping: limit.rlim_cur)
        },
        ServerGauge("process_resident_memory_bytes", "Memory that is resident, in bytes.") {
            guard let text = try? String(contentsOfFile: "/proc/self/statm", encoding: .utf8) else { return nil }
            return text.split(separator: " ").dropFirst().first.flatMap { Int($0) }.map { $0 * Int(getpagesize()) }
        },
    ]
}

extension ConnectionGate {
    func write(to text: inout Exposition, limits: TransportLimits) {
        let figures = figures
        text.single("rejoin_connections", .gauge, "Connections that are open.", figures.open)
        text.single("rejoin_connections_limit", .gauge, "Connections that may be open.", limits.connections)
        text.single("rejoin_connections_accepted_total", .counter, "Connections that were accepted.", figures.accepted)
        text.single(
            "rejoin_connections_beyond_total", .counter, "Connections that came when there were as many as may be.",
            figures.beyond)
        text.family(
            "rejoin_connections_ended_total", .counter, "Connections that the server ended, by reason.")
        for end in ConnectionEnd.allCases {
            text.sample("rejoin_connections_ended_total", ["reason": end.rawValue], figures.ended[end] ?? 0)
        }
        text.single(
            "rejoin_streams", .gauge, "Requests over HTTP/2 that share their connection with an earlier one.",
            figures.sharing)
        text.single(
            "rejoin_streams_refused_total", .counter, "Requests over HTTP/2 that found no place beside others.",
            figures.sharingRefused)
        text.single("rejoin_received_bytes_total", .counter, "Bytes that came.", figures.receivedBytes)
        text.single("rejoin_sent_bytes_total", .counter, "Bytes that were sent.", figures.sentBytes)
    }
}

extension MemoryBudget {
    func write(to text: inout Exposition) {
        let figures = figures
        text.single("rejoin_memory_bytes", .gauge, "Bytes of bodies and answers in memory.", figures.heldBytes)
        text.single("rejoin_memory_peak_bytes", .gauge, "The most that they ever were.", figures.peakBytes)
        text.single("rejoin_memory_limit_bytes", .gauge, "Bytes that they may be.", capacityBytes)
        text.single(
            "rejoin_memory_refusals_total", .counter, "Requests that found no room for a body or an answer.",
            figures.refusals)
    }
}
