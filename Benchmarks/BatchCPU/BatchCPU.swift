import BatchPath
import Glibc

// The processor time of one batch of 20 operations, for a profiler or by itself:
//
//     swift run --configuration release batch-cpu [creates|updates|conflicts] [batches]
@main
struct BatchCPU {
    static func main() async throws {
        // Away from the main thread, to which every batch would come back otherwise.
        try await Task.detached { try await measure() }.value
    }

    static func measure() async throws {
        let arguments = CommandLine.arguments.dropFirst()
        let chosen = arguments.first.flatMap(BatchPath.Scenario.init(rawValue:))
        let batches = arguments.last.flatMap { Int($0) } ?? 1_000
        for scenario in BatchPath.Scenario.allCases where chosen == nil || chosen == scenario {
            let path = try await BatchPath(scenario)
            var reading: [Double] = []
            var whole: [Double] = []
            for _ in 0..<10 {
                var start = processorMicroseconds()
                for _ in 0..<batches / 10 { _ = try path.read() }
                reading.append((processorMicroseconds() - start) / Double(batches / 10))
                start = processorMicroseconds()
                for _ in 0..<batches / 10 { _ = try await path.run() }
                whole.append((processorMicroseconds() - start) / Double(batches / 10))
            }
            print(
                "\(scenario.rawValue): \(line(of: whole)) from bytes to bytes, \(line(of: reading)) of it reading, "
                    + "\(path.body.count) bytes")
        }
    }

    /// The median of the rounds, and the least of them, which the machine's noise moves less.
    static func line(of rounds: [Double]) -> String {
        let sorted = rounds.sorted()
        return "\(Int(sorted[sorted.count / 2])) µs (least \(Int(sorted[0])))"
    }

    /// The processor time of all threads of the process.
    static func processorMicroseconds() -> Double {
        var time = timespec()
        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
        return Double(time.tv_sec) * 1e6 + Double(time.tv_nsec) / 1e3
    }
}
