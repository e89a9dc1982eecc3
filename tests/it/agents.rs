//! The agent plane as the contract has it.

mod doors;
mod listing;
mod meta_tools;
mod passing;
mod sessions;
