//! `agentport bridge`: a client that only starts local programs, and the gateway.

mod ends;
mod eras;
mod fake;
mod lines;
mod missing;
mod restarts;
mod sdks;
mod several;
mod sign_in;
mod streams;
pub(crate) mod suite;
