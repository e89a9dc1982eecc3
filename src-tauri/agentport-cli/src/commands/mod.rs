//! One file for each noun.

mod approvals;
mod audit;
mod auth;
mod backup;
mod integrations;
mod keys;
mod logs;
mod policy;
mod profiles;
mod serve;
mod settings;
mod status;
mod tools;

use anyhow::{Context as _, Result, anyhow};
use clap::Subcommand;

use crate::{args::Args, context::Context, exit::Ending};

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run the gateway
    Serve(serve::Serve),
    /// Is a gateway running, and how is it?
    Status,
    /// Requests that wait for your decision (owner)
    #[command(subcommand)]
    Approvals(approvals::Approvals),
    /// What agents can act on
    #[command(subcommand)]
    Integrations(integrations::Integrations),
    /// Agents and their keys (owner)
    #[command(subcommand)]
    Keys(keys::Keys),
    /// What agents see (owner)
    #[command(subcommand)]
    Profiles(profiles::Profiles),
    /// What runs, what asks, what is blocked (owner)
    #[command(subcommand)]
    Policy(policy::Policy),
    /// What agents did (owner)
    Logs(logs::Logs),
    /// Changes of configuration and security events, in a chain that shows tampering (owner)
    #[command(subcommand)]
    Audit(audit::Audit),
    /// How the gateway behaves (owner)
    #[command(subcommand)]
    Settings(settings::Settings),
    /// Everything you set, as one document without a secret in it (owner)
    #[command(subcommand)]
    Backup(backup::Backup),
    /// The agent's key this command line uses
    #[command(subcommand)]
    Auth(auth::Auth),
    /// List and call tools, as an agent
    #[command(subcommand)]
    Tools(tools::Tools),
}

/// Runs the command on a runtime of one thread: crossing threads costs more than a second one gains (design §10).
pub(crate) fn run(args: Args) -> Result<Ending> {
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
            Command::Approvals(approvals) => approvals.run(&context).await,
            Command::Integrations(integrations) => integrations.run(&context).await,
            Command::Keys(keys) => keys.run(&context).await,
            Command::Profiles(profiles) => profiles.run(&context).await,
            Command::Policy(policy) => policy.run(&context).await,
            Command::Logs(logs) => logs.run(&context).await,
            Command::Audit(audit) => audit.run(&context).await,
            Command::Settings(settings) => settings.run(&context).await,
            Command::Backup(backup) => backup.run(&context).await,
            Command::Auth(auth) => auth.run(&context).await,
            Command::Tools(tools) => tools.run(&context).await,
        };
        context.sign_out().await;
        ending
    });
    // A question to a keychain may still hang in a thread of its own; it must not hold up the end.
    runtime.shutdown_background();
    ending
}
