-- STRICT: a column holds its declared type or the write fails. Times are microseconds since 1970
-- in UTC; ids are the 36 characters of a UUID.

-- One row: what is true of this state directory as a whole.
CREATE TABLE host (
    singleton INTEGER NOT NULL PRIMARY KEY CHECK (singleton = 1),
    id TEXT NOT NULL CHECK (length(id) = 36),
    -- The newest revision that retention has removed; 0 while nothing was.
    pruned_through INTEGER NOT NULL CHECK (pruned_through >= 0)
) STRICT;

CREATE TABLE sessions (
    id TEXT NOT NULL PRIMARY KEY CHECK (length(id) = 36),
    host TEXT NOT NULL,
    name TEXT,
    -- JSON: an object of strings.
    labels TEXT NOT NULL,
    -- JSON: an array of strings, the program first.
    command TEXT NOT NULL,
    cwd TEXT NOT NULL,
    size_cols INTEGER NOT NULL,
    size_rows INTEGER NOT NULL,
    provider TEXT NOT NULL,
    source TEXT NOT NULL,
    -- No foreign key: a parent may be deleted before its children.
    parent TEXT,
    keep INTEGER NOT NULL CHECK (keep IN (0, 1)),
    created_at INTEGER NOT NULL,
    incarnation INTEGER NOT NULL CHECK (incarnation >= 1),
    state TEXT NOT NULL,
    restart_at INTEGER,
    exit_code INTEGER,
    exit_signal INTEGER,
    failed_step TEXT,
    -- Why it was lost, or what happened when it failed.
    end_message TEXT,
    started_at INTEGER,
    ended_at INTEGER,
    version INTEGER NOT NULL CHECK (version >= 1),
    -- A state has its own data and nobody else's.
    CHECK (state IN ('starting', 'running', 'stopping', 'restarting', 'exited', 'lost', 'failed')),
    CHECK ((state = 'restarting') = (restart_at IS NOT NULL)),
    CHECK ((state = 'exited') = ((exit_code IS NULL) <> (exit_signal IS NULL))),
    CHECK (exit_code IS NULL OR exit_signal IS NULL),
    CHECK ((state = 'failed') = (failed_step IS NOT NULL)),
    CHECK ((state IN ('lost', 'failed')) = (end_message IS NOT NULL))
) STRICT;

CREATE UNIQUE INDEX sessions_name ON sessions (name) WHERE name IS NOT NULL;
CREATE INDEX sessions_created ON sessions (created_at, id);

-- AUTOINCREMENT: a revision is never given twice, not even after the newest rows were removed.
CREATE TABLE events (
    revision INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    host TEXT NOT NULL,
    time INTEGER NOT NULL,
    -- No foreign key: events outlive their session.
    session TEXT,
    type_name TEXT NOT NULL,
    -- JSON: an object with the data of the type.
    payload TEXT NOT NULL,
    -- The incarnation that this event ends; no other event has it.
    ended_incarnation INTEGER,
    CHECK (ended_incarnation IS NULL OR session IS NOT NULL)
) STRICT;

CREATE INDEX events_session ON events (session, revision) WHERE session IS NOT NULL;
-- Exactly one ending for each incarnation.
CREATE UNIQUE INDEX events_ending ON events (session, ended_incarnation)
    WHERE ended_incarnation IS NOT NULL;

-- Answered mutations, so that a repetition is answered and not repeated.
CREATE TABLE requests (
    id TEXT NOT NULL PRIMARY KEY CHECK (length(id) = 36),
    method TEXT NOT NULL,
    hash BLOB NOT NULL,
    answer BLOB NOT NULL,
    recorded_at INTEGER NOT NULL
) STRICT;

CREATE INDEX requests_recorded ON requests (recorded_at);
