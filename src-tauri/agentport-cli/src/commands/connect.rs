//! `agentport connect` and `agentport disconnect`: add or remove AgentPort's entry in a client's file, which signs in by
//! OAuth or has a key of its own.

use agentport_clients::types::{ConnectionMethod, PlanAction, PlanRequest};
use anyhow::Result;
use clap::{Args, ValueEnum};

use super::client_plan::{self, ClientPlanner, PlanFlags, select, select::ClientFileArgs};
use crate::{context::Context, exit::ExitStatus};

#[derive(Debug, Args)]
pub(crate) struct ConnectArgs {
    /// The client, as `discover` calls it
    client: String,
    #[command(flatten)]
    which: ClientFileArgs,
    /// How it reaches the gateway [default: what suits it best]
    #[arg(long, value_enum)]
    via: Option<MethodArg>,
    #[command(flatten)]
    flags: PlanFlags,
}

#[derive(Debug, Args)]
pub(crate) struct DisconnectArgs {
    /// The client, as `discover` calls it
    client: String,
    #[command(flatten)]
    which: ClientFileArgs,
    #[command(flatten)]
    flags: PlanFlags,
}

/// [`ConnectionMethod`], as it is typed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum MethodArg {
    /// By its URL alone: it signs in by OAuth, and no key is made
    #[value(name = "oauth")]
    OAuth,
    /// By its URL, with a key in the client's file
    Http,
    /// By its URL, with a key in an environment variable
    HttpEnvironment,
    /// Through `agentport bridge`, which the client starts and which signs in by OAuth
    Bridge,
}

impl From<MethodArg> for ConnectionMethod {
    fn from(how: MethodArg) -> Self {
        match how {
            MethodArg::OAuth => Self::OAuth,
            MethodArg::Http => Self::Http,
            MethodArg::HttpEnvironment => Self::HttpEnvironment,
            MethodArg::Bridge => Self::Bridge,
        }
    }
}

impl ConnectArgs {
    pub(crate) async fn run(self, context: &Context) -> Result<ExitStatus> {
        let Self { client, which, via, flags } = self;
        let client = select::client(&client)?;
        let path = which.path(client, &client_plan::machine()?)?;
        let want = PlanRequest { path, via: via.map(Into::into), ..want(PlanAction::Connect) };
        let by = ClientPlanner::gateway(context, flags).await?;
        client_plan::carry_out(&by, context, &client.id, &want, flags).await
    }
}

impl DisconnectArgs {
    pub(crate) async fn run(self, context: &Context) -> Result<ExitStatus> {
        let Self { client, which, flags } = self;
        let client = select::client(&client)?;
        let path = which.path(client, &client_plan::machine()?)?;
        let want = PlanRequest { path, ..want(PlanAction::Disconnect) };
        let by = ClientPlanner::gateway(context, flags).await?;
        client_plan::carry_out(&by, context, &client.id, &want, flags).await
    }
}

/// Nothing chosen yet.
pub(super) fn want(what: PlanAction) -> PlanRequest {
    PlanRequest {
        what,
        path: None,
        via: None,
        choices: Default::default(),
        keep: Vec::new(),
        as_program: Vec::new(),
        remove_integrations: false,
        on_conflict: None,
    }
}
