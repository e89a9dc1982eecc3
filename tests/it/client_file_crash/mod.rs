//! A client's file through everything that can go wrong: at any moment the old or the new one is there, whole, and
//! `restore` works afterwards.
//!
//! The changes are made by real processes (`applier`), which are stopped, killed, starved of room, or raced.

mod concurrent_writers;
mod killed;
mod outside;
mod refused;
mod scene;

pub(crate) use scene::skipped;
