//! Agents in text for people.

use agentport_api::{AgentSignIn, KeyView};
use agentport_gateway::clock;

use crate::{format, output};

/// Characters of a name that a program gave itself.
const MAX_CLIENT: usize = 30;

/// A row each.
pub(super) fn all(agents: Vec<KeyView>) -> String {
    let rows = agents.into_iter().map(|agent| {
        let state = state(&agent);
        [
            agent.id.to_string(),
            agent.name,
            agent.oauth.map_or_else(|| format!("{}…", agent.prefix), |_| "OAuth".into()),
            state,
            agent.profile.unwrap_or_else(|| "–".into()),
            format::maybe_when(agent.last_used_at),
            agent.client.map_or_else(|| "–".into(), |client| output::cut(&client, MAX_CLIENT)),
        ]
    });
    let headings = ["ID", "NAME", "KEY", "STATE", "PROFILE", "LAST USED", "CALLS ITSELF"];
    output::table(
        headings,
        rows.collect(),
        "There are no agents. Give one the address that `agentport status` shows, or make a key with `agentport keys \
         create NAME`.",
    )
}

/// Everything about one.
pub(super) fn one(agent: &KeyView) -> String {
    let mut rows = vec![
        ("Id", agent.id.to_string()),
        ("Name", agent.name.clone()),
        ("State", state(agent)),
        ("Profile", agent.profile.clone().unwrap_or_else(|| "none: it sees everything".into())),
        ("Last used", format::maybe_when(agent.last_used_at)),
        ("Calls itself", agent.client.clone().unwrap_or_default()),
    ];
    match &agent.oauth {
        None => rows
            .push(("Key", format!("{}…, made {}", agent.prefix, format::when(agent.created_at)))),
        Some(sign_in) => rows.extend(sign_in_rows(sign_in)),
    }
    output::fields(&rows)
}

fn sign_in_rows(sign_in: &AgentSignIn) -> Vec<(&'static str, String)> {
    let from = if sign_in.remote { "another computer" } else { "this computer" };
    vec![
        ("Signs in as", format!("{} (unverified)", output::name(&sign_in.client_name, MAX_CLIENT))),
        ("Goes on to", sign_in.redirect.to_string()),
        ("Comes from", from.to_owned()),
        ("Let in", format::when(sign_in.granted_at)),
        ("Sign-ins", sign_in.valid.to_string()),
        ("Renewed", format::maybe_when(sign_in.refreshed_at)),
        (
            "Ends",
            sign_in
                .expires_at
                .map(|at| format!("{}, unless it renews", format::when(at)))
                .unwrap_or_default(),
        ),
    ]
}

fn state(agent: &KeyView) -> String {
    let now = clock::now();
    let signed_out = agent.oauth.as_ref().is_some_and(|sign_in| sign_in.valid == 0);
    let state = match (agent.revoked_at, agent.expires_at) {
        (Some(at), _) => format!("revoked {}", format::when(at)),
        (None, _) if signed_out => "signed out".into(),
        (None, Some(at)) if at <= now => format!("expired {}", format::when(at)),
        (None, Some(at)) => format!("expires {}", format::when(at)),
        (None, None) => "active".into(),
    };
    match agent.trusted_until.filter(|&until| until > now) {
        Some(until) => format!("{state}, trusted: ends {}", format::when(until)),
        None => state,
    }
}

#[cfg(test)]
mod tests {
    use agentport_api::RedirectTarget;
    use agentport_core::Timestamp;

    use super::*;

    fn signed_in(valid: u32) -> KeyView {
        KeyView {
            id: "01a1f959-a065-76d7-bd07-68b8fab13fb5".parse().unwrap(),
            name: "Cursor".to_owned(),
            prefix: String::new(),
            oauth: Some(AgentSignIn {
                client_name: "Cur\u{202e}sor".to_owned(),
                redirect: RedirectTarget::App { scheme: "cursor".to_owned() },
                valid,
                granted_at: Timestamp(0),
                refreshed_at: None,
                expires_at: None,
                remote: true,
            }),
            profile: None,
            created_at: Timestamp(0),
            expires_at: None,
            revoked_at: None,
            last_used_at: None,
            tools_listed: None,
            first_call_at: None,
            client: None,
            trusted_until: None,
        }
    }

    #[test]
    fn an_agent_that_signs_in_shows_how_and_no_key() {
        let row = all(vec![signed_in(1)]);
        assert!(row.contains("OAuth") && row.contains("active") && !row.contains("ap_"), "{row}");
        assert!(all(vec![signed_in(0)]).contains("signed out"));
        let shown = one(&signed_in(2));
        for part in ["the app that opens cursor: addresses", "another computer", "look-alike"] {
            assert!(shown.contains(part), "{part:?} in {shown}");
        }
        assert!(!shown.contains("Key "), "{shown}");
    }
}
