//! [`ServerView`]: every server of every file, with the other places of the same definition.

use std::collections::HashMap;

use agentport_clients::{
    client::Place,
    discover::{FoundClient, FoundFile, FoundState},
    entry,
    mcp_server::{Launch, McpServer},
    plan::ServerSummaries,
    types::{FileScope, ServerView},
};
use agentport_core::sanitize;

/// Other places of a server that are named; the rest is counted.
const MAX_NAMED_PLACES: usize = 8;

/// One occurrence of a server.
struct Occurrence<'a> {
    file: usize,
    place: &'a Place,
    name: &'a str,
}

/// Those of each file, in the order of the clients and their files.
pub(crate) fn views(found: &[FoundClient]) -> Vec<Vec<ServerView>> {
    let files: Vec<&FoundFile> = found.iter().flat_map(|client| &client.files).collect();
    let mut everywhere: HashMap<&Launch, Vec<Occurrence<'_>>> = HashMap::new();
    for (file, FoundFile { place, state }) in files.iter().enumerate() {
        for server in servers(state) {
            let seen = Occurrence { file, place, name: &server.name };
            everywhere.entry(&server.launch).or_default().push(seen);
        }
    }
    let views = files.iter().enumerate().map(|(at, file)| {
        let FoundState::Readable { content, servers } = &file.state else { return Vec::new() };
        let summaries = ServerSummaries::of(&file.place, content);
        let ours = entry::find_own_entry(servers).map(|(at, _)| at);
        let view = |(index, server): (usize, &McpServer)| {
            let ours = ours == Some(index);
            let group = everywhere.get(&server.launch).map(Vec::as_slice).unwrap_or_default();
            ServerView {
                name: server.name.clone(),
                summary: summaries.server(server),
                disabled: server.disabled,
                ours,
                same_as: match &server.launch {
                    Launch::Unclear(_) => Vec::new(),
                    _ if ours => Vec::new(),
                    _ => others(group, at, &server.name),
                },
            }
        };
        servers.iter().enumerate().map(view).collect()
    });
    views.collect()
}

fn servers(state: &FoundState) -> &[McpServer] {
    match state {
        FoundState::Readable { servers, .. } => servers,
        _ => &[],
    }
}

fn others(group: &[Occurrence<'_>], file: usize, name: &str) -> Vec<String> {
    let mut others = group.iter().filter(|seen| !(seen.file == file && seen.name == name));
    let mut named: Vec<String> = others.by_ref().take(MAX_NAMED_PLACES).map(describe).collect();
    match others.count() {
        0 => {}
        1 => named.push("1 more place".to_owned()),
        more => named.push(format!("{more} more places")),
    }
    named
}

fn describe(seen: &Occurrence<'_>) -> String {
    let client = &seen.place.client.name;
    let name = sanitize::sanitize_line(seen.name, 80);
    match (seen.place.scope, seen.place.path.parent()) {
        (FileScope::Project, Some(folder)) => {
            format!("{client} ({}): {name}", folder.display())
        }
        _ => format!("{client}: {name}"),
    }
}

#[cfg(test)]
mod tests {
    use agentport_clients::client::{Client, MAX_SERVERS, Machine, Os};
    use agentport_clients::discover::discover;

    use crate::servers::*;

    #[test]
    fn many_of_the_same_are_counted() {
        let home = tempfile::tempdir().unwrap();
        let servers: Vec<String> =
            (0..MAX_SERVERS).map(|at| format!(r#""s{at}": {{ "command": "same" }}"#)).collect();
        std::fs::create_dir(home.path().join(".cursor")).unwrap();
        let text = format!(r#"{{ "mcpServers": {{ {} }} }}"#, servers.join(","));
        std::fs::write(home.path().join(".cursor/mcp.json"), text).unwrap();
        let machine = Machine {
            os: Os::Linux,
            home: home.path().to_owned(),
            variables: std::collections::BTreeMap::new(),
        };
        let found = discover(&machine, None);
        assert_eq!(found[0].client.id, Client::by_id("cursor").unwrap().id);
        let views = views(&found);
        assert_eq!(views[0].len(), MAX_SERVERS);
        let same = &views[0][3].same_as;
        assert_eq!(same.len(), MAX_NAMED_PLACES + 1);
        assert_eq!(same[..4], ["Cursor: s0", "Cursor: s1", "Cursor: s2", "Cursor: s4"]);
        assert_eq!(same[MAX_NAMED_PLACES], "191 more places");
    }
}
