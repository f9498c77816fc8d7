-- The audit log: a chain of hashes. `record` is what was hashed and alone says what happened; the
-- columns before it repeat what is searched for.
CREATE TABLE audit_records (
    -- Without holes. The daemon numbers the records itself: a number that is taken is an error.
    seq INTEGER NOT NULL PRIMARY KEY CHECK (seq >= 1),
    time INTEGER NOT NULL,
    kind TEXT NOT NULL,
    -- No foreign key: records outlive their session.
    session TEXT,
    principal TEXT NOT NULL,
    -- One line of canonical JSON.
    record BLOB NOT NULL,
    -- SHA-256 over the hash before it and the record.
    hash BLOB NOT NULL CHECK (length(hash) = 32)
) STRICT;

CREATE INDEX audit_records_session ON audit_records (session, seq) WHERE session IS NOT NULL;
CREATE INDEX audit_records_kind ON audit_records (kind, seq);
CREATE INDEX audit_records_time ON audit_records (time);

-- Signed hashes. The one before the oldest record says where the chain begins.
CREATE TABLE audit_checkpoints (
    -- The record it signs the hash of.
    seq INTEGER NOT NULL PRIMARY KEY CHECK (seq >= 1),
    hash BLOB NOT NULL CHECK (length(hash) = 32),
    time INTEGER NOT NULL,
    -- The boot id of the machine.
    boot TEXT NOT NULL,
    -- The public key: Ed25519.
    key BLOB NOT NULL CHECK (length(key) = 32),
    signature BLOB NOT NULL CHECK (length(signature) = 64)
) STRICT;
