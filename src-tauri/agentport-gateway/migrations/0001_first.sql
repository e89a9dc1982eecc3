-- Conventions: moments are INTEGER milliseconds since 1970 (UTC), our own ids BLOB(16) UUIDs, digests and hashes
-- BLOB(32), closed sets TEXT with a CHECK, lists TEXT in JSON. Migrations are never edited once released.

-- Small things that have a name: the owner's settings, the password's hash, the head of the audit.
CREATE TABLE settings (
    key TEXT PRIMARY KEY,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE profiles (
    name TEXT PRIMARY KEY,
    integrations TEXT,
    tags TEXT NOT NULL,
    hidden_tools TEXT NOT NULL,
    mode TEXT NOT NULL CHECK (mode IN ('meta', 'direct')),
    naming TEXT NOT NULL CHECK (naming IN ('prefixed', 'bare'))
) STRICT, WITHOUT ROWID;

-- Agents are revoked, never deleted: the activity keeps naming them.
CREATE TABLE agents (
    id BLOB PRIMARY KEY CHECK (length(id) = 16),
    name TEXT NOT NULL,
    key_hash BLOB NOT NULL UNIQUE CHECK (length(key_hash) = 32),
    key_prefix TEXT NOT NULL,
    profile TEXT,
    created_at INTEGER NOT NULL,
    expires_at INTEGER,
    revoked_at INTEGER,
    last_used_at INTEGER,
    client TEXT
) STRICT;
CREATE UNIQUE INDEX agents_name ON agents (name) WHERE revoked_at IS NULL;

CREATE TABLE integrations (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    connection TEXT NOT NULL,
    tags TEXT NOT NULL,
    default_mode TEXT CHECK (default_mode IN ('allow', 'require_approval', 'deny')),
    read_only_may_run INTEGER NOT NULL CHECK (read_only_may_run IN (0, 1)),
    resources INTEGER NOT NULL CHECK (resources IN (0, 1)),
    enabled INTEGER NOT NULL CHECK (enabled IN (0, 1)),
    auth_method TEXT NOT NULL,
    added_at INTEGER NOT NULL
) STRICT;

-- Sealed by the vault; this database never holds a secret in clear.
CREATE TABLE credentials (
    integration TEXT NOT NULL REFERENCES integrations (id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    sealed BLOB NOT NULL,
    PRIMARY KEY (integration, name)
) STRICT, WITHOUT ROWID;

-- The last known tools, prompts and resources of an integration.
CREATE TABLE listings (
    integration TEXT PRIMARY KEY REFERENCES integrations (id) ON DELETE CASCADE,
    json TEXT NOT NULL,
    fetched_at INTEGER NOT NULL
) STRICT;

-- Every tool definition ever seen, by digest: what the owner had in view can be shown again.
CREATE TABLE definitions (
    digest BLOB PRIMARY KEY CHECK (length(digest) = 32),
    json TEXT NOT NULL,
    seen_at INTEGER NOT NULL
) STRICT;

CREATE TABLE rules (
    id BLOB PRIMARY KEY CHECK (length(id) = 16),
    scope TEXT NOT NULL
        CHECK (scope IN ('tool', 'category', 'read_only', 'integration', 'non_destructive', 'everything')),
    integration TEXT,
    tool TEXT,
    category TEXT,
    mode TEXT NOT NULL CHECK (mode IN ('allow', 'require_approval', 'deny')),
    agent BLOB CHECK (length(agent) = 16),
    conditions TEXT NOT NULL,
    digest BLOB CHECK (length(digest) = 32),
    expires_at INTEGER,
    session INTEGER NOT NULL CHECK (session IN (0, 1)),
    origin TEXT NOT NULL CHECK (origin IN ('owner', 'approval', 'builtin')),
    origin_approval BLOB CHECK (length(origin_approval) = 16),
    created_at INTEGER NOT NULL
) STRICT;
CREATE INDEX rules_integration ON rules (integration, tool);

CREATE TABLE approvals (
    id BLOB PRIMARY KEY CHECK (length(id) = 16),
    agent BLOB NOT NULL REFERENCES agents (id),
    integration TEXT NOT NULL,
    tool TEXT NOT NULL,
    digest BLOB NOT NULL CHECK (length(digest) = 32),
    arguments TEXT NOT NULL,
    asked_hash BLOB NOT NULL CHECK (length(asked_hash) = 32),
    arguments_hash BLOB NOT NULL CHECK (length(arguments_hash) = 32),
    additional_info TEXT,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    state TEXT NOT NULL
        CHECK (state IN ('pending', 'approved', 'running', 'done', 'denied', 'expired', 'withdrawn')),
    -- When the state's decision (or end without one) was made. Null while pending.
    decided_at INTEGER,
    granted TEXT CHECK (granted IN ('once', 'exact', 'until', 'session', 'always')),
    granted_until INTEGER,
    audience TEXT CHECK (audience IN ('this_agent', 'every_agent')),
    started_at INTEGER,
    finished_at INTEGER,
    outcome TEXT,
    reason TEXT,
    withdrawn_because TEXT
        CHECK (withdrawn_because IN ('agent_revoked', 'integration_removed', 'tool_gone', 'definition_changed')),
    CHECK ((state = 'pending') = (decided_at IS NULL)),
    CHECK ((state IN ('approved', 'running', 'done')) = (granted IS NOT NULL)),
    CHECK ((state IN ('approved', 'running', 'done')) = (audience IS NOT NULL)),
    CHECK ((granted IS 'until') = (granted_until IS NOT NULL)),
    CHECK ((state = 'done') = (finished_at IS NOT NULL AND outcome IS NOT NULL)),
    CHECK ((state = 'withdrawn') = (withdrawn_because IS NOT NULL))
) STRICT;
CREATE INDEX approvals_created ON approvals (created_at);
CREATE INDEX approvals_state ON approvals (state, created_at);
CREATE INDEX approvals_agent ON approvals (agent, state, decided_at);

-- Sealed results of approved calls, for an agent that lost its connection.
CREATE TABLE approval_results (
    approval BLOB PRIMARY KEY REFERENCES approvals (id) ON DELETE CASCADE,
    sealed BLOB NOT NULL,
    expires_at INTEGER NOT NULL
) STRICT;

-- MCP sessions of revisions before 2026-07-28.
CREATE TABLE sessions (
    id TEXT PRIMARY KEY,
    agent BLOB NOT NULL REFERENCES agents (id),
    state TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    used_at INTEGER NOT NULL
) STRICT;
CREATE INDEX sessions_used ON sessions (used_at);

-- What the built-in integration `demo` works on.
CREATE TABLE notes (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    text TEXT NOT NULL,
    created_at INTEGER NOT NULL
) STRICT;

-- One row per call, written by the journal's importer alone. `ended` 0: begun, and not (yet) finished.
CREATE TABLE activity (
    seq INTEGER PRIMARY KEY,
    id BLOB NOT NULL UNIQUE CHECK (length(id) = 16),
    at INTEGER NOT NULL,
    ended INTEGER NOT NULL CHECK (ended IN (0, 1)),
    agent BLOB NOT NULL CHECK (length(agent) = 16),
    integration TEXT NOT NULL,
    tool TEXT NOT NULL,
    outcome TEXT NOT NULL CHECK (outcome IN (
        'ok', 'tool_error', 'upstream_error', 'cancelled', 'blocked', 'pending', 'denied', 'expired', 'refused',
        'interrupted')),
    arguments TEXT NOT NULL,
    arguments_hash BLOB CHECK (length(arguments_hash) = 32),
    digest BLOB CHECK (length(digest) = 32),
    decision TEXT CHECK (decision IN ('allow', 'require_approval', 'deny')),
    because TEXT,
    approval BLOB CHECK (length(approval) = 16),
    waited_ms INTEGER NOT NULL,
    ran_us INTEGER NOT NULL,
    bytes_in INTEGER NOT NULL,
    bytes_out INTEGER NOT NULL,
    error TEXT,
    door TEXT NOT NULL
) STRICT;
-- Read by `at`, then `seq`, newest first; each index has that order for one filter. The columns after that let the
-- other filters be tested without touching the row, so that a page stays quick however rare the combination asked for.
-- Every index costs every call; most calls are `ok`, and those are not in the one for outcomes.
CREATE INDEX activity_at ON activity (at, seq, outcome, tool);
CREATE INDEX activity_agent ON activity (agent, at, seq, outcome, tool);
CREATE INDEX activity_integration ON activity (integration, at, seq, agent, outcome, tool);
CREATE INDEX activity_outcome ON activity (outcome, at, seq, agent, integration, tool) WHERE outcome <> 'ok';
-- Holds only what runs now.
CREATE INDEX activity_open ON activity (seq) WHERE ended = 0;

-- How far the journal has been imported; written with the rows themselves.
CREATE TABLE journal_position (
    only INTEGER PRIMARY KEY CHECK (only = 1),
    file INTEGER NOT NULL,
    bytes INTEGER NOT NULL
) STRICT;

-- `mac` chains each row to the one before; see the module `audit`.
CREATE TABLE audit (
    seq INTEGER PRIMARY KEY,
    at INTEGER NOT NULL,
    actor TEXT NOT NULL,
    action TEXT NOT NULL,
    subject TEXT NOT NULL,
    detail TEXT NOT NULL,
    mac BLOB NOT NULL CHECK (length(mac) = 32)
) STRICT;
