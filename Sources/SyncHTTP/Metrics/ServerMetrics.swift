import MergeCore
import SyncStorage
import SyncWire
import Synchronization

/// What the server counts.
///
/// Labels are routes, methods, statuses, codes, policies and outcomes, all from fixed sets. No tenant and no device is
/// ever a label.
public final class ServerMetrics: Sendable {
    private struct Request: Hashable {
        let route: String
        let method: String
        let status: Int
    }

    /// Why an operation was not applied, and what became of its batch.
    private struct Reason: Hashable {
        let code: Rejection.Code
        let batch: BatchEnd
    }

    private struct State {
        var requests: [Request: UInt64] = [:]
        var durations: [String: Histogram] = [:]
        var receivedBytes: [String: Histogram] = [:]
        var sentBytes: [String: Histogram] = [:]
        var operations: [OutcomeKind: UInt64] = [:]
        var rejections: [Reason: UInt64] = [:]
        var batches: [BatchEnd: UInt64] = [:]
        var problems: [ProblemCode: UInt64] = [:]
        var conflicts: [String: UInt64] = [:]
        var storage: [String: Histogram] = [:]
        var commits: [String: Histogram] = [:]
        var streams = 0
    }

    /// How a batch ended.
    enum BatchEnd: String, CaseIterable {
        case committed, replayed, refused
    }

    private let state = Mutex(State())

    public init() {}

    func noteRequest(
        route: String, method: String, status: Int, duration: Duration, problem: ProblemCode? = nil
    ) {
        state.withLock { state in
            if let problem { state.problems[problem, default: 0] += 1 }
            state.requests[Request(route: route, method: method, status: status), default: 0] += 1
            state.durations[route, default: Histogram(Histogram.seconds)].observe(duration.inSeconds)
        }
    }

    /// Counts the bodies of one exchange, when its answer has been handed over.
    func noteBytes(route: String, received: Int, sent: Int) {
        state.withLock { state in
            state.receivedBytes[route, default: Histogram(Histogram.bytes)].observe(Double(received))
            state.sentBytes[route, default: Histogram(Histogram.bytes)].observe(Double(sent))
        }
    }

    /// Counts a batch.
    /// - Parameter rejections: how many operations were not applied, by the first reason of each.
    func noteBatch(
        _ end: BatchEnd, outcomes: [OutcomeKind: Int] = [:], rejections: [Rejection.Code: Int] = [:]
    ) {
        state.withLock { state in
            state.batches[end, default: 0] += 1
            for (outcome, count) in outcomes { state.operations[outcome, default: 0] += UInt64(count) }
            for (code, count) in rejections {
                state.rejections[Reason(code: code, batch: end), default: 0] += UInt64(count)
            }
        }
    }

    /// Counts a stream that began well and was refused midway.
    func noteProblem(_ code: ProblemCode) { state.withLock { $0.problems[code, default: 0] += 1 } }

    /// Counts that an answer without an end known beforehand began or ended.
    func noteStream(began: Int) { state.withLock { $0.streams += began } }

    /// The observer to give to an `ObservedStore`.
    public var storeObserver: StoreObserver {
        { [self] observation in
            state.withLock { state in
                switch observation {
                case .step(let step, let duration):
                    state.storage[step.rawValue, default: Histogram(Histogram.seconds)].observe(duration.inSeconds)
                case .committed(let size):
                    if size.batches > 0 {
                        state.commits["batches", default: Histogram(Histogram.batches)].observe(Double(size.batches))
                    }
                    for (policy, count) in size.conflicts { state.conflicts[policy, default: 0] += UInt64(count) }
                }
            }
        }
    }

    func write(to text: inout Exposition) {
        let state = state.withLock { $0 }
        text.family("rejoin_http_requests_total", .counter, "Requests by route, method and status.")
        for (request, count) in state.requests.sorted(by: { Self.order($0.key) < Self.order($1.key) }) {
            text.sample(
                "rejoin_http_requests_total",
                ["route": request.route, "method": request.method, "status": "\(request.status)"], count)
        }
        text.family("rejoin_problems_total", .counter, "Problem documents by code and status.")
        for code in ProblemCode.allCases {
            text.sample(
                "rejoin_problems_total", ["code": code.rawValue, "status": "\(code.status)"], state.problems[code] ?? 0)
        }
        text.histograms(
            "rejoin_http_request_seconds", "Time from head to answer by route, in seconds.", by: "route",
            state.durations)
        text.histograms(
            "rejoin_http_request_bytes", "Bytes of bodies that came, by route.", by: "route", state.receivedBytes)
        text.histograms(
            "rejoin_http_response_bytes", "Bytes of bodies that were sent, by route.", by: "route", state.sentBytes)
        text.family("rejoin_batches_total", .counter, "Batches by how they ended.")
        for end in BatchEnd.allCases {
            text.sample("rejoin_batches_total", ["end": end.rawValue], state.batches[end] ?? 0)
        }
        text.family(
            "rejoin_operations_total", .counter, "Operations that were decided, by outcome. Replays are not counted.")
        for outcome in OutcomeKind.allCases {
            text.sample("rejoin_operations_total", ["outcome": outcome.rawValue], state.operations[outcome] ?? 0)
        }
        text.family(
            "rejoin_rejections_total", .counter,
            "Operations that were not applied, by their first reason and by what became of their batch.")
        for code in Rejection.Code.allCases {
            for end in [BatchEnd.committed, .refused] {
                text.sample(
                    "rejoin_rejections_total", ["code": code.rawValue, "batch": end.rawValue],
                    state.rejections[Reason(code: code, batch: end)] ?? 0)
            }
        }
        text.family("rejoin_conflicts_total", .counter, "Conflicts that were recorded, by policy.")
        for policy in MergePolicy.allCases.map(\.rawValue) + DeletePolicy.allCases.map(\.rawValue) {
            text.sample("rejoin_conflicts_total", ["policy": policy], state.conflicts[policy] ?? 0)
        }
        text.histograms(
            "rejoin_commit_size", "What is committed in one transaction, by what is counted.", by: "of", state.commits)
        text.histograms("rejoin_storage_seconds", "Time in the store by step, in seconds.", by: "step", state.storage)
        text.single("rejoin_open_streams", .gauge, "Streams and exports under way.", state.streams)
    }

    private static func order(_ request: Request) -> String { "\(request.route) \(request.method) \(request.status)" }
}
