//! The secrets sent to each integration, held to remove them from its results.

use std::{collections::HashMap, sync::Arc};

use agentport_core::{IntegrationId, Secret};
use arc_swap::ArcSwap;

#[derive(Default)]
pub(crate) struct SentSecrets(ArcSwap<HashMap<IntegrationId, Arc<Vec<Secret>>>>);

impl SentSecrets {
    pub(crate) fn get(&self, id: &IntegrationId) -> Option<Arc<Vec<Secret>>> {
        self.0.load().get(id).cloned()
    }

    pub(crate) fn set(&self, id: &IntegrationId, secrets: Vec<Secret>) {
        let secrets = Arc::new(secrets);
        self.0.rcu(|all| {
            let mut all = HashMap::clone(all);
            if secrets.is_empty() {
                all.remove(id);
            } else {
                all.insert(id.clone(), secrets.clone());
            }
            all
        });
    }

    pub(crate) fn remove(&self, id: &IntegrationId) {
        self.set(id, Vec::new());
    }
}
