//! What the tray shows, made of what is known.

use agentport_core::Timestamp;
use agentport_gateway::control::types::{AvailableIntegration, Health, IntegrationView, KeyView};

use super::model::{Agent, Integration, Popular, Up, Waiting};
use crate::{known::Known, local_time, notify};

pub(crate) fn of(known: &Known, now: Timestamp) -> Up {
    let Known { status, settings, .. } = known;
    let until = |end: Option<Timestamp>| {
        end.filter(|end| now < *end).map(|end| local_time::shown(end, now))
    };
    let mut agents: Vec<&KeyView> = known.agents.iter().filter(|key| is_let_in(key, now)).collect();
    // Whoever acted last is who the owner looks for.
    agents.sort_by_key(|key| std::cmp::Reverse(key.last_used_at.unwrap_or(key.created_at)));
    Up {
        paused: status.paused,
        second_factor: status.second_factor,
        waiting: known.waiting.iter().map(waiting).collect(),
        integrations: known.integrations.iter().map(integration).collect(),
        popular: known
            .available
            .iter()
            .filter(|one| one.popular && !one.installed)
            .map(popular)
            .collect(),
        agents: agents
            .into_iter()
            .map(|key| Agent {
                id: key.id,
                name: key.name.clone(),
                last_seen: key.last_used_at.map(|seen| local_time::shown(seen, now)),
                trusted_until: until(key.trusted_until),
            })
            .collect(),
        silent_until: until(settings.notifications_silent_until),
        notifications: settings.notifications,
    }
}

fn is_let_in(key: &KeyView, now: Timestamp) -> bool {
    key.revoked_at.is_none() && key.expires_at.is_none_or(|end| now < end)
}

fn waiting(one: &notify::Waiting) -> Waiting {
    Waiting {
        id: one.id,
        agent: one.agent.clone(),
        tool: one.tool.clone(),
        integration: one.integration.clone(),
    }
}

fn integration(view: &IntegrationView) -> Integration {
    let (state, trouble) = match view.health {
        Health::Idle => ("starts when it is used", false),
        Health::Starting => ("starting", false),
        Health::Ready => ("ready", false),
        Health::NeedsAuth { .. } => ("needs a new token", true),
        Health::Failed { .. } => ("does not work", true),
        Health::Disabled => ("off", false),
    };
    Integration { id: view.id.clone(), name: view.name.clone(), state, trouble }
}

fn popular(one: &AvailableIntegration) -> Popular {
    Popular { id: one.id.clone(), name: one.name.clone() }
}
