//! Plans of `connect`, `disconnect`, `consolidate` and `restore`: made, shown, confirmed, and applied exactly as shown.

mod render;
pub(crate) mod select;

use std::time::Duration;

use agentport_api::{Settings, paths};
use agentport_clients::{
    client::Machine,
    types::{Applied, ConflictView, PlanRequest, PlanView},
};
use agentport_setup::{Installation, PreparedPlan, SetupError};
use anyhow::{Context as _, Result, anyhow, bail};
use clap::Args;
use reqwest::Method;
use serde_json::json;

use crate::{
    client::{GatewayEndpoint, OwnerClient},
    confirm,
    context::Context,
    exit::ExitStatus,
    output,
};

/// The gateway answers after every integration was stored and every file written.
const APPLY_TIMEOUT: Duration = Duration::from_secs(120);

const IN_THE_WINDOW: &str = "clients are connected in AgentPort's window here, under \"Connect an agent\"; set an owner \
                             password there, in Settings, to do it from a terminal";

#[derive(Debug, Clone, Copy, Args)]
pub(crate) struct PlanFlags {
    /// Only show what would be done. Needs no gateway, and asks one only where the owner's password is given
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Do it without asking
    #[arg(short, long, conflicts_with = "dry_run")]
    pub(crate) yes: bool,
}

/// Makes plans and applies them.
pub(crate) enum ClientPlanner {
    Gateway(OwnerClient),
    /// This process, from the files on the disk.
    Local(Box<Installation>),
}

/// The plan itself, where no gateway keeps it.
type LocalPlan = Option<Box<PreparedPlan>>;

impl ClientPlanner {
    /// The owner's gateway. For a dry run only if one runs and the owner's password is given.
    pub(crate) async fn gateway(context: &Context, flags: PlanFlags) -> Result<Self> {
        if !flags.dry_run {
            return owner(context).await.map(Self::Gateway);
        }
        match owner_if_given(context).await? {
            Some(owner) => Ok(Self::Gateway(owner)),
            None => local_planner(context),
        }
    }

    /// The gateway if one runs, and otherwise without one.
    pub(crate) async fn gateway_if_any(context: &Context, flags: PlanFlags) -> Result<Self> {
        match context.home()?.read_runtime() {
            Some(_) => Self::gateway(context, flags).await,
            None => local_planner(context),
        }
    }

    async fn plan(&self, client: &str, want: &PlanRequest) -> Result<(PlanView, LocalPlan)> {
        match self {
            Self::Gateway(owner) => {
                let path = paths::fill(paths::CLIENT_PLAN, client);
                Ok((owner.control().post(&path, want).await?, None))
            }
            Self::Local(site) => {
                let prepared = site.plan(client, want).await.map_err(setup_error)?;
                Ok((prepared.view(String::new()), Some(Box::new(prepared))))
            }
        }
    }

    async fn apply(&self, view: &PlanView, own: &LocalPlan) -> Result<Applied> {
        match (self, own) {
            (Self::Gateway(owner), _) => {
                let path = paths::fill(paths::CLIENT_PLAN_APPLY, &view.id);
                owner
                    .with_timeout(APPLY_TIMEOUT)
                    .send::<()>(Method::POST, &path, None)
                    .await?
                    .read()
            }
            (Self::Local(site), Some(prepared)) => {
                site.restore(prepared).await.map_err(setup_error)
            }
            (Self::Local(_), None) => bail!("this plan is the gateway's"),
        }
    }
}

/// Clients' files of this machine, without a gateway.
pub(crate) fn site(context: &Context) -> Result<Installation> {
    let home = context.home()?;
    let running = home.read_runtime().map(|runtime| runtime.mcp_url);
    let usual = || format!("http://127.0.0.1:{}/mcp", Settings::default().port);
    let mcp_url = running.unwrap_or_else(usual);
    let program = agentport_setup::cli_path();
    Ok(Installation::new(machine()?, program, home.root().to_owned(), mcp_url))
}

pub(crate) fn machine() -> Result<Machine> {
    Machine::this().context("there is no home directory to look for clients in")
}

fn local_planner(context: &Context) -> Result<ClientPlanner> {
    Ok(ClientPlanner::Local(Box::new(site(context)?)))
}

/// The running gateway, as its owner; on a desktop without a password, where to go instead.
pub(crate) async fn owner(context: &Context) -> Result<OwnerClient> {
    let gateway = GatewayEndpoint::find(&context.home()?)?;
    if !gateway.takes_sign_in().await? {
        bail!(IN_THE_WINDOW);
    }
    context.owner().await
}

/// The running gateway, as its owner, if the owner's password is given and a gateway runs that takes it.
pub(crate) async fn owner_if_given(context: &Context) -> Result<Option<OwnerClient>> {
    if !context.password.is_given() || context.home()?.read_runtime().is_none() {
        return Ok(None);
    }
    match GatewayEndpoint::find(&context.home()?)?.takes_sign_in().await? {
        true => context.owner().await.map(Some),
        false => Ok(None),
    }
}

/// The error in the gateway's own words.
pub(crate) fn setup_error(error: SetupError) -> anyhow::Error {
    anyhow!(error.sentence())
}

/// The servers that a request names.
pub(crate) fn named(want: &PlanRequest) -> impl Iterator<Item = &str> {
    want.keep.iter().chain(&want.as_program).chain(want.choices.keys()).map(String::as_str)
}

fn speaks_of(view: &PlanView, server: &str) -> bool {
    view.imports.iter().any(|import| import.server == server)
        || view.left.iter().any(|left| left.server == server)
        || view.conflicts.iter().any(|conflict| {
            matches!(conflict, ConflictView::Name { server: other, .. } if other == server)
        })
}

/// Makes a plan, shows it, asks, and applies it.
pub(crate) async fn carry_out(
    by: &ClientPlanner,
    context: &Context,
    client: &str,
    want: &PlanRequest,
    flags: PlanFlags,
) -> Result<ExitStatus> {
    let (view, own) = by.plan(client, want).await?;
    // A mistyped --keep would not keep the server it means.
    if let Some(unknown) = named(want).find(|name| !speaks_of(&view, name)) {
        bail!("{} has no server called {unknown:?} here; nothing was changed", view.client_name);
    }
    let asks = !flags.dry_run && !flags.yes && !view.is_empty;
    if flags.dry_run {
        context.output.own(&view, || render::plan(&view))?;
        return Ok(ExitStatus::Done);
    }
    if view.is_empty {
        let nothing = json!({ "files": [], "added": [], "notes": view.notes });
        context.output.own(&nothing, || render::plan(&view))?;
        return Ok(ExitStatus::Done);
    }
    // With JSON, stdout is for what was done.
    match context.output.is_json() {
        true => output::note(&render::plan(&view)),
        false => output::human(&render::plan(&view))?,
    }
    if !view.conflicts.is_empty() {
        bail!("nothing was changed: choose first, as said above");
    }
    if asks {
        if !confirm::on_a_terminal() {
            bail!(
                "nothing was changed: there is no terminal to ask on; --yes does it, --dry-run only shows it"
            );
        }
        if !confirm::yes("\nDo it?")? {
            bail!("nothing was changed");
        }
    }
    let applied = by.apply(&view, &own).await?;
    context.output.own(&applied, || render::applied(&applied, &view, want))?;
    Ok(ExitStatus::Done)
}
