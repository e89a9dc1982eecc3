//! Which client a bridge stands for: the name it asks to be let in under, and the file its sign-in is kept in.

use std::path::Path;

use agentport_clients::client::Client;
use agentport_core::{mcp, sanitize};
use agentport_setup::bridge_sign_in::SignInFile;
use serde::Deserialize;
use serde_json::{Map, Value};

/// Longest name of a client that is shown.
const MAX_NAME: usize = 64;
/// Longest part of a file's name that follows from a client's.
const MAX_SLUG: usize = 60;
/// The name of a bridge whose client does not say what it is.
const NAMELESS: &str = "agentport bridge";

#[derive(Debug, Clone)]
pub(super) struct Identity {
    pub(super) file: SignInFile,
    /// Shown to the owner, unverified.
    pub(super) name: String,
    /// Where the answer would be sent; nothing opens it, the bridge waits for the answer itself.
    pub(super) redirect_uri: String,
}

impl Identity {
    /// Of `--client <key_name>`. `None`: the name cannot be a file's.
    pub(super) fn of_client(home: &Path, key_name: &str) -> Option<Self> {
        Self::new(home, key_name, named_client(key_name))
    }

    /// Of a bridge without `--client`, by what its client says of itself in a request (`clientInfo`).
    pub(super) fn of_request(home: &Path, request: &[u8]) -> Option<Self> {
        let said = client_info_name(request).unwrap_or_default();
        let name = match sanitize::sanitize_line(&said, MAX_NAME) {
            name if name.is_empty() => NAMELESS.to_owned(),
            name => name,
        };
        Self::new(home, &format!("bridge-{}", slug(&name)), name)
    }

    fn new(home: &Path, key_name: &str, name: String) -> Option<Self> {
        let file = SignInFile::of(home, key_name)?;
        let name = file.read().name.unwrap_or(name);
        Some(Self { file, name, redirect_uri: format!("agentport-bridge:/{key_name}") })
    }
}

/// `cursor` → `Cursor`, `cursor-0123abcd` (a project's) → `Cursor (0123abcd)`, anything else as it is.
fn named_client(key_name: &str) -> String {
    if let Some(client) = Client::by_id(key_name) {
        return client.name.clone();
    }
    match key_name.rsplit_once('-') {
        Some((id, project)) => match Client::by_id(id) {
            Some(client) => format!("{} ({project})", client.name),
            None => key_name.to_owned(),
        },
        None => key_name.to_owned(),
    }
}

/// The client's name in `initialize`, or in the `_meta` of a stateless request.
fn client_info_name(request: &[u8]) -> Option<String> {
    #[derive(Deserialize)]
    struct Request {
        params: Params,
    }
    #[derive(Deserialize)]
    struct Params {
        #[serde(default, rename = "clientInfo")]
        client_info: Value,
        #[serde(default, rename = "_meta")]
        meta: Map<String, Value>,
    }
    let Request { params } = serde_json::from_slice(request).ok()?;
    let info = params.meta.get(mcp::CLIENT_KEY).unwrap_or(&params.client_info);
    info["name"].as_str().map(str::to_owned)
}

fn slug(name: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' };
    let text: String = name.chars().take(MAX_SLUG).map(plain).collect();
    text.trim_matches('-').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bridge_is_called_as_its_client() {
        let home = tempfile::tempdir().unwrap();
        let of_client = |name: &str| Identity::of_client(home.path(), name).map(|one| one.name);
        for (key_name, want) in [
            ("claude-desktop", Some("Claude Desktop")),
            ("cursor-0123abcd", Some("Cursor (0123abcd)")),
            ("something-else", Some("something-else")),
            ("../cursor", None),
        ] {
            assert_eq!(of_client(key_name).as_deref(), want, "{key_name}");
        }
        let file = SignInFile::of(home.path(), "cursor-0123abcd").unwrap();
        file.update(|kept| kept.name = Some("Cursor (shop)".to_owned())).unwrap();
        assert_eq!(of_client("cursor-0123abcd").as_deref(), Some("Cursor (shop)"));
    }

    #[test]
    fn without_a_client_it_is_called_as_that_calls_itself() {
        let home = tempfile::tempdir().unwrap();
        for (request, name, redirect) in [
            (
                r#"{"params":{"clientInfo":{"name":"My Agent!"}}}"#,
                "My Agent!",
                "agentport-bridge:/bridge-my-agent",
            ),
            (
                r#"{"params":{"_meta":{"io.modelcontextprotocol/clientInfo":{"name":"new"}}}}"#,
                "new",
                "agentport-bridge:/bridge-new",
            ),
            (r#"{"params":{}}"#, NAMELESS, "agentport-bridge:/bridge-agentport-bridge"),
            ("{", NAMELESS, "agentport-bridge:/bridge-agentport-bridge"),
        ] {
            let identity = Identity::of_request(home.path(), request.as_bytes()).unwrap();
            assert_eq!((identity.name.as_str(), identity.redirect_uri.as_str()), (name, redirect));
        }
    }
}
