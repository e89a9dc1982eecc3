-- What an added integration was made from: SHA-256 of how the server is reached, secrets included. It tells whether that
-- server stands in a file again. Null where it was not added, or before this was kept.
ALTER TABLE integrations ADD COLUMN fingerprint TEXT CHECK (length(fingerprint) = 64);
