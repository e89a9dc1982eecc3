//! The agent plane as the contract has it.

mod authentication;
mod listing;
mod malformed;
mod meta_tools;
mod passthrough;
mod sessions;
