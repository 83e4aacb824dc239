import Causality
import MergeCore
import SyncStorage
import Testing

extension TestServer {
    /// Leaves of a record what a purge leaves.
    func purge(_ record: ExactString) async throws {
        let key = RecordKey(collection: "notes", id: record)
        let row = try #require(try await store.record("acme", key))
        var purged = RecordRow(
            StoredRecord(key: key, state: RecordState(), sequence: row.sequence, isPurged: true),
            rules: CollectionRules(), changedAtMilliseconds: clock.now)
        purged.isDeleted = true
        let marker = purged
        try await store.transact("acme", readSet: StoreReadSet()) {
            (snapshot: StoreSnapshot) throws(StoreError) -> (Commit, Void) in
            var head = snapshot.head
            head.purgeFloor = marker.sequence
            return (Commit(head: head, records: [marker]), ())
        }
    }
}
