//! The owner's settings in force, and the switch that pauses all calls.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use agentport_api::{Connection, Event, Settings};
use agentport_core::audit::{Actor, AuditAction};
use arc_swap::ArcSwap;
use serde_json::Value;

use crate::{
    audit::Audit,
    events::Events,
    store::{self, Store},
};

/// The settings key of the pause, so that it survives a restart.
const PAUSED: &str = "paused";

/// The settings in force. The database has the same.
#[derive(Debug)]
pub(crate) struct SettingsStore(ArcSwap<Settings>);

impl SettingsStore {
    pub(crate) fn new(settings: Settings) -> Self {
        Self(ArcSwap::from_pointee(settings))
    }

    pub(crate) fn load(&self) -> Arc<Settings> {
        self.0.load_full()
    }

    /// Puts stored settings in force.
    pub(crate) fn replace(&self, settings: Settings) {
        self.0.store(Arc::new(settings));
    }

    pub(crate) fn approval_lifetime(&self) -> Duration {
        minutes(self.0.load().approval_expiry_minutes)
    }

    /// Idle time after which a local server is stopped.
    pub(crate) fn idle_stop(&self) -> Duration {
        minutes(self.0.load().idle_stop_minutes)
    }

    /// Time limit of a call over this connection.
    pub(crate) fn call_timeout(&self, connection: Option<&Connection>) -> Duration {
        let own = connection.and_then(Connection::timeout_seconds);
        Duration::from_secs(own.unwrap_or_else(|| self.0.load().call_timeout_seconds).into())
    }
}

fn minutes(count: u32) -> Duration {
    Duration::from_secs(u64::from(count) * 60)
}

/// The owner's switch for all calls, allowed ones too.
pub(crate) struct CallSwitch {
    store: Store,
    events: Events,
    audit: Audit,
    paused: AtomicBool,
}

impl CallSwitch {
    pub(crate) async fn load(store: Store, events: Events, audit: Audit) -> store::Result<Self> {
        let paused = AtomicBool::new(store.value(PAUSED).await?.is_some());
        Ok(Self { store, events, audit, paused })
    }

    pub(crate) fn is_paused(&self) -> bool {
        self.paused.load(Ordering::Acquire)
    }

    /// Stops every call from running, or lets calls run again.
    pub(crate) async fn set_paused(&self, paused: bool) -> store::Result<()> {
        if paused {
            // In memory first: no call runs from here on, even if the database cannot be written.
            self.paused.store(true, Ordering::Release);
            self.store.put_value(PAUSED, "1").await?;
        } else {
            self.store.delete_value(PAUSED).await?;
            self.paused.store(false, Ordering::Release);
        }
        self.events.send(Event::Paused { paused });
        let action = if paused { AuditAction::CallsPaused } else { AuditAction::CallsResumed };
        self.audit.record(Actor::Owner, action, "all", Value::Null).await;
        Ok(())
    }
}
