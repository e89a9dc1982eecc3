//! How a call ended, in one word, for the activity and for every API alike.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// What became of a call. `Interrupted` is what a row says that was begun and never finished.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
#[ts(export)]
pub enum OutcomeKind {
    /// The upstream answered.
    Ok,
    /// The upstream answered with its own failure (`isError`).
    ToolError,
    /// The upstream could not be reached, or broke the protocol, or took too long.
    UpstreamError,
    /// The caller withdrew the call while it ran.
    Cancelled,
    /// A rule of the owner's blocks this.
    Blocked,
    /// Waits for the owner.
    Pending,
    /// The owner said no.
    Denied,
    /// Denied without asking: the owner had denied this tool to this agent several times within minutes.
    NotAsked,
    /// The time to decide ran out.
    Expired,
    /// The owner approved it, and the agent did not come back for it in time.
    NotPickedUp,
    /// Refused before policy was asked: unknown, invalid, limits, paused, not connected.
    Refused,
    /// Begun, and the process ended before it finished.
    Interrupted,
    /// Begun, and not finished yet.
    Running,
}

impl OutcomeKind {
    /// Every outcome.
    pub const ALL: [Self; 13] = [
        Self::Ok,
        Self::ToolError,
        Self::UpstreamError,
        Self::Cancelled,
        Self::Blocked,
        Self::Pending,
        Self::Denied,
        Self::NotAsked,
        Self::Expired,
        Self::NotPickedUp,
        Self::Refused,
        Self::Interrupted,
        Self::Running,
    ];

    /// The word used on the wire and in the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::ToolError => "tool_error",
            Self::UpstreamError => "upstream_error",
            Self::Cancelled => "cancelled",
            Self::Blocked => "blocked",
            Self::Pending => "pending",
            Self::Denied => "denied",
            Self::NotAsked => "not_asked",
            Self::Expired => "expired",
            Self::NotPickedUp => "not_picked_up",
            Self::Refused => "refused",
            Self::Interrupted => "interrupted",
            Self::Running => "running",
        }
    }

    /// The outcome of this word, as [`OutcomeKind::as_str`] gives it.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_those_on_the_wire() {
        for kind in OutcomeKind::ALL {
            assert_eq!(serde_json::to_value(kind).unwrap(), kind.as_str());
            assert_eq!(OutcomeKind::parse(kind.as_str()), Some(kind));
        }
        assert_eq!(OutcomeKind::parse("Ok"), None);
    }
}
