-- The API a call came through has the field's own name.
ALTER TABLE activity RENAME COLUMN door TO entry_point;
