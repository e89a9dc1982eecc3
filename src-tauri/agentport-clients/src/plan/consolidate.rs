//! Plans that move a client's servers to the gateway, leaving AgentPort's entry in their place.
//!
//! Every server of the file ends in exactly one of `imports`, `left` and `conflicts`; only those in `imports` are removed
//! from the file. Ids depend on the file alone, so that planning again gives the same plan.

use std::collections::{BTreeMap, BTreeSet};

use agentport_core::IntegrationId;

use super::{
    ConsolidateWishes, ImportLaunch, KnownGateway, McpRemotePrograms, Plan, PlanError,
    PlannedImport,
    import::{self, StayReason},
    names,
};
use crate::plan::client_file::{ClientFile, EntryChange, shared_key, wants_key};
use crate::{
    client::Place,
    entry::{ENTRY_NAME, EntryTarget},
    types::{Choice, ConflictView, LeftView, PlanAction},
};

/// A server that is not ours, with the integration it could become, or why it cannot.
struct ServerCandidate {
    server: String,
    taken_over: Result<(PlannedImport, Vec<String>), StayReason>,
}

/// What the plan does with a server.
enum ServerFate {
    Import(Box<PlannedImport>, Vec<String>),
    Left(StayReason),
    Conflict(ConflictView),
}

/// The servers that could be moved, without asking the gateway which of them it has already.
pub fn imports(
    place: &Place,
    before: Option<&[u8]>,
    programs: McpRemotePrograms<'_>,
) -> Result<Vec<PlannedImport>, PlanError> {
    let opened = ClientFile::new(place, before)?;
    let fit =
        candidates(&opened, programs).into_iter().filter_map(|candidate| candidate.taken_over.ok());
    Ok(fit.map(|(import, _)| import).collect())
}

/// Every server that is not ours becomes an integration and is removed; our entry is inserted.
pub fn consolidate(
    place: &Place,
    before: Option<&[u8]>,
    target: &EntryTarget,
    known: &KnownGateway,
    wishes: &ConsolidateWishes,
) -> Result<Plan, PlanError> {
    let mut opened = ClientFile::new(place, before)?;
    let candidates = candidates(&opened, McpRemotePrograms::Named(&wishes.as_program));
    let mut notes = unknown_names(&candidates, wishes);
    let fates = fates(candidates, known, wishes);

    // A foreign server with our name is removed first; the others after our entry is written in their style.
    let leaves = |fate: &ServerFate| matches!(fate, ServerFate::Import(..));
    let makes_room = fates.iter().any(|(server, fate)| server == ENTRY_NAME && leaves(fate));
    if makes_room {
        opened.remove(ENTRY_NAME)?;
    }
    let put = opened.put_ours(wishes.via, target, false)?;
    let goes: BTreeSet<&str> =
        fates.iter().filter(|(_, fate)| leaves(fate)).map(|(server, _)| server.as_str()).collect();
    // If they cannot be removed together, one of them shares text with its surroundings; the others go one by one.
    let went = opened.remove_all(&goes.into_iter().filter(|name| *name != ENTRY_NAME).collect())?;
    let (mut imports, mut left, mut conflicts) = (Vec::new(), Vec::new(), Vec::new());
    for (server, fate) in fates {
        match fate {
            ServerFate::Import(import, its_notes)
                if went || (makes_room && server == ENTRY_NAME) || opened.remove(&server)? =>
            {
                imports.push(*import);
                notes.extend(its_notes);
            }
            ServerFate::Import(..) => left.push(LeftView {
                server,
                why: "It cannot be taken out without touching something else in the file."
                    .to_owned(),
            }),
            ServerFate::Left(why) => left.push(LeftView { server, why }),
            ServerFate::Conflict(conflict) => conflicts.push(conflict),
        }
    }
    notes.extend(sign_in(&imports, place));
    let key = match put {
        EntryChange::Already => None,
        EntryChange::Made { via, note } => {
            notes.extend(note.into_iter().chain(shared_key(place, via)));
            Some(wants_key(place, via, target))
        }
    };
    if imports.is_empty() && conflicts.is_empty() {
        notes.insert(0, "There is nothing to take over.".to_owned());
    }
    Ok(Plan { imports, left, conflicts, key, ..opened.plan(PlanAction::Consolidate, notes) })
}

fn candidates(opened: &ClientFile<'_>, programs: McpRemotePrograms<'_>) -> Vec<ServerCandidate> {
    let client = opened.place.client;
    let folder = opened.place.folder();
    let names: Vec<&str> = opened.foreign().map(|server| server.name.as_str()).collect();
    let ids = names::ids(&names);
    opened
        .foreign()
        .zip(ids)
        .map(|(server, id)| ServerCandidate {
            server: server.name.clone(),
            taken_over: if opened.is_twice(&server.name) {
                Err("Its name stands more than once in the file.".to_owned())
            } else {
                let as_program = programs.contains(&server.name);
                import::import(server, id, client, folder.as_deref(), as_program)
            },
        })
        .collect()
}

/// What to do with each server, in the order of the file.
fn fates(
    candidates: Vec<ServerCandidate>,
    known: &KnownGateway,
    wishes: &ConsolidateWishes,
) -> Vec<(String, ServerFate)> {
    let ids = wanted_ids(&candidates, known, wishes);
    let mut suggested: BTreeSet<IntegrationId> = BTreeSet::new();
    candidates
        .into_iter()
        .map(|ServerCandidate { server, taken_over }| {
            let choice = wishes.choices.get(&server);
            if wishes.keep.contains(&server) || choice == Some(&Choice::KeepInClient) {
                return (server, ServerFate::Left("It is kept here, as you chose.".to_owned()));
            }
            let (mut import, mut notes) = match taken_over {
                Ok(fit) => fit,
                Err(why) => return (server, ServerFate::Left(why)),
            };
            if let Some(same) = known.same.get(&server) {
                import.id = same.clone();
                import.merged = Some(same.clone());
                return (server, ServerFate::Import(Box::new(import), notes));
            }
            if choice == Some(&Choice::UseExisting) && known.taken.contains_key(&import.id) {
                notes = vec![format!(
                    "{server}: the integration \"{}\" is used instead; what stands here is kept with the original.",
                    import.id
                )];
                import.merged = Some(import.id.clone());
                return (server, ServerFate::Import(Box::new(import), notes));
            }
            let Some(id) = ids.get(&server) else {
                return (server, ServerFate::Left("Nothing is known of it.".to_owned()));
            };
            let Some(there) = in_the_way(&server, id, &ids, known, wishes) else {
                import.id = id.clone();
                return (server, ServerFate::Import(Box::new(import), notes));
            };
            let suggestion = names::free(id.as_str(), |id| {
                known.taken.contains_key(id) || ids.values().any(|used| used == id) || suggested.contains(id)
            });
            suggested.insert(suggestion.clone());
            let here = import.launch.summary();
            let differs = known.differs.get(&server).cloned();
            let conflict = ConflictView::Name { server: server.clone(), id: id.clone(), here, there, differs, suggestion };
            (server, ServerFate::Conflict(conflict))
        })
        .collect()
}

/// The id each new integration would have: derived from its name, or the one the owner chose.
fn wanted_ids(
    candidates: &[ServerCandidate],
    known: &KnownGateway,
    wishes: &ConsolidateWishes,
) -> BTreeMap<String, IntegrationId> {
    let wanted = |candidate: &ServerCandidate| {
        let (import, _) = candidate.taken_over.as_ref().ok()?;
        let server = &candidate.server;
        let id = match wishes.choices.get(server) {
            Some(Choice::KeepInClient) => return None,
            Some(Choice::Rename { id }) => id.clone(),
            Some(Choice::UseExisting) | None => import.id.clone(),
        };
        let is_wanted = !wishes.keep.contains(server) && !known.same.contains_key(server);
        is_wanted.then(|| (server.clone(), id))
    };
    candidates.iter().filter_map(wanted).collect()
}

/// Short description of what has the id already.
fn in_the_way(
    server: &str,
    id: &IntegrationId,
    ids: &BTreeMap<String, IntegrationId>,
    known: &KnownGateway,
    wishes: &ConsolidateWishes,
) -> Option<String> {
    if let Some(there) = known.taken.get(id) {
        return Some(there.clone());
    }
    // Of two servers with the same id, the one the owner renamed to it conflicts.
    let is_renamed =
        |server: &str| matches!(wishes.choices.get(server), Some(Choice::Rename { .. }));
    let other = ids.iter().find(|(other, same)| {
        *same == id
            && other.as_str() != server
            && is_renamed(server)
            && (!is_renamed(other) || other.as_str() < server)
    });
    other.map(|(other, _)| format!("the server {other} of the same file"))
}

fn unknown_names(candidates: &[ServerCandidate], wishes: &ConsolidateWishes) -> Vec<String> {
    let names: BTreeSet<&str> =
        candidates.iter().map(|candidate| candidate.server.as_str()).collect();
    let chosen = wishes.keep.iter().chain(&wishes.as_program).chain(wishes.choices.keys());
    let wished: BTreeSet<&str> = chosen.map(String::as_str).collect();
    wished
        .difference(&names)
        .map(|name| format!("There is no server called \"{name}\" here."))
        .collect()
}

/// Note on remote servers without a credential: the client may be signing in to them itself (OAuth). Of those behind
/// `mcp-remote` it is said with the server.
fn sign_in(imports: &[PlannedImport], place: &Place) -> Option<String> {
    let open: Vec<&str> = imports
        .iter()
        .filter(|import| import.merged.is_none() && import.secrets.is_empty())
        .filter(|import| import.mcp_remote.is_none())
        .filter(|import| match &import.launch {
            ImportLaunch::Remote { url, .. } => !is_here(url),
            ImportLaunch::Local { .. } => false,
        })
        .map(|import| import.server.as_str())
        .collect();
    (!open.is_empty()).then(|| {
        format!(
            "No credential stands here for {}. If {} signs in there by itself, sign in from AgentPort afterwards.",
            open.join(", "),
            place.client.name
        )
    })
}

/// Servers on this machine do not ask for a sign-in.
fn is_here(url: &str) -> bool {
    match url::Url::parse(url).ok().as_ref().and_then(url::Url::host) {
        Some(url::Host::Domain(name)) => name == "localhost",
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}
