-- What a team would write by hand, as a yardstick: the last writer wins, by the clock of the device. No causality, no
-- idempotency, no audit.
CREATE SCHEMA diy;
SET search_path = diy;

CREATE TABLE saved_words (
    id                        text        NOT NULL,
    syncable_owner_id         text        NOT NULL,
    term                      text,
    note                      text,
    lang                      text,
    reviewed                  int,
    paid                      boolean,
    syncable_modified_time    timestamptz NOT NULL,
    syncable_deleted_at       timestamptz,
    _syncable_server_wrote_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (id, syncable_owner_id)
);

-- For pulls: what the server wrote after a time.
CREATE INDEX saved_words_cursor ON saved_words (syncable_owner_id, _syncable_server_wrote_at);

CREATE FUNCTION stamp() RETURNS trigger LANGUAGE plpgsql SET search_path = diy AS $$
BEGIN
    NEW._syncable_server_wrote_at := clock_timestamp();
    RETURN NEW;
END $$;
CREATE TRIGGER saved_words_stamp BEFORE INSERT OR UPDATE ON saved_words
    FOR EACH ROW EXECUTE FUNCTION stamp();

-- Takes an array of rows; returns how many of them won.
CREATE FUNCTION push(rows jsonb) RETURNS int LANGUAGE plpgsql SET search_path = diy AS $$
DECLARE n int;
BEGIN
    INSERT INTO saved_words AS t
        (id, syncable_owner_id, term, note, lang, reviewed, paid, syncable_modified_time, syncable_deleted_at)
    SELECT id, syncable_owner_id, term, note, lang, reviewed, paid, syncable_modified_time, syncable_deleted_at
    FROM jsonb_populate_recordset(NULL::saved_words, rows)
    ON CONFLICT (id, syncable_owner_id) DO UPDATE SET
        term = excluded.term, note = excluded.note, lang = excluded.lang, reviewed = excluded.reviewed,
        paid = excluded.paid, syncable_modified_time = excluded.syncable_modified_time,
        syncable_deleted_at = excluded.syncable_deleted_at
    WHERE excluded.syncable_modified_time > t.syncable_modified_time;
    GET DIAGNOSTICS n = ROW_COUNT;
    RETURN n;
END $$;
