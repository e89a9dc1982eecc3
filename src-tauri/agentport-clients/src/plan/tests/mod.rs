//! Plans for files of a few lines. Real files of every client are in `tests/fixtures/clients`.

mod canaries;
mod choices;
mod entries;
mod kept_whole;
mod mcp_remote;
mod runs;
mod shown;

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::*;
use crate::{
    KEY_PLACEHOLDER,
    client::{Client, Machine, Os},
    document::Document,
    entry::EntryTarget,
    types::PlanView,
};

fn user_file(client: &str) -> Place {
    places(client, None).swap_remove(0)
}

fn project_file(client: &str) -> Place {
    places(client, Some("/home/me/shop")).pop().expect("it has one")
}

fn places(client: &str, folder: Option<&str>) -> Vec<Place> {
    let machine = Machine { os: Os::Linux, home: "/home/me".into(), variables: BTreeMap::new() };
    let client = Client::by_id(client).expect("it is known");
    client.places(&machine, folder.map(std::path::Path::new))
}

fn target() -> EntryTarget {
    EntryTarget {
        mcp_url: "http://127.0.0.1:4747/mcp".to_owned(),
        program: "/opt/agentport".into(),
        home: None,
        key_name: "a-client".to_owned(),
        variable: "AGENTPORT_KEY".to_owned(),
    }
}

/// A file of Cursor's kind.
fn file(servers: Value) -> Vec<u8> {
    format!("{:#}\n", json!({ "mcpServers": servers })).into_bytes()
}

/// The file as it would be, with a key that is none.
fn after(plan: &Plan) -> Vec<u8> {
    let after = plan.files[0].after.clone().expect("the file stays");
    let key = format!("ap_{}", "fake0key".repeat(4));
    String::from_utf8(after).unwrap().replace(KEY_PLACEHOLDER, &key).into_bytes()
}

fn servers(place: &Place, content: &[u8]) -> Vec<(String, Value)> {
    Document::parse(place, Some(content)).unwrap().servers().unwrap()
}

fn names(place: &Place, content: &[u8]) -> Vec<String> {
    servers(place, content).into_iter().map(|(name, _)| name).collect()
}

fn take_over(
    place: &Place,
    servers: Value,
    known: &KnownGateway,
    wishes: &ConsolidateWishes,
) -> Plan {
    consolidate(place, Some(&file(servers)), &target(), known, wishes).unwrap()
}

/// Of one server: what it becomes, or why it stays.
fn fate(place: &Place, server: Value) -> Result<PlannedImport, String> {
    let mut plan = take_over(
        place,
        json!({ "x": server }),
        &KnownGateway::default(),
        &ConsolidateWishes::default(),
    );
    match plan.imports.pop() {
        Some(import) => Ok(import),
        None => Err(plan.left.pop().expect("it is accounted for").why),
    }
}

fn id(text: &str) -> IntegrationId {
    IntegrationId::new(text).unwrap()
}
