//! The first connect of integrations that were just imported: which of them failed, before the client is restarted and
//! loses the servers it had.

use std::time::{Duration, Instant};

use agentport_api::{Health, IntegrationView, paths};
use agentport_clients::types::{Applied, FailedStart};

use crate::{control::ControlApi, prepare::PreparedPlan};

/// How long the answer waits for first connects. A download by `npx` may take longer: that one is reported as starting.
const MAX_WAIT: Duration = Duration::from_secs(12);
const POLL_INTERVAL: Duration = Duration::from_millis(100);

/// What a first connect has come to.
#[derive(Debug, PartialEq, Eq)]
enum FirstConnect {
    Pending,
    Succeeded,
    Failed(String),
}

/// Waits for the first connect of every integration that was added, and enters in the result which failed and which are
/// still starting.
pub(crate) async fn inspect(control: &ControlApi, prepared: &PreparedPlan, applied: &mut Applied) {
    let end = Instant::now() + MAX_WAIT;
    let enabled = prepared.plan.imports.iter().filter(|import| import.enabled);
    let mut waiting: Vec<_> =
        enabled.map(|import| import.id.clone()).filter(|id| applied.added.contains(id)).collect();
    while !waiting.is_empty() {
        let Ok(views) = control.list::<IntegrationView>(paths::INTEGRATIONS).await else { break };
        waiting.retain(|id| {
            let Some(view) = views.iter().find(|view| view.id == *id) else { return false };
            match first_connect(view) {
                FirstConnect::Pending => true,
                FirstConnect::Succeeded => false,
                FirstConnect::Failed(reason) => {
                    applied.failed.push(FailedStart { id: id.clone(), reason });
                    false
                }
            }
        });
        if waiting.is_empty() || Instant::now() >= end {
            break;
        }
        tokio::time::sleep(POLL_INTERVAL).await;
    }
    applied.failed.sort_by(|one, other| one.id.cmp(&other.id));
    applied.starting = waiting;
}

fn first_connect(view: &IntegrationView) -> FirstConnect {
    match &view.health {
        Health::Failed { message, .. } | Health::NeedsAuth { message } => {
            FirstConnect::Failed(message.clone())
        }
        Health::Ready | Health::Disabled => FirstConnect::Succeeded,
        // It may have connected and gone idle since, or may not have begun yet.
        Health::Idle if view.tools.total > 0 => FirstConnect::Succeeded,
        Health::Idle | Health::Starting => match &view.last_error {
            Some(error) => FirstConnect::Failed(error.message.clone()),
            None => FirstConnect::Pending,
        },
    }
}
