//! Plans for every client file of `tests/fixtures/clients`: snapshots, and invariants over all of them.
//!
//! The plans lie beside the files, under `snapshots`, to be read: would a user of that client find this right? With
//! `AGENTPORT_UPDATE_SNAPSHOTS=1` they are written anew.

mod accepted;
mod generated;
mod invariants;
mod outside;
mod shown;
mod snapshots;

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use agentport_clients::{
    KEY_PLACEHOLDER,
    client::{Client, Machine, Os, Place},
    document::Document,
    entry::{self, EntryTarget},
    plan::{ConsolidateWishes, KnownGateway, Plan, PlanError, consolidate},
};

/// One file of the corpus, as if it lay where its client has it.
struct Fixture {
    place: Place,
    /// `rich`.
    name: String,
    /// Where it lies in the corpus.
    path: PathBuf,
    content: Vec<u8>,
}

fn corpus() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/clients")
}

/// Every file, by client and name.
fn fixtures() -> Vec<Fixture> {
    let mut all = Vec::new();
    for client in Client::all() {
        let place = place(client, None);
        let folder = corpus().join(&client.id);
        let mut files: Vec<PathBuf> = fs::read_dir(&folder)
            .unwrap_or_else(|error| panic!("{}: {error}", folder.display()))
            .map(|entry| entry.unwrap().path())
            .filter(|path| path.is_file())
            .collect();
        files.sort();
        all.extend(files.into_iter().map(|path| Fixture {
            place: place.clone(),
            name: path.file_stem().unwrap().to_str().unwrap().to_owned(),
            content: fs::read(&path).unwrap(),
            path,
        }));
    }
    all
}

/// The client's preferred file of a user called `sam`, or that of a folder.
fn place(client: &'static Client, folder: Option<&Path>) -> Place {
    let machine = Machine { os: Os::Linux, home: "/home/sam".into(), variables: BTreeMap::new() };
    let places = client.places(&machine, folder);
    match folder {
        Some(_) => places.last().unwrap().clone(),
        None => places[0].clone(),
    }
}

fn target(place: &Place) -> EntryTarget {
    EntryTarget {
        mcp_url: "http://127.0.0.1:4747/mcp".to_owned(),
        program: "/opt/agentport/bin/agentport".into(),
        home: None,
        key_name: place.client.id.clone(),
        variable: "AGENTPORT_KEY".to_owned(),
    }
}

/// The file once the plan is carried out, with a key that is none.
fn carried_out(plan: &Plan, before: Option<&[u8]>) -> Option<Vec<u8>> {
    let Some(file) = plan.files.first() else { return before.map(<[u8]>::to_vec) };
    let key = format!("ap_{}", "fake0key".repeat(4));
    let after = file.after.as_ref()?;
    let text = std::str::from_utf8(after).expect("files are UTF-8");
    Some(text.replace(KEY_PLACEHOLDER, &key).into_bytes())
}

fn consolidated(place: &Place, before: Option<&[u8]>) -> Result<Plan, PlanError> {
    consolidate(
        place,
        before,
        &target(place),
        &KnownGateway::default(),
        &ConsolidateWishes::default(),
    )
}

/// The names of the servers in a file, and which of them are ours.
fn servers(place: &Place, content: Option<&[u8]>) -> Vec<(String, bool)> {
    let document = Document::parse(place, content).expect("it parses");
    let servers = document.servers().expect("it holds servers");
    servers
        .into_iter()
        .map(|(name, value)| {
            let server = entry::read(place.client, &name, &value);
            (name, entry::as_own_entry(&server).is_some())
        })
        .collect()
}
