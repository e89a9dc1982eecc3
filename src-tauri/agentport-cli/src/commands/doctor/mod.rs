//! `agentport doctor`: looks at everything that has to be right for an agent's call to get through, says what is not,
//! and how to mend it.
//!
//! It looks and asks, and changes nothing. With `--fix` it closes files of ours that are open to others and clears away
//! what killed processes left: what is safe, and nothing else. As an agent or as nobody it can tell less than as the
//! owner; then it says so. It never asks for a password by itself: somebody who wants to know what is wrong should not
//! have to sign in first.
//!
//! Exit code 1 if something fails; what is merely worth knowing or could be safer is no failure.

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
use finding::Report;

#[derive(Debug, Args)]
pub(crate) struct Doctor {
    /// Mend what is safe to mend: close our own files to other accounts, clear away what killed processes left
    #[arg(long)]
    fix: bool,
    #[command(flatten)]
    key: AgentKey,
}

/// Who asks the gateway.
enum Asks {
    Owner(OwnerClient),
    Agent(AgentClient),
    Nobody,
}

impl Doctor {
    pub(crate) async fn run(self, context: &Context) -> Result<ExitStatus> {
        let mut report = Report::default();
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

        context.output.own(&report, || report.words())?;
        Ok(if report.has_failed() { ExitStatus::Failed } else { ExitStatus::Done })
    }

    /// The owner, if a password is given; otherwise the agent whose key is given or stored.
    async fn asks(
        &self,
        home: Option<&DataDir>,
        running: Option<&GatewayEndpoint>,
        context: &Context,
        report: &mut Report,
    ) -> Asks {
        let (Some(home), Some(gateway)) = (home, running) else { return Asks::Nobody };
        if context.password.is_given() {
            return match context.owner().await {
                Ok(owner) => Asks::Owner(owner),
                Err(error) => {
                    report.fail(
                        "password",
                        format!("Cannot sign in as the owner: {error:#}."),
                        "look at the file that --owner-password-file or its variable names",
                    );
                    Asks::Nobody
                }
            };
        }
        let agent = context::agent_key(&self.key, home)
            .and_then(|key| key.map(|key| gateway.clone().with_key(&key)).transpose());
        match agent {
            Ok(Some(agent)) => Asks::Agent(agent),
            Ok(None) => Asks::Nobody,
            Err(error) => {
                let says = format!("The agent's key cannot be used: {error:#}.");
                report.fail("key", says, "store another one with `agentport auth login`");
                Asks::Nobody
            }
        }
    }
}
