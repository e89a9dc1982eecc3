//! Between an entry of a client's file and a [`McpServer`]: each client's names for the same things.
//!
//! What holds: reading loses nothing. What we have a word for is in the [`McpServer`]'s own fields, everything else is in
//! its `extra` as it stood; and an entry of which any part that matters cannot be read for certain is
//! [`crate::mcp_server::Launch::Unclear`], because what is taken over wrongly runs something else than the owner had.
//! A variable that a client passes on by a field of its own (`env_vars`, `bearer_token_env_var` …) is read as the
//! reference `${NAME}`, so that whoever looks for references finds it.

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

/// What our own entry leads to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// `http://127.0.0.1:4747/mcp`.
    pub mcp_url: String,
    /// The `agentport` program, by absolute path.
    pub program: PathBuf,
    /// The gateway's home, where it is not the usual one.
    pub home: Option<PathBuf>,
    /// What `agentport bridge --client` is told: the client's id, with a short hash behind it for a project's file.
    pub key_name: String,
    /// The environment variable of [`ConnectionMethod::HttpEnvironment`].
    pub variable: String,
}

/// Reads one entry. Never fails: what cannot be read is [`crate::mcp_server::Launch::Unclear`].
pub fn read(client: &Client, name: &str, entry: &Value) -> McpServer {
    read::server(client, name, entry)
}

/// Our entry as this client writes it. The key is [`crate::KEY_PLACEHOLDER`] where it stands in the file. `None` where
/// the client cannot be reached that way.
pub fn own_entry(client: &Client, via: ConnectionMethod, target: &Target) -> Option<Value> {
    agentport::entry(client, via, target)
}

/// What suits the client best in such a file: HTTP where it speaks it and the file is the user's own; in a project's
/// file, which is shared, never with a key in it.
pub fn best_via(client: &Client, scope: FileScope) -> ConnectionMethod {
    match scope {
        FileScope::User if client.speaks_http() => ConnectionMethod::Http,
        FileScope::User | FileScope::Project => ConnectionMethod::Bridge,
    }
}

/// Is it an entry of ours, and how does it reach which gateway?
///
/// It is when it is called [`ENTRY_NAME`] and leads to `/mcp` on loopback, or when it starts our program with `bridge`. Which
/// program is ours is told by more than its file's name, which is anybody's to give: under whatever name of the entry it
/// is `agentport` or `ap` as `PATH` has it, or one in a place where packages put it; and under the name [`ENTRY_NAME`] any
/// `agentport` by an absolute path that is told a client, since ours may have moved since.
///
/// Of several in one file only one counts: see [`find_own_entry`].
pub fn as_own_entry(server: &McpServer) -> Option<OwnEntry> {
    agentport::recognised(server)
}

/// The one entry of a file that counts as ours, and its place in `servers`: the one called [`ENTRY_NAME`] before any other.
pub fn find_own_entry<'a>(
    servers: impl IntoIterator<Item = &'a McpServer>,
) -> Option<(usize, OwnEntry)> {
    let all = servers.into_iter().enumerate();
    let all =
        all.filter_map(|(at, server)| Some((at, server.name == ENTRY_NAME, as_own_entry(server)?)));
    let (at, _, ours) = all.min_by_key(|(at, is_named, _)| (!is_named, *at))?;
    Some((at, ours))
}

/// Does it start something that calls itself our program, with `bridge`? Such a one is never taken over: as an
/// integration it would lead AgentPort to itself, or be a stranger in our name.
pub(crate) fn starts_own_bridge(server: &McpServer) -> bool {
    agentport::looks_like_it(server)
}

/// What our entry in a file says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnEntry {
    pub via: ConnectionMethod,
    pub mcp_url: Option<String>,
    pub home: Option<PathBuf>,
    /// The first characters of the key (`agentport_core::key::SHOWN_CHARS`), where it stands in the file.
    pub key_prefix: Option<String>,
    pub key_name: Option<String>,
}

#[cfg(test)]
mod tests;
