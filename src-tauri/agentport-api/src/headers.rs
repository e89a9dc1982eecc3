//! Header names of the control API.

/// Carries the token of a [`crate::Confirmation`]: the owner has just given a one-time code.
pub const CONFIRMATION: &str = "agentport-confirmation";
