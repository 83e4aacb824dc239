import BatchPath
import Benchmark
import Causality
import Foundation
import MergeCore
import StrictJSON
import SyncStorage
import SyncWire

// Read ratios between the lines of one run. The machine's noise moves all of them together.
let benchmarks: @Sendable () -> Void = {
    Benchmark.defaultConfiguration = .init(
        metrics: [.wallClock, .cpuTotal, .peakMemoryResident], warmupIterations: 3, maxDuration: .seconds(3))

    let body = SampleBatch.body(operations: 500)

    // MARK: The wire, 500 operations

    Benchmark("wire: read a batch, own parser") { benchmark in
        for _ in benchmark.scaledIterations {
            blackHole(try BatchRequest(body: body.span, limits: WireLimits()))
        }
    }
    Benchmark("wire: read JSON only, own parser") { benchmark in
        for _ in benchmark.scaledIterations { blackHole(try JSONParser().parse(body.span)) }
    }
    Benchmark("wire: read JSON only, JSONSerialization") { benchmark in
        let data = Data(body)
        for _ in benchmark.scaledIterations { blackHole(try JSONSerialization.jsonObject(with: data)) }
    }
    Benchmark("wire: read JSON only, JSONDecoder") { benchmark in
        let data = Data(body)
        for _ in benchmark.scaledIterations { blackHole(try JSONDecoder().decode(AnyJSON.self, from: data)) }
    }
    Benchmark("wire: write JSON, own writer") { benchmark in
        let value = try JSONParser().parse(body)
        for _ in benchmark.scaledIterations { blackHole(value.canonicalBytes) }
    }
    Benchmark("wire: write JSON, JSONEncoder") { benchmark in
        let value = try JSONDecoder().decode(AnyJSON.self, from: Data(body))
        for _ in benchmark.scaledIterations { blackHole(try JSONEncoder().encode(value)) }
    }

    // MARK: The core

    for count in [20, 1_000] {
        Benchmark("core: decide a batch of \(count) creates") { benchmark in
            guard let batch = SampleBatch.batch(SampleBatch.body(operations: count), key: "k") else { return }
            for _ in benchmark.scaledIterations {
                var decider = BatchDecider(over: Snapshot(), under: DecisionSettings(schema: .open))
                blackHole(decider.decide(batch))
            }
        }
    }
    worstCases()
    for devices in [1, 10, 100] {
        Benchmark("core: compare clocks of \(devices) devices, 1,000 times") { benchmark in
            let left = VersionVector(
                (0..<devices).map { VersionVector.Entry(device: DeviceID("device-\($0)"), counter: Int64($0 + 1)) })
            let right = left.setting("device-0", to: 7)
            for _ in benchmark.scaledIterations {
                for _ in 0..<1_000 { blackHole(left.compare(right)) }
            }
        }
    }
    Benchmark("storage: encode and decode a record's row, 1,000 times") { benchmark in
        guard let batch = SampleBatch.batch(SampleBatch.body(operations: 1), key: "k") else { return }
        var decider = BatchDecider(over: Snapshot(), under: DecisionSettings(schema: .open))
        _ = decider.decide(batch)
        guard let record = decider.record(RecordKey(collection: "estimates", id: "estimate-0")) else { return }
        for _ in benchmark.scaledIterations {
            for _ in 0..<1_000 {
                let row = RecordRow(record, rules: CollectionRules(), changedAtMilliseconds: 0)
                blackHole(try row.decoded())
            }
        }
    }
}
