-- What we did to clients' files. A row is written before the file is, and settled after.
--
-- `before` and `after` are the SHA-256 of what was there and of what we put there, null where there was no file; both
-- contents are kept under `originals/`. Rows with `open = 1` belong to what a restore would take back; the oldest of a
-- path is its pinned original.
CREATE TABLE touches (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    client TEXT NOT NULL,
    path TEXT NOT NULL,
    what TEXT NOT NULL CHECK (what IN ('connect', 'disconnect', 'consolidate', 'restore')),
    before TEXT CHECK (length(before) = 64),
    after TEXT CHECK (length(after) = 64),
    bytes INTEGER NOT NULL CHECK (bytes >= 0),
    taken_at INTEGER NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('begun', 'done')),
    open INTEGER NOT NULL CHECK (open IN (0, 1))
) STRICT;

CREATE INDEX touches_by_path ON touches (path, id);

-- Integrations a consolidation of a file led to: those it added, and those that were there and are used for it.
CREATE TABLE integrations (
    path TEXT NOT NULL,
    integration TEXT NOT NULL,
    added INTEGER NOT NULL CHECK (added IN (0, 1)),
    PRIMARY KEY (path, integration)
) STRICT, WITHOUT ROWID;
