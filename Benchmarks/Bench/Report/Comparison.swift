import Foundation
import Histogram
import LoadDriver

/// One side of a measurement over all its rounds.
struct Side {
    private(set) var rates: [Double] = []
    private(set) var requests = 0
    private(set) var latencies = LoadResult.noLatencies
    private(set) var cpu = CPUTime()
    private(set) var elapsed = 0.0

    mutating func add(_ result: LoadResult, _ cpu: CPUTime, elapsed: Double) {
        rates.append(result.perSecond)
        requests += result.requests
        latencies.add(result.latencies)
        self.cpu = self.cpu + cpu
        self.elapsed += elapsed
    }

    var rate: Double { rates.median }

    /// Microseconds of processor time a request.
    func microseconds(_ part: KeyPath<CPUTime, Double>) -> Double {
        cpu[keyPath: part] * 1_000_000 / Double(max(1, requests))
    }

    /// The share of the machine's processors that went to others meanwhile.
    var othersShare: Double {
        max(0, cpu.others / (elapsed * Double(ProcessInfo.processInfo.activeProcessorCount)))
    }

    func milliseconds(at percentile: Double) -> Double {
        Double(latencies.valueAtPercentile(percentile)) / 1_000_000
    }
}

/// Two sides that were measured in turns.
struct Comparison {
    var floor = Side()
    var server = Side()
    var residentMegabytes = 0.0

    /// The median ratio of runs that stood next to each other. What else the machine did meanwhile touches both.
    var ratio: Double { zip(server.rates, floor.rates).map { $0 / $1 }.median }

    /// The share of the machine's processors that went to others while this was measured.
    var othersShare: Double {
        let cores = Double(ProcessInfo.processInfo.activeProcessorCount)
        return max(0, (floor.cpu.others + server.cpu.others) / ((floor.elapsed + server.elapsed) * cores))
    }
}

extension [Double] {
    var median: Double {
        let ordered = sorted()
        guard !ordered.isEmpty else { return 0 }
        let middle = ordered.count / 2
        return ordered.count.isMultiple(of: 2) ? (ordered[middle - 1] + ordered[middle]) / 2 : ordered[middle]
    }
}

/// Measures two sides in turns: floor, server, floor, server, …
struct Turns {
    let context: Context
    let meter: CPUMeter

    /// - Parameters:
    ///   - floorDriver, serverDriver: whose time the clients take.
    ///   - reset: before each run, so that each finds the same.
    func compare(
        floorDriver: CPUMeter.Driver = .children, serverDriver: CPUMeter.Driver = .own,
        reset: () async throws -> Void = {}, floor: (_ round: Int) async throws -> LoadResult,
        server: (_ round: Int) async throws -> LoadResult
    ) async throws -> Comparison {
        var comparison = Comparison()
        for round in 0..<context.plan.rounds {
            try await reset()
            try await measure(into: &comparison.floor, driver: floorDriver) { try await floor(round) }
            try await reset()
            try await measure(into: &comparison.server, driver: serverDriver) { try await server(round) }
        }
        if let server = meter.server { comparison.residentMegabytes = CPUMeter.residentMegabytes(server) }
        return comparison
    }

    private func measure(
        into side: inout Side, driver: CPUMeter.Driver, _ run: () async throws -> LoadResult
    ) async throws {
        let (before, start) = (meter.read(driver), ContinuousClock.now)
        let result = try await run()
        side.add(result, meter.read(driver) - before, elapsed: start.duration(to: .now) / .seconds(1))
    }
}
