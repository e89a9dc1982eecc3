//! Upstreams: connections to the servers that run the tools (MCP client side).
//!
//! Every integration has an actor of its own, which starts, watches, lists and stops it. A call does not pass through
//! the actor: it looks up the live session and speaks to the upstream from the caller's own task.
//!
//! Invariants: a call needs a [`Permit`](crate::call::permit::Permit); a slow or dead upstream delays no other; every
//! process started here is ended here, with its whole tree; secrets are only in a child's environment or a request's
//! headers.
//!
//! Deliberately absent: policy, approval, storage. Lists and health are published through [`UpstreamSink`].

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
mod event_stream;
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
mod sse;
mod start_watch;
mod stdio;
mod streamable_http;
mod subscriptions;
mod target;
mod token_source;
pub(crate) mod unknown_content;

#[cfg(test)]
mod tests;

use agentport_api::{Health, LastError};
use agentport_core::{AccountId, IntegrationId};

pub(crate) use self::{
    definitions::definition_digest,
    error::UpstreamError,
    listing::Listing,
    registry::{OpenedUpstream, UpstreamRegistry},
    start_watch::StartWatch,
    target::{LocalTarget, RemoteTarget, RemoteTransport, UpstreamSpec, UpstreamTarget},
    token_source::{TokenRefusal, TokenSource},
};

/// Receives the state of upstreams. Called from the actors' tasks: must not block.
pub(crate) trait UpstreamSink: Send + Sync {
    /// The upstream's lists were read.
    fn listing(&self, id: &IntegrationId, listing: Listing);
    /// Health, process id (of a local server that runs) or last error changed.
    fn health(
        &self,
        id: &IntegrationId,
        health: Health,
        pid: Option<u32>,
        last_error: Option<LastError>,
    );
    /// The same of a connection with another account than the integration's default.
    fn account_health(&self, _id: &IntegrationId, _account: AccountId, _health: &Health) {}
    /// A subscribed resource changed (`notifications/resources/updated`).
    fn updated(&self, id: &IntegrationId, uri: &str);
}
