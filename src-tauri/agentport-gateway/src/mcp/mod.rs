//! The MCP endpoint: every revision from 2024-11-05 to 2026-07-28 on one URL (`contract` §1).
//!
//! A request passes, in this order: host and origin, size, credential, view (`mode`, `profile`, `tags`), session, form.
//! Only then does it reach the protocol library, whose handler ([`server`]) knows who is asking.

mod answer;
pub(crate) mod aside;
mod endpoint;
mod fast;
mod form;
mod keepalive;
pub(crate) mod listeners;
pub(crate) mod meta;
mod offers;
pub(crate) mod principal;
mod server;
pub(crate) mod sessions;

pub(crate) use answer::{BLOCKED, denied, json as json_answer};
pub(crate) use endpoint::{McpEndpoint, serve};
pub(crate) use form::oversized_integer;
pub(crate) use server::{HOLD, HOLD_WITH_PROGRESS, take_info};
