import LoadDriver

/// A load, and what each of its operations costs: a row of the table.
struct CostLoad {
    /// What is done, in words.
    let name: String
    /// In each request; 1 where the request itself is counted.
    let operations: Int
    /// Another row of the same measurement whose rate this one's is divided by.
    var yardstick: Yardstick?
    /// The same load on each contender; one alone where no server takes part.
    let runs: [Run]

    struct Yardstick {
        /// The row's name.
        let row: String
        /// What it is called beside the ratio.
        let title: String
    }

    /// The load on one contender.
    struct Run {
        let meter: CostMeter
        let driver: CPUMeter.Driver
        let load: (Duration) async throws -> LoadResult
    }
}

/// What a load cost on one contender, over all rounds.
struct Cost {
    private(set) var side = Side()
    private var bytes = Bytes()
    private let operations: Int

    init(operations: Int) { self.operations = operations }

    var rate: Double { side.rate * Double(operations) }
    var rates: [Double] { side.rates.map { $0 * Double(operations) } }
    var server: Double { each(side.microseconds(\.server)) }
    var database: Double { each(side.microseconds(\.database)) }
    var cpu: Double { server + database }
    var written: Double { each(Double(bytes.written) / Double(max(1, side.requests))) }
    var grown: Double { each(Double(bytes.grown) / Double(max(1, side.requests))) }

    private func each(_ ofRequest: Double) -> Double { ofRequest / Double(operations) }

    mutating func add(_ run: CostLoad.Run, for duration: Duration) async throws {
        let before = try await run.meter.bytes()
        let (start, began) = (run.meter.cpu.read(run.driver), ContinuousClock.now)
        let result = try await run.load(duration)
        side.add(
            result, run.meter.cpu.read(run.driver) - start, elapsed: began.duration(to: .now) / .seconds(1))
        bytes = bytes + (try await run.meter.bytes() - before)
    }
}

extension [CostLoad] {
    /// Measures them in turns, load after load and round after round, each load on one contender after the other.
    /// - Returns: the cost of each load on each contender.
    func measure(_ context: Context) async throws -> [[Cost]] {
        var costs = map { load in load.runs.map { _ in Cost(operations: load.operations) } }
        for round in 0..<context.plan.rounds {
            for (index, load) in enumerated() {
                for (contender, run) in load.runs.enumerated() {
                    if round == 0 { _ = try await run.load(context.plan.warmUp) }
                    try await costs[index][contender].add(run, for: context.plan.run)
                }
            }
            context.note("round \(round + 1) of \(context.plan.rounds) is measured")
        }
        return costs
    }
}
