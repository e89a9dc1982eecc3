//! Routes of the gateway's status and of the pause.

use agentport_api::{Health, Pause, Status};
use axum::{Json, extract::State};
use http::StatusCode;

use agentport_core::{ErrorChain, approval::StateName};

use super::{Control, error::ApiResult};

impl Control {
    pub(crate) async fn status(&self) -> ApiResult<Status> {
        let snapshot = self.catalogue.snapshot();
        let trouble = snapshot.integrations.keys().filter(|id| {
            let health = self.catalogue.health.get(id).health;
            matches!(health, Health::NeedsAuth { .. } | Health::Failed { .. })
        });
        let trouble = count(trouble.count());
        Ok(Status {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            mcp_url: format!("{}/mcp", self.address.origin()),
            external: self.external.get(),
            home: self.home.to_string(),
            pid: std::process::id(),
            started_at: self.started_at,
            paused: self.switch.is_paused(),
            vault: self.vault.kind().to_owned(),
            pending: self.store.count_approvals(StateName::Pending).await?,
            missed: self.store.count_approvals(StateName::Expired).await?,
            agents: count(self.agents.count()),
            integrations: count(snapshot.integrations.len()),
            trouble,
            second_factor: self.second_factor_is_on().await?,
            owner_password: self.front.has_password(),
        })
    }
}

fn count(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

pub(super) async fn read(State(control): State<Control>) -> ApiResult<Json<Status>> {
    control.status().await.map(Json)
}

pub(super) async fn pause(
    State(control): State<Control>,
    Json(pause): Json<Pause>,
) -> ApiResult<StatusCode> {
    control.switch.set_paused(pause.paused).await.inspect_err(|error| {
        tracing::error!(error = %ErrorChain(error), "the pause could not be changed");
    })?;
    Ok(StatusCode::NO_CONTENT)
}
