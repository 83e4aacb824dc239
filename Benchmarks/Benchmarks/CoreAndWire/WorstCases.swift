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
    for (name, row) in [
        ("a set of 10,000 elements", WorstCase.setRow(elements: 10_000)),
        ("a counter of 511 devices", WorstCase.counterRow(devices: 511)),
        ("a record of nearly 1 MiB", WorstCase.fullRow()),
    ] {
        Benchmark("storage, worst: decode and encode \(name)") { benchmark in
            for _ in benchmark.scaledIterations {
                blackHole(RecordRow(try row.decoded(), rules: CollectionRules(), changedAtMilliseconds: 0))
            }
        }
    }
    for (name, body) in [
        ("1,000 bad operations", WorstCase.badBody(operations: 1_000, fields: 20)),
        ("8 MiB of bad names of fields", WorstCase.badBody(operations: 78, fields: 256, nameBytes: 405)),
        ("8 MiB of bad names of members", WorstCase.strangeBody(operations: 1_000, members: 705)),
    ] {
        Benchmark("wire, worst: read a batch of \(name)") { benchmark in
            for _ in benchmark.scaledIterations { blackHole(try BatchRequest(body: body.span, limits: WireLimits())) }
        }
    }
    Benchmark("audit, worst: fold a conflict of 1,000 entries") { benchmark in
        let file = WorstCase.longConflict(entries: 1_000)
        for _ in benchmark.scaledIterations { blackHole(try ConflictView(file)) }
    }
}
