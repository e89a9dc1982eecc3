//! Counts what bypasses AgentPort in a client: servers it uses directly, and plain-text secrets in their entries.

use std::{collections::BTreeSet, ops::AddAssign};

use super::{
    references,
    secrets::{self, CollectedSecrets},
};
use crate::{
    entry,
    mcp_server::{Launch, McpServer},
    types::BypassView,
};

/// Counts over one file, or over all files of a client.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct BypassCounts {
    /// Servers that are switched on and not ours.
    pub servers: u32,
    /// Secrets in entries that are not ours, switched on or off. References to variables are none.
    pub secrets_in_clear: u32,
}

impl BypassCounts {
    /// Of a file with these servers.
    pub fn in_servers(servers: &[McpServer]) -> Self {
        let own = entry::find_own_entry(servers).map(|(at, _)| at);
        let mut bypass = Self::default();
        for (at, server) in servers.iter().enumerate() {
            if own != Some(at) {
                bypass.servers += u32::from(!server.disabled);
                bypass.secrets_in_clear += secrets_in_clear(server);
            }
        }
        bypass
    }

    /// With the sentence that every surface shows; `None` where nothing bypasses AgentPort.
    pub fn view(self, client: &str) -> Option<BypassView> {
        let Self { servers, secrets_in_clear } = self;
        let secrets = match secrets_in_clear {
            1 => "1 secret".to_owned(),
            many => format!("{many} secrets"),
        };
        let start = match servers {
            0 => String::new(),
            1 => format!("1 server of {client} still bypasses AgentPort"),
            many => format!("{many} servers of {client} still bypass AgentPort"),
        };
        let sentence = match (servers, secrets_in_clear) {
            (0, 0) => return None,
            (0, _) => format!("{secrets} in clear in servers of {client} that are switched off."),
            (_, 0) => format!("{start}."),
            (_, _) => format!("{start} ({secrets} in clear)."),
        };
        Some(BypassView { servers, secrets_in_clear, sentence })
    }
}

impl AddAssign for BypassCounts {
    fn add_assign(&mut self, other: Self) {
        self.servers += other.servers;
        self.secrets_in_clear += other.secrets_in_clear;
    }
}

fn secrets_in_clear(server: &McpServer) -> u32 {
    let mut kept = CollectedSecrets::default();
    match &server.launch {
        Launch::Local { args, env, .. } => {
            secrets::in_env(env.clone(), &mut kept);
            secrets::in_args(args, &mut kept);
        }
        Launch::Remote { url, headers, .. } => {
            // Secrets found before it turned out that it cannot be moved count too.
            let _ = secrets::bare_url(url, &mut kept);
            let _ = secrets::bare_headers(headers.clone(), &BTreeSet::new(), &mut kept);
        }
        Launch::Unclear(_) => {}
    }
    let in_clear = kept.secrets.values().filter(|it| references::first(it.expose()).is_none());
    u32::try_from(in_clear.count()).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::client::Client;

    fn sentence(entries: &[(&str, serde_json::Value)]) -> Option<String> {
        let cursor = Client::by_id("cursor").unwrap();
        let servers: Vec<McpServer> =
            entries.iter().map(|(name, entry)| entry::read(cursor, name, entry)).collect();
        BypassCounts::in_servers(&servers).view("Cursor").map(|view| view.sentence)
    }

    #[test]
    fn bypassing_servers_are_one_sentence() {
        let own = json!({ "url": "http://127.0.0.1:4747/mcp", "headers": { "Authorization": "Bearer ap_x" } });
        let github =
            json!({ "command": "npx", "args": ["gh"], "env": { "GITHUB_TOKEN": "fake-1" } });
        let remote =
            json!({ "url": "https://h.test/mcp", "headers": { "Authorization": "Bearer fake-2" } });
        let clean =
            json!({ "command": "npx", "args": ["files"], "env": { "A_TOKEN": "${A_TOKEN}" } });
        assert_eq!(sentence(&[("agentport", own.clone())]), None);
        assert_eq!(
            sentence(&[("agentport", own), ("github", github.clone()), ("remote", remote)])
                .unwrap(),
            "2 servers of Cursor still bypass AgentPort (2 secrets in clear)."
        );
        assert_eq!(
            sentence(&[("files", clean)]).unwrap(),
            "1 server of Cursor still bypasses AgentPort."
        );
        let mut off = github;
        off["disabled"] = json!(true);
        let cline = Client::by_id("cline").unwrap();
        let off = BypassCounts::in_servers(&[entry::read(cline, "github", &off)]);
        assert_eq!(off, BypassCounts { servers: 0, secrets_in_clear: 1 });
        assert_eq!(
            off.view("Cline").unwrap().sentence,
            "1 secret in clear in servers of Cline that are switched off."
        );
    }
}
