import Causality
import MergeCore
import SyncWire
import Values

/// A record as the server last said that it stands.
package struct RecordBase: Sendable, Hashable {
    package let key: RecordKey
    package var clock: VersionVector
    package var fields: ObjectValue
    /// Canonical JSON of the values beside the visible ones; nil where there are none.
    var siblings: String?
    package var isDeleted: Bool
    var stampMilliseconds: Int64
    var sequence: Int64
    var openConflicts: Int64

    /// Reads a record of the wire. O(its size).
    init(_ record: WireRecord) throws(WireError) {
        key = record.key
        clock = try record.versionVector()
        fields = try record.fieldValues()
        siblings = record.siblings
        isDeleted = record.isDeleted
        stampMilliseconds = record.stampMilliseconds
        sequence = record.sequence
        openConflicts = record.openConflicts
    }

    init(
        key: RecordKey, clock: VersionVector, fields: ObjectValue, siblings: String?, isDeleted: Bool,
        stampMilliseconds: Int64, sequence: Int64, openConflicts: Int64
    ) {
        self.key = key
        self.clock = clock
        self.fields = fields
        self.siblings = siblings
        self.isDeleted = isDeleted
        self.stampMilliseconds = stampMilliseconds
        self.sequence = sequence
        self.openConflicts = openConflicts
    }
}
