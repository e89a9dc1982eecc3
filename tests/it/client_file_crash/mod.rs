//! Failures while a client's file is changed: at any moment the old or the new file is there, whole, and `restore` works
//! afterwards.
//!
//! The changes are made by real processes (`applier`), which are stopped, killed, starved of disk space, or raced.

mod concurrent_writers;
mod killed;
mod outside;
mod refused;
mod scene;

pub(crate) use scene::skipped;
