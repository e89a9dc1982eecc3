//! One request for the owner's decision, and its life.
//!
//! ```text
//! Pending ─┬─> Approved ─┬─> Running ──> Done
//!          ├─> Denied    ├─> Expired     (not picked up)
//!          ├─> Expired   └─> Withdrawn
//!          └─> Withdrawn
//!
//! Expired ───> Approved                  (the owner lets the next identical call through)
//! ```
//!
//! Transitions consume the approval and fail, naming both states, where the picture has no arrow. What always holds:
//! a request runs at most once, since nothing leads back to `Approved` from `Running` on; and only within its expiry.
//!
//! Deliberately absent: rules. A grant beyond *once* makes one, which the gateway makes.

pub mod sentences;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use ts_rs::TS;

use crate::{
    AccountId, AgentId, ApprovalId, IntegrationId, Timestamp, arguments::ArgumentsHash,
    outcome::OutcomeKind, tool::DefinitionDigest,
};

/// How much an approval allows beyond the call that asked. Ordered from narrow to wide.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[ts(export)]
pub enum Grant {
    /// This call, once.
    Once,
    /// This tool with exactly these arguments, from now on.
    Exact,
    /// This tool, until then.
    Until {
        /// When it ends.
        at: Timestamp,
    },
    /// This tool, while the agent's session lasts.
    Session,
    /// This tool, from now on.
    Always,
}

/// For whom a grant is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
#[ts(export)]
pub enum Audience {
    /// The agent that asked.
    #[default]
    ThisAgent,
    /// Every agent, those let in later as well.
    EveryAgent,
}

/// Why a request can no longer be decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
#[ts(export)]
pub enum WithdrawnBecause {
    /// The agent was shut out: its key was revoked, or its sign-ins were ended.
    AgentRevoked,
    /// The integration is gone.
    IntegrationRemoved,
    /// The upstream no longer offers the tool.
    ToolGone,
    /// The tool is no longer what the owner would judge.
    DefinitionChanged,
}

/// Where an approval stands, with what belongs to that state.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(tag = "state", rename_all = "snake_case")]
#[ts(export)]
pub enum State {
    /// Not decided yet.
    Pending,
    /// The owner said yes (`at`); it waits for the agent.
    Approved {
        /// When the owner said yes.
        at: Timestamp,
        /// How much that allows.
        grant: Grant,
        /// For whom.
        audience: Audience,
    },
    /// The call was begun (`started_at`) and has not ended.
    Running {
        /// When the owner said yes.
        at: Timestamp,
        /// How much that allows.
        grant: Grant,
        /// For whom.
        audience: Audience,
        /// When the call began.
        started_at: Timestamp,
    },
    /// The call has ended.
    Done {
        /// When the owner said yes.
        at: Timestamp,
        /// How much that allows.
        grant: Grant,
        /// For whom.
        audience: Audience,
        /// When the call ended.
        finished_at: Timestamp,
        /// How it ended.
        outcome: OutcomeKind,
    },
    /// The owner said no, in these words if in any.
    Denied {
        /// When the owner said no.
        at: Timestamp,
        /// The owner's words for the agent.
        reason: Option<String>,
    },
    /// Not decided in time ("missed"), or approved and not picked up.
    Expired {
        /// When the time ran out.
        at: Timestamp,
        /// When the owner had approved it; absent where the owner did not decide.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[ts(optional)]
        approved_at: Option<Timestamp>,
    },
    /// What it asked for can no longer be.
    Withdrawn {
        /// When that was found.
        at: Timestamp,
        /// Why.
        because: WithdrawnBecause,
    },
}

impl State {
    /// Its name alone.
    pub fn name(&self) -> StateName {
        match self {
            Self::Pending => StateName::Pending,
            Self::Approved { .. } => StateName::Approved,
            Self::Running { .. } => StateName::Running,
            Self::Done { .. } => StateName::Done,
            Self::Denied { .. } => StateName::Denied,
            Self::Expired { .. } => StateName::Expired,
            Self::Withdrawn { .. } => StateName::Withdrawn,
        }
    }
}

/// A state's name alone, as the database and filters use it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
#[ts(export)]
pub enum StateName {
    /// [`State::Pending`].
    Pending,
    /// [`State::Approved`].
    Approved,
    /// [`State::Running`].
    Running,
    /// [`State::Done`].
    Done,
    /// [`State::Denied`].
    Denied,
    /// [`State::Expired`].
    Expired,
    /// [`State::Withdrawn`].
    Withdrawn,
}

impl StateName {
    /// Every state, in the order of a request's life.
    pub const ALL: [Self; 7] = [
        Self::Pending,
        Self::Approved,
        Self::Running,
        Self::Done,
        Self::Denied,
        Self::Expired,
        Self::Withdrawn,
    ];

    /// The word used on the wire and in the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Approved => "approved",
            Self::Running => "running",
            Self::Done => "done",
            Self::Denied => "denied",
            Self::Expired => "expired",
            Self::Withdrawn => "withdrawn",
        }
    }
}

impl std::fmt::Display for StateName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A request and where it stands.
#[derive(Debug, Clone, PartialEq)]
pub struct Approval {
    /// Its own. The `<uuid>` in `/approve/<uuid>`.
    pub id: ApprovalId,
    /// Who asks.
    pub agent: AgentId,
    /// Where the tool is.
    pub integration: IntegrationId,
    /// The account it is about, which the call then uses. Absent where the integration has none.
    pub account: Option<AccountId>,
    /// The tool's name as its upstream gives it.
    pub tool: String,
    /// The definition the request was made under; what runs is bound to it.
    pub digest: DefinitionDigest,
    /// What runs: as the agent sent it, or as the owner edited it.
    pub arguments: Value,
    /// Hash of the arguments the agent sent. A repeat of the call is known by it, edited or not.
    pub asked_hash: ArgumentsHash,
    /// Hash of `arguments`. Differs from `asked_hash` when the owner edited them.
    pub arguments_hash: ArgumentsHash,
    /// The agent's own words. Never the only thing shown.
    pub additional_info: Option<String>,
    /// When the agent asked.
    pub created_at: Timestamp,
    /// Until then it can be decided, and what was approved be run.
    pub expires_at: Timestamp,
    /// Where it stands.
    pub state: State,
}

/// The approval is not in a state from which that is possible.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("request {id} is {is}, so it cannot be {wanted}")]
pub struct WrongState {
    /// The request.
    pub id: ApprovalId,
    /// Where it stands. An approved request whose time has run out counts as expired, marked so or not.
    pub is: StateName,
    /// Where it should have gone.
    pub wanted: StateName,
}

impl Approval {
    /// Has its time run out? Says nothing of a request that was decided or runs.
    pub fn overdue(&self, now: Timestamp) -> bool {
        matches!(self.state, State::Pending | State::Approved { .. }) && self.expires_at <= now
    }

    /// Did the owner change the arguments?
    pub fn edited(&self) -> bool {
        self.asked_hash != self.arguments_hash
    }

    /// The owner says yes. An expired request may be approved too: it then waits until `expires_at` for the agent to
    /// repeat the call. `edited` replaces the arguments, with their hash.
    pub fn approve(
        mut self,
        grant: Grant,
        audience: Audience,
        edited: Option<(Value, ArgumentsHash)>,
        now: Timestamp,
        expires_at: Timestamp,
    ) -> Result<Self, WrongState> {
        match self.state {
            State::Pending if !self.overdue(now) => {}
            State::Pending | State::Expired { .. } => self.expires_at = expires_at,
            _ => return Err(self.wrong(StateName::Approved)),
        }
        if let Some((arguments, hash)) = edited {
            self.arguments = arguments;
            self.arguments_hash = hash;
        }
        self.state = State::Approved { at: now, grant, audience };
        Ok(self)
    }

    /// The owner says no.
    pub fn deny(mut self, reason: Option<String>, now: Timestamp) -> Result<Self, WrongState> {
        match self.state {
            State::Pending => {
                self.state = State::Denied { at: now, reason };
                Ok(self)
            }
            _ => Err(self.wrong(StateName::Denied)),
        }
    }

    /// Time ran out: not decided, or approved and not picked up.
    pub fn expire(mut self, now: Timestamp) -> Result<Self, WrongState> {
        match self.state {
            State::Pending => {
                self.state = State::Expired { at: now, approved_at: None };
                Ok(self)
            }
            State::Approved { at, .. } => {
                self.state = State::Expired { at: now, approved_at: Some(at) };
                Ok(self)
            }
            _ => Err(self.wrong(StateName::Expired)),
        }
    }

    /// What it asked for can no longer be.
    pub fn withdraw(
        mut self,
        because: WithdrawnBecause,
        now: Timestamp,
    ) -> Result<Self, WrongState> {
        match self.state {
            State::Pending | State::Approved { .. } => {
                self.state = State::Withdrawn { at: now, because };
                Ok(self)
            }
            _ => Err(self.wrong(StateName::Withdrawn)),
        }
    }

    /// The call begins. From here on there is no second run.
    pub fn start(mut self, now: Timestamp) -> Result<Self, WrongState> {
        match self.state {
            State::Approved { .. } if self.overdue(now) => {
                Err(WrongState { is: StateName::Expired, ..self.wrong(StateName::Running) })
            }
            State::Approved { at, grant, audience } => {
                self.state = State::Running { at, grant, audience, started_at: now };
                Ok(self)
            }
            _ => Err(self.wrong(StateName::Running)),
        }
    }

    /// The call has ended.
    pub fn finish(mut self, outcome: OutcomeKind, now: Timestamp) -> Result<Self, WrongState> {
        match self.state {
            State::Running { at, grant, audience, .. } => {
                self.state = State::Done { at, grant, audience, finished_at: now, outcome };
                Ok(self)
            }
            _ => Err(self.wrong(StateName::Done)),
        }
    }

    fn wrong(&self, wanted: StateName) -> WrongState {
        WrongState { id: self.id, is: self.state.name(), wanted }
    }
}

#[cfg(test)]
mod tests;
