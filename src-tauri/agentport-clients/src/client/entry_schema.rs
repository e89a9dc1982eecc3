//! What a client calls the parts of an entry.

use serde::Deserialize;
use serde_json::{Map, Value};

/// Field names are as they stand in the client's file. One with `/` in it (`requestOptions/headers`) lies that deep.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct EntrySchema {
    /// Its first is written, all are read.
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
    /// Its first is written, all are read. Empty for a client that knows no URLs.
    #[serde(default)]
    pub(crate) url: Vec<Url>,
    #[serde(default = "headers")]
    pub(crate) headers: String,
    #[serde(default)]
    pub(crate) kind: Option<Kind>,
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
    /// An object whose fields stand for the entry's own where it is one.
    #[serde(default)]
    pub(crate) nested: Option<String>,
    /// Any of them switches it off.
    #[serde(default)]
    pub(crate) disabled: Vec<Flag>,
    /// How long a call may take.
    #[serde(default)]
    pub(crate) timeout: Option<Timeout>,
    /// How long its start may take. The first that is set counts.
    #[serde(default)]
    pub(crate) startup_timeout: Vec<Timeout>,
    #[serde(default)]
    pub(crate) auto_approve: Option<Approvals>,
    /// How the file refers to an environment variable in a header; `NAME` stands for the variable's.
    #[serde(default)]
    pub(crate) reference: Option<String>,
    /// What only the client can act on (variables from a file, a sandbox, a machine elsewhere). An entry that has one
    /// of these, other than `false`, cannot be taken over as it stands.
    #[serde(default)]
    pub(crate) own: Vec<String>,
    /// What else our own entry has to have.
    #[serde(default)]
    pub(crate) ours: Fixed,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Url {
    pub(crate) field: String,
    /// What it is where no type says so.
    pub(crate) is: Transport,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Transport {
    Http,
    Sse,
}

/// The field that says what an entry is. Of each list of words, the first is written where `write` says so.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Kind {
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

/// A field that means something when it has this value.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Flag {
    pub(crate) field: String,
    pub(crate) is: Value,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Timeout {
    pub(crate) field: String,
    pub(crate) unit: Unit,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Unit {
    Milliseconds,
    Seconds,
}

/// Where an entry says what runs without asking.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Approvals {
    /// A list of tools.
    pub(crate) list: Option<String>,
    /// The word in it that stands for all of them.
    pub(crate) any: Option<String>,
    /// All of them.
    pub(crate) all: Option<Flag>,
    /// A map of tools to objects with such a flag.
    pub(crate) each: Option<Each>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Each {
    pub(crate) field: String,
    pub(crate) flag: Flag,
}

/// Fields our own entry has beside what it is made of.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Fixed {
    /// Put first.
    pub(crate) always: Map<String, Value>,
    /// Put last.
    pub(crate) last: Map<String, Value>,
    /// Put last as well, where it is a URL.
    pub(crate) http: Map<String, Value>,
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
    /// Is this a word whose meaning is in a field of the server's own (its kind, a flag)?
    pub(crate) fn says(&self, text: &str) -> bool {
        let kind = self.kind.iter().flat_map(|kind| [&kind.local, &kind.http, &kind.sse]);
        let approvals = self.auto_approve.iter();
        let flags =
            approvals.flat_map(|at| at.all.iter().chain(at.each.iter().map(|each| &each.flag)));
        kind.flatten().any(|word| word == text) || flags.into_iter().any(|flag| flag.is == text)
    }
}
