//! Taking a client's servers over.
//!
//! What holds: every server of the file ends in exactly one of `imports`, `left` and `conflicts`; those in `imports` are
//! taken out of the file and nothing else is; and the ids depend on the file alone, so that a plan made again is the same.

use std::collections::{BTreeMap, BTreeSet};

use agentport_core::IntegrationId;

use super::{
    Import, ImportLaunch, Known, Plan, PlanError, Wishes,
    import::{self, Why},
    names,
};
use crate::plan::client_file::{ClientFile, Put, shared_key, wants_key};
use crate::{
    client::Place,
    entry::{ENTRY_NAME, Target},
    types::{Choice, ConflictView, LeftView, PlanAction},
};

/// A server that is not ours, and what would become of it if nothing spoke against it.
struct Candidate {
    server: String,
    taken_over: Result<(Import, Vec<String>), Why>,
}

/// What becomes of it.
enum Fate {
    Import(Box<Import>, Vec<String>),
    Left(Why),
    Conflict(ConflictView),
}

/// The servers that would be taken over, before it is known which of them the gateway has already.
pub fn imports(place: &Place, before: Option<&[u8]>) -> Result<Vec<Import>, PlanError> {
    let opened = ClientFile::new(place, before)?;
    let fit = candidates(&opened).into_iter().filter_map(|candidate| candidate.taken_over.ok());
    Ok(fit.map(|(import, _)| import).collect())
}

/// Every server that is not ours becomes an integration and goes, and our entry stands in their place.
pub fn consolidate(
    place: &Place,
    before: Option<&[u8]>,
    target: &Target,
    known: &Known,
    wishes: &Wishes,
) -> Result<Plan, PlanError> {
    let mut opened = ClientFile::new(place, before)?;
    let candidates = candidates(&opened);
    let mut notes = unknown_names(&candidates, wishes);
    let fates = fates(candidates, known, wishes);

    // The foreign one of our name has to make room; the others go after, so that our entry is written as they are.
    let leaves = |fate: &Fate| matches!(fate, Fate::Import(..));
    let makes_room = fates.iter().any(|(server, fate)| server == ENTRY_NAME && leaves(fate));
    if makes_room {
        opened.remove(ENTRY_NAME)?;
    }
    let put = opened.put_ours(wishes.via, target, false)?;
    let goes: BTreeSet<&str> =
        fates.iter().filter(|(_, fate)| leaves(fate)).map(|(server, _)| server.as_str()).collect();
    // Where that is not possible at once, one of them is entangled, and the others go by themselves.
    let went = opened.remove_all(&goes.into_iter().filter(|name| *name != ENTRY_NAME).collect())?;
    let (mut imports, mut left, mut conflicts) = (Vec::new(), Vec::new(), Vec::new());
    for (server, fate) in fates {
        match fate {
            Fate::Import(import, its_notes)
                if went || (makes_room && server == ENTRY_NAME) || opened.remove(&server)? =>
            {
                imports.push(*import);
                notes.extend(its_notes);
            }
            Fate::Import(..) => left.push(LeftView {
                server,
                why: "It cannot be taken out without touching something else in the file."
                    .to_owned(),
            }),
            Fate::Left(why) => left.push(LeftView { server, why }),
            Fate::Conflict(conflict) => conflicts.push(conflict),
        }
    }
    notes.extend(sign_in(&imports, place));
    let key = match put {
        Put::Already => None,
        Put::Made { via, note } => {
            notes.extend(note.into_iter().chain(shared_key(place, via)));
            Some(wants_key(place, via, target))
        }
    };
    if imports.is_empty() && conflicts.is_empty() {
        notes.insert(0, "There is nothing to take over.".to_owned());
    }
    Ok(Plan { imports, left, conflicts, key, ..opened.plan(PlanAction::Consolidate, notes) })
}

fn candidates(opened: &ClientFile<'_>) -> Vec<Candidate> {
    let client = opened.place.client;
    let folder = opened.place.folder();
    let names: Vec<&str> = opened.foreign().map(|server| server.name.as_str()).collect();
    let ids = names::ids(&names);
    opened
        .foreign()
        .zip(ids)
        .map(|(server, id)| Candidate {
            server: server.name.clone(),
            taken_over: if opened.is_twice(&server.name) {
                Err("Its name stands more than once in the file.".to_owned())
            } else {
                import::import(server, id, client, folder.as_deref())
            },
        })
        .collect()
}

/// Each server with its fate, in the order of the file.
fn fates(candidates: Vec<Candidate>, known: &Known, wishes: &Wishes) -> Vec<(String, Fate)> {
    let ids = wanted_ids(&candidates, known, wishes);
    let mut suggested: BTreeSet<IntegrationId> = BTreeSet::new();
    candidates
        .into_iter()
        .map(|Candidate { server, taken_over }| {
            let choice = wishes.choices.get(&server);
            if wishes.keep.contains(&server) || choice == Some(&Choice::KeepInClient) {
                return (server, Fate::Left("It is kept here, as you chose.".to_owned()));
            }
            let (mut import, mut notes) = match taken_over {
                Ok(fit) => fit,
                Err(why) => return (server, Fate::Left(why)),
            };
            if let Some(same) = known.same.get(&server) {
                import.id = same.clone();
                import.merged = Some(same.clone());
                return (server, Fate::Import(Box::new(import), notes));
            }
            if choice == Some(&Choice::UseExisting) && known.taken.contains_key(&import.id) {
                notes = vec![format!(
                    "{server}: the integration \"{}\" is used instead; what stands here is kept with the original.",
                    import.id
                )];
                import.merged = Some(import.id.clone());
                return (server, Fate::Import(Box::new(import), notes));
            }
            let Some(id) = ids.get(&server) else {
                return (server, Fate::Left("Nothing is known of it.".to_owned()));
            };
            let Some(there) = in_the_way(&server, id, &ids, known, wishes) else {
                import.id = id.clone();
                return (server, Fate::Import(Box::new(import), notes));
            };
            let suggestion = names::free(id.as_str(), |id| {
                known.taken.contains_key(id) || ids.values().any(|used| used == id) || suggested.contains(id)
            });
            suggested.insert(suggestion.clone());
            let here = import.launch.summary();
            let differs = known.differs.get(&server).cloned();
            let conflict = ConflictView::Name { server: server.clone(), id: id.clone(), here, there, differs, suggestion };
            (server, Fate::Conflict(conflict))
        })
        .collect()
}

/// The id that each server would have that is not there yet: its own, or the one chosen for it.
fn wanted_ids(
    candidates: &[Candidate],
    known: &Known,
    wishes: &Wishes,
) -> BTreeMap<String, IntegrationId> {
    let wanted = |candidate: &Candidate| {
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

/// What has the id already, in a few words.
fn in_the_way(
    server: &str,
    id: &IntegrationId,
    ids: &BTreeMap<String, IntegrationId>,
    known: &Known,
    wishes: &Wishes,
) -> Option<String> {
    if let Some(there) = known.taken.get(id) {
        return Some(there.clone());
    }
    // Of two servers that would have the same id, one was renamed to it, and gives way.
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

fn unknown_names(candidates: &[Candidate], wishes: &Wishes) -> Vec<String> {
    let names: BTreeSet<&str> =
        candidates.iter().map(|candidate| candidate.server.as_str()).collect();
    let wished: BTreeSet<&str> =
        wishes.keep.iter().chain(wishes.choices.keys()).map(String::as_str).collect();
    wished
        .difference(&names)
        .map(|name| format!("There is no server called \"{name}\" here."))
        .collect()
}

/// Remote servers without a credential may be ones that the client signs in to by itself.
fn sign_in(imports: &[Import], place: &Place) -> Option<String> {
    let open: Vec<&str> = imports
        .iter()
        .filter(|import| import.merged.is_none() && import.secrets.is_empty())
        .filter(|import| match &import.launch {
            ImportLaunch::Remote { url, .. } => !is_here(url),
            ImportLaunch::Local { .. } => false,
        })
        .map(|import| import.server.as_str())
        .collect();
    (!open.is_empty()).then(|| {
        format!(
            "No credential stands here for {}. If {} signs in there by itself, AgentPort needs a token afterwards.",
            open.join(", "),
            place.client.name
        )
    })
}

/// On this machine no sign-in is possible.
fn is_here(url: &str) -> bool {
    match url::Url::parse(url).ok().as_ref().and_then(url::Url::host) {
        Some(url::Host::Domain(name)) => name == "localhost",
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}
