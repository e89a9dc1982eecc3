//! What the upstreams say, brought to catalogue, database and screens.

use std::sync::{Arc, OnceLock, Weak};

use agentport_api::{Event, Health, LastError};
use agentport_core::{ErrorChain, IntegrationId};
use tokio_util::task::TaskTracker;

use crate::{
    catalogue::{Catalogue, HealthEntry},
    engine::Engine,
    events::Events,
    upstream::{Listing, UpstreamSink},
};

/// Hears the upstreams. Made before the engine, which it needs for what has to be stored.
pub(crate) struct UpstreamEvents {
    pub(crate) catalogue: Arc<Catalogue>,
    pub(crate) events: Events,
    pub(crate) tasks: TaskTracker,
    pub(crate) updates: tokio::sync::broadcast::Sender<String>,
    pub(crate) engine: OnceLock<Weak<Engine>>,
}

impl UpstreamEvents {
    fn engine(&self) -> Option<Arc<Engine>> {
        self.engine.get().and_then(Weak::upgrade)
    }
}

impl UpstreamSink for UpstreamEvents {
    fn listing(&self, id: &IntegrationId, listing: Listing) {
        if !self.catalogue.publish(id, listing.clone()) {
            return;
        }
        self.events.send(Event::Integration { id: id.clone() });
        let Some(engine) = self.engine() else { return };
        let id = id.clone();
        self.tasks.spawn(async move {
            if let Err(error) = engine.keep_listing(&id, &listing).await {
                tracing::error!(integration = %id, error = %ErrorChain(&error), "a tool list could not be stored");
            }
            if let Err(error) = engine.review_open(&id).await {
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
        let last_error = last_error.or_else(|| self.catalogue.health.get(id).last_error);
        self.catalogue.health.set(id, HealthEntry { health, pid, last_error });
        self.events.send(Event::Integration { id: id.clone() });
    }

    fn updated(&self, _id: &IntegrationId, uri: &str) {
        // Fails only when no session listens.
        let _ = self.updates.send(uri.to_owned());
    }
}
