//! How deep a file may be nested before it is nobody's configuration: everything that walks a tree here is recursive.

/// Maps and lists within each other. The parser of TOML stops at 80 by itself.
pub(super) const MAX_DEPTH: usize = 100;

pub(super) const TOO_DEEP: &str = "The file is nested deeper than 100 levels.";
