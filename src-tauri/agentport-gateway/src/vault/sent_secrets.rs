//! The secrets sent to each integration, held to remove them from its results.

use std::{collections::HashMap, sync::Arc};

use agentport_core::{IntegrationId, Secret};
use arc_swap::ArcSwap;

#[derive(Default)]
pub(crate) struct SentSecrets(ArcSwap<HashMap<IntegrationId, SentEntry>>);

/// Secrets that change while an integration is connected, such as access tokens.
pub(crate) trait ChangingSecrets: Send + Sync {
    /// Those in force.
    fn secrets(&self) -> Vec<Secret>;
}

#[derive(Clone)]
struct SentEntry {
    fixed: Arc<Vec<Secret>>,
    changing: Vec<Arc<dyn ChangingSecrets>>,
}

impl SentSecrets {
    pub(crate) fn get(&self, id: &IntegrationId) -> Option<Arc<Vec<Secret>>> {
        let all = self.0.load();
        let entry = all.get(id)?;
        if entry.changing.is_empty() {
            return Some(entry.fixed.clone());
        }
        let changing = entry.changing.iter().flat_map(|changing| changing.secrets());
        Some(Arc::new(entry.fixed.iter().cloned().chain(changing).collect()))
    }

    pub(crate) fn set(
        &self,
        id: &IntegrationId,
        secrets: Vec<Secret>,
        changing: Vec<Arc<dyn ChangingSecrets>>,
    ) {
        let entry = SentEntry { fixed: Arc::new(secrets), changing };
        self.0.rcu(|all| {
            let mut all = HashMap::clone(all);
            if entry.fixed.is_empty() && entry.changing.is_empty() {
                all.remove(id);
            } else {
                all.insert(id.clone(), entry.clone());
            }
            all
        });
    }

    pub(crate) fn remove(&self, id: &IntegrationId) {
        self.set(id, Vec::new(), Vec::new());
    }
}
