//! The ways a call can end. MCP and REST each translate this one enum into their responses.

use agentport_core::{ApprovalId, ErrorChain, Timestamp, outcome::OutcomeKind};
use rmcp::model::ServerResult;

use crate::{catalogue::InvalidArguments, upstream::UpstreamError};

/// How a call ended.
#[derive(Debug)]
pub(crate) enum Outcome {
    /// The upstream's result, lossless except for our own secrets. May be an error result.
    Ran(Box<ServerResult>),
    /// The owner has to decide; the agent shares the link and awaits the approval.
    NeedsApproval { id: ApprovalId, expires_at: Timestamp },
    /// A rule denies it.
    Blocked,
    /// Denied without asking, after the owner denied it several times.
    DeniedAtOnce { until: Timestamp },
    /// Refused for another reason than policy, before or after it was asked.
    Refused(Refusal),
    /// The upstream failed.
    Failed { integration: String, error: UpstreamError },
    /// The upstream failed in an approved call that another request started: the stored sentence.
    FailedBefore(String),
}

/// Why a call was refused. `Display` is a plain sentence that names what was meant and says what to do next.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Refusal {
    #[error(
        "There is no integration {id:?} for you. agentport__list_installed_integrations lists those you can use."
    )]
    UnknownIntegration { id: String },
    #[error(
        "The integration {integration:?} has no tool {tool:?}. agentport__list_integration_tools(integration_id={integration:?}) lists its tools."
    )]
    UnknownTool { integration: String, tool: String },
    #[error(
        "The integration {integration:?} has not answered yet, so its tools are not known: {problem}. Try again, or ask the owner to look at it in AgentPort."
    )]
    NotConnected { integration: String, problem: String },
    #[error("The arguments of {integration}/{tool} do not match its schema. {problem}")]
    InvalidArguments { integration: String, tool: String, problem: InvalidArguments },
    #[error(
        "The owner has paused all agents. No call runs until the owner resumes them; {integration:?} was not called."
    )]
    Paused { integration: String },
    #[error(
        "{limit} requests of yours are waiting for the owner already. Await one of them with agentport__await_approval before you ask for more; {integration}/{tool} was not asked for."
    )]
    TooManyWaiting { integration: String, tool: String, limit: u32 },
    #[error(
        "You made more than {limit} calls within a minute. Wait {retry_seconds} s before the next."
    )]
    TooManyCalls { limit: u32, retry_seconds: u64 },
    #[error(
        "The definition of {integration}/{tool} changed after the owner was asked. Call it again to ask about the new one."
    )]
    Changed { integration: String, tool: String },
    #[error(
        "The integration {integration:?} does not offer its resources and prompts to agents. The owner can switch that on in AgentPort."
    )]
    NotOffered { integration: String },
    #[error(
        "AgentPort could not write down the call, so it was not made. The owner should look at the free space of the disk."
    )]
    NotRecorded,
    #[error("AgentPort could not read or write its database, so the call was not made.")]
    Storage,
    #[error(
        "The arguments of {integration}/{tool} are {kib} KiB long; a call that needs the owner may have at most 256 KiB. Send less at once."
    )]
    TooLargeToAsk { integration: String, tool: String, kib: u64 },
    #[error("Your key was revoked or has expired, so the call was not made.")]
    NotLetIn,
    #[error("AgentPort is stopping; call again when it runs.")]
    Stopping,
}

impl Refusal {
    /// Machine-readable code in REST responses, for the refusals clients have to distinguish.
    pub(crate) fn code(&self) -> Option<&'static str> {
        match self {
            Self::Paused { .. } => Some("paused"),
            Self::TooManyWaiting { .. } => Some("too_many_waiting"),
            Self::TooManyCalls { .. } => Some("too_many_calls"),
            Self::Changed { .. } => Some("changed"),
            _ => None,
        }
    }
}

impl Outcome {
    pub(crate) fn kind(&self) -> OutcomeKind {
        match self {
            Self::Ran(result) => kind_of(result),
            Self::NeedsApproval { .. } => OutcomeKind::Pending,
            Self::Blocked => OutcomeKind::Blocked,
            Self::DeniedAtOnce { .. } => OutcomeKind::NotAsked,
            Self::Refused(_) => OutcomeKind::Refused,
            Self::Failed { error, .. } => kind_of_failure(error),
            Self::FailedBefore(_) => OutcomeKind::UpstreamError,
        }
    }
}

/// An upstream's answer, as the record counts it.
pub(crate) fn kind_of(result: &ServerResult) -> OutcomeKind {
    match result {
        ServerResult::CallToolResult(result) if result.is_error == Some(true) => {
            OutcomeKind::ToolError
        }
        _ => OutcomeKind::Ok,
    }
}

pub(crate) fn kind_of_failure(error: &UpstreamError) -> OutcomeKind {
    match error {
        UpstreamError::Cancelled => OutcomeKind::Cancelled,
        _ => OutcomeKind::UpstreamError,
    }
}

/// A failed call in a plain sentence: which integration, what happened, what to do next.
pub(crate) fn failure_sentence(integration: &str, error: &UpstreamError) -> String {
    use UpstreamError as E;
    let what = ErrorChain(error).to_string();
    let what = what.trim_end_matches('.');
    let next = match error {
        E::MissingScopes { .. } => "Nothing was done; other tools go on to work.",
        E::NeedsAuth { .. } => "The owner has to renew its credential in AgentPort.",
        E::Closed { .. } | E::TimedOut { .. } | E::Cancelled => {
            "Whether the call took effect is not known; check before you call again."
        }
        E::NotStarted { .. }
        | E::CommandNotFound { .. }
        | E::Unreachable { .. }
        | E::Resting { .. } => "Try again later, or ask the owner to look at it in AgentPort.",
        E::DefinitionChanged | E::ToolGone => "Call it again to ask about what it is now.",
        E::Protocol { .. } | E::InvalidList { .. } | E::Refused(_) | E::Unknown(_) => {
            "Ask the owner to look at it in AgentPort."
        }
    };
    format!("The call to {integration:?} did not succeed: {what}. {next}")
}
