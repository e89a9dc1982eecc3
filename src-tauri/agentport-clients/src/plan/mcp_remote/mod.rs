//! Entries that start `mcp-remote` (npm), a program that passes messages on to a remote server. AgentPort reaches such a
//! server itself, with the same address and headers.
//!
//! What holds: an entry becomes a server only if everything it tells `mcp-remote` is understood and can be kept to. Else
//! it stays the program it is, with the reason.

mod launcher;
mod options;

use std::collections::{BTreeMap, BTreeSet};

use agentport_api::OAuthSettings;
use agentport_core::sanitize;

use self::{launcher::Started, options::Options};
use super::secrets;

/// What a command is, as far as `mcp-remote` is concerned.
pub(super) enum McpRemote {
    /// Another program.
    Other,
    /// The server behind it can be reached without it.
    Server(Box<RemoteServer>),
    /// It is needed; why, as the rest of a sentence.
    Needed(String),
}

/// A server as `mcp-remote` would reach it. `Debug` is left out: headers hold secrets.
pub(super) struct RemoteServer {
    pub(super) url: String,
    pub(super) headers: BTreeMap<String, String>,
    /// Headers whose values come from secret variables.
    pub(super) secret_headers: BTreeSet<String>,
    pub(super) oauth: Option<OAuthSettings>,
    /// Patterns of the tools that it leaves out.
    pub(super) ignored_tools: Vec<String>,
    /// Variables of the entry that nothing of the server needs.
    pub(super) unused_variables: Vec<String>,
}

impl RemoteServer {
    /// What the owner has to know of the change, in sentences. `has_secret`: a credential comes along.
    pub(super) fn notes(&self, name: &str, has_secret: bool) -> Vec<String> {
        let mut notes = Vec::new();
        if !has_secret && !is_of_this_machine(&self.url) {
            notes.push(format!(
                "{name}: mcp-remote may be signed in there; if so, sign in from AgentPort afterwards."
            ));
        }
        if !self.ignored_tools.is_empty() {
            let tools: Vec<_> =
                self.ignored_tools.iter().map(|tool| sanitize::sanitize_line(tool, 40)).collect();
            notes.push(format!(
                "{name}: mcp-remote leaves some of its tools out ({}); in AgentPort your rules decide about each.",
                tools.join(", ")
            ));
        }
        if !self.unused_variables.is_empty() {
            let names: Vec<_> = self
                .unused_variables
                .iter()
                .map(|variable| sanitize::sanitize_line(variable, 40))
                .collect();
            notes.push(format!(
                "{name}: the variables of mcp-remote are not needed any more ({}).",
                names.join(", ")
            ));
        }
        notes
    }
}

/// Variables that change how Node makes connections. The gateway does not read them.
const OF_NODE: [&str; 6] = [
    "NODE_EXTRA_CA_CERTS",
    "NODE_OPTIONS",
    "NODE_TLS_REJECT_UNAUTHORIZED",
    "NODE_USE_SYSTEM_CA",
    "SSL_CERT_DIR",
    "SSL_CERT_FILE",
];

/// Reads a command line with the variables it is started with.
pub(super) fn read(command: &str, args: &[String], env: &BTreeMap<String, String>) -> McpRemote {
    let Some(started) = launcher::find(command, args) else { return McpRemote::Other };
    match server(&started, env) {
        Ok(server) => McpRemote::Server(Box::new(server)),
        Err(why) => McpRemote::Needed(why),
    }
}

fn server(started: &Started, env: &BTreeMap<String, String>) -> Result<RemoteServer, String> {
    if let Some(why) = &started.odd {
        return Err((*why).to_owned());
    }
    let visible = started.visible(env);
    if let Some(name) = OF_NODE.iter().find(|name| visible.contains_key(**name)) {
        return Err(format!("its variable {name} changes how it connects"));
    }
    let Options { url, headers, oauth, ignored_tools } = options::read(&started.args, &visible)?;
    if started.in_container && is_of_this_machine(&url) {
        return Err("its address is one inside its container".to_owned());
    }
    let mut used = BTreeSet::new();
    let mut secret_headers = BTreeSet::new();
    let mut expanded = BTreeMap::new();
    for (name, format) in headers {
        let value = expand(&format, &visible, |variable, value| {
            used.insert(variable.to_owned());
            if secrets::is_secret_variable(variable, value) {
                secret_headers.insert(name.clone());
            }
        });
        let value = value.map_err(|variable| {
            format!("its header {name} refers to {variable}, which is none of its variables")
        })?;
        expanded.insert(name, value);
    }
    used.extend(oauth.variables);
    let unused_variables = env.keys().filter(|name| !used.contains(*name)).cloned().collect();
    Ok(RemoteServer {
        url,
        headers: expanded,
        secret_headers,
        oauth: oauth.settings,
        ignored_tools,
        unused_variables,
    })
}

/// `text` with each `${NAME}` replaced by the variable, as `mcp-remote` does it; else the reference to one there is none
/// of, which it would send as it is, or take from an environment that nobody else knows.
fn expand(
    text: &str,
    env: &BTreeMap<String, String>,
    mut on_used: impl FnMut(&str, &str),
) -> Result<String, String> {
    let mut expanded = String::new();
    let mut rest = text;
    while let Some(at) = rest.find("${") {
        let after = &rest[at + 2..];
        let Some(end) = after.find('}').filter(|end| *end > 0) else { break };
        let name = &after[..end];
        let value = env.get(name).ok_or_else(|| format!("${{{name}}}"))?;
        on_used(name, value);
        expanded.push_str(&rest[..at]);
        expanded.push_str(value);
        rest = &after[end + 1..];
    }
    expanded.push_str(rest);
    Ok(expanded)
}

/// Whether an address means something else inside a container.
fn is_of_this_machine(url: &str) -> bool {
    match url::Url::parse(url).ok().as_ref().and_then(url::Url::host) {
        Some(url::Host::Domain(name)) => name == "localhost" || name.ends_with(".internal"),
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}
