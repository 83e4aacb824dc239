-- Rejoin on PostgreSQL, schema 4: nothing is stored twice.

-- A batch's row says where the results of its operations stand: one element an operation, its id where it was accepted, else what
-- came of it. Records are never stored with a batch: a retry is told how they stand now. Rows of earlier schemas keep the whole
-- answer, an object, and are read as such.
ALTER TABLE batches RENAME COLUMN response TO results;

-- Conflicts of one commit share what they have in common. The position of an earlier entry on the same record whose clocks stand
-- whole; clock_before and clock_after then hold only what is above its clock_before. NULL: they are whole here.
ALTER TABLE audit_entries ADD COLUMN clocks_from bigint;
-- The position of an earlier entry at which the value of the same event stands; value is then null. NULL: it is here.
ALTER TABLE audit_sides ADD COLUMN value_from bigint;
