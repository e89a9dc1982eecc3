//! Health of each integration. Not part of the snapshot, since it changes often and no view depends on it.

use std::collections::HashMap;

use agentport_core::IntegrationId;
use parking_lot::RwLock;

use agentport_api::{Health, LastError};

#[derive(Debug, Clone)]
pub(crate) struct HealthEntry {
    pub(crate) health: Health,
    pub(crate) pid: Option<u32>,
    pub(crate) last_error: Option<LastError>,
}

impl Default for HealthEntry {
    fn default() -> Self {
        Self { health: Health::Idle, pid: None, last_error: None }
    }
}

#[derive(Debug, Default)]
pub(crate) struct HealthBoard(RwLock<HashMap<IntegrationId, HealthEntry>>);

impl HealthBoard {
    /// An integration without a reported state is idle.
    pub(crate) fn get(&self, id: &IntegrationId) -> HealthEntry {
        self.0.read().get(id).cloned().unwrap_or_default()
    }

    pub(crate) fn set(&self, id: &IntegrationId, entry: HealthEntry) {
        self.0.write().insert(id.clone(), entry);
    }

    pub(crate) fn remove(&self, id: &IntegrationId) {
        self.0.write().remove(id);
    }
}

/// Is it able to take calls, as far as is known?
pub(crate) fn is_connected(health: &Health) -> bool {
    matches!(health, Health::Idle | Health::Starting | Health::Ready)
}
