import Causality
import MergeCore
import SeededRandom
import SyncStorage
import Values

extension Batch {
    /// Batches as an app sends them that is used for the first time: new records of five short fields, under random
    /// UUIDs (version 4). Tests of what a commit costs use them.
    /// - Parameters:
    ///   - count: how many batches.
    ///   - operations: how many each of them has.
    ///   - device: who sends them.
    ///   - seed: makes other ids.
    public static func samples(
        _ count: Int, of operations: Int, from device: DeviceID, seed: UInt64
    ) -> [Batch] {
        var random = SeededGenerator(seed: seed)
        return (0..<count).map { _ in
            Batch(
                ExactString(uuid(&random)), from: device,
                (0..<operations).map { _ in
                    Operation(
                        .create, OperationID(ExactString(uuid(&random))),
                        on: RecordKey("estimates", ExactString(uuid(&random))), clock: [device: 1],
                        [
                            "city": "Berlin", "client": "Familie G", "paid": false, "title": "Kitchen and bath",
                            "total": 120_350,
                        ], at: 1_700_000_000_000)
                })
        }
    }

    private static func uuid(_ random: inout SeededGenerator) -> String {
        let digits = (0..<32).map { _ in String(Int.random(in: 0..<16, using: &random), radix: 16) }.joined()
        let parts = [0..<8, 8..<12, 13..<16, 17..<20, 20..<32].map { range in
            String(Array(digits)[range])
        }
        return "\(parts[0])-\(parts[1])-4\(parts[2])-8\(parts[3])-\(parts[4])"
    }
}
