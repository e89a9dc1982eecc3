-- What the file of the client an integration was taken over from said of it, in JSON: proposals and unknown keys.
ALTER TABLE integrations ADD COLUMN imported TEXT;
