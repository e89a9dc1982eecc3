//! What the servers of a file are, in a line each, for lists of them.
//!
//! What holds: no secret of the file, nothing that looks like one, and no character that is not what it looks like
//! stands in any of them. Where nobody has told the secrets of an entry from the rest, as little of it is shown as tells
//! one from the other.

use std::collections::BTreeMap;

use agentport_core::sanitize;

use super::{McpRemotePrograms, imports, mask::SecretMask};
use crate::{
    client::Place,
    mcp_server::{Launch, McpServer},
};

/// Longest, in characters.
const MAX_SUMMARY_CHARS: usize = 160;

/// By the server's name.
pub struct ServerSummaries {
    mask: SecretMask,
    known: BTreeMap<String, String>,
}

impl ServerSummaries {
    /// For the servers of `content`.
    pub fn of(place: &Place, content: &[u8]) -> Self {
        let imports = imports(place, Some(content), McpRemotePrograms::None).unwrap_or_default();
        let mut mask = SecretMask::default();
        mask.add_file(place, content);
        for import in &imports {
            import.secrets.values().for_each(|secret| mask.add(secret.expose()));
        }
        let known =
            imports.into_iter().map(|import| (import.server, import.launch.brief())).collect();
        Self { mask, known }
    }

    /// Its command line or URL, without secrets.
    pub fn server(&self, server: &McpServer) -> String {
        let summary = match self.known.get(&server.name) {
            Some(known) => known.clone(),
            None => launch_summary(&server.launch),
        };
        sanitize::sanitize_line(&self.mask.apply(&summary), MAX_SUMMARY_CHARS)
    }
}

/// Not searched for secrets.
fn launch_summary(launch: &Launch) -> String {
    match launch {
        Launch::Local { command, .. } => program(command).to_owned(),
        Launch::Remote { url, .. } => match url::Url::parse(url) {
            Ok(url) => {
                // A path may be the secret: many an address has its key there.
                let rest = if matches!(url.path(), "" | "/") { "" } else { "/…" };
                format!("{}{rest}", url.origin().ascii_serialization())
            }
            Err(_) => "a URL".to_owned(),
        },
        Launch::Unclear(why) => why.clone(),
    }
}

/// The program of a command in which a whole command line stands, as some write it. Only a path has blanks of its own.
pub(super) fn program(command: &str) -> &str {
    let command = command.trim_start();
    let blank = |at: &usize| {
        let rest = command[*at..].trim_start();
        rest.starts_with('-') || !command[..*at].contains(['/', '\\'])
    };
    let blanks = command.match_indices(char::is_whitespace).map(|(at, _)| at);
    blanks.into_iter().find(blank).map_or(command, |at| &command[..at])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        client::{Client, FileFormat},
        document::Document,
        entry,
        types::FileScope,
    };

    fn check(entry: &str, want: &str) {
        let place = Place {
            client: Client::by_id("cursor").unwrap(),
            scope: FileScope::User,
            path: "mcp.json".into(),
            target: "mcp.json".into(),
            format: FileFormat::Json,
            container: vec!["mcpServers".to_owned()],
        };
        let content = format!(r#"{{ "mcpServers": {{ "a": {entry} }} }}"#);
        let document = Document::parse(&place, Some(content.as_bytes())).unwrap();
        let (name, value) = document.servers().unwrap().remove(0);
        let server = entry::read(place.client, &name, &value);
        let summary = ServerSummaries::of(&place, content.as_bytes()).server(&server);
        assert_eq!(summary, want, "{entry}");
    }

    #[test]
    fn summaries_hold_no_secrets() {
        check(r#"{ "command": "npx", "args": ["-y", "x"] }"#, "npx -y x");
        check(r#"{ "command": "C:\\Program Files\\x.exe" }"#, "C:\\Program Files\\x.exe");
        // A command line in the place of a program.
        check(r#"{ "command": "mysql -pfakepw0002 --password fakepw0003" }"#, "mysql");
        check(r#"{ "command": "/usr/bin/mysql -pfakepw0002" }"#, "/usr/bin/mysql");
        check(r#"{ "command": "env PASSWORD=fakepw0002 x" }"#, "env");
        // One that stays in the client.
        check(r#"{ "command": "x", "args": ["--password", "fakepw0003", "${input:a}"] }"#, "x");
        check(
            r#"{ "url": "https://example.test/fakepath0001/mcp", "auth": { "CLIENT_ID": "x" } }"#,
            "https://example.test/…",
        );
        check(r#"{ "url": "https://example.test/mcp" }"#, "https://example.test/mcp");
    }

    #[test]
    fn invisible_characters_are_removed() {
        check(r#"{ "command": "a\u202eb\u0007\u200bc\n" }"#, "abc");
    }
}
