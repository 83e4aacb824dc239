import Causality
import MergeCore
import SyncStorage
import SyncWire

/// Makes the answers to batches: to those that are committed now, to their retries, and to whoever asks for one later.
struct ReplyBuilder {
    let schema: Schema
    let limits: EngineLimits
    let cursors: Cursor.Codec
    let nowMilliseconds: Int64

    /// How a record that a batch touched stands for its answer.
    enum TouchedRecord<Record> {
        case there(Record)
        /// The record is there, and was not read: together the records are more than may be read.
        case unread
        /// The record was purged, or the operation that named it did not make it.
        case gone
    }

    /// The records that a batch touched, each once.
    ///
    /// Records of a collection that is not declared any more are only named. A record is sent as it was written last,
    /// under the rules of that time. To work it out anew, without them, could show a deleted one as being there.
    /// - Parameters:
    ///   - outcomes: those of the batch.
    ///   - byteLimit: how many bytes the records may take.
    ///   - find: how a record stands.
    ///   - row: asked for only those records that are sent.
    func records<Record>(
        of outcomes: [OperationOutcome], byteLimit: Int, find: (RecordKey) -> TouchedRecord<Record>,
        row: (Record) -> RecordRow
    ) -> TouchedRecords {
        var records = TouchedRecords(byteLimit: byteLimit)
        for key in outcomes.touchedRecords {
            switch find(key) {
            case .gone: break
            case .unread: records.omit(key)
            case .there where schema.rules(for: key.collection) == nil: records.omit(key)
            case .there(let record): records.take(WireRecord(row(record)))
            }
        }
        return records
    }

    /// - Parameter records: nil for an answer without records.
    func reply(
        to key: ExactString, _ kind: BatchAnswer.Kind, _ outcomes: [OperationOutcome], _ records: TouchedRecords?,
        at sequence: Int64, in life: LifeID
    ) -> BatchReply {
        let answer = BatchAnswer(
            key: key, serverTimeMilliseconds: nowMilliseconds,
            cursor: Cursor(sequence: sequence, life: life.rawValue).text(cursors), kind: kind, outcomes: outcomes,
            records: records)
        return BatchReply(answer)
    }

    /// The answer to a batch that was committed before: the results as they are stored, and the records as they stand now.
    func reply(_ recall: BatchRecall, _ answer: BatchReturn) -> BatchReply {
        var records: TouchedRecords?
        if answer == .full {
            let rows = Dictionary(uniqueKeysWithValues: recall.records.map { ($0.key, $0) })
            let unread = Set(recall.omitted)
            records = self.records(of: recall.outcomes, byteLimit: limits.answerBytes) { key in
                if unread.contains(key) { return .unread }
                guard let row = rows[key], !row.isPurged else { return .gone }
                return .there(row)
            } row: { row in
                row
            }
        }
        return reply(
            to: recall.batch.key.key, .replayed, recall.outcomes, records, at: recall.sequence, in: recall.life)
    }
}
