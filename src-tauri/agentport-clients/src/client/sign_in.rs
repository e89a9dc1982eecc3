//! How a client signs in at an MCP server by OAuth (MCP Authorization), as data from `clients.json`.

use agentport_api::{AgentSignIn, RedirectTarget};
use serde::Deserialize;

/// What a client registers with (RFC 7591), and how the person begins its sign-in.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClientSignIn {
    /// The names it registers, each also with more in parentheses behind it.
    names: Vec<String>,
    /// It may listen on loopback for the answer (RFC 8252, section 7.3).
    #[serde(default)]
    loopback: bool,
    /// Schemes of the addresses by which it may be sent the answer (section 7.1).
    #[serde(default)]
    schemes: Vec<String>,
    /// Hosts of the web pages that may pass the answer on to it.
    #[serde(default)]
    sites: Vec<String>,
    /// What the person has to do for it to sign in, as a sentence.
    first_use: String,
    /// URLs that these facts come from.
    sources: Vec<String>,
}

impl ClientSignIn {
    /// What the person has to do for the client to sign in, as a sentence.
    pub fn first_use(&self) -> &str {
        &self.first_use
    }

    /// URLs that these facts come from.
    pub fn sources(&self) -> &[String] {
        &self.sources
    }

    /// Did probably this client sign in so? The name is the client's own word, so this proves nothing: it decides what is
    /// shown, never what is let in.
    pub fn fits(&self, sign_in: &AgentSignIn) -> bool {
        let said = sign_in.client_name.as_str();
        let is_named = self.names.iter().any(|name| {
            said.strip_prefix(name.as_str())
                .is_some_and(|rest| rest.is_empty() || rest.starts_with(" ("))
        });
        let leads_to_it = match &sign_in.redirect {
            RedirectTarget::Loopback { .. } => self.loopback,
            RedirectTarget::App { scheme } => self.schemes.contains(scheme),
            RedirectTarget::Site { host } => self.sites.contains(host),
        };
        is_named && leads_to_it && !sign_in.remote
    }
}

#[cfg(test)]
mod tests {
    use agentport_core::Timestamp;

    use super::*;
    use crate::client::Client;

    fn sign_in(client_name: &str, redirect: RedirectTarget) -> AgentSignIn {
        AgentSignIn {
            client_name: client_name.to_owned(),
            redirect,
            valid: 1,
            granted_at: Timestamp(0),
            refreshed_at: None,
            expires_at: None,
            remote: false,
        }
    }

    fn clients_of(sign_in: &AgentSignIn) -> Vec<&'static str> {
        let fits = |client: &&Client| client.sign_in().is_some_and(|how| how.fits(sign_in));
        Client::all().iter().filter(fits).map(|client| client.id.as_str()).collect()
    }

    #[test]
    fn a_client_is_recognised_by_its_name_and_redirect() {
        let loopback = || RedirectTarget::Loopback { port: 3118 };
        let app = |scheme: &str| RedirectTarget::App { scheme: scheme.to_owned() };
        let site = |host: &str| RedirectTarget::Site { host: host.to_owned() };
        for (name, redirect, want) in [
            ("Claude Code", loopback(), vec!["claude-code"]),
            ("Claude Code (agentport)", loopback(), vec!["claude-code"]),
            ("Claude Code", app("claude"), vec!["claude-code"]),
            ("Claude Codex", loopback(), vec![]),
            ("Claude Code", site("claude.ai"), vec![]),
            ("Cursor", app("cursor"), vec!["cursor"]),
            ("Cursor", app("cursed"), vec![]),
            ("Cursor", site("www.cursor.com"), vec!["cursor"]),
            ("Cursor", site("cursor.example"), vec![]),
            ("Visual Studio Code", site("vscode.dev"), vec!["vscode"]),
            ("Visual Studio Code - Insiders", site("insiders.vscode.dev"), vec!["vscode-insiders"]),
            ("Gemini CLI MCP Client", loopback(), vec!["gemini-cli"]),
            ("Codex", loopback(), vec!["codex"]),
            ("OpenCode", loopback(), vec!["opencode"]),
            ("Zed", loopback(), vec!["zed"]),
            ("", loopback(), vec![]),
        ] {
            assert_eq!(clients_of(&sign_in(name, redirect.clone())), want, "{name} {redirect:?}");
        }
        let remote = AgentSignIn { remote: true, ..sign_in("Cursor", app("cursor")) };
        assert_eq!(clients_of(&remote), [""; 0], "no file of this computer led there");
    }

    #[test]
    fn facts_about_sign_ins_have_sources() {
        let signing = Client::all().iter().filter_map(|client| Some((client, client.sign_in()?)));
        let mut count = 0;
        for (client, how) in signing {
            count += 1;
            assert!(client.speaks_http(), "{}: OAuth is for HTTP", client.id);
            assert!(!how.names.is_empty() && how.first_use.ends_with('.'), "{}", client.id);
            assert!(!how.sources.is_empty(), "{}: no sources", client.id);
            assert!(how.sources.iter().all(|url| url.starts_with("https://")), "{}", client.id);
        }
        assert!(count >= 9, "{count}");
    }
}
