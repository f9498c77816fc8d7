-- What agents did compared with what was decided.

-- A tool call that ran without a decision or against it: found once, by whoever finds it first. No
-- foreign key: it is kept as long as decisions are.
CREATE TABLE violations (
    session TEXT NOT NULL CHECK (length(session) = 36),
    -- The agent's id of the call; where it has none, that of the report.
    call TEXT NOT NULL CHECK (length(call) >= 1),
    tool TEXT NOT NULL,
    problem TEXT NOT NULL,
    -- Whether there was a decision that it ran against.
    judged INTEGER NOT NULL CHECK (judged IN (0, 1)),
    found_at INTEGER NOT NULL,
    PRIMARY KEY (session, call)
) STRICT, WITHOUT ROWID;

-- How far an agent's transcripts were read, and which settings of it are watched.
CREATE TABLE followed_files (
    session TEXT NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
    kind TEXT NOT NULL CHECK (kind IN ('transcript', 'settings')),
    path TEXT NOT NULL CHECK (length(path) >= 1),
    -- Bytes of a transcript that need not be read again.
    position INTEGER NOT NULL CHECK (position >= 0),
    PRIMARY KEY (session, kind, path)
) STRICT, WITHOUT ROWID;
