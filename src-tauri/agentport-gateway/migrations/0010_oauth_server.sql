-- Agents that sign in by OAuth. They are rows of `agents` too, with 32 random bytes in place of a key's hash: no key has
-- it, so no key lets them in.

-- Clients that registered (RFC 7591), or whose metadata document was read.
CREATE TABLE oauth_clients (
    client_id TEXT PRIMARY KEY,
    -- Of the metadata: registering the same again gives the same client.
    digest BLOB NOT NULL UNIQUE CHECK (length(digest) = 32),
    -- As it was answered, JSON.
    metadata TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    -- When it got its first token. A client that got one is kept.
    used_at INTEGER
) STRICT;

-- One per consent that was made use of: a family of tokens.
CREATE TABLE oauth_grants (
    id BLOB PRIMARY KEY CHECK (length(id) = 16),
    agent BLOB NOT NULL REFERENCES agents (id),
    client_id TEXT NOT NULL REFERENCES oauth_clients (client_id),
    redirect_uri TEXT NOT NULL,
    audience TEXT NOT NULL CHECK (audience IN ('loopback', 'external')),
    granted_at INTEGER NOT NULL,
    refreshed_at INTEGER,
    ended_at INTEGER
) STRICT;
CREATE INDEX oauth_grants_agent ON oauth_grants (agent);

CREATE TABLE oauth_tokens (
    hash BLOB PRIMARY KEY CHECK (length(hash) = 32),
    grant_id BLOB NOT NULL REFERENCES oauth_grants (id) ON DELETE CASCADE,
    kind TEXT NOT NULL CHECK (kind IN ('access', 'refresh')),
    issued_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    -- When a refresh token was first used, and so replaced.
    rotated_at INTEGER
) STRICT;
CREATE INDEX oauth_tokens_grant ON oauth_tokens (grant_id);
CREATE INDEX oauth_tokens_expiry ON oauth_tokens (expires_at);
