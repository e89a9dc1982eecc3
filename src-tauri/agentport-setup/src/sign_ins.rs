//! Entries without a key, in words: the same in plans, the list of clients, the terminal and `doctor`.

use agentport_clients::{
    client::{Client, Place},
    types::{ConnectionMethod, SignInStatus, UnneededKey},
};

use crate::entries::{EntryInFile, KnownAgents};

/// Note on a plan that writes an entry without a key.
pub(crate) fn plan_note(client: &Client, via: ConnectionMethod) -> String {
    let name = &client.name;
    match client.sign_in().filter(|_| via == ConnectionMethod::OAuth) {
        Some(how) => format!(
            "{name} gets the address alone, and no key. {} It opens the browser, and you let it in in AgentPort.",
            how.first_use()
        ),
        None => format!(
            "No key is made. When {name} first starts the bridge, it asks to be let in, and you let it in in AgentPort."
        ),
    }
}

/// Where an entry without a key is; `None` for one with a key.
pub(crate) fn status(
    place: &Place,
    entry: &EntryInFile,
    agents: &KnownAgents,
) -> Option<SignInStatus> {
    if !entry.signs_in() {
        return None;
    }
    let name = &place.client.name;
    let agent = agents.of(place, entry);
    let how = place.client.sign_in().filter(|_| entry.is_http());
    let sentence = match (agent, how) {
        (Some(agent), _) => format!("{name} is signed in as \"{}\".", agent.name),
        (None, _) if !agents.were_asked() => {
            format!("No key lies in the file of {name}: it signs in by itself.")
        }
        (None, Some(how)) => format!(
            "{name} has not signed in yet. {} It opens the browser, and you let it in in AgentPort.",
            how.first_use()
        ),
        (None, None) => format!(
            "{name} has not been let in yet. Start it: it asks to be let in, and you let it in in AgentPort."
        ),
    };
    Some(SignInStatus { signed_in: agent.is_some(), sentence })
}

/// The key in a client's file that it could do without.
pub(crate) fn unneeded_key(
    place: &Place,
    entry: &EntryInFile,
    agents: &KnownAgents,
) -> Option<UnneededKey> {
    let has_key = entry.ours.via == ConnectionMethod::Http;
    place.client.sign_in().filter(|_| has_key)?;
    let name = &place.client.name;
    let signed_in_as = agents.signed_in_as(place.client).map(|agent| agent.name.clone());
    let sentence = match &signed_in_as {
        Some(agent) => format!(
            "{name} has signed in as \"{agent}\", so the key in its file is no longer needed: it can be taken out and \
             revoked."
        ),
        None => format!("A key lies in the file of {name}, which can sign in by itself instead."),
    };
    Some(UnneededKey { signed_in_as, sentence })
}
