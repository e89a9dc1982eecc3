//! OAuth 2.1 authorization server for agents (MCP Authorization; RFC 6749, 7009, 7591, 7636, 8252, 8414, 9207, 9728).
//!
//! ```text
//! /oauth/register ─► /oauth/authorize ─► (the owner consents in the app) ─► /oauth/token ─► /mcp
//!    client id          waiting page            control API                  code → tokens    access token
//! ```
//!
//! Nothing here lets an agent in by itself: [`authorize`] makes a request for consent, [`consents`] keeps it, and only
//! the control API decides it. Values are random and stored as hashes ([`agentport_core::oauth_token`]); what an access
//! token lets in is looked up by `agents`.

mod audience;
mod authorize;
mod client_document;
mod client_metadata;
mod codes;
mod consents;
mod error;
mod known_agents;
mod metadata;
mod page;
mod redirect_uri;
mod registration;
mod revocation;
mod routes;
mod token;
mod upkeep;

use std::sync::Arc;

use parking_lot::Mutex;
use tokio::sync::Semaphore;
use tokio_util::task::TaskTracker;

pub(crate) use self::{
    audience::ServerOrigin,
    consents::{ConsentDecision, ConsentError},
    known_agents::sign_ins_of,
    routes::router,
    upkeep::delete_expired,
};
use self::{codes::AuthorizationCodes, consents::Consents, registration::RegistrationLimit};
use crate::{
    accounts::oauth::OAuthClient, agents::Agents, audit::Audit, events::Events,
    settings::SettingsStore, store::Store,
};

/// Requests of waiting pages that are held at a time: a person looks at one or two.
const MAX_HELD_PAGES: usize = 20;
/// Client-id metadata documents that are read at a time.
const MAX_DOCUMENTS_AT_ONCE: usize = 4;

/// The authorization server's state, and the services it works with.
pub(crate) struct OAuthServer {
    pub(crate) store: Store,
    pub(crate) agents: Arc<Agents>,
    pub(crate) events: Events,
    pub(crate) audit: Audit,
    pub(crate) settings: Arc<SettingsStore>,
    pub(crate) tasks: TaskTracker,
    consents: Consents,
    /// Requests of waiting pages that may be held at a time, for all listeners.
    held_pages: Semaphore,
    codes: AuthorizationCodes,
    registrations: RegistrationLimit,
    /// Reads client-id metadata documents.
    documents: OAuthClient,
    documents_read: Mutex<client_document::DocumentCache>,
    document_places: Semaphore,
}

impl OAuthServer {
    pub(crate) fn new(
        store: Store,
        agents: Arc<Agents>,
        events: Events,
        audit: Audit,
        settings: Arc<SettingsStore>,
        tasks: TaskTracker,
    ) -> Self {
        Self {
            consents: Consents::default(),
            held_pages: Semaphore::new(MAX_HELD_PAGES),
            documents_read: Mutex::default(),
            document_places: Semaphore::new(MAX_DOCUMENTS_AT_ONCE),
            codes: AuthorizationCodes::default(),
            registrations: RegistrationLimit::default(),
            documents: OAuthClient::new(),
            store,
            agents,
            events,
            audit,
            settings,
            tasks,
        }
    }
}
