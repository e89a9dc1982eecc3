-- Two outcomes more: `not_asked` (denied without asking, after the owner denied the tool several times) and
-- `not_picked_up` (approved, and the agent did not come back). SQLite changes a CHECK only with the whole table.
CREATE TABLE activity_next (
    seq INTEGER PRIMARY KEY,
    id BLOB NOT NULL UNIQUE CHECK (length(id) = 16),
    at INTEGER NOT NULL,
    ended INTEGER NOT NULL CHECK (ended IN (0, 1)),
    agent BLOB NOT NULL CHECK (length(agent) = 16),
    integration TEXT NOT NULL,
    tool TEXT NOT NULL,
    outcome TEXT NOT NULL CHECK (outcome IN (
        'ok', 'tool_error', 'upstream_error', 'cancelled', 'blocked', 'pending', 'denied', 'not_asked', 'expired',
        'not_picked_up', 'refused', 'interrupted')),
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
INSERT INTO activity_next SELECT * FROM activity;
DROP TABLE activity;
ALTER TABLE activity_next RENAME TO activity;
CREATE INDEX activity_at ON activity (at, seq, outcome, tool);
CREATE INDEX activity_agent ON activity (agent, at, seq, outcome, tool);
CREATE INDEX activity_integration ON activity (integration, at, seq, agent, outcome, tool);
CREATE INDEX activity_outcome ON activity (outcome, at, seq, agent, integration, tool) WHERE outcome <> 'ok';
CREATE INDEX activity_open ON activity (seq) WHERE ended = 0;
CREATE INDEX activity_asked ON activity (at, agent, integration, tool, outcome) WHERE approval IS NOT NULL;

-- Of an expired request: when the owner had approved it. Null where nobody decided.
ALTER TABLE approvals ADD COLUMN approved_at INTEGER;

-- "Ask me again": denials up to this moment no longer count towards denying a tool without asking.
CREATE TABLE denial_resets (
    agent BLOB NOT NULL CHECK (length(agent) = 16),
    integration TEXT NOT NULL,
    tool TEXT NOT NULL,
    at INTEGER NOT NULL,
    PRIMARY KEY (agent, integration, tool)
) STRICT, WITHOUT ROWID;
