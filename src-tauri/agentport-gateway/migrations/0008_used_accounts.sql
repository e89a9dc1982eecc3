-- Which account an agent, or every agent of a profile, uses in place of an integration's default.
CREATE TABLE chosen_accounts (
    integration TEXT NOT NULL REFERENCES integrations (id) ON DELETE CASCADE,
    agent BLOB CHECK (length(agent) = 16),
    profile TEXT,
    account BLOB NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    CHECK ((agent IS NULL) <> (profile IS NULL)),
    UNIQUE (integration, agent),
    UNIQUE (integration, profile)
) STRICT;

-- The account a request is about: an approved call runs with it, whatever is chosen later. It may be gone by then.
ALTER TABLE approvals ADD COLUMN account BLOB CHECK (length(account) = 16);
-- The label of the account a call used, as it was.
ALTER TABLE activity ADD COLUMN account TEXT;
