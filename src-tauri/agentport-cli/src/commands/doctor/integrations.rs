//! Checks of the integrations' health: in full for the owner, as one word for an agent.

use agentport_api::{Health, IntegrationView, paths};
use serde::Deserialize;

use super::{DoctorCaller, finding::DoctorReport};
use crate::{client::rest, format};

const ABOUT: &str = "integrations";

/// What `GET /api/installed` says of one.
#[derive(Deserialize)]
struct InstalledHealth {
    integration_id: String,
    status: String,
}

pub(super) async fn check(asks: &DoctorCaller, is_running: bool, report: &mut DoctorReport) {
    let asked = match asks {
        DoctorCaller::Owner(owner) => match owner.get(paths::INTEGRATIONS).await {
            Ok(answer) => answer.items().map(|all| as_owner(&all, report)),
            Err(error) => Err(error),
        },
        DoctorCaller::Agent(agent) => match agent.get(rest::INSTALLED).await {
            Ok(answer) => answer.items().map(|all| as_agent(&all, report)),
            Err(error) => Err(error),
        },
        DoctorCaller::NoCredential if is_running => {
            let says = "The state of the integrations is visible to the owner and to agents only.";
            let mend = "give --owner-password-file FILE, or store an agent's key with `agentport auth login`; \
                        AgentPort's window shows it too";
            return report.info(ABOUT, says, Some(mend));
        }
        DoctorCaller::NoCredential => return,
    };
    if let Err(error) = asked {
        let says = format!("The gateway does not say how the integrations are: {error:#}.");
        report.fail(ABOUT, says, "look at `agentport status`, and at `agentport auth status`");
    }
}

fn as_owner(all: &[IntegrationView], report: &mut DoctorReport) {
    for one in all {
        let id = one.id.as_str();
        let says = format!("{}: {}.", one.name, format::health(&one.health));
        match &one.health {
            Health::Idle | Health::Ready => report.ok(id, says),
            Health::Starting | Health::Disabled => report.info(id, says, None),
            Health::NeedsAuth { .. } => {
                report.fail(id, says, format!("agentport integrations credentials {id}"));
            }
            Health::Failed { .. } => {
                report.fail(id, says, format!("agentport integrations restart {id}"));
            }
        }
    }
    none(all.is_empty(), report);
}

fn as_agent(all: &[InstalledHealth], report: &mut DoctorReport) {
    const MEND: &str = "as the owner (--owner-password-file FILE), `agentport doctor` says more";
    for InstalledHealth { integration_id: id, status } in all {
        let says = format!("{}.", status.replace('_', " "));
        match status.as_str() {
            "idle" | "ready" => report.ok(id, says),
            "needs_auth" | "failed" => report.fail(id, says, MEND),
            _ => report.info(id, says, None),
        }
    }
    none(all.is_empty(), report);
}

fn none(is_empty: bool, report: &mut DoctorReport) {
    if is_empty {
        let says = "There are none, so agents have nothing to act on.";
        report.info(
            ABOUT,
            says,
            Some("add one in AgentPort's window, or with `agentport integrations add`"),
        );
    }
}
