//! Upstreams: connections to the servers that run the tools (MCP client side).
//!
//! Every integration has an actor of its own, which starts, watches, lists and stops it. A call does not pass through
//! the actor: it looks up the live session and speaks to the upstream from the caller's own task.
//!
//! What always holds: a call needs a [`Permit`](crate::call::permit::Permit); a slow or dead upstream delays no other; every process started here
//! ends here, with its whole tree; secrets are in the child's environment or the request's headers and nowhere else.
//!
//! Deliberately absent: policy, approval, storage. What is learnt goes out through [`UpstreamSink`].

#![expect(
    deprecated,
    reason = "MCP 2026-07-28 deprecates logging, sampling and roots; older agents and servers use them"
)]

mod actor;
mod backoff;
mod call;
mod client_requests;
mod connector;
mod definitions;
mod error;
mod handle;
mod handler;
mod in_flight;
mod listing;
mod message;
mod negotiation;
mod redaction;
mod registry;
mod repair;
mod request;
mod response;
mod session;
mod stdio;
mod streamable_http;
mod subscriptions;
mod target;

#[cfg(test)]
mod tests;

use agentport_api::{Health, LastError};
use agentport_core::IntegrationId;

pub(crate) use self::{
    definitions::definition_digest,
    error::UpstreamError,
    listing::Listing,
    registry::UpstreamRegistry,
    target::{LocalTarget, RemoteTarget, UpstreamSpec, UpstreamTarget},
};

/// Receives the state of upstreams. Called from the actors' tasks: must not block.
pub(crate) trait UpstreamSink: Send + Sync {
    /// The upstream's lists were read, or read anew.
    fn listing(&self, id: &IntegrationId, listing: Listing);
    /// Health, process id (of a local server that runs) or last error changed.
    fn health(
        &self,
        id: &IntegrationId,
        health: Health,
        pid: Option<u32>,
        last_error: Option<LastError>,
    );
    /// A subscribed resource changed (`notifications/resources/updated`).
    fn updated(&self, id: &IntegrationId, uri: &str);
}
