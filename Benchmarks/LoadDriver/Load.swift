import Foundation
import Histogram
import Synchronization

/// What one side of a measurement did in one run.
public struct LoadResult: Sendable {
    public var requests: Int
    public var seconds: Double
    /// Nanoseconds from the first byte sent to the last byte received.
    public var latencies: Histogram<UInt64>

    public init(requests: Int, seconds: Double, latencies: Histogram<UInt64>) {
        self.requests = requests
        self.seconds = seconds
        self.latencies = latencies
    }

    public var perSecond: Double { Double(requests) / seconds }

    /// An empty histogram for a minute at most, to three digits.
    public static var noLatencies: Histogram<UInt64> { Histogram(highestTrackableValue: 60_000_000_000) }
}

extension Array {
    /// Lets every client send request after request on a thread of its own until the time is over.
    /// - Throws: the first error that any of them met.
    public func run<Stream>(for duration: Duration) throws(LoadError) -> LoadResult where Element == Client<Stream> {
        try run { _, elapsed in elapsed < duration }
    }

    /// Lets every client send so many requests, on a thread of its own.
    @discardableResult
    public func run<Stream>(requests count: Int) throws(LoadError) -> LoadResult where Element == Client<Stream> {
        try run { requests, _ in requests < count }
    }

    private func run<Stream>(
        while isGoingOn: @escaping @Sendable (_ requests: Int, _ elapsed: Duration) -> Bool
    ) throws(LoadError) -> LoadResult where Element == Client<Stream> {
        let total = Mutex(LoadResult(requests: 0, seconds: 0, latencies: LoadResult.noLatencies))
        let failure = Mutex<LoadError?>(nil)
        let finished = DispatchGroup()
        for client in self { try client.reconnect() }
        let start = ContinuousClock.now
        for client in self {
            finished.enter()
            let thread = Thread {
                defer { finished.leave() }
                var latencies = LoadResult.noLatencies
                var requests = 0
                var now = ContinuousClock.now
                do throws(LoadError) {
                    while isGoingOn(requests, now - start) {
                        try client.step()
                        let then = ContinuousClock.now
                        latencies.record(UInt64((then - now) / .nanoseconds(1)))
                        requests += 1
                        now = then
                    }
                } catch {
                    failure.withLock { $0 = $0 ?? error }
                }
                total.withLock {
                    $0.requests += requests
                    $0.latencies.add(latencies)
                }
            }
            thread.stackSize = 1 << 20
            thread.start()
        }
        finished.wait()
        if let error = failure.withLock({ $0 }) { throw error }
        var result = total.withLock { $0 }
        result.seconds = start.duration(to: .now) / .seconds(1)
        return result
    }
}
