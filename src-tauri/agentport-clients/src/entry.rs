//! Between an entry of a client's file and a [`Server`]: each client's names for the same things.
//!
//! What holds: reading loses nothing. What we have a word for is in the [`Server`]'s own fields, everything else is in
//! its `extra` as it stood; and an entry of which any part that matters cannot be read for certain is
//! [`crate::server::Launch::Unclear`], because what is taken over wrongly runs something else than the owner had.
//! A variable that a client passes on by a field of its own (`env_vars`, `bearer_token_env_var` …) is read as the
//! reference `${NAME}`, so that whoever looks for references finds it.

mod fields;
mod ours;
mod read;

use std::path::PathBuf;

use serde_json::Value;

use crate::{
    client::Client,
    server::Server,
    types::{FileScope, Via},
};

/// The name of our entry.
pub const OURS: &str = "agentport";

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
    /// The environment variable of [`Via::HttpEnvironment`].
    pub variable: String,
}

/// Reads one entry. Never fails: what cannot be read is [`crate::server::Launch::Unclear`].
pub fn read(client: &Client, name: &str, entry: &Value) -> Server {
    read::server(client, name, entry)
}

/// Our entry as this client writes it. The key is [`crate::KEY_PLACEHOLDER`] where it stands in the file. `None` where
/// the client cannot be reached that way.
pub fn ours(client: &Client, via: Via, target: &Target) -> Option<Value> {
    ours::entry(client, via, target)
}

/// What suits the client best in such a file: HTTP where it speaks it and the file is the user's own; in a project's
/// file, which is shared, never with a key in it.
pub fn best_via(client: &Client, scope: FileScope) -> Via {
    match scope {
        FileScope::User if client.speaks_http() => Via::Http,
        FileScope::User | FileScope::Project => Via::Bridge,
    }
}

/// Is it an entry of ours, and how does it reach which gateway?
///
/// It is when it is called [`OURS`] and leads to `/mcp` on loopback, or when it starts our program with `bridge`. Which
/// program is ours is told by more than its file's name, which is anybody's to give: under whatever name of the entry it
/// is `agentport` or `ap` as `PATH` has it, or one in a place where packages put it; and under the name [`OURS`] any
/// `agentport` by an absolute path that is told a client, since ours may have moved since.
///
/// Of several in one file only one counts: see [`which_is_ours`].
pub fn as_ours(server: &Server) -> Option<Ours> {
    ours::recognised(server)
}

/// The one entry of a file that counts as ours, and its place in `servers`: the one called [`OURS`] before any other.
pub fn which_is_ours<'a>(servers: impl IntoIterator<Item = &'a Server>) -> Option<(usize, Ours)> {
    let all = servers.into_iter().enumerate();
    let all = all.filter_map(|(at, server)| Some((at, server.name == OURS, as_ours(server)?)));
    let (at, _, ours) = all.min_by_key(|(at, is_named, _)| (!is_named, *at))?;
    Some((at, ours))
}

/// Does it start something that calls itself our program, with `bridge`? Such a one is never taken over: as an
/// integration it would lead AgentPort to itself, or be a stranger in our name.
pub(crate) fn looks_like_ours(server: &Server) -> bool {
    ours::looks_like_it(server)
}

/// What our entry in a file says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ours {
    pub via: Via,
    pub mcp_url: Option<String>,
    pub home: Option<PathBuf>,
    /// The first characters of the key (`agentport_core::key::SHOWN_CHARS`), where it stands in the file.
    pub key_prefix: Option<String>,
    pub key_name: Option<String>,
}

#[cfg(test)]
mod tests;
