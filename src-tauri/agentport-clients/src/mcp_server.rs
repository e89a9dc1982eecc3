//! One MCP server as a client has it configured, independent of the client's field names.

use std::{collections::BTreeMap, time::Duration};

use serde_json::{Map, Value};

/// An entry of a client's file.
///
/// `Debug` shows no values of `env` and `headers`: secrets stand there.
#[derive(Clone, PartialEq)]
pub struct McpServer {
    /// Name of the entry.
    pub name: String,
    /// How the client starts or reaches the server.
    pub launch: Launch,
    /// The client does not use it now.
    pub disabled: bool,
    /// Tools that run without asking.
    pub auto_approve: AutoApprove,
    /// How long a call may take.
    pub timeout: Option<Duration>,
    /// How long its start may take, up to its first answer.
    pub startup_timeout: Option<Duration>,
    /// All other fields of the entry, unchanged.
    pub extra: Map<String, Value>,
}

/// How the client reaches the server.
#[derive(Clone, PartialEq, Eq, Hash)]
pub enum Launch {
    /// A child process on stdio.
    Local {
        /// Program, by name or path.
        command: String,
        /// Its arguments.
        args: Vec<String>,
        /// Environment variables by name.
        env: BTreeMap<String, String>,
        /// Working directory.
        cwd: Option<String>,
    },
    /// A server behind a URL.
    Remote {
        /// Its address.
        url: String,
        /// Headers by name.
        headers: BTreeMap<String, String>,
        /// The transport before Streamable HTTP (HTTP+SSE of revision 2024-11-05).
        sse: bool,
    },
    /// An entry that is neither for certain, and why.
    Unclear(String),
}

/// Tools of the server that the client runs without asking.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum AutoApprove {
    /// No tool.
    #[default]
    Nothing,
    /// These tools.
    Tools(Vec<String>),
    /// Every tool.
    Everything,
}
