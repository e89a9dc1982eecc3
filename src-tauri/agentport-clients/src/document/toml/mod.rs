//! TOML.
//!
//! Parsed by `toml_edit`, which knows where every key, value and header stands; edits are edits at those places,
//! since writing its tree back would change line endings. A server is a table of its own (`[mcp_servers.name]`), and
//! one of ours is written like that; inline tables and dotted keys that are there are edited as what they are.

mod inline;
mod lines;
mod read;
mod remove;
mod render;
mod set;

#[cfg(test)]
mod tests;

pub(super) use read::{rest, servers};
pub(super) use remove::remove;
pub(super) use set::set;
