-- What the owner says a tool does, where that is other than, or more than, what the tool says. It holds for the definition
-- with this digest.
CREATE TABLE tool_effects (
    integration TEXT NOT NULL REFERENCES integrations (id) ON DELETE CASCADE,
    tool TEXT NOT NULL,
    digest BLOB NOT NULL CHECK (length(digest) = 32),
    effect TEXT NOT NULL CHECK (effect IN ('reads', 'changes', 'destroys')),
    at INTEGER NOT NULL,
    PRIMARY KEY (integration, tool)
) STRICT, WITHOUT ROWID;

-- The category 'May destroy' becomes two: tools that say they destroy, and tools that do not say. A rule for it becomes a
-- rule for each. The new id keeps the time and the version (UUID version 7) of the old one.
UPDATE rules SET category = 'Destroys' WHERE scope = 'category' AND category = 'May destroy';
INSERT INTO rules (id, scope, integration, tool, category, mode, agent, conditions, digest, expires_at, session, origin,
                   origin_approval, created_at)
SELECT CAST(substr(id, 1, 9) || randomblob(7) AS BLOB), scope, integration, tool, 'Doesn''t say', mode, agent, conditions,
       digest, expires_at, session, origin, origin_approval, created_at
FROM rules WHERE scope = 'category' AND category = 'Destroys';
