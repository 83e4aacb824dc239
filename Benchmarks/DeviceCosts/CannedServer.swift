import Causality
import DeviceReplica
import MergeCore
import StrictJSON
import SyncWire
import Synchronization
import Values

/// Answers as a server does that takes everything, at next to no cost: what is measured is the device.
final class CannedServer: ServerConnection {
    private let pages: [[UInt8]]
    private let sequence = Mutex<Int64>(0)
    private static let limits = [SessionAnswer.Limit("operationsPerBatch", 1_000)]
    private static let time: Int64 = 1_795_212_000_000

    /// - Parameter count: how many records a first pull brings.
    init(records count: Int, perPage: Int = 500) {
        var pages: [[UInt8]] = []
        for start in stride(from: 0, to: count, by: perPage) {
            let end = min(count, start + perPage)
            let records = (start..<end).map { index in
                WireRecord(
                    key: Self.key(index), sequence: Int64(index + 1), isDeleted: false, clock: #"{"office":1}"#,
                    stampMilliseconds: Self.time, fields: Self.fields(index), siblings: nil, openConflicts: 0)
            }
            pages.append(
                ChangesPage(
                    records: records,
                    end: .init(cursor: "\(pages.count + 1)", hasMore: end < count, serverTimeMilliseconds: Self.time)
                ).encoded())
        }
        self.pages = pages
        sequence.withLock { $0 = Int64(count) }
    }

    static func key(_ index: Int) -> RecordKey { RecordKey(collection: "notes", id: ExactString("record-\(index)")) }

    /// About 250 bytes, as a row of an app has.
    static func fields(_ index: Int) -> String {
        #"{"customer":"customer \#(index % 977)","done":false,"notes":"\#(String(repeating: "lorem ipsum ", count: 10))","position":\#(index),"title":"number \#(index)"}"#
    }

    func send(_ request: ServerRequest) async throws(ConnectionFailure) -> ServerResponse {
        ServerResponse(status: 200, retryAfterSeconds: nil, body: answer(request))
    }

    private func answer(_ request: ServerRequest) -> [UInt8] {
        let path = request.path.prefix { $0 != "?" }
        switch path {
        case "/v1/session":
            return SessionAnswer(
                tenant: "t", user: "u", device: "device", roles: ["device"], lineage: "l", limits: Self.limits,
                serverTimeMilliseconds: Self.time
            ).encoded()
        case "/v1/collections": return Schema.open.encoded()
        case "/v1/devices":
            return Array(
                #"{"id":"device","user":"u","registeredAt":"2026-11-20T00:00:00Z","lastSeenAt":"2026-11-20T00:00:00Z","acknowledgedSequence":0,"retiredAt":null}"#
                    .utf8)
        case "/v1/batches": return batch(request.body ?? [])
        case _:
            let since =
                request.path.split(separator: "=").dropFirst().first.flatMap { Int($0.prefix { $0 != "&" }) } ?? 0
            guard since < pages.count else {
                return ChangesPage(
                    records: [], end: .init(cursor: "\(since)", hasMore: false, serverTimeMilliseconds: Self.time)
                ).encoded()
            }
            return pages[since]
        }
    }

    private func batch(_ body: [UInt8]) -> [UInt8] {
        guard let request = try? BatchRequest(body: body.span, limits: WireLimits()) else { return [] }
        var outcomes: [OperationOutcome] = []
        var records = TouchedRecords(byteLimit: .max)
        for item in request.items {
            guard case .operation(let operation) = item else { continue }
            let number = sequence.withLock { sequence -> Int64 in
                sequence += 1
                return sequence
            }
            outcomes.append(
                OperationOutcome(
                    id: operation.id, record: nil,
                    result: OperationResult(outcome: .applied, relation: .newer, conflicts: [], sequence: number),
                    isReplayed: false))
            var clock = JSONWriter()
            operation.clock.write(to: &clock)
            records.take(
                WireRecord(
                    key: operation.record, sequence: number, isDeleted: false, clock: clock.takeText(),
                    stampMilliseconds: Self.time, fields: Value.object(operation.fields).canonicalText, siblings: nil,
                    openConflicts: 0))
        }
        return BatchAnswer(
            key: "k", serverTimeMilliseconds: Self.time, cursor: "c", kind: .committed, outcomes: outcomes,
            records: records
        ).encoded()
    }
}
