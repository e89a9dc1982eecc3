-- The second factor (TOTP, RFC 6238); there is a row while it is on. The secret is sealed by the vault. `used_step` is
-- the last time step a code of which was taken: each is good once (§5.2), and none before it.
CREATE TABLE second_factor (
    only INTEGER PRIMARY KEY CHECK (only = 1),
    sealed BLOB NOT NULL,
    since INTEGER NOT NULL,
    used_step INTEGER NOT NULL
) STRICT;

-- Hashes of the recovery codes that have not been used.
CREATE TABLE recovery_codes (
    hash BLOB PRIMARY KEY CHECK (length(hash) = 32)
) STRICT, WITHOUT ROWID;

-- The calls the owner was asked about, for the chart of the activity. They wait for a person; the index costs nobody
-- else anything.
CREATE INDEX activity_asked ON activity (at, agent, integration, tool, outcome) WHERE approval IS NOT NULL;
