//! Local MCP servers: child processes that speak JSON-RPC on standard input and output (MCP 2026-07-28, Basic,
//! Transports, stdio).

pub(super) mod activity;
pub(super) mod child;
pub(super) mod environment;
pub(super) mod leftovers;
mod process_tree;
pub(super) mod search_path;
mod spawner;
pub(super) mod stderr;
pub(super) mod transport;

use std::path::PathBuf;

use arc_swap::ArcSwap;

use self::search_path::SearchPath;

/// What all local servers of a gateway share.
#[derive(Debug, Default)]
pub(super) struct LocalServers {
    pub(super) search_path: SearchPath,
    /// Names of variables the owner lets local servers inherit.
    pub(super) inherited: ArcSwap<Vec<String>>,
    /// Directory in which running process groups are recorded.
    pub(super) records: Option<PathBuf>,
}
