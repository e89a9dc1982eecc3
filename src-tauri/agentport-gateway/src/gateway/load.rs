//! Loads integrations, policy and approvals into memory at the start. Connects nothing that can wait.

use std::collections::HashMap;

use agentport_core::IntegrationId;

use super::services::GatewayServices;
use crate::{builtin::demo, store};

impl GatewayServices {
    /// Returns warnings for the owner.
    pub(super) async fn load(&self) -> store::Result<Vec<String>> {
        let mut warnings = Vec::new();
        // Sessions do not outlive the gateway, so neither do their grants.
        self.base.store.delete_session_rules().await?;
        let mut listings: HashMap<_, _> = self
            .base
            .store
            .listings()
            .await?
            .into_iter()
            .filter_map(|row| Some((row.integration, serde_json::from_str(&row.json).ok()?)))
            .collect();
        self.integrations.reload_classifications().await?;
        let integrations = self.base.store.integrations().await?;
        let settings_of = |id: &IntegrationId| {
            let row = integrations.iter().find(|row| row.id == *id)?;
            row.connection.oauth().cloned()
        };
        self.base.accounts.load(settings_of).await?;
        for row in integrations {
            let builtin = row.connection.is_builtin();
            let known = listings.remove(&row.id);
            let listing = if builtin { Some(demo::listing()) } else { known };
            self.base.catalogue.put(row.clone(), listing);
            self.integrations.adopt_credentials(&row).await?;
            if let Some(error) = self.integrations.connect_or_say(&row).await {
                warnings.push(format!("the integration {} can't be used: {error}", row.id));
            }
        }
        self.integrations.remove_unused_bundles().await;
        self.integrations.offer_demo().await?;
        self.base.policy.reload().await?;
        self.approvals.recover().await?;
        Ok(warnings)
    }
}
