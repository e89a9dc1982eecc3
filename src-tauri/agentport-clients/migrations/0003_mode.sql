-- The permission bits that a file had before this change closed it to other accounts; null where they stayed.
ALTER TABLE touches ADD COLUMN mode_before INTEGER CHECK (mode_before BETWEEN 0 AND 511);
