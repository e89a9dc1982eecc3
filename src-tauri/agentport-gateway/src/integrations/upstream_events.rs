//! Publishes lists and health of upstreams to catalogue, database and events.

use std::sync::Arc;

use agentport_api::{Event, Health, LastError};
use agentport_core::{AccountId, ErrorChain, IntegrationId};
use tokio_util::task::TaskTracker;

use super::add::keep_listing;
use crate::{
    accounts::Accounts,
    approvals::Approvals,
    catalogue::{Catalogue, HealthEntry},
    events::Events,
    store::Store,
    upstream::{Listing, UpstreamSink},
};

/// Receives lists and health of the upstreams.
pub(crate) struct UpstreamEvents {
    pub(crate) catalogue: Arc<Catalogue>,
    pub(crate) events: Events,
    pub(crate) tasks: TaskTracker,
    pub(crate) updates: tokio::sync::broadcast::Sender<String>,
    pub(crate) store: Store,
    pub(crate) approvals: Arc<Approvals>,
    pub(crate) accounts: Arc<Accounts>,
}

impl UpstreamSink for UpstreamEvents {
    fn listing(&self, id: &IntegrationId, listing: Listing) {
        if !self.catalogue.publish(id, listing.clone()) {
            return;
        }
        self.events.send(Event::Integration { id: id.clone() });
        let (store, approvals, id) = (self.store.clone(), self.approvals.clone(), id.clone());
        self.tasks.spawn(async move {
            if let Err(error) = keep_listing(&store, &id, &listing).await {
                tracing::error!(integration = %id, error = %ErrorChain(&error), "a tool list could not be stored");
            }
            if let Err(error) = approvals.review_integration(&id).await {
                tracing::error!(integration = %id, error = %ErrorChain(&error), "open requests could not be reviewed");
            }
        });
    }

    fn health(
        &self,
        id: &IntegrationId,
        health: Health,
        pid: Option<u32>,
        last_error: Option<LastError>,
    ) {
        self.accounts.set_health(id, None, &health);
        let last_error = last_error.or_else(|| self.catalogue.health.get(id).last_error);
        self.catalogue.health.set(id, HealthEntry { health, pid, last_error });
        self.events.send(Event::Integration { id: id.clone() });
    }

    fn account_health(&self, id: &IntegrationId, account: AccountId, health: &Health) {
        self.accounts.set_health(id, Some(account), health);
    }

    fn updated(&self, _id: &IntegrationId, uri: &str) {
        // Fails only when no session listens.
        let _ = self.updates.send(uri.to_owned());
    }
}
