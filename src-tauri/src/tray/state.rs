//! The tray's state, computed from a snapshot of the gateway.

use agentport_api::{AvailableIntegration, Health, IntegrationView, KeyView};
use agentport_clients::types::{ClientView, Connected, ConnectionMethod};
use agentport_core::Timestamp;

use super::model::{
    AgentEntry, ClientConnection, ClientEntry, IntegrationEntry, PopularEntry, RunningState,
};
use crate::{gateway::state::GatewaySnapshot, local_time};

pub(crate) fn running_state(
    snapshot: &GatewaySnapshot,
    clients: &[ClientView],
    now: Timestamp,
) -> RunningState {
    let GatewaySnapshot { status, settings, .. } = snapshot;
    let until = |end: Option<Timestamp>| {
        end.filter(|end| now < *end).map(|end| local_time::display(end, now))
    };
    let mut agents: Vec<&KeyView> =
        snapshot.agents.iter().filter(|key| is_in_force(key, now)).collect();
    // The agent that acted last is the likeliest choice.
    agents.sort_by_key(|key| std::cmp::Reverse(key.last_used_at.unwrap_or(key.created_at)));
    RunningState {
        paused: status.paused,
        second_factor: status.second_factor,
        waiting: snapshot.waiting.clone(),
        missed: snapshot.missed_unseen(),
        integrations: snapshot.integrations.iter().map(integration).collect(),
        popular: snapshot
            .available
            .iter()
            .filter(|one| one.popular && !one.installed)
            .map(popular)
            .collect(),
        agents: agents
            .into_iter()
            .map(|key| AgentEntry {
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

fn is_in_force(key: &KeyView, now: Timestamp) -> bool {
    key.revoked_at.is_none() && key.expires_at.is_none_or(|end| now < end)
}

fn integration(view: &IntegrationView) -> IntegrationEntry {
    let (state, trouble) = match view.health {
        Health::Idle => ("starts when it is used", false),
        Health::Starting => ("starting", false),
        Health::Ready => ("ready", false),
        Health::NeedsAuth { .. } => ("needs a new token", true),
        Health::Failed { .. } => ("does not work", true),
        Health::Disabled => ("off", false),
    };
    IntegrationEntry { id: view.id.clone(), name: view.name.clone(), state, trouble }
}

fn popular(one: &AvailableIntegration) -> PopularEntry {
    PopularEntry { id: one.id.clone(), name: one.name.clone() }
}

fn client(view: &ClientView) -> ClientEntry {
    let entries = || view.files.iter().filter_map(|file| file.connected.as_ref());
    let connection = match entries().any(is_current) {
        false => ClientConnection::No,
        true if entries().filter(|entry| is_current(entry)).any(was_used) => ClientConnection::Used,
        true => ClientConnection::NotUsedYet,
    };
    ClientEntry { id: view.id.clone(), name: view.name.clone(), connection }
}

/// To this gateway, with a key that is in force or by signing in. A key in an environment variable is not visible here, so
/// it counts as in force.
fn is_current(entry: &Connected) -> bool {
    let may_be_let_in = entry.agent.is_some()
        || entry.sign_in.is_some()
        || entry.via == ConnectionMethod::HttpEnvironment;
    entry.current && may_be_let_in
}

fn was_used(entry: &Connected) -> bool {
    entry.first_call_at.is_some() || entry.last_used_at.is_some()
}

#[cfg(test)]
mod tests {
    use agentport_clients::types::{FileScope, FileState, FileView, SignInStatus};
    use agentport_core::AgentId;
    use uuid::Uuid;

    use super::*;

    fn check(entries: Vec<Option<Connected>>, connection: ClientConnection) {
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
            signs_in: true,
            restart: None,
            bypassing: None,
            files: files.collect(),
        };
        assert_eq!(client(&view).connection, connection, "{:?}", view.files);
    }

    #[test]
    fn a_client_is_connected_by_a_key_in_force_that_is_current() {
        let entry = Connected {
            via: ConnectionMethod::Http,
            current: true,
            agent: Some(AgentId(Uuid::nil())),
            sign_in: None,
            unneeded_key: None,
            first_call_at: None,
            last_used_at: None,
            tools_listed: None,
        };
        let used = Connected { last_used_at: Some(Timestamp(1)), ..entry.clone() };
        let elsewhere = Connected { current: false, ..used.clone() };
        let revoked = Connected { agent: None, ..used.clone() };
        let unseen =
            Connected { agent: None, via: ConnectionMethod::HttpEnvironment, ..entry.clone() };
        check(vec![], ClientConnection::No);
        check(vec![None, Some(elsewhere.clone())], ClientConnection::No);
        check(vec![Some(revoked)], ClientConnection::No);
        check(vec![None, Some(entry.clone())], ClientConnection::NotUsedYet);
        check(vec![Some(elsewhere), Some(entry.clone())], ClientConnection::NotUsedYet);
        check(vec![Some(unseen)], ClientConnection::NotUsedYet);
        let sign_in = SignInStatus { signed_in: false, sentence: String::new() };
        let unsigned = Connected {
            agent: None,
            sign_in: Some(sign_in),
            via: ConnectionMethod::OAuth,
            ..entry.clone()
        };
        check(vec![Some(unsigned)], ClientConnection::NotUsedYet);
        check(vec![Some(entry), Some(used)], ClientConnection::Used);
    }
}
