import MergeCore
import Synchronization

/// What the server counts, in the text format of Prometheus (version 0.0.4).
///
/// Labels are routes, methods, statuses and outcomes, all from fixed sets; no tenant and no device is ever one.
public final class ServerMetrics: Sendable {
    private struct Request: Hashable {
        let route: String
        let method: String
        let status: Int
    }

    private struct Histogram {
        static let bounds: [Double] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]
        var counts = [UInt64](repeating: 0, count: bounds.count + 1)
        var sum = 0.0

        mutating func observe(_ seconds: Double) {
            counts[Self.bounds.firstIndex { seconds <= $0 } ?? Self.bounds.count] += 1
            sum += seconds
        }
    }

    private struct State {
        var requests: [Request: UInt64] = [:]
        var durations: [String: Histogram] = [:]
        var operations: [OutcomeKind: UInt64] = [:]
        var batches: [BatchEnd: UInt64] = [:]
    }

    /// How a batch ended.
    enum BatchEnd: String, CaseIterable {
        case committed, replayed, refused
    }

    private let state = Mutex(State())

    public init() {}

    func noteRequest(route: String, method: String, status: Int, duration: Duration) {
        state.withLock { state in
            state.requests[Request(route: route, method: method, status: status), default: 0] += 1
            state.durations[route, default: Histogram()].observe(duration.inSeconds)
        }
    }

    func noteBatch(_ end: BatchEnd, outcomes: [OutcomeKind: Int] = [:]) {
        state.withLock { state in
            state.batches[end, default: 0] += 1
            for (outcome, count) in outcomes { state.operations[outcome, default: 0] += UInt64(count) }
        }
    }

    /// - Parameter gauges: what is read at the time of the scrape, by name, each with what it means.
    func exposition(gauges: [(name: String, help: String, value: Int)]) -> String {
        let state = state.withLock { $0 }
        var text = ""
        func family(_ name: String, _ type: String, _ help: String) {
            text += "# HELP \(name) \(help)\n# TYPE \(name) \(type)\n"
        }
        family("rejoin_http_requests_total", "counter", "Requests by route, method and status.")
        for (request, count) in state.requests.sorted(by: { Self.order($0.key) < Self.order($1.key) }) {
            text += "rejoin_http_requests_total{route=\"\(Self.escaped(request.route))\","
            text += "method=\"\(Self.escaped(request.method))\",status=\"\(request.status)\"} \(count)\n"
        }
        family("rejoin_http_request_seconds", "histogram", "Time from head to answer by route, in seconds.")
        for (route, histogram) in state.durations.sorted(by: { $0.key < $1.key }) {
            text += Self.lines(of: histogram, route: Self.escaped(route))
        }
        family("rejoin_batches_total", "counter", "Batches by how they ended.")
        for end in BatchEnd.allCases {
            text += "rejoin_batches_total{end=\"\(end.rawValue)\"} \(state.batches[end] ?? 0)\n"
        }
        family(
            "rejoin_operations_total", "counter", "Operations that were decided, by outcome. Replays are not counted.")
        for outcome in OutcomeKind.allCases {
            text += "rejoin_operations_total{outcome=\"\(outcome.rawValue)\"} \(state.operations[outcome] ?? 0)\n"
        }
        for gauge in gauges {
            family(gauge.name, "gauge", gauge.help)
            text += "\(gauge.name) \(gauge.value)\n"
        }
        return text
    }

    private static func lines(of histogram: Histogram, route: String) -> String {
        var text = ""
        var cumulated: UInt64 = 0
        for (bound, count) in zip(Histogram.bounds, histogram.counts) {
            cumulated += count
            text += "rejoin_http_request_seconds_bucket{route=\"\(route)\",le=\"\(bound)\"} \(cumulated)\n"
        }
        let total = cumulated + (histogram.counts.last ?? 0)
        text += "rejoin_http_request_seconds_bucket{route=\"\(route)\",le=\"+Inf\"} \(total)\n"
        text += "rejoin_http_request_seconds_sum{route=\"\(route)\"} \(histogram.sum)\n"
        text += "rejoin_http_request_seconds_count{route=\"\(route)\"} \(total)\n"
        return text
    }

    private static func order(_ request: Request) -> String { "\(request.route) \(request.method) \(request.status)" }

    private static func escaped(_ text: String) -> String {
        text.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"").replacing("\n", with: "\\n")
    }
}
