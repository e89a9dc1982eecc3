//! What the tray shows, made of what is known.

use agentport_api::{AvailableIntegration, Health, IntegrationView, KeyView};
use agentport_clients::types::{ClientView, Connected, ConnectionMethod};
use agentport_core::Timestamp;

use super::model::{Agent, Client, Integration, Joined, Popular, Up, Waiting};
use crate::{known::Known, local_time, notify};

pub(crate) fn of(known: &Known, clients: &[ClientView], now: Timestamp) -> Up {
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
                trusted_until: until(key.trusted_until),
            })
            .collect(),
        clients: clients.iter().filter(|client| client.found).map(client).collect(),
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

fn client(view: &ClientView) -> Client {
    let entries = || view.files.iter().filter_map(|file| file.connected.as_ref());
    let joined = match entries().any(leads_here) {
        false => Joined::No,
        true if entries().filter(|entry| leads_here(entry)).any(was_used) => Joined::Used,
        true => Joined::NotUsedYet,
    };
    Client { id: view.id.clone(), name: view.name.clone(), joined }
}

/// To this gateway, with a key that is in force. One that stands in an environment variable is not known to us.
fn leads_here(entry: &Connected) -> bool {
    entry.current && (entry.agent.is_some() || entry.via == ConnectionMethod::HttpEnvironment)
}

fn was_used(entry: &Connected) -> bool {
    entry.first_call_at.is_some() || entry.last_used_at.is_some()
}

#[cfg(test)]
mod tests {
    use agentport_clients::types::{FileScope, FileState, FileView};
    use agentport_core::AgentId;
    use uuid::Uuid;

    use super::*;

    fn check(entries: Vec<Option<Connected>>, joined: Joined) {
        let files = entries.into_iter().map(|connected| FileView {
            path: "/home/ann/.cursor/mcp.json".to_owned(),
            scope: FileScope::User,
            state: FileState::Missing,
            connected,
            can_restore: false,
        });
        let view = ClientView {
            id: "cursor".to_owned(),
            name: "Cursor".to_owned(),
            found: true,
            sources: Vec::new(),
            speaks_http: true,
            restart: None,
            files: files.collect(),
        };
        assert_eq!(client(&view).joined, joined, "{:?}", view.files);
    }

    #[test]
    fn a_client_is_connected_by_a_key_in_force_that_leads_here() {
        let entry = Connected {
            via: ConnectionMethod::Http,
            current: true,
            agent: Some(AgentId(Uuid::nil())),
            first_call_at: None,
            last_used_at: None,
        };
        let used = Connected { last_used_at: Some(Timestamp(1)), ..entry.clone() };
        let elsewhere = Connected { current: false, ..used.clone() };
        let revoked = Connected { agent: None, ..used.clone() };
        let unseen =
            Connected { agent: None, via: ConnectionMethod::HttpEnvironment, ..entry.clone() };
        check(vec![], Joined::No);
        check(vec![None, Some(elsewhere.clone())], Joined::No);
        check(vec![Some(revoked)], Joined::No);
        check(vec![None, Some(entry.clone())], Joined::NotUsedYet);
        check(vec![Some(elsewhere), Some(entry.clone())], Joined::NotUsedYet);
        check(vec![Some(unseen)], Joined::NotUsedYet);
        check(vec![Some(entry), Some(used)], Joined::Used);
    }
}
