//! Translates between an entry of a client's file and a [`McpServer`].
//!
//! Reading loses nothing: known fields become fields of the [`McpServer`], all others its `extra`, unchanged. An entry in
//! which anything that decides what runs cannot be read for certain is [`crate::mcp_server::Launch::Unclear`], because a
//! wrong reading would run something else than the owner configured. A variable that a client passes on by a field of its
//! own (`env_vars`, `bearer_token_env_var` …) is read as the reference `${NAME}`, like references in values.

mod agentport;
mod fields;
mod read;

use std::path::PathBuf;

use serde_json::Value;

use crate::{
    client::Client,
    mcp_server::McpServer,
    types::{ConnectionMethod, FileScope},
};

/// The name of our entry.
pub const ENTRY_NAME: &str = "agentport";

/// What AgentPort's own entry has to point to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EntryTarget {
    /// `http://127.0.0.1:4747/mcp`.
    pub mcp_url: String,
    /// The `agentport` program, by absolute path.
    pub program: PathBuf,
    /// The gateway's data directory, if not the default one.
    pub home: Option<PathBuf>,
    /// Value for `agentport bridge --client`: the client's id, with a short hash appended for a project's file.
    pub key_name: String,
    /// The environment variable of [`ConnectionMethod::HttpEnvironment`].
    pub variable: String,
}

/// Reads one entry. Never fails: what cannot be read is [`crate::mcp_server::Launch::Unclear`].
pub fn read(client: &Client, name: &str, entry: &Value) -> McpServer {
    read::server(client, name, entry)
}

/// AgentPort's entry in this client's format. A key in it is [`crate::KEY_PLACEHOLDER`]. `None` if the client does not
/// support `via`.
pub fn own_entry(client: &Client, via: ConnectionMethod, target: &EntryTarget) -> Option<Value> {
    agentport::entry(client, via, target)
}

/// The best connection method for such a file: by OAuth if the client does that, else HTTP with a key if the client speaks
/// it, both in the user's own file. A project's file is shared with others, so it never gets a key; its bridge is an agent
/// of its own, which a client that signs in would not be.
pub fn best_via(client: &Client, scope: FileScope) -> ConnectionMethod {
    match scope {
        FileScope::User if client.sign_in().is_some() => ConnectionMethod::OAuth,
        FileScope::User if client.speaks_http() => ConnectionMethod::Http,
        FileScope::User | FileScope::Project => ConnectionMethod::Bridge,
    }
}

/// Is it an entry of ours, and how does it reach which gateway?
///
/// It is if it is called [`ENTRY_NAME`] and its URL is `/mcp` on loopback, or if it starts AgentPort's program with `bridge`.
/// A file name alone does not identify the program, since any program can have it. Accepted are: under any entry name,
/// `agentport` or `ap` without a path, or at a path where packages install it; under [`ENTRY_NAME`], also any absolute path
/// to `agentport` with `--client`, because the program may have been moved.
///
/// Of several in one file only one counts: see [`find_own_entry`].
pub fn as_own_entry(server: &McpServer) -> Option<OwnEntry> {
    agentport::recognised(server)
}

/// The entry of a file that counts as AgentPort's, and its index: the one called [`ENTRY_NAME`] before any other.
pub fn find_own_entry<'a>(
    servers: impl IntoIterator<Item = &'a McpServer>,
) -> Option<(usize, OwnEntry)> {
    let all = servers.into_iter().enumerate();
    let all =
        all.filter_map(|(at, server)| Some((at, server.name == ENTRY_NAME, as_own_entry(server)?)));
    let (at, _, ours) = all.min_by_key(|(at, is_named, _)| (!is_named, *at))?;
    Some((at, ours))
}

/// Does it start a program named like AgentPort's with `bridge`? Such an entry is never moved to the gateway: it would
/// connect AgentPort to itself, or is another program under its name.
pub(crate) fn starts_own_bridge(server: &McpServer) -> bool {
    agentport::looks_like_it(server)
}

/// AgentPort's entry as found in a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnEntry {
    /// How the entry reaches the gateway.
    pub via: ConnectionMethod,
    /// Its URL, if it has one.
    pub mcp_url: Option<String>,
    /// The data directory the bridge is started for, if it names one.
    pub home: Option<PathBuf>,
    /// The first characters of the key (`agentport_core::key::SHOWN_CHARS`), where it stands in the file.
    pub key_prefix: Option<String>,
    /// Name of the stored key the bridge is started with.
    pub key_name: Option<String>,
}

#[cfg(test)]
mod tests;
