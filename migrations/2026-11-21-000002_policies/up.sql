-- Counts every change of policies and bindings, so that two copies of them can be put in order.
CREATE TABLE policy_state (
    singleton INTEGER NOT NULL PRIMARY KEY CHECK (singleton = 1),
    generation INTEGER NOT NULL CHECK (generation >= 0)
) STRICT;

INSERT INTO policy_state VALUES (1, 0);

-- One row for each name that was ever used: a name that comes back goes on counting.
CREATE TABLE policies (
    name TEXT NOT NULL PRIMARY KEY,
    -- The newest revision.
    revision INTEGER NOT NULL CHECK (revision >= 1),
    created_at INTEGER NOT NULL,
    -- Set while the policy does not exist; its history stays.
    deleted_at INTEGER
) STRICT;

CREATE TABLE policy_revisions (
    name TEXT NOT NULL,
    revision INTEGER NOT NULL CHECK (revision >= 1),
    -- Canonical JSON: what is judged by.
    document TEXT NOT NULL,
    -- What was written, and in which format.
    source TEXT NOT NULL,
    format TEXT NOT NULL CHECK (format IN ('yaml', 'toml', 'json')),
    -- SHA-256 of the document.
    hash BLOB NOT NULL CHECK (length(hash) = 32),
    principal TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    note TEXT NOT NULL,
    PRIMARY KEY (name, revision)
) STRICT;

CREATE TRIGGER policy_revisions_never_change BEFORE UPDATE ON policy_revisions
BEGIN SELECT RAISE(ABORT, 'a revision of a policy never changes'); END;
CREATE TRIGGER policy_revisions_stay BEFORE DELETE ON policy_revisions
BEGIN SELECT RAISE(ABORT, 'a revision of a policy is never removed'); END;

CREATE TABLE policy_bindings (
    policy TEXT NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('default', 'workspace', 'label', 'session')),
    -- Empty, the identity of the workspace, the label's key, the session's id.
    target TEXT NOT NULL,
    -- The directory of the workspace, the label's value; else empty.
    detail TEXT NOT NULL,
    principal TEXT NOT NULL,
    bound_at INTEGER NOT NULL,
    PRIMARY KEY (policy, kind, target, detail),
    CHECK (kind <> 'default' OR target = ''),
    CHECK (kind = 'default' OR target <> '')
) STRICT;

CREATE INDEX policy_bindings_target ON policy_bindings (kind, target);

ALTER TABLE sessions ADD COLUMN workspace TEXT NOT NULL DEFAULT '';
ALTER TABLE sessions ADD COLUMN directory TEXT NOT NULL DEFAULT '';
-- JSON: an array of strings, each a rule as it was written.
ALTER TABLE sessions ADD COLUMN allow TEXT NOT NULL DEFAULT '[]';
ALTER TABLE sessions ADD COLUMN asks TEXT NOT NULL DEFAULT 'person'
    CHECK (asks IN ('person', 'denied', 'allowed'));

-- Where a session is that was started before: as near as its row can tell.
UPDATE sessions SET workspace = cwd, directory = cwd;
