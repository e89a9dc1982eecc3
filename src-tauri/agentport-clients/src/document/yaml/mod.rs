//! YAML 1.2, with the servers as a map by name (Goose) or as a list whose items have a `name` (Continue).
//!
//! Parsed by `saphyr-parser`, whose events have their places in the text; edits are whole lines in block style, and
//! stretches between commas in flow style. What cannot be done like that (several documents in a file, the servers
//! behind an alias, an entry that an alias elsewhere refers to, a list item on the line below its dash) is not done.

mod compose;
mod flow;
mod read;
mod remove;
mod render;
mod scalar;
mod set;

#[cfg(test)]
mod tests;

pub(super) use read::{rest, servers};
pub(super) use remove::remove;
pub(super) use set::set;
