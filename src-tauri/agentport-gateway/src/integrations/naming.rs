//! Names and ids of integrations that were added without.

use agentport_api::Connection;
use agentport_core::{IntegrationId, sanitize};
use url::{Host, Url};

use crate::upstream::Listing;

/// Characters of a name.
const MAX_NAME: usize = 64;
/// The name where nothing tells of the server.
const NAMELESS: &str = "server";
/// Numbers tried behind an id that is taken.
const MAX_NUMBER: u32 = 1_000;
/// Programs that run what their first argument names.
const RUNNERS: [&str; 12] = [
    "npx", "bunx", "uvx", "pipx", "node", "bun", "deno", "python", "python3", "uv", "docker",
    "podman",
];
/// Labels of a host that many servers have.
const COMMON_LABELS: [&str; 3] = ["mcp", "www", "api"];

/// What the server calls itself (`serverInfo`): its title, else its name.
pub(super) fn own_name(listing: &Listing) -> Option<String> {
    let server = &listing.server;
    let title = server.title.as_deref().filter(|title| !title.trim().is_empty());
    let name = sanitize::sanitize_line(title.unwrap_or(&server.name), MAX_NAME);
    let name = name.trim();
    (!name.is_empty() && name != "unknown").then(|| name.to_owned())
}

/// A name by what is known before the server has answered.
pub(super) fn suggested_name(connection: &Connection) -> String {
    let told = match (connection.url(), connection.program()) {
        (Some(url), _) => host_name(url),
        (None, Some(program)) => program_name(program.command, program.args),
        (None, None) => None,
    };
    told.unwrap_or_else(|| NAMELESS.to_owned())
}

/// The telling label of a host; an address, or this computer, tells nothing.
fn host_name(url: &str) -> Option<String> {
    let url = Url::parse(url).ok()?;
    let Some(Host::Domain(host)) = url.host() else { return None };
    let mut labels = host.split('.').filter(|label| !COMMON_LABELS.contains(label));
    labels.next().filter(|label| *label != "localhost").map(str::to_owned)
}

fn program_name(command: &str, args: &[String]) -> Option<String> {
    let program = file_stem(command)?;
    if !RUNNERS.contains(&program) {
        return Some(program.to_owned());
    }
    let told = args.iter().find(|arg| !arg.starts_with('-') && *arg != "run");
    told.and_then(|told| file_stem(told)).or(Some(program)).map(str::to_owned)
}

/// The last part of a path or package name, without version and extension.
fn file_stem(path: &str) -> Option<&str> {
    let last = path.rsplit(['/', '\\']).find(|part| !part.is_empty())?;
    let unversioned = last.char_indices().skip(1).find(|(_, c)| *c == '@').map(|(at, _)| at);
    let last = &last[..unversioned.unwrap_or(last.len())];
    let stem = last.rsplit_once('.').map_or(last, |(stem, _)| stem);
    (!stem.is_empty()).then_some(stem)
}

/// The id for a name, with a number behind it if it is taken.
pub(super) fn free_id(
    name: &str,
    is_taken: impl Fn(&IntegrationId) -> bool,
) -> Option<IntegrationId> {
    let id = IntegrationId::from_name(name).or_else(|| IntegrationId::from_name(NAMELESS))?;
    let numbered = (2..MAX_NUMBER).filter_map(|number| id.numbered(number));
    std::iter::once(id.clone()).chain(numbered).find(|id| !is_taken(id))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn names_come_from_host_or_program() {
        let remote = |url: &str| json!({"type": "remote_mcp", "url": url});
        let local = |command: &str, args: &[&str]| json!({"type": "local_mcp", "command": command, "args": args});
        for (connection, want) in [
            (remote("https://mcp.linear.app/mcp"), "linear"),
            (remote("http://127.0.0.1:9/mcp"), "server"),
            (remote("http://[::1]:9/mcp"), "server"),
            (remote("http://localhost:9/mcp"), "server"),
            (local("npx", &["-y", "@scope/server-files@1.2.3", "/tmp"]), "server-files"),
            (local("/opt/bin/notes.sh", &[]), "notes"),
            (local("docker", &["run", "-i", "mcp/fetch"]), "fetch"),
            (local("npx", &[]), "npx"),
        ] {
            let connection = serde_json::from_value(connection).unwrap();
            assert_eq!(suggested_name(&connection), want, "{connection:?}");
        }
    }

    #[test]
    fn a_taken_id_gets_a_number() {
        let taken = ["files", "files-2"];
        let free = |name| free_id(name, |id| taken.contains(&id.as_str())).unwrap();
        assert_eq!(free("Files").as_str(), "files-3");
        assert_eq!(free("127.0.0.1").as_str(), "server");
    }
}
