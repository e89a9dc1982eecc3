//! JSON with comments and trailing commas.
//!
//! Parsed by `jsonc-parser`, whose tree has the place of every value in the text; edits are edits at those places.
//! Missing commas, single quotes, unquoted names and the other liberties of JSON5 are errors: no client takes them.

mod read;
mod remove;
mod render;
mod set;

#[cfg(test)]
mod tests;

pub(super) use read::{rest, servers};
pub(super) use remove::remove;
pub(super) use set::set;
