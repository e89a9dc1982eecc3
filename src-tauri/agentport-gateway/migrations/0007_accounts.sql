-- Accounts: sets of credentials of an integration, beside the table `credentials`, which holds those of an integration that
-- has one set only. `sealed` is sealed by the vault: of OAuth the record of client, tokens and endpoints, in JSON.
CREATE TABLE accounts (
    id BLOB PRIMARY KEY CHECK (length(id) = 16),
    integration TEXT NOT NULL REFERENCES integrations (id) ON DELETE CASCADE,
    label TEXT NOT NULL,
    is_default INTEGER NOT NULL CHECK (is_default IN (0, 1)),
    auth_method TEXT NOT NULL CHECK (auth_method IN ('oauth', 'token')),
    sealed BLOB NOT NULL,
    -- Why the owner has to sign in again. Null: there is no need.
    sign_in_needed TEXT,
    created_at INTEGER NOT NULL,
    UNIQUE (integration, label)
) STRICT;
CREATE UNIQUE INDEX accounts_default ON accounts (integration) WHERE is_default = 1;
