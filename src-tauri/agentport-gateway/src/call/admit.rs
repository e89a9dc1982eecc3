//! Checks before policy: stop, credential, pause, schema, limits.

use std::sync::Arc;

use agentport_core::{AgentId, Timestamp};
use serde_json::Value;
use tokio_util::sync::CancellationToken;

use super::{limits::CallLimits, outcome::Refusal};
use crate::{
    agents::Agent,
    catalogue::PublishedTool,
    settings::{CallSwitch, SettingsStore},
};

/// Admits calls, or refuses them before policy is asked.
pub(crate) struct CallAdmission {
    soft_stop: CancellationToken,
    switch: Arc<CallSwitch>,
    settings: Arc<SettingsStore>,
    limits: CallLimits,
}

impl CallAdmission {
    pub(crate) fn new(
        soft_stop: CancellationToken,
        switch: Arc<CallSwitch>,
        settings: Arc<SettingsStore>,
    ) -> Self {
        Self { soft_stop, switch, settings, limits: CallLimits::default() }
    }

    pub(super) fn admit(
        &self,
        agent: &Agent,
        tool: &PublishedTool,
        arguments: &Value,
        now: Timestamp,
    ) -> Result<(), Refusal> {
        self.refuse_when_stopping()?;
        // The key was valid when the headers arrived; it may have been revoked while the body was read.
        if agent.revoked.is_cancelled() || agent.expires_at.is_some_and(|end| end <= now) {
            return Err(Refusal::NotLetIn);
        }
        self.refuse_when_paused(tool.integration.as_str())?;
        tool.validate(arguments).map_err(|problem| Refusal::InvalidArguments {
            integration: tool.integration.to_string(),
            tool: tool.name().to_owned(),
            problem,
        })?;
        self.count(agent.id, now)
    }

    pub(super) fn refuse_when_stopping(&self) -> Result<(), Refusal> {
        match self.soft_stop.is_cancelled() {
            true => Err(Refusal::Stopping),
            false => Ok(()),
        }
    }

    pub(super) fn refuse_when_paused(&self, integration: &str) -> Result<(), Refusal> {
        match self.switch.is_paused() {
            true => Err(Refusal::Paused { integration: integration.to_owned() }),
            false => Ok(()),
        }
    }

    /// Counts a call against the agent's limit.
    pub(super) fn count(&self, agent: AgentId, now: Timestamp) -> Result<(), Refusal> {
        let limit = self.settings.load().calls_per_minute;
        self.limits
            .count(agent, limit, now)
            .map_err(|retry_seconds| Refusal::TooManyCalls { limit, retry_seconds })
    }
}
