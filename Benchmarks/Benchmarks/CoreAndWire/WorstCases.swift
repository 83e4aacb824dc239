import BatchPath
import Benchmark
import MergeCore
import SyncEngine
import SyncStorage
import SyncWire

/// What costs most within the limits. Each row grows with what its operations name, not with what is there.
func worstCases() {
    for worst in WorstCase.all {
        Benchmark("core, worst: \(worst.name)") { benchmark in
            for _ in benchmark.scaledIterations { blackHole(worst.run()) }
        }
    }
    Benchmark("storage, worst: one field of a record of 230,000, decoded, changed and encoded") { benchmark in
        let row = WorstCase.wideRow(fields: 230_000)
        for _ in benchmark.scaledIterations {
            var record = try row.decoded()
            record.state = WorstCase.changingOneField(of: record.state)
            blackHole(RecordRow(record, rules: CollectionRules(), changedAtMilliseconds: 0))
        }
    }
    Benchmark("wire, worst: read a batch of 1,000 bad operations") { benchmark in
        let body = WorstCase.badBody(operations: 1_000)
        for _ in benchmark.scaledIterations { blackHole(try BatchRequest(body: body.span, limits: Limits())) }
    }
    Benchmark("audit, worst: fold a conflict of 1,000 entries") { benchmark in
        let file = WorstCase.longConflict(entries: 1_000)
        for _ in benchmark.scaledIterations { blackHole(try ConflictView(file)) }
    }
}
