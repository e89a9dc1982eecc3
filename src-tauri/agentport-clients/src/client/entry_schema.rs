//! Field names and values of a client's server entries, as data from `clients.json`.

use serde::Deserialize;
use serde_json::{Map, Value};

/// Field names are as they stand in the client's file. One with `/` in it (`requestOptions/headers`) lies that deep.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct EntrySchema {
    /// Names of the field: the first is written, all are read.
    #[serde(default = "command")]
    pub(crate) command: Vec<String>,
    /// The command's field is a list that holds the arguments as well.
    #[serde(default)]
    pub(crate) argv: bool,
    #[serde(default = "args")]
    pub(crate) args: String,
    #[serde(default = "env")]
    pub(crate) env: String,
    #[serde(default)]
    pub(crate) cwd: Option<String>,
    /// Names of the URL's field: the first is written, all are read. Empty for a client without remote servers.
    #[serde(default)]
    pub(crate) url: Vec<UrlField>,
    #[serde(default = "headers")]
    pub(crate) headers: String,
    #[serde(default)]
    pub(crate) kind: Option<KindField>,
    /// A list of variables that the client passes on from its own environment.
    #[serde(default)]
    pub(crate) forwarded: Option<String>,
    /// A map of headers to the variables that hold their values.
    #[serde(default)]
    pub(crate) header_variables: Option<String>,
    /// The variable that holds the bearer token.
    #[serde(default)]
    pub(crate) bearer_variable: Option<String>,
    /// The bearer token itself, outside the headers.
    #[serde(default)]
    pub(crate) bearer: Option<String>,
    /// A nested object whose fields count as the entry's own.
    #[serde(default)]
    pub(crate) nested: Option<String>,
    /// Flags of which any disables the server.
    #[serde(default)]
    pub(crate) disabled: Vec<FlagField>,
    /// How long a call may take.
    #[serde(default)]
    pub(crate) timeout: Option<TimeoutField>,
    /// How long its start may take. The first that is set counts.
    #[serde(default)]
    pub(crate) startup_timeout: Vec<TimeoutField>,
    #[serde(default)]
    pub(crate) auto_approve: Option<ApprovalField>,
    /// How the file refers to an environment variable in a header; `NAME` stands for the variable's.
    #[serde(default)]
    pub(crate) reference: Option<String>,
    /// Fields only the client can act on (variables from a file, a sandbox, another machine). An entry in which one is
    /// set to something other than `false` cannot be moved to the gateway.
    #[serde(default)]
    pub(crate) own: Vec<String>,
    /// Further fields of AgentPort's own entry.
    #[serde(default)]
    pub(crate) ours: FixedFields,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct UrlField {
    pub(crate) field: String,
    /// The transport if no type field says which.
    pub(crate) is: TransportField,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum TransportField {
    Http,
    Sse,
}

/// The field that names the transport. Of each list of values, the first is written where `write` says so.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct KindField {
    /// Its first is written, all are read.
    pub(crate) fields: Vec<String>,
    pub(crate) local: Vec<String>,
    pub(crate) http: Vec<String>,
    #[serde(default)]
    pub(crate) sse: Vec<String>,
    #[serde(default)]
    pub(crate) write_local: bool,
    #[serde(default)]
    pub(crate) write_http: bool,
}

/// A field that is set when it has this value.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct FlagField {
    pub(crate) field: String,
    pub(crate) is: Value,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct TimeoutField {
    pub(crate) field: String,
    pub(crate) unit: TimeoutUnit,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum TimeoutUnit {
    Milliseconds,
    Seconds,
}

/// The field that lists tools that run without asking.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct ApprovalField {
    /// A list of tools.
    pub(crate) list: Option<String>,
    /// The item that means every tool.
    pub(crate) any: Option<String>,
    /// All of them.
    pub(crate) all: Option<FlagField>,
    /// A map of tools to objects with such a flag.
    pub(crate) each: Option<EachApproval>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct EachApproval {
    pub(crate) field: String,
    pub(crate) flag: FlagField,
}

/// Constant fields of AgentPort's own entry.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct FixedFields {
    /// Written first.
    pub(crate) always: Map<String, Value>,
    /// Written last.
    pub(crate) last: Map<String, Value>,
    /// Written last if the entry has a URL and a key.
    pub(crate) key: Map<String, Value>,
}

fn command() -> Vec<String> {
    vec!["command".to_owned()]
}

fn args() -> String {
    "args".to_owned()
}

fn env() -> String {
    "env".to_owned()
}

fn headers() -> String {
    "headers".to_owned()
}

#[cfg(test)]
impl EntrySchema {
    /// Is this field name already represented by a field of [`crate::mcp_server::McpServer`] (transport, flag)?
    pub(crate) fn says(&self, text: &str) -> bool {
        let kind = self.kind.iter().flat_map(|kind| [&kind.local, &kind.http, &kind.sse]);
        let approvals = self.auto_approve.iter();
        let flags =
            approvals.flat_map(|at| at.all.iter().chain(at.each.iter().map(|each| &each.flag)));
        kind.flatten().any(|word| word == text) || flags.into_iter().any(|flag| flag.is == text)
    }
}
