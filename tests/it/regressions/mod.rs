//! Findings of security reviews, each with a test that fails without its fix.

mod authentication;
mod definitions;
mod keys;
mod requests;
mod rounds;
mod running;
