//! `agentport integrations`: the owner adds, changes and removes integrations; an agent lists them, and asks for changes.

mod accounts;
mod add;
mod available;
mod credentials;
mod environment;
mod filling;
mod import;
mod installed;
mod pin;
mod secret_names;
mod sign_in;
mod wait_ready;

use agentport_api::{
    ChangeIntegration, Imported, IntegrationView, LogLine, ToolView, UnpinnedPackage, paths,
};
use agentport_core::IntegrationId;
use anyhow::{Result, bail};
use clap::{Subcommand, ValueEnum};
use reqwest::Method;
use serde_json::json;

use self::environment::EnvironmentChange;
use super::policy;
use crate::{
    args::AgentKey,
    context::{CommandActor, Context},
    exit::ExitStatus,
    format, output,
};

#[derive(Debug, Subcommand)]
pub(crate) enum IntegrationsCommand {
    /// Install one that AgentPort knows of; or add a command that speaks MCP on stdio, or a server by URL (owner)
    Add(Box<add::AddArgs>),
    /// List integrations: with the owner's password as the owner sees them, else as an agent does
    List {
        /// Only what is installed
        #[arg(long, conflicts_with = "available")]
        installed: bool,
        /// Only what can be installed and is not
        #[arg(long)]
        available: bool,
        #[command(flatten)]
        key: AgentKey,
    },
    /// Show one (owner)
    Show { id: IntegrationId },
    /// List the tools of one with what your rules say to each (owner)
    Tools { id: IntegrationId },
    /// Show what a local server wrote to stderr (owner)
    Log { id: IntegrationId },
    /// Remove one with its credentials and rules; as an agent, ask the owner to
    Remove {
        id: IntegrationId,
        #[command(flatten)]
        key: AgentKey,
    },
    /// Replace its secrets: asked, or read from stdin, one per line in the order `show` names them (owner)
    Credentials { id: IntegrationId },
    /// List the accounts, signed in to or with a token (owner)
    Accounts { id: Option<IntegrationId> },
    /// Add one more account: sign in, or give its token (owner)
    AddAccount {
        id: IntegrationId,
        #[command(flatten)]
        how: sign_in::SignInArgs,
    },
    /// Sign in to an account again, or give another token; rules and settings stay (owner)
    Reauth {
        #[command(flatten)]
        which: accounts::AccountChoice,
        #[command(flatten)]
        how: sign_in::SignInArgs,
    },
    /// Rename an account, or choose the default (owner)
    SetAccount(accounts::ChangeAccountArgs),
    /// Choose which account an agent or a profile uses (owner)
    ChooseAccount(accounts::ChooseAccountArgs),
    /// Forget an account; its tokens are revoked where the provider offers that (owner)
    Disconnect(accounts::AccountChoice),
    /// Stop and start one (owner)
    Restart { id: IntegrationId },
    /// Make a local server run one version of its package, which is tried first (owner)
    Pin {
        id: IntegrationId,
        /// The version [default: the one AgentPort knows of]
        #[arg(long, value_name = "VERSION")]
        to: Option<String>,
        /// Do not ask before the command changes
        #[arg(long, short)]
        yes: bool,
    },
    /// Change one; what is not given stays as it is (owner)
    Set(ChangeArgs),
}

#[derive(Debug, clap::Args)]
pub(crate) struct ChangeArgs {
    id: IntegrationId,
    /// What tools without a rule of their own get: allow, require_approval, deny, or none
    #[arg(long = "default", value_name = "MODE", value_parser = default_mode)]
    default_mode: Option<String>,
    /// May tools that say they only read run without asking?
    #[arg(long, value_name = "on|off")]
    read_only_may_run: Option<Switch>,
    /// What to call it
    #[arg(long)]
    name: Option<String>,
    /// Its tags; replaces those it has
    #[arg(long = "tag", value_name = "TAG")]
    tags: Vec<String>,
    /// Take its tags away
    #[arg(long, conflicts_with = "tags")]
    no_tags: bool,
    /// Offer its resources and prompts to agents as well?
    #[arg(long, value_name = "on|off")]
    resources: Option<Switch>,
    /// Is it in use at all?
    #[arg(long, value_name = "on|off")]
    enabled: Option<Switch>,
    /// Set a variable of a local server; visible in settings, so for nothing secret
    #[arg(long, value_name = "NAME=VALUE", value_parser = add::variable)]
    env: Vec<(String, String)>,
    /// Set a secret variable of a local server: its value is asked, or read from stdin, one per line in the order given
    #[arg(long, value_name = "NAME", value_parser = add::secret_name)]
    env_from_stdin: Vec<String>,
    /// Set a secret variable of a local server to what a file holds, without its last line break
    #[arg(long, value_name = "NAME=FILE", value_parser = add::variable)]
    env_from_file: Vec<(String, String)>,
    /// Take a variable of a local server away, secret or not
    #[arg(long, value_name = "NAME")]
    unset_env: Vec<String>,
    /// How long a local server may be silent while it starts, 1 to 3600
    #[arg(long, value_name = "SECONDS")]
    startup_timeout: Option<u32>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Switch {
    On,
    Off,
}

impl Switch {
    fn is_on(self) -> bool {
        self == Self::On
    }
}

impl IntegrationsCommand {
    pub(crate) async fn run(self, context: &Context) -> Result<ExitStatus> {
        match self {
            Self::Add(add) => add.run(context).await,
            Self::List { installed, available, key } => {
                let caller = context.owner_or_agent(&key).await?;
                list_for(caller, context, installed, available).await
            }
            Self::Remove { id, key } => {
                remove(context.owner_or_agent(&key).await?, context, &id).await
            }
            Self::Show { id } => {
                let path = paths::fill(paths::INTEGRATION, &id);
                context.output.answer(&context.owner().await?.get(&path).await?, show)?;
                Ok(ExitStatus::Done)
            }
            Self::Tools { id } => {
                let path = paths::fill(paths::INTEGRATION_TOOLS, &id);
                context.output.list(&context.owner().await?.get(&path).await?, tools)?;
                Ok(ExitStatus::Done)
            }
            Self::Log { id } => {
                let path = paths::fill(paths::INTEGRATION_LOG, &id);
                context.output.list(&context.owner().await?.get(&path).await?, log)?;
                Ok(ExitStatus::Done)
            }
            Self::Credentials { id } => credentials::replace(&id, context).await,
            Self::Accounts { id } => accounts::list(context, id.as_ref()).await,
            Self::AddAccount { id, how } => accounts::add(context, &id, &how).await,
            Self::Reauth { which, how } => accounts::reauth(context, &which, &how).await,
            Self::SetAccount(change) => accounts::change(context, &change).await,
            Self::ChooseAccount(choice) => accounts::choose(context, &choice).await,
            Self::Disconnect(which) => accounts::disconnect(context, &which).await,
            Self::Restart { id } => {
                let owner = context.owner().await?.with_timeout(wait_ready::ANSWER_TIMEOUT);
                let path = paths::fill(paths::INTEGRATION_RESTART, &id);
                let answer = owner.send::<()>(Method::POST, &path, None).await?;
                context.output.answer(&answer, |view: IntegrationView| {
                    format!("{}: {}", view.id, format::health(&view.health))
                })?;
                Ok(ExitStatus::Done)
            }
            Self::Pin { id, to, yes } => {
                pin::pin(&context.owner().await?, context, &id, to, yes).await
            }
            Self::Set(change) => {
                let environment = EnvironmentChange::from_arguments(&change)?;
                let (id, body) = change.into_body(environment.is_empty())?;
                // The password is read first: from stdin, it is the first line.
                let owner = context.owner().await?;
                let mut body = serde_json::to_value(&body)?;
                if !environment.is_empty() {
                    body["env"] = environment.into_json()?;
                }
                let answer = owner.patch(&paths::fill(paths::INTEGRATION, &id), &body).await?;
                context.output.answer(&answer, show)?;
                Ok(ExitStatus::Done)
            }
        }
    }
}

async fn list_for(
    caller: CommandActor,
    context: &Context,
    installed: bool,
    only_available: bool,
) -> Result<ExitStatus> {
    match caller {
        CommandActor::Owner(owner) if only_available => available::list(&owner, context).await,
        CommandActor::Owner(owner) => {
            context.output.list(&owner.get(paths::INTEGRATIONS).await?, list)?;
            Ok(ExitStatus::Done)
        }
        CommandActor::Agent(agent) => {
            installed::list(&agent, context, installed, only_available).await
        }
    }
}

async fn remove(caller: CommandActor, context: &Context, id: &IntegrationId) -> Result<ExitStatus> {
    match caller {
        CommandActor::Owner(owner) => {
            owner.delete(&paths::fill(paths::INTEGRATION, id)).await?;
            context.output.own(&json!({ "integration_id": id, "removed": true }), || {
                format!("Removed {id}, its credentials and its rules.")
            })?;
            Ok(ExitStatus::Done)
        }
        CommandActor::Agent(agent) => installed::remove(&agent, context, id).await,
    }
}

impl ChangeArgs {
    /// `nothing_else`: what is given changes nothing beside.
    fn into_body(self, nothing_else: bool) -> Result<(IntegrationId, ChangeIntegration)> {
        let tags = match (self.no_tags, self.tags) {
            (true, _) => Some(Vec::new()),
            (false, tags) if tags.is_empty() => None,
            (false, tags) => Some(tags),
        };
        let body = ChangeIntegration {
            name: self.name,
            tags,
            default_mode: self.default_mode,
            read_only_may_run: self.read_only_may_run.map(Switch::is_on),
            resources: self.resources.map(Switch::is_on),
            enabled: self.enabled.map(Switch::is_on),
            imported_settled: None,
            env: None,
            startup_timeout_seconds: self.startup_timeout,
        };
        let nothing = nothing_else
            && body.startup_timeout_seconds.is_none()
            && body.name.is_none()
            && body.tags.is_none()
            && body.default_mode.is_none()
            && body.read_only_may_run.is_none()
            && body.resources.is_none()
            && body.enabled.is_none();
        if nothing {
            bail!(
                "nothing to change was given; `agentport integrations set --help` says what can be"
            );
        }
        Ok((self.id, body))
    }
}

fn default_mode(text: &str) -> Result<String, String> {
    if text == "none" || policy::mode(text).is_ok() {
        Ok(text.to_owned())
    } else {
        Err("use allow, require_approval, deny or none".into())
    }
}

fn counts(view: &IntegrationView) -> String {
    let tools = view.tools;
    format!(
        "{} ({} run, {} ask, {} blocked)",
        tools.total, tools.allow, tools.require_approval, tools.deny
    )
}

fn list(views: Vec<IntegrationView>) -> String {
    let rows = views.into_iter().map(|view| {
        [
            view.id.to_string(),
            output::name(&view.name, 30),
            output::cut(&format::health(&view.health), 60),
            counts(&view),
            output::cut(&format::connection(&view.connection), 60),
        ]
    });
    let empty = "There are no integrations; add one with `agentport integrations add`.";
    output::table(["ID", "NAME", "HEALTH", "TOOLS", "REACHED BY"], rows.collect(), empty)
}

fn show(view: IntegrationView) -> String {
    let error = view.last_error.as_ref();
    output::fields(&[
        ("Id", view.id.to_string()),
        ("Name", view.display_name.clone()),
        ("Reached by", format::connection(&view.connection)),
        ("Health", format::health(&view.health)),
        ("Process", view.pid.map(|pid| pid.to_string()).unwrap_or_default()),
        (
            "Last error",
            error.map(|e| format!("{}: {}", format::when(e.at), e.message)).unwrap_or_default(),
        ),
        ("Credential", view.auth_method.clone()),
        ("Secrets", secret_names::of_connection(&view.connection).join(", ")),
        ("Tools", counts(&view)),
        (
            "A call takes",
            view.connection
                .timeout_seconds()
                .map_or_else(String::new, |s| format!("at most {s} s")),
        ),
        ("Without rule", view.default_mode.map_or("asks", format::mode).into()),
        ("Read-only", if view.read_only_may_run { "may run" } else { "as the rules say" }.into()),
        ("Resources", format::on_off(view.resources).into()),
        ("Tags", view.tags.join(", ")),
        ("Added", format::when(view.added_at)),
        ("Not pinned", view.unpinned.as_ref().map(not_pinned).unwrap_or_default()),
        ("Taken over from", view.imported.as_ref().map(|i| i.from.clone()).unwrap_or_default()),
        ("Ran unasked there", view.imported.as_ref().map(ran_unasked).unwrap_or_default()),
    ])
}

/// A package without a version, and how to give it one.
fn not_pinned(unpinned: &UnpinnedPackage) -> String {
    let package = output::printable(&unpinned.package);
    match &unpinned.version {
        Some(version) => format!("{package}; `agentport integrations pin` makes it run {version}"),
        None => {
            format!("{package}; `agentport integrations pin --to` makes it run one version")
        }
    }
}

/// The tools that the client it was imported from ran without asking; here they are a proposal.
fn ran_unasked(imported: &Imported) -> String {
    match imported.auto_approve_all {
        true => "every tool".to_owned(),
        false => imported.auto_approve.join(", "),
    }
}

fn tools(tools: Vec<ToolView>) -> String {
    let rows = tools.into_iter().map(|tool| {
        let current = tool.classification.is_some_and(|said| !said.outdated);
        let hint = format::tool_effect(tool.effect, current);
        let about = tool.title.or(tool.description).unwrap_or_default();
        [tool.display_name, format::mode(tool.mode).into(), hint, output::cut(&about, 70)]
    });
    let empty =
        "No tools are known yet; `agentport integrations restart` starts it and lists them.";
    output::table(["TOOL", "MODE", "WHAT IT DOES", "ABOUT"], rows.collect(), empty)
}

fn log(lines: Vec<LogLine>) -> String {
    let lines = lines
        .iter()
        .map(|line| format!("{} {}", format::stamp(line.at), output::printable(&line.text)));
    lines.collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;
    use crate::{args::CliArgs, commands::Command};

    fn change(line: &str) -> Result<ChangeIntegration> {
        let words = format!("agentport integrations set files {line}");
        match CliArgs::try_parse_from(words.split_whitespace())?.command {
            Command::Integrations(IntegrationsCommand::Set(change)) => {
                Ok(change.into_body(true)?.1)
            }
            _ => unreachable!("set was parsed"),
        }
    }

    #[test]
    fn only_what_is_given_changes() {
        let body = change("--read-only-may-run on --default deny").unwrap();
        assert_eq!(
            serde_json::to_value(&body).unwrap(),
            json!({
                "name": null, "tags": null, "default_mode": "deny", "read_only_may_run": true,
                "resources": null, "enabled": null, "imported_settled": null
            })
        );
        assert_eq!(change("--tag a --tag b").unwrap().tags.unwrap(), ["a", "b"]);
        assert_eq!(change("--no-tags").unwrap().tags.unwrap(), [""; 0]);
        assert!(change("").is_err(), "nothing to change");
        assert!(change("--default perhaps").is_err());
    }
}
