//! `agentport integrations accounts | add-account | reauth | choose-account | disconnect`: the accounts of integrations.
//!
//! A server that is given a token gets another account by another token, which is asked, or read from stdin.

use agentport_api::{
    AccountView, ChangeAccount, ChosenAccounts, Connection, IntegrationView, paths,
};
use agentport_core::{AccountId, IntegrationId};
use anyhow::{Result, bail};
use clap::{ArgGroup, Args};
use serde_json::json;

use super::{
    credentials,
    sign_in::{self, SignInArgs, SignInTarget},
    wait_ready,
};
use crate::{
    client::OwnerClient, commands::agents, context::Context, exit::ExitStatus, format, output,
};

/// One account of an integration.
#[derive(Debug, Args)]
pub(crate) struct AccountChoice {
    id: IntegrationId,
    /// The label of the account [default: the one there is, or the integration's default]
    #[arg(long, value_name = "LABEL")]
    account: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct ChangeAccountArgs {
    #[command(flatten)]
    which: AccountChoice,
    /// Its new label
    #[arg(long, value_name = "LABEL")]
    label: Option<String>,
    /// Use it where no other account was chosen
    #[arg(long)]
    default: bool,
    /// Make the next sign-in register AgentPort with the provider anew
    #[arg(long)]
    forget_registration: bool,
}

/// Which account an agent, or every agent of a profile, uses.
#[derive(Debug, Args)]
#[command(group = ArgGroup::new("whose").args(["agent", "profile"]).required(true))]
pub(crate) struct ChooseAccountArgs {
    id: IntegrationId,
    /// The label of the account [default: none in particular; the integration's default is used again]
    #[arg(long, value_name = "LABEL")]
    account: Option<String>,
    /// The agent: id, beginning of an id, or name
    #[arg(long)]
    agent: Option<String>,
    /// The profile's name
    #[arg(long, value_name = "NAME")]
    profile: Option<String>,
}

/// Lists the accounts of one integration, or all.
pub(super) async fn list(context: &Context, id: Option<&IntegrationId>) -> Result<ExitStatus> {
    let owner = context.owner().await?;
    let wanted = id.cloned();
    context.output.list(&owner.get(paths::ACCOUNTS).await?, |views: Vec<AccountView>| {
        table(
            views
                .into_iter()
                .filter(|view| wanted.as_ref().is_none_or(|wanted| *wanted == view.integration)),
        )
    })?;
    Ok(ExitStatus::Done)
}

/// Adds one more account: signs in with it, or takes its token.
pub(super) async fn add(
    context: &Context,
    id: &IntegrationId,
    how: &SignInArgs,
) -> Result<ExitStatus> {
    let owner = context.owner().await?;
    if let Some(connection) = token_connection(&owner, id).await? {
        refuse_sign_in_options(id, how)?;
        let secrets = credentials::ask(&connection)?;
        let body = json!({ "label": how.label, "secrets": credentials::exposed(&secrets) });
        let path = paths::fill(paths::INTEGRATION_ACCOUNTS, id);
        let owner = owner.with_timeout(wait_ready::ANSWER_TIMEOUT);
        let answer = owner.post(&path, &body).await?;
        context.output.answer(&answer, |view: AccountView| {
            format!(
                "{} has the account {:?}: {}",
                view.integration,
                view.label,
                format::account(&view.state)
            )
        })?;
        return Ok(ExitStatus::Done);
    }
    let target = SignInTarget { integration: id, account: None, address: None };
    sign_in::run(&owner, context, target, how).await
}

/// Signs in to an account again, or takes another token for it, in place.
pub(super) async fn reauth(
    context: &Context,
    which: &AccountChoice,
    how: &SignInArgs,
) -> Result<ExitStatus> {
    let owner = context.owner().await?;
    let account = chosen(&owner, which).await?;
    if let Some(connection) = token_connection(&owner, &which.id).await? {
        refuse_sign_in_options(&which.id, how)?;
        if how.label.is_some() {
            bail!("--label is for a new account; `agentport integrations set-account` renames one");
        }
        let secrets = credentials::ask(&connection)?;
        let body = json!({ "secrets": credentials::exposed(&secrets) });
        let path = paths::fill(paths::ACCOUNT_CREDENTIALS, account.id);
        let owner = owner.with_timeout(wait_ready::ANSWER_TIMEOUT);
        let answer = owner.put(&path, &body).await?;
        context.output.answer(&answer, |view: AccountView| {
            format!(
                "{:?} of {}: new credentials, {}",
                view.label,
                view.integration,
                format::account(&view.state)
            )
        })?;
        return Ok(ExitStatus::Done);
    }
    let target = SignInTarget { integration: &which.id, account: Some(account.id), address: None };
    sign_in::run(&owner, context, target, how).await
}

/// Forgets an account, and revokes its tokens where the provider offers that.
pub(super) async fn disconnect(context: &Context, which: &AccountChoice) -> Result<ExitStatus> {
    let owner = context.owner().await?;
    let account = chosen(&owner, which).await?;
    owner.delete(&paths::fill(paths::ACCOUNT, account.id)).await?;
    let said = json!({ "integration": account.integration, "account": account.label, "disconnected": true });
    context.output.own(&said, || {
        format!(
            "Disconnected {:?} of {}. Its rules and settings stay.",
            account.label, account.integration
        )
    })?;
    Ok(ExitStatus::Done)
}

/// Renames an account, makes it the default, or forgets its registration.
pub(super) async fn change(context: &Context, change: &ChangeAccountArgs) -> Result<ExitStatus> {
    if change.label.is_none() && !change.default && !change.forget_registration {
        bail!("nothing to change was given; use --label, --default or --forget-registration");
    }
    let owner = context.owner().await?;
    let account = chosen(&owner, &change.which).await?;
    if change.forget_registration {
        let path = paths::fill(paths::ACCOUNT_FORGET_REGISTRATION, account.id);
        owner.post(&path, &json!({})).await?;
    }
    let body =
        ChangeAccount { label: change.label.clone(), is_default: change.default.then_some(true) };
    let answer = owner.patch(&paths::fill(paths::ACCOUNT, account.id), &body).await?;
    context.output.answer(&answer, |view: AccountView| table(std::iter::once(view)))?;
    Ok(ExitStatus::Done)
}

/// Chooses the account of an agent or a profile; the answer is all that is chosen for the integration.
pub(super) async fn choose(context: &Context, choice: &ChooseAccountArgs) -> Result<ExitStatus> {
    let owner = context.owner().await?;
    let path = paths::fill(paths::INTEGRATION_CHOSEN_ACCOUNTS, &choice.id);
    let mut choices: ChosenAccounts = owner.read(&path).await?;
    let account = match &choice.account {
        None => None,
        Some(label) => {
            let which = AccountChoice { id: choice.id.clone(), account: Some(label.clone()) };
            Some(chosen(&owner, &which).await?.id)
        }
    };
    let (all, key) = match (&choice.agent, &choice.profile) {
        (Some(agent), _) => {
            (&mut choices.agents, agents::find(&owner, agent).await?.id.to_string())
        }
        (None, profile) => (&mut choices.profiles, profile.clone().unwrap_or_default()),
    };
    match account {
        Some(account) => all.insert(key, account),
        None => all.remove(&key),
    };
    let answer = owner.put(&path, &choices).await?;
    let accounts: Vec<AccountView> = owner.list(paths::ACCOUNTS).await?;
    context.output.answer(&answer, |choices: ChosenAccounts| choices_table(&choices, &accounts))?;
    Ok(ExitStatus::Done)
}

/// The connection of a remote server that is given a token; `None`: it is signed in to, or there is nothing to give.
async fn token_connection(owner: &OwnerClient, id: &IntegrationId) -> Result<Option<Connection>> {
    let installed: Vec<IntegrationView> = owner.list(paths::INTEGRATIONS).await?;
    let view = installed.into_iter().find(|view| view.id == *id);
    Ok(view.map(|view| view.connection).filter(|connection| {
        connection.url().is_some()
            && connection.oauth().is_none()
            && !connection.secrets().is_empty()
    }))
}

fn refuse_sign_in_options(id: &IntegrationId, how: &SignInArgs) -> Result<()> {
    if how.client_id.is_some() || how.variant.is_some() || how.no_open || how.paste {
        bail!("{id} is given a token, so no browser is opened; only --label can be used with it");
    }
    Ok(())
}

fn choices_table(choices: &ChosenAccounts, accounts: &[AccountView]) -> String {
    let label = |id: &AccountId| {
        let view = accounts.iter().find(|view| view.id == *id);
        view.map_or_else(|| id.to_string(), |view| output::name(&view.label, 30))
    };
    let agents = choices.agents.iter().map(|(agent, id)| [format!("agent {agent}"), label(id)]);
    let profiles = choices.profiles.iter().map(|(name, id)| [format!("profile {name}"), label(id)]);
    let empty = "Nothing is chosen; every agent uses the default account.";
    output::table(["USED BY", "ACCOUNT"], agents.chain(profiles).collect(), empty)
}

/// The account that is meant: by its label, or the default.
async fn chosen(owner: &OwnerClient, which: &AccountChoice) -> Result<AccountView> {
    let all: Vec<AccountView> = owner.list(paths::ACCOUNTS).await?;
    let mut of: Vec<_> = all.into_iter().filter(|view| view.integration == which.id).collect();
    let at = of.iter().position(|view| match &which.account {
        Some(label) => view.label == *label,
        None => view.is_default,
    });
    match (at, &which.account) {
        (Some(at), _) => Ok(of.swap_remove(at)),
        (None, Some(label)) => bail!("{} has no account {label:?}", which.id),
        (None, None) => {
            bail!("{} has no account; `agentport integrations accounts` lists them", which.id)
        }
    }
}

fn table(views: impl Iterator<Item = AccountView>) -> String {
    let rows = views.map(|view| {
        let default = if view.is_default { " (default)" } else { "" };
        [
            view.integration.to_string(),
            format!("{}{default}", output::name(&view.label, 30)),
            output::cut(&format::account(&view.state), 60),
            view.refreshed_at.map(format::when).unwrap_or_default(),
            output::cut(&view.scopes.join(" "), 40),
        ]
    });
    let headings = ["INTEGRATION", "ACCOUNT", "STATE", "RENEWED", "SCOPES"];
    let empty =
        "There is no account yet; install an integration with --auth oauth, or with a token.";
    output::table(headings, rows.collect(), empty)
}
