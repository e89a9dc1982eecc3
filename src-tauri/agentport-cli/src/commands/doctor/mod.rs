//! `agentport doctor`: checks everything that an agent's call depends on, and says how to repair what is wrong.
//!
//! It changes nothing. With `--fix` it does only what is safe: it closes AgentPort's own files to other accounts, and
//! removes what killed processes left. Without the owner's password some checks are not possible; it says which. It never
//! asks for a password, so that a diagnosis needs no sign-in.
//!
//! Exit code 1 if a check fails; information and warnings are no failures.

mod clients;
#[cfg(target_os = "linux")]
mod desktop;
mod files;
mod finding;
mod gateway;
mod integrations;
mod leftovers;
mod listener;
mod programs;
mod vault;

use agentport_gateway::data_dir::DataDir;
use anyhow::Result;
use clap::Args;

use crate::{
    args::AgentKey,
    client::{AgentClient, GatewayEndpoint, OwnerClient},
    context::{self, Context},
    exit::ExitStatus,
};
use finding::DoctorReport;

#[derive(Debug, Args)]
pub(crate) struct DoctorArgs {
    /// Repair what is safe to repair: close AgentPort's own files to other accounts, remove what killed processes left
    #[arg(long)]
    fix: bool,
    #[command(flatten)]
    key: AgentKey,
}

/// The credentials that the checks have.
enum DoctorCaller {
    Owner(OwnerClient),
    Agent(AgentClient),
    NoCredential,
}

impl DoctorArgs {
    pub(crate) async fn run(self, context: &Context) -> Result<ExitStatus> {
        let mut report = DoctorReport::default();
        let home = DataDir::look(context.home_asked_for());
        if let Some(home) = &home {
            files::check(home, self.fix, &mut report);
        } else {
            let says = "There is no data directory yet; the first start makes it.";
            report.info("data", says, None);
        }
        let running = gateway::check(home.as_ref(), self.fix, &mut report).await;
        let asks = self.asks(home.as_ref(), running.as_ref(), context, &mut report).await;
        if let Some(home) = &home {
            vault::check(home, &mut report).await;
        }
        #[cfg(target_os = "linux")]
        desktop::check(&mut report).await;
        leftovers::check(home.as_ref(), self.fix, &mut report).await;
        clients::check(home.as_ref(), &asks, &mut report).await;
        integrations::check(&asks, running.is_some(), &mut report).await;
        programs::check(&mut report);

        context.output.own(&report, || report.text())?;
        Ok(if report.has_failed() { ExitStatus::Failed } else { ExitStatus::Done })
    }

    /// The owner, if a password is given; otherwise the agent whose key is given or stored.
    async fn asks(
        &self,
        home: Option<&DataDir>,
        running: Option<&GatewayEndpoint>,
        context: &Context,
        report: &mut DoctorReport,
    ) -> DoctorCaller {
        let (Some(home), Some(gateway)) = (home, running) else {
            return DoctorCaller::NoCredential;
        };
        if context.password.is_given() {
            return match context.owner().await {
                Ok(owner) => DoctorCaller::Owner(owner),
                Err(error) => {
                    report.fail(
                        "password",
                        format!("Cannot sign in as the owner: {error:#}."),
                        "look at the file that --owner-password-file or its variable names",
                    );
                    DoctorCaller::NoCredential
                }
            };
        }
        let agent = context::agent_key(&self.key, home)
            .and_then(|key| key.map(|key| gateway.clone().with_key(&key)).transpose());
        match agent {
            Ok(Some(agent)) => DoctorCaller::Agent(agent),
            Ok(None) => DoctorCaller::NoCredential,
            Err(error) => {
                let says = format!("The agent's key cannot be used: {error:#}.");
                report.fail("key", says, "store another one with `agentport auth login`");
                DoctorCaller::NoCredential
            }
        }
    }
}
