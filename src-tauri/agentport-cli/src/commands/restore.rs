//! `agentport restore`: restores a client's file as it was before AgentPort's first change.

use agentport_clients::types::{OnConflict, PlanAction, PlanRequest};
use anyhow::{Result, bail};
use clap::Args;

use super::{
    client_plan::{self, ClientPlanner, PlanFlags, select, select::ClientFileArgs},
    connect::want,
};
use crate::{client::START, context::Context, exit::ExitStatus};

#[derive(Debug, Args)]
pub(crate) struct RestoreArgs {
    /// The client, as `discover` calls it
    client: String,
    #[command(flatten)]
    which: ClientFileArgs,
    /// Where the same lines were changed since, what was kept wins
    #[arg(long, conflicts_with = "keep_current")]
    take_original: bool,
    /// Where the same lines were changed since, what is there now wins
    #[arg(long)]
    keep_current: bool,
    /// Also remove the integrations that came from this file and from no other
    #[arg(long)]
    remove_integrations: bool,
    #[command(flatten)]
    flags: PlanFlags,
}

impl RestoreArgs {
    pub(crate) async fn run(self, context: &Context) -> Result<ExitStatus> {
        let client = select::client(&self.client)?;
        let path = self.which.path(client, &client_plan::machine()?)?;
        let on_conflict = match (self.take_original, self.keep_current) {
            (true, _) => Some(OnConflict::TakeOriginal),
            (_, true) => Some(OnConflict::KeepCurrent),
            _ => None,
        };
        let remove_integrations = self.remove_integrations;
        let want =
            PlanRequest { path, on_conflict, remove_integrations, ..want(PlanAction::Restore) };
        let by = ClientPlanner::gateway_if_any(context, self.flags).await?;
        if remove_integrations && matches!(by, ClientPlanner::Local(_)) {
            bail!(
                "integrations can only be removed through the gateway: {START}, and give its owner password"
            );
        }
        client_plan::carry_out(&by, context, &client.id, &want, self.flags).await
    }
}
