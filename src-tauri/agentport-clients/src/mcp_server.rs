//! One MCP server as a client has it, whatever the client calls its fields.

use std::{collections::BTreeMap, time::Duration};

use serde_json::{Map, Value};

/// An entry of a client's file.
///
/// `Debug` shows no values of `env` and `headers`: secrets stand there.
#[derive(Clone, PartialEq)]
pub struct McpServer {
    pub name: String,
    pub launch: Launch,
    pub disabled: bool,
    pub auto_approve: AutoApprove,
    /// How long a call may take.
    pub timeout: Option<Duration>,
    /// How long its start may take, up to its first answer.
    pub startup_timeout: Option<Duration>,
    /// What else the entry has, as it stands there: keys we have no word for.
    pub extra: Map<String, Value>,
}

/// How the client reaches the server.
#[derive(Clone, PartialEq, Eq, Hash)]
pub enum Launch {
    Local {
        command: String,
        args: Vec<String>,
        env: BTreeMap<String, String>,
        cwd: Option<String>,
    },
    Remote {
        url: String,
        headers: BTreeMap<String, String>,
        /// The transport before Streamable HTTP (HTTP+SSE of revision 2024-11-05).
        sse: bool,
    },
    /// An entry we cannot read as either, and why.
    Unclear(String),
}

/// What the client runs without asking.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum AutoApprove {
    #[default]
    Nothing,
    Tools(Vec<String>),
    Everything,
}
