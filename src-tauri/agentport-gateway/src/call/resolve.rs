//! Finds the tool of a call among those its agent sees.

use std::{sync::Arc, time::Duration};

use agentport_api::Health;

use crate::{
    catalogue::{Catalogue, PublishedTool},
    upstream::UpstreamRegistry,
};

use super::{Request, outcome::Refusal};

/// Time a call waits for the first tool list of an integration that was never connected.
const FIRST_LIST_TIMEOUT: Duration = Duration::from_secs(5);

/// Finds tools by name; starts integrations whose tools were never listed.
pub(crate) struct ToolResolver {
    pub(crate) catalogue: Arc<Catalogue>,
    pub(crate) upstreams: UpstreamRegistry,
}

impl ToolResolver {
    /// The tool, if the agent sees it. Waits for an integration's very first list, not for any later one.
    pub(super) async fn resolve(&self, request: &Request) -> Result<Arc<PublishedTool>, Refusal> {
        let (integration, tool) = (&request.integration, &request.tool);
        let Some(entry) = request.view.integrations.get(integration.as_str()) else {
            return Err(Refusal::UnknownIntegration { id: integration.clone() });
        };
        if let Some(found) = request.view.tool(integration, tool) {
            return Ok(found.clone());
        }
        let unknown =
            || Refusal::UnknownTool { integration: integration.clone(), tool: tool.clone() };
        if entry.listing.is_some() {
            return Err(unknown());
        }
        self.await_first_list(&entry.row.id).await?;
        let view = self.catalogue.views.get(&self.catalogue.snapshot(), &request.view.key);
        view.tool(integration, tool).cloned().ok_or_else(unknown)
    }

    /// Starts an integration whose tools were never listed, and waits for its list for a bounded time.
    pub(crate) async fn await_first_list(
        &self,
        id: &agentport_core::IntegrationId,
    ) -> Result<(), Refusal> {
        let mut versions = self.catalogue.watch();
        self.upstreams.wake(id);
        let listed = async {
            loop {
                if self.catalogue.get(id).is_none_or(|entry| entry.listing.is_some()) {
                    return;
                }
                if versions.changed().await.is_err() {
                    return;
                }
            }
        };
        if tokio::time::timeout(FIRST_LIST_TIMEOUT, listed).await.is_ok() {
            return Ok(());
        }
        let problem = match self.catalogue.health.get(id).health {
            Health::NeedsAuth { message } | Health::Failed { message, .. } => message,
            _ => "it is still starting".to_owned(),
        };
        Err(Refusal::NotConnected { integration: id.to_string(), problem })
    }
}
