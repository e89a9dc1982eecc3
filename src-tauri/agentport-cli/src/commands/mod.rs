//! The commands, one module for each noun.

mod agents;
mod approvals;
mod audit;
mod auth;
mod backup;
mod backups;
mod bridge;
mod client_plan;
mod completions;
mod connect;
mod consolidate;
mod discover;
mod doctor;
mod integrations;
mod keys;
mod logs;
mod man;
mod policy;
mod profiles;
mod restore;
mod serve;
mod settings;
mod skill;
mod status;
mod tools;

use anyhow::{Context as _, Result, anyhow};
use clap::Subcommand;

use crate::{args::CliArgs, context::Context, exit::ExitStatus};

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run the gateway
    Serve(serve::ServeArgs),
    /// Is a gateway running, and how is it?
    Status,
    /// What is wrong, and how to mend it
    Doctor(doctor::DoctorArgs),
    /// Which MCP clients are here, and which servers each has
    Discover(discover::DiscoverArgs),
    /// Put one entry into a client's file, with a key of its own (owner)
    Connect(connect::ConnectArgs),
    /// Remove AgentPort's entry from a client's file, and revoke its key (owner)
    Disconnect(connect::DisconnectArgs),
    /// Take a client's servers over, and leave it one entry that leads to them (owner)
    Consolidate(consolidate::ConsolidateArgs),
    /// Bring a client's file back as it was before we touched it
    Restore(restore::RestoreArgs),
    /// The originals of clients' files that were kept
    Backups(backups::BackupsArgs),
    /// Requests that wait for your decision (owner)
    #[command(subcommand)]
    Approvals(approvals::ApprovalsCommand),
    /// What agents can act on
    #[command(subcommand)]
    Integrations(integrations::IntegrationsCommand),
    /// Agents that are let in, and those that want to be (owner)
    #[command(subcommand)]
    Agents(agents::AgentsCommand),
    /// Keys for agents that don't sign in by themselves (owner)
    #[command(subcommand)]
    Keys(keys::KeysCommand),
    /// What agents see (owner)
    #[command(subcommand)]
    Profiles(profiles::ProfilesCommand),
    /// What runs, what asks, what is blocked (owner)
    #[command(subcommand)]
    Policy(policy::PolicyCommand),
    /// What agents did (owner)
    Logs(logs::LogsArgs),
    /// Changes of configuration and security events, in a chain that shows tampering (owner)
    #[command(subcommand)]
    Audit(audit::AuditCommand),
    /// How the gateway behaves (owner)
    #[command(subcommand)]
    Settings(settings::SettingsCommand),
    /// Everything you set, as one document without a secret in it (owner)
    #[command(subcommand)]
    Backup(backup::BackupCommand),
    /// The agent's key this command line uses
    #[command(subcommand)]
    Auth(auth::AuthCommand),
    /// Speak MCP on stdio for a client that only starts local programs
    Bridge(bridge::BridgeArgs),
    /// List and call tools, as an agent
    #[command(subcommand)]
    Tools(tools::ToolsCommand),
    /// Teach an agent how to work through AgentPort
    #[command(subcommand)]
    Skill(skill::SkillCommand),
    /// Print what a shell needs to complete commands
    Completions(completions::CompletionsArgs),
    /// Print the manual, or write its pages
    Man(man::ManArgs),
}

/// Runs the command on a runtime of one thread: handing work to a second thread costs more than it gains
/// (`src-tauri/docs/architecture.md` §9).
pub(crate) fn run(args: CliArgs) -> Result<ExitStatus> {
    rustls::crypto::ring::default_provider()
        .install_default()
        .map_err(|_| anyhow!("TLS was set up twice"))?;
    let context = Context::new(args.common);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("cannot start the runtime")?;
    let ending = runtime.block_on(async {
        let ending = match args.command {
            Command::Serve(serve) => serve.run(&context).await,
            Command::Status => status::run(&context).await,
            Command::Doctor(doctor) => doctor.run(&context).await,
            Command::Discover(discover) => discover.run(&context).await,
            Command::Connect(connect) => connect.run(&context).await,
            Command::Disconnect(disconnect) => disconnect.run(&context).await,
            Command::Consolidate(consolidate) => consolidate.run(&context).await,
            Command::Restore(restore) => restore.run(&context).await,
            Command::Backups(backups) => backups.run(&context).await,
            Command::Approvals(approvals) => approvals.run(&context).await,
            Command::Integrations(integrations) => integrations.run(&context).await,
            Command::Agents(agents) => agents.run(&context).await,
            Command::Keys(keys) => keys.run(&context).await,
            Command::Profiles(profiles) => profiles.run(&context).await,
            Command::Policy(policy) => policy.run(&context).await,
            Command::Logs(logs) => logs.run(&context).await,
            Command::Audit(audit) => audit.run(&context).await,
            Command::Settings(settings) => settings.run(&context).await,
            Command::Backup(backup) => backup.run(&context).await,
            Command::Auth(auth) => auth.run(&context).await,
            Command::Bridge(bridge) => bridge.run(&context).await,
            Command::Tools(tools) => tools.run(&context).await,
            Command::Skill(skill) => skill.run(&context),
            Command::Completions(completions) => completions.run(&context),
            Command::Man(man) => man.run(&context),
        };
        context.sign_out().await;
        ending
    });
    // A blocking keychain request may still hang in its thread; the exit does not wait for it.
    runtime.shutdown_background();
    ending
}
