//! How an integration is reached, and everything about it that is the same wherever it is asked.
//!
//! A new transport adds a variant here and its answers to the questions below; only what opens connections, and what
//! keeps their secrets, has to know it by name.

use std::collections::BTreeMap;

use agentport_core::{placeholder::placeholders, sanitize};
use serde::{Deserialize, Serialize};
use ts_rs::TS;

use crate::OAuthSettings;

/// How an integration is reached.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[serde(tag = "type", rename_all = "snake_case")]
#[ts(export)]
pub enum Connection {
    /// A child process that speaks MCP on stdio.
    LocalMcp {
        /// The program: a path, or a name that is looked up.
        command: String,
        /// Its arguments.
        #[serde(default)]
        args: Vec<String>,
        /// Added to the cleaned environment.
        #[serde(default)]
        env: BTreeMap<String, String>,
        /// Names whose values lie in the vault.
        #[serde(default)]
        secret_env: Vec<String>,
        /// The folder it starts in; the gateway's own, if absent.
        #[serde(default)]
        cwd: Option<String>,
        /// Indexes of `args` in which `{token}` (or `{token1}`, `{token2}` …) stands for a secret in the vault. In all
        /// other arguments braces are braces.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        #[ts(as = "Option<Vec<u32>>", optional)]
        secret_args: Vec<u32>,
        /// How long a call may take, 1 to 3,600; as in the settings, if absent.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[ts(optional)]
        timeout_seconds: Option<u32>,
        /// How long it may be silent while it starts, 1 to 3,600; the usual time, if absent.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[ts(optional)]
        startup_timeout_seconds: Option<u32>,
    },
    /// An MCP server over Streamable HTTP, or HTTP+SSE (MCP 2024-11-05).
    RemoteMcp {
        /// `{token}` and the like may stand for secrets in its query.
        url: String,
        /// Header name → value, where `{token}` (or `{token1}`, `{token2}` …) stands for a secret in the vault.
        #[serde(default)]
        headers: BTreeMap<String, String>,
        /// How accounts sign in to it by OAuth; absent: they do not.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[ts(optional)]
        oauth: Option<Box<OAuthSettings>>,
        /// As for a child process.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[ts(optional)]
        timeout_seconds: Option<u32>,
    },
    /// Part of this program.
    Builtin {
        /// Which one: `demo`.
        name: String,
    },
}

/// The kinds of [`Connection`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ConnectionKind {
    /// [`Connection::LocalMcp`].
    LocalMcp,
    /// [`Connection::RemoteMcp`].
    RemoteMcp,
    /// [`Connection::Builtin`].
    Builtin,
}

impl ConnectionKind {
    /// The word for it in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::LocalMcp => "local_mcp",
            Self::RemoteMcp => "remote_mcp",
            Self::Builtin => "builtin",
        }
    }
}

/// Where a secret of a connection goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SecretPlace<'a> {
    /// The environment variable of its name.
    Variable,
    /// This argument.
    Argument(&'a str),
    /// The query of the address.
    Url,
    /// The header of this name.
    Header(&'a str),
}

/// The program a connection runs on this computer.
#[derive(Debug, Clone, Copy)]
pub struct Program<'a> {
    /// A path, or a name that is looked up.
    pub command: &'a str,
    /// Its arguments, with placeholders where secrets go.
    pub args: &'a [String],
    /// Variables added to the cleaned environment.
    pub env: &'a BTreeMap<String, String>,
    /// Names of variables whose values lie in the vault.
    pub secret_env: &'a [String],
    /// The folder it starts in; the gateway's own, if absent.
    pub cwd: Option<&'a str>,
    secret_args: &'a [u32],
}

impl Connection {
    /// Which transport it is, without its settings.
    pub fn kind(&self) -> ConnectionKind {
        match self {
            Self::LocalMcp { .. } => ConnectionKind::LocalMcp,
            Self::RemoteMcp { .. } => ConnectionKind::RemoteMcp,
            Self::Builtin { .. } => ConnectionKind::Builtin,
        }
    }

    /// Is it part of this program, with nothing to connect to?
    pub fn is_builtin(&self) -> bool {
        self.kind() == ConnectionKind::Builtin
    }

    /// The address of a remote server and the headers that go with every request.
    pub fn remote(&self) -> Option<(&str, &BTreeMap<String, String>)> {
        match self {
            Self::RemoteMcp { url, headers, .. } => Some((url, headers)),
            Self::LocalMcp { .. } | Self::Builtin { .. } => None,
        }
    }

    /// The same, to be changed.
    pub fn remote_mut(&mut self) -> Option<(&mut String, &mut BTreeMap<String, String>)> {
        match self {
            Self::RemoteMcp { url, headers, .. } => Some((url, headers)),
            Self::LocalMcp { .. } | Self::Builtin { .. } => None,
        }
    }

    /// The address of a remote server, placeholders included.
    pub fn url(&self) -> Option<&str> {
        self.remote().map(|(url, _)| url)
    }

    /// The headers of a remote server, placeholders included.
    pub fn headers(&self) -> Option<&BTreeMap<String, String>> {
        self.remote().map(|(_, headers)| headers)
    }

    /// How accounts sign in to it by OAuth.
    pub fn oauth(&self) -> Option<&OAuthSettings> {
        match self {
            Self::RemoteMcp { oauth, .. } => oauth.as_deref(),
            Self::LocalMcp { .. } | Self::Builtin { .. } => None,
        }
    }

    /// The same, to be set; `None`: it is no remote server.
    pub fn oauth_mut(&mut self) -> Option<&mut Option<Box<OAuthSettings>>> {
        match self {
            Self::RemoteMcp { oauth, .. } => Some(oauth),
            Self::LocalMcp { .. } | Self::Builtin { .. } => None,
        }
    }

    /// What runs on this computer.
    pub fn program(&self) -> Option<Program<'_>> {
        match self {
            Self::LocalMcp { command, args, env, secret_env, cwd, secret_args, .. } => {
                Some(Program { command, args, env, secret_env, cwd: cwd.as_deref(), secret_args })
            }
            Self::RemoteMcp { .. } | Self::Builtin { .. } => None,
        }
    }

    /// How long a call may take, in seconds; `None`: as in the settings.
    pub fn timeout_seconds(&self) -> Option<u32> {
        match self {
            Self::LocalMcp { timeout_seconds, .. } | Self::RemoteMcp { timeout_seconds, .. } => {
                *timeout_seconds
            }
            Self::Builtin { .. } => None,
        }
    }

    /// Sets that; what is built in has no such time.
    pub fn set_timeout_seconds(&mut self, seconds: Option<u32>) {
        match self {
            Self::LocalMcp { timeout_seconds, .. } | Self::RemoteMcp { timeout_seconds, .. } => {
                *timeout_seconds = seconds;
            }
            Self::Builtin { .. } => {}
        }
    }

    /// How long it may be silent while it starts, in seconds; `None`: the usual time.
    pub fn startup_timeout_seconds(&self) -> Option<u32> {
        match self {
            Self::LocalMcp { startup_timeout_seconds, .. } => *startup_timeout_seconds,
            Self::RemoteMcp { .. } | Self::Builtin { .. } => None,
        }
    }

    /// The secrets it asks for, with their places: each name at every place, in the order the places are filled.
    pub fn secrets(&self) -> Vec<(&str, SecretPlace<'_>)> {
        let mut all = Vec::new();
        if let Some(program) = self.program() {
            all.extend(program.secret_env.iter().map(|name| (&**name, SecretPlace::Variable)));
            for arg in program.secret_args() {
                all.extend(placeholders(arg).map(|name| (name, SecretPlace::Argument(arg))));
            }
        }
        if let Some((url, headers)) = self.remote() {
            all.extend(placeholders(query_of(url)).map(|name| (name, SecretPlace::Url)));
            for (header, format) in headers {
                let names = placeholders(format);
                all.extend(names.map(|name| (name, SecretPlace::Header(header))));
            }
        }
        all
    }

    /// What it runs or where it leads, in a few words. Secrets are placeholders.
    pub fn summary(&self) -> String {
        match (self.program(), self.url()) {
            (Some(program), _) => program.words().collect::<Vec<_>>().join(" "),
            (None, Some(url)) => url.to_owned(),
            (None, None) => "part of AgentPort".to_owned(),
        }
    }

    /// The same in full, as the end of a sentence: what cannot be read cannot be agreed to. Variables stand before the
    /// command, for they decide as much of what runs as its words do.
    pub fn sentence(&self) -> String {
        match (self.program(), self.url()) {
            (Some(program), _) => format!("which runs {}", program.line()),
            (None, Some(url)) => format!("which is at {}", sanitize::sanitize_line(url, url.len())),
            (None, None) => "which is built in".to_owned(),
        }
    }
}

impl<'a> Program<'a> {
    /// The command and its arguments.
    pub fn words(self) -> impl Iterator<Item = &'a str> {
        std::iter::once(self.command).chain(self.args.iter().map(String::as_str))
    }

    /// Everything that decides what runs, on one line: variables, words and folder. Secrets are placeholders.
    pub fn line(self) -> String {
        let variables = self.env.iter().map(|(name, value)| format!("{name}={value}"));
        let words = variables.chain(self.words().map(str::to_owned));
        let line = words.map(|word| quoted(&word)).collect::<Vec<_>>().join(" ");
        match self.cwd {
            Some(folder) => format!("{line} in the folder {}", quoted(folder)),
            None => line,
        }
    }

    /// The arguments that hold secrets.
    pub fn secret_args(self) -> impl Iterator<Item = &'a str> {
        let at = move |&place: &u32| self.args.get(usize::try_from(place).ok()?);
        self.secret_args.iter().filter_map(at).map(String::as_str)
    }
}

fn quoted(word: &str) -> String {
    let odd =
        word.contains(char::is_whitespace) || sanitize::sanitize_line(word, word.len()) != word;
    match word.is_empty() || odd {
        true => format!("{word:?}"),
        false => word.to_owned(),
    }
}

/// The query of a URL as it is written; empty if there is none.
pub fn query_of(url: &str) -> &str {
    let url = url.split_once('#').map_or(url, |(before, _)| before);
    url.split_once('?').map_or("", |(_, query)| query)
}
