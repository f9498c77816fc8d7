-- What agents reported and were answered. Nothing here refers to a session by a foreign key: what
-- was decided outlives the session.

-- One report of an agent's hook. The same report again is answered and not judged again.
CREATE TABLE hook_reports (
    id TEXT NOT NULL PRIMARY KEY CHECK (length(id) = 36),
    session TEXT NOT NULL,
    incarnation INTEGER NOT NULL CHECK (incarnation >= 1),
    provider TEXT NOT NULL,
    name TEXT NOT NULL,
    -- The beginning of what the agent wrote, its whole length and hash.
    body BLOB NOT NULL,
    body_bytes INTEGER NOT NULL CHECK (body_bytes >= length(body)),
    body_hash BLOB NOT NULL CHECK (length(body_hash) = 32),
    reported_at INTEGER NOT NULL,
    -- The decision it led to, if any.
    decision TEXT
) STRICT;

CREATE INDEX hook_reports_reported ON hook_reports (reported_at);

-- One tool call and its answer.
CREATE TABLE decisions (
    id TEXT NOT NULL PRIMARY KEY CHECK (length(id) = 36),
    session TEXT NOT NULL,
    incarnation INTEGER NOT NULL CHECK (incarnation >= 1),
    report TEXT NOT NULL,
    provider TEXT NOT NULL,
    tool TEXT NOT NULL,
    input TEXT NOT NULL,
    tool_use_id TEXT,
    cwd TEXT,
    subagent TEXT,
    digest BLOB NOT NULL CHECK (length(digest) = 32),
    -- JSON: what the rules say, which policies were bound, what the paths were.
    verdict TEXT NOT NULL,
    policies TEXT NOT NULL,
    facts TEXT NOT NULL,
    asked_at INTEGER NOT NULL,
    outcome TEXT CHECK (outcome IN ('allowed', 'denied')),
    source TEXT,
    source_subject TEXT,
    decided_by TEXT,
    reason TEXT,
    updated_input TEXT,
    decided_at INTEGER,
    CHECK ((outcome IS NULL) = (source IS NULL)),
    CHECK ((outcome IS NULL) = (decided_by IS NULL)),
    CHECK ((outcome IS NULL) = (reason IS NULL)),
    CHECK ((outcome IS NULL) = (decided_at IS NULL))
) STRICT;

CREATE INDEX decisions_session ON decisions (session, asked_at);
CREATE INDEX decisions_call ON decisions (session, tool_use_id) WHERE tool_use_id IS NOT NULL;
CREATE INDEX decisions_asked ON decisions (asked_at);

-- A tool call that waits, or waited, for a person.
CREATE TABLE approvals (
    id TEXT NOT NULL PRIMARY KEY CHECK (length(id) = 36),
    decision TEXT NOT NULL UNIQUE REFERENCES decisions (id) ON DELETE CASCADE,
    session TEXT NOT NULL,
    incarnation INTEGER NOT NULL CHECK (incarnation >= 1),
    kind TEXT NOT NULL CHECK (kind IN ('tool_call', 'question', 'plan')),
    digest BLOB NOT NULL CHECK (length(digest) = 32),
    subject TEXT NOT NULL,
    owner TEXT NOT NULL,
    four_eyes INTEGER NOT NULL CHECK (four_eyes IN (0, 1)),
    not_grantable TEXT,
    -- JSON: an array of strings.
    patterns TEXT NOT NULL,
    mode TEXT NOT NULL CHECK (mode IN ('held', 'agent_dialog')),
    asked_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('pending', 'allowed', 'denied', 'expired', 'cancelled')),
    resolved_by TEXT,
    resolved_at INTEGER,
    message TEXT,
    updated_input TEXT,
    -- JSON: an array of ids.
    grants TEXT,
    delivered_at INTEGER,
    CHECK ((state = 'pending') = (resolved_by IS NULL)),
    CHECK ((state = 'pending') = (resolved_at IS NULL)),
    CHECK ((state = 'pending') = (message IS NULL))
) STRICT;

CREATE INDEX approvals_pending ON approvals (expires_at) WHERE state = 'pending';
CREATE INDEX approvals_asked ON approvals (asked_at, id);

-- A remembered answer.
CREATE TABLE grants (
    id TEXT NOT NULL PRIMARY KEY CHECK (length(id) = 36),
    scope TEXT NOT NULL CHECK (scope IN ('session', 'workspace')),
    scope_value TEXT NOT NULL,
    tool TEXT NOT NULL,
    digest BLOB CHECK (length(digest) = 32),
    pattern TEXT,
    subject TEXT NOT NULL,
    created_by TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    approval TEXT NOT NULL,
    expires_at INTEGER,
    revoked_by TEXT,
    revoked_at INTEGER,
    CHECK ((digest IS NULL) <> (pattern IS NULL)),
    CHECK ((revoked_by IS NULL) = (revoked_at IS NULL))
) STRICT;

CREATE INDEX grants_scope ON grants (scope, scope_value) WHERE revoked_at IS NULL;
CREATE INDEX grants_created ON grants (created_at, id);

-- What is known of the agent in a session that exists.
CREATE TABLE session_agents (
    session TEXT NOT NULL PRIMARY KEY REFERENCES sessions (id) ON DELETE CASCADE,
    owner TEXT NOT NULL,
    home TEXT NOT NULL,
    workspace TEXT NOT NULL,
    gate_mode TEXT NOT NULL CHECK (gate_mode IN ('held', 'agent_dialog')),
    gate TEXT NOT NULL CHECK (gate IN ('none', 'unproven', 'gated', 'ungated')),
    gate_reason TEXT NOT NULL,
    -- SHA-256 of the token of the present incarnation; none when it has ended.
    token_hash BLOB CHECK (length(token_hash) = 32),
    token_incarnation INTEGER,
    -- The agent's own id of its conversation, and where it writes it down.
    conversation TEXT,
    transcript TEXT,
    activity TEXT NOT NULL,
    activity_source TEXT,
    activity_since INTEGER,
    -- Rises with every change; a change that comes late is not written.
    version INTEGER NOT NULL,
    CHECK ((token_hash IS NULL) = (token_incarnation IS NULL)),
    CHECK ((activity_source IS NULL) = (activity_since IS NULL))
) STRICT;
