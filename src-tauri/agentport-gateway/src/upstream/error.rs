//! Errors of upstreams: of a start, a probe or a call.

use std::{io, path::PathBuf, sync::Arc, time::Duration};

use agentport_core::{IntegrationId, Timestamp};
use rmcp::model::ErrorData;

/// Why a call, a probe or a start failed.
///
/// `Display` is a plain sentence (without its full stop) that an agent or the owner can act on. It never holds a
/// secret: addresses are shown without user information, query and fragment; headers, arguments and environments are
/// never shown; what a server says is redacted before it is quoted.
#[derive(Debug, Clone, thiserror::Error)]
pub(crate) enum UpstreamError {
    /// The command of a local server could not be run at all.
    #[error("the command {command:?} {}", not_started(.source))]
    NotStarted {
        command: String,
        #[source]
        source: Arc<io::Error>,
    },
    /// No directory of the PATH holds the command of a local server.
    #[error("the command {command:?} was not found; looked in {}", shown_directories(.searched))]
    CommandNotFound { command: String, searched: Vec<PathBuf> },
    /// A remote server does not answer, or a local one ended before the handshake.
    #[error("{what} {problem}")]
    Unreachable { what: String, problem: String },
    /// The credential is missing or was refused (HTTP 401, or 403 with a challenge).
    #[error("{message}")]
    NeedsAuth {
        message: String,
        /// The scheme it asks for in `WWW-Authenticate` (RFC 9110, section 11.6.1), if it names one.
        scheme: Option<String>,
    },
    /// The account lacks permissions for this request (403, `insufficient_scope`). Others go on to work.
    #[error("{message}")]
    MissingScopes { message: String },
    /// The upstream took longer than it may. It was told that the call is cancelled.
    #[error("the server did not answer within {} s", .after.as_secs_f32().ceil())]
    TimedOut { after: Duration },
    /// The agent withdrew the call, or the gateway or the integration is being stopped.
    #[error("the call was cancelled")]
    Cancelled,
    /// The connection ended while the call ran. Whether the call had an effect is not known.
    #[error("the server stopped during the call; {last_words}")]
    Closed { last_words: String },
    /// The upstream does not keep to the protocol.
    #[error("the server does not keep to the MCP protocol: {problem}")]
    Protocol { problem: String },
    /// The upstream answered with a JSON-RPC error, passed through as it came.
    #[error("{}", .0.message)]
    Refused(ErrorData),
    /// A list of tools, prompts or resources cannot be used; the last good one stays in force.
    #[error("the server sent an invalid list of {list}: {problem}")]
    InvalidList { list: &'static str, problem: String },
    /// It failed recently and is not started before `retry_at`, unless the owner restarts it.
    #[error("{message}; it is tried again at {retry_at}")]
    Resting { message: String, retry_at: Timestamp },
    /// The tool is defined otherwise than it was when the call was judged. The call was not sent.
    #[error("the definition of the tool has changed")]
    DefinitionChanged,
    /// The server no longer has the tool. The call was not sent.
    #[error("the server no longer has this tool")]
    ToolGone,
    /// No integration of that id is connected.
    #[error("no integration {:?} is connected", .0.as_str())]
    Unknown(IntegrationId),
}

fn shown_directories(searched: &[PathBuf]) -> String {
    let all: Vec<_> = searched.iter().map(|directory| directory.display().to_string()).collect();
    if all.is_empty() { "no directory, for PATH is empty".to_owned() } else { all.join(", ") }
}

fn not_started(source: &io::Error) -> &'static str {
    match source.kind() {
        io::ErrorKind::NotFound => "or its working directory does not exist",
        io::ErrorKind::PermissionDenied => "may not be executed",
        _ => "could not be started",
    }
}

/// Why one attempt at a request failed.
#[derive(Debug)]
pub(super) enum AttemptError {
    /// The connection had ended before the upstream took the request: worth one more try on a new connection. With
    /// what the upstream said, if it did.
    Stale(Option<UpstreamError>),
    /// The connection is unusable.
    Lost(UpstreamError),
    Failed(UpstreamError),
}

impl AttemptError {
    /// The error to report when no further attempt is made.
    pub(super) fn into_error(self) -> UpstreamError {
        match self {
            Self::Stale(None) => {
                UpstreamError::Closed { last_words: "the connection had ended".to_owned() }
            }
            Self::Stale(Some(error)) | Self::Lost(error) | Self::Failed(error) => error,
        }
    }
}

impl From<UpstreamError> for AttemptError {
    fn from(error: UpstreamError) -> Self {
        Self::Failed(error)
    }
}
