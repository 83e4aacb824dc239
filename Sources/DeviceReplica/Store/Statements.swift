/// The statements on a replica's tables, by what they do. Names are qualified: an app's temporary tables could shadow them.
enum Statements {
    static let selectValue = "SELECT value FROM main.rejoin_values WHERE name = ?"
    static let upsertValue =
        "INSERT INTO main.rejoin_values (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value"
    static let deleteValue = "DELETE FROM main.rejoin_values WHERE name = ?"

    // MARK: Records

    private static let recordColumns =
        "collection, id, clock, fields, siblings, deleted, stamp, sequence, open_conflicts"
    static let selectRecord = "SELECT \(recordColumns) FROM main.rejoin_records WHERE collection = ? AND id = ?"
    static let selectRecords = "SELECT \(recordColumns) FROM main.rejoin_records WHERE collection = ? ORDER BY id"
    static let selectAllRecords =
        "SELECT \(recordColumns) FROM main.rejoin_records WHERE (collection, id) > (?, ?) ORDER BY collection, id LIMIT 500"
    static let selectSequence = "SELECT sequence FROM main.rejoin_records WHERE collection = ? AND id = ?"
    static let insertRecord = """
        INSERT INTO main.rejoin_records (\(recordColumns)) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
        ON CONFLICT (collection, id) DO NOTHING
        """
    static let upsertRecord = """
        INSERT INTO main.rejoin_records (\(recordColumns)) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
        ON CONFLICT (collection, id) DO UPDATE SET clock = excluded.clock, fields = excluded.fields,
            siblings = excluded.siblings, deleted = excluded.deleted, stamp = excluded.stamp,
            sequence = excluded.sequence, open_conflicts = excluded.open_conflicts
        """
    /// What is set aside counts as news again.
    static let lowerSequence = "UPDATE main.rejoin_records SET sequence = sequence - 1 WHERE collection = ? AND id = ?"
    static let deleteRecord = "DELETE FROM main.rejoin_records WHERE collection = ? AND id = ?"
    static let hasOwnCounter = "SELECT 1 FROM main.rejoin_own_counters LIMIT 1"
    static let selectOwnCounter = "SELECT counter FROM main.rejoin_own_counters WHERE collection = ? AND record = ?"
    static let upsertOwnCounter = """
        INSERT INTO main.rejoin_own_counters (collection, record, counter) VALUES (?, ?, ?)
        ON CONFLICT (collection, record) DO UPDATE SET counter = max(counter, excluded.counter)
        """
    static let deleteOwnCounter =
        "DELETE FROM main.rejoin_own_counters WHERE collection = ? AND record = ? AND counter <= ?"
    static let deleteOwnCounters = "DELETE FROM main.rejoin_own_counters"

    // MARK: Operations

    private static let operationColumns = """
        position, id, kind, collection, record, fields, context, edited_at, in_server_time, depends_on, edit, atomic, device,
        counter, batch, settled, attempts
        """
    private static let operations = "SELECT \(operationColumns) FROM main.rejoin_operations"
    static let selectOperationsOfRecord = operations + " WHERE collection = ? AND record = ? ORDER BY position"
    static let selectLastOperationOfRecord =
        operations + " WHERE collection = ? AND record = ? ORDER BY position DESC LIMIT 1"
    static let selectWaiting =
        operations + " WHERE counter IS NULL AND settled = 0 AND position > ? ORDER BY position LIMIT 200"
    static let selectWaitingOfEdit =
        operations + " WHERE atomic = 1 AND edit = ? AND counter IS NULL AND settled = 0 ORDER BY position"
    static let selectSent = operations + " WHERE batch = ? ORDER BY position"
    static let selectOperation = operations + " WHERE id = ?"
    static let selectDependents =
        operations + """
             WHERE depends_on <> '[]' AND settled = 0
             AND EXISTS (SELECT 1 FROM json_each(depends_on) WHERE json_each.value = ?) ORDER BY position
            """
    static let selectUnsettled = operations + " WHERE settled = 0 AND position > ? ORDER BY position LIMIT 200"
    static let selectPendingKeys = """
        SELECT DISTINCT collection, record FROM main.rejoin_operations WHERE collection = ?
        """
    static let insertOperation = """
        INSERT INTO main.rejoin_operations (\(operationColumns)) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
        """
    static let updateOperation = """
        UPDATE main.rejoin_operations SET id = ?, kind = ?, fields = ?, context = ?, edited_at = ?, in_server_time = ?,
            depends_on = ?, device = ?, counter = ?, batch = ?, settled = ?, attempts = ? WHERE position = ?
        """
    static let deleteOperation = "DELETE FROM main.rejoin_operations WHERE position = ?"
    static let deleteSettled = """
        DELETE FROM main.rejoin_operations
        WHERE collection = ? AND record = ? AND settled = 1 AND device = ? AND counter <= ?
        """
    static let selectSettledDevices = """
        SELECT DISTINCT device FROM main.rejoin_operations WHERE collection = ? AND record = ? AND settled = 1
        """
    static let deleteSettledOfRecord =
        "DELETE FROM main.rejoin_operations WHERE collection = ? AND record = ? AND settled = 1"
    static let selectSettled = operations + " WHERE settled = 1 ORDER BY position"
    static let thawAll = """
        UPDATE main.rejoin_operations SET device = NULL, counter = NULL, batch = NULL, attempts = max(attempts, 1)
        WHERE settled = 0 AND counter IS NOT NULL
        """
    static let thawBatch = """
        UPDATE main.rejoin_operations SET device = NULL, counter = NULL, batch = NULL WHERE batch = ? AND settled = 0
        """
    static let hasOperation = "SELECT 1 FROM main.rejoin_operations LIMIT 1"
    static let hasWaiting =
        "SELECT 1 FROM main.rejoin_operations WHERE counter IS NULL AND settled = 0 LIMIT 1"
    static let countPending = "SELECT count(*) FROM main.rejoin_operations WHERE settled = 0"
    static let greatestPosition = "SELECT coalesce(max(position), 0) FROM main.rejoin_operations"
    static let smallestPosition = "SELECT coalesce(min(position), 1) FROM main.rejoin_operations"

    // MARK: Batches

    static let insertBatch = "INSERT INTO main.rejoin_batches (key, body, operations) VALUES (?, ?, ?)"
    static let selectBatch = "SELECT key, body, operations FROM main.rejoin_batches LIMIT 1"
    static let hasBatch = "SELECT 1 FROM main.rejoin_batches LIMIT 1"
    static let deleteBatches = "DELETE FROM main.rejoin_batches"

    // MARK: Parked

    static let insertParked = """
        INSERT OR REPLACE INTO main.rejoin_parked (id, parked_at, kind, collection, record, fields, context, edited_at,
            depends_on, edit, atomic, code, detail, pointer, met) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
        """
    static let selectParked = "SELECT * FROM main.rejoin_parked ORDER BY parked_at, id"
    static let selectParkedByID = "SELECT * FROM main.rejoin_parked WHERE id = ?"
    static let deleteParked = "DELETE FROM main.rejoin_parked WHERE id = ?"
    static let countParked = "SELECT count(*) FROM main.rejoin_parked"

    // MARK: The feed

    static let selectCursor = "SELECT cursor FROM main.rejoin_feeds WHERE selection = ?"
    static let upsertCursor = """
        INSERT INTO main.rejoin_feeds (selection, cursor) VALUES (?, ?)
        ON CONFLICT (selection) DO UPDATE SET cursor = excluded.cursor
        """
    static let deleteCursors = "DELETE FROM main.rejoin_feeds"
    static let upsertSetAside = """
        INSERT INTO main.rejoin_set_aside (collection, record, change, reason, since, tries) VALUES (?, ?, ?, ?, ?, 1)
        ON CONFLICT (collection, record) DO UPDATE SET change = excluded.change, reason = excluded.reason, tries = tries + 1
        """
    static let deleteSetAside = "DELETE FROM main.rejoin_set_aside WHERE collection = ? AND record = ?"
    static let selectSetAside = "SELECT * FROM main.rejoin_set_aside ORDER BY tries, since LIMIT 100"
    static let isSetAside = "SELECT 1 FROM main.rejoin_set_aside WHERE collection = ? AND record = ?"
    static let deleteAllSetAside = "DELETE FROM main.rejoin_set_aside"
    static let hasSetAside = "SELECT 1 FROM main.rejoin_set_aside LIMIT 1"
    static let countSetAside = "SELECT count(*) FROM main.rejoin_set_aside"
    static let upsertPulledAgain = """
        INSERT INTO main.rejoin_pulled_again (collection, id, change) VALUES (?, ?, ?)
        ON CONFLICT (collection, id) DO UPDATE SET change = excluded.change
        """
    static let selectPulledAgain = "SELECT change FROM main.rejoin_pulled_again WHERE collection = ? AND id = ?"
    static let selectPulledAgainPage = """
        SELECT collection, id, change FROM main.rejoin_pulled_again WHERE (collection, id) > (?, ?)
        ORDER BY collection, id LIMIT 500
        """
    static let deletePulledAgain = "DELETE FROM main.rejoin_pulled_again"
    static let insertUnclear = "INSERT OR IGNORE INTO main.rejoin_unclear (collection, record) VALUES (?, ?)"
    static let selectUnclear = "SELECT collection, record FROM main.rejoin_unclear LIMIT 20"
    static let deleteUnclear = "DELETE FROM main.rejoin_unclear WHERE collection = ? AND record = ?"
    static let hasUnclear = "SELECT 1 FROM main.rejoin_unclear LIMIT 1"
    static let deleteAllUnclear = "DELETE FROM main.rejoin_unclear"

    // MARK: What is wanted

    static let want = """
        INSERT INTO main.rejoin_wanted (collection, record, known, leaving)
        SELECT ?1, ?2, EXISTS (SELECT 1 FROM main.rejoin_records WHERE collection = ?1 AND id = ?2), 0
        ON CONFLICT (collection, record) DO UPDATE SET leaving = 0 WHERE leaving = 1
        """
    static let leave = "UPDATE main.rejoin_wanted SET leaving = 1 WHERE collection = ? AND record = ?"
    static let selectWanted =
        "SELECT record FROM main.rejoin_wanted WHERE collection = ? AND leaving = 0 ORDER BY record"
    static let selectInFeed = "SELECT record FROM main.rejoin_wanted WHERE collection = ?"
    static let countWanted = "SELECT count(*) FROM main.rejoin_wanted WHERE collection = ?"
    static let isWanted = "SELECT 1 FROM main.rejoin_wanted WHERE collection = ? AND record = ?"
    static let noteKnown =
        "UPDATE main.rejoin_wanted SET known = 1 WHERE collection = ? AND record = ? AND known = 0"
    static let hasUnknown = "SELECT 1 FROM main.rejoin_wanted WHERE known = 0 LIMIT 1"
    static let selectUnknown =
        "SELECT collection, record FROM main.rejoin_wanted WHERE known = 0 ORDER BY collection, record LIMIT ?"
    private static let isKeptByEdits = """
        EXISTS (SELECT 1 FROM main.rejoin_operations AS o WHERE o.collection = w.collection AND o.record = w.record)
        OR EXISTS (SELECT 1 FROM main.rejoin_parked AS p WHERE p.collection = w.collection AND p.record = w.record)
        OR EXISTS (SELECT 1 FROM main.rejoin_unclear AS u WHERE u.collection = w.collection AND u.record = w.record)
        """
    static let selectLeaving =
        "SELECT w.collection, w.record FROM main.rejoin_wanted AS w WHERE w.leaving = 1 AND NOT (\(isKeptByEdits))"
    static let deleteWanted = "DELETE FROM main.rejoin_wanted WHERE collection = ? AND record = ?"
    private static let leaveWithEdits = """
        INSERT OR IGNORE INTO main.rejoin_wanted (collection, record, known, leaving)
        SELECT DISTINCT e.collection, e.record, 0, 1
        """
    static let wantOperations = leaveWithEdits + " FROM main.rejoin_operations AS e WHERE e.collection = ?"
    static let wantParked = leaveWithEdits + " FROM main.rejoin_parked AS e WHERE e.collection = ?"
    static let wantRecords = """
        INSERT OR IGNORE INTO main.rejoin_wanted (collection, record, known, leaving)
        SELECT collection, id, 1, 0 FROM main.rejoin_records WHERE collection = ? AND deleted = 0
        """
    static let selectWantedCollections = "SELECT DISTINCT collection FROM main.rejoin_wanted"
    static let deleteWantedOf = "DELETE FROM main.rejoin_wanted WHERE collection = ?"
    static let deleteOtherCursors = "DELETE FROM main.rejoin_feeds WHERE selection <> ?"
    static let selectUnwanted = """
        SELECT r.id FROM main.rejoin_records AS r WHERE r.collection = ? AND NOT EXISTS (
            SELECT 1 FROM main.rejoin_wanted AS w WHERE w.collection = r.collection AND w.record = r.id) LIMIT 500
        """
    static let clearUnwantedAside = """
        DELETE FROM main.rejoin_set_aside WHERE collection = ? AND NOT EXISTS (
            SELECT 1 FROM main.rejoin_wanted AS w
            WHERE w.collection = rejoin_set_aside.collection AND w.record = rejoin_set_aside.record)
        """

    // MARK: What is remembered of what was sent

    static let insertIncrement = """
        INSERT OR IGNORE INTO main.rejoin_increments (collection, record, device, counter, field, amount, edited_at)
        VALUES (?, ?, ?, ?, ?, ?, ?)
        """
    static let selectIncrements = """
        SELECT device, counter, field, amount FROM main.rejoin_increments WHERE collection = ? AND record = ?
        """
    static let deleteIncrementsBefore = "DELETE FROM main.rejoin_increments WHERE edited_at < ?"
    static let deleteIncrement = """
        DELETE FROM main.rejoin_increments WHERE collection = ? AND record = ? AND device = ? AND counter = ?
        """
    static let insertConflict = """
        INSERT INTO main.rejoin_conflicts (conflict, operation, collection, record, unit, policy, status, winner, own, shown, at)
        VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
        """
    static let trimConflicts = """
        DELETE FROM main.rejoin_conflicts WHERE position <= (SELECT max(position) - 1000 FROM main.rejoin_conflicts)
        """
    static let selectConflicts = "SELECT * FROM main.rejoin_conflicts WHERE position > ? ORDER BY position"
}
