//! An approval's state as columns of the table `approvals`, both ways.

use agentport_core::{
    Timestamp,
    approval::{Audience, Grant, State, WithdrawnBecause},
    outcome::OutcomeKind,
};

use super::{Columns, Result};

/// The columns that depend on the state. What a state does not have is null.
#[derive(Default)]
pub(super) struct StateColumns<'a> {
    pub(super) decided_at: Option<i64>,
    pub(super) approved_at: Option<i64>,
    pub(super) granted: Option<&'static str>,
    pub(super) granted_until: Option<i64>,
    pub(super) audience: Option<&'static str>,
    pub(super) started_at: Option<i64>,
    pub(super) finished_at: Option<i64>,
    pub(super) outcome: Option<&'static str>,
    pub(super) reason: Option<&'a str>,
    pub(super) withdrawn_because: Option<&'static str>,
}

impl<'a> StateColumns<'a> {
    pub(super) fn of(state: &'a State) -> Self {
        match state {
            State::Pending => Self::default(),
            State::Approved { at, grant, audience } => Self::yes(*at, *grant, *audience),
            State::Running { at, grant, audience, started_at } => {
                Self { started_at: Some(started_at.0), ..Self::yes(*at, *grant, *audience) }
            }
            State::Done { at, grant, audience, finished_at, outcome } => Self {
                finished_at: Some(finished_at.0),
                outcome: Some(outcome.as_str()),
                ..Self::yes(*at, *grant, *audience)
            },
            State::Denied { at, reason } => {
                Self { decided_at: Some(at.0), reason: reason.as_deref(), ..Self::default() }
            }
            State::Expired { at, approved_at } => Self {
                decided_at: Some(at.0),
                approved_at: approved_at.map(|at| at.0),
                ..Self::default()
            },
            State::Withdrawn { at, because } => Self {
                decided_at: Some(at.0),
                withdrawn_because: Some(because_word(*because)),
                ..Self::default()
            },
        }
    }

    fn yes(at: Timestamp, grant: Grant, audience: Audience) -> Self {
        let (granted, until) = match grant {
            Grant::Once => ("once", None),
            Grant::Exact => ("exact", None),
            Grant::Until { at } => ("until", Some(at.0)),
            Grant::Session => ("session", None),
            Grant::Always => ("always", None),
        };
        Self {
            decided_at: Some(at.0),
            granted: Some(granted),
            granted_until: until,
            audience: Some(match audience {
                Audience::ThisAgent => "this_agent",
                Audience::EveryAgent => "every_agent",
            }),
            ..Self::default()
        }
    }
}

fn because_word(because: WithdrawnBecause) -> &'static str {
    match because {
        WithdrawnBecause::AgentRevoked => "agent_revoked",
        WithdrawnBecause::IntegrationRemoved => "integration_removed",
        WithdrawnBecause::ToolGone => "tool_gone",
        WithdrawnBecause::DefinitionChanged => "definition_changed",
    }
}

/// Reads a state. Every datum the state carries must be there; anything else is corrupt.
pub(super) fn read(columns: &Columns<'_>) -> Result<State> {
    let at = || columns.moment("decided_at");
    Ok(match columns.get("state")? {
        "pending" => State::Pending,
        "approved" => {
            State::Approved { at: at()?, grant: grant(columns)?, audience: audience(columns)? }
        }
        "running" => State::Running {
            at: at()?,
            grant: grant(columns)?,
            audience: audience(columns)?,
            started_at: columns.moment("started_at")?,
        },
        "done" => State::Done {
            at: at()?,
            grant: grant(columns)?,
            audience: audience(columns)?,
            finished_at: columns.moment("finished_at")?,
            outcome: columns.word("outcome", OutcomeKind::parse)?,
        },
        "denied" => State::Denied { at: at()?, reason: columns.opt_text("reason")? },
        "expired" => State::Expired { at: at()?, approved_at: columns.opt_moment("approved_at")? },
        "withdrawn" => State::Withdrawn {
            at: at()?,
            because: columns.word("withdrawn_because", |word| {
                [
                    WithdrawnBecause::AgentRevoked,
                    WithdrawnBecause::IntegrationRemoved,
                    WithdrawnBecause::ToolGone,
                    WithdrawnBecause::DefinitionChanged,
                ]
                .into_iter()
                .find(|because| because_word(*because) == word)
            })?,
        },
        other => return Err(columns.corrupt(format!("state: unknown word {other:?}"))),
    })
}

fn grant(columns: &Columns<'_>) -> Result<Grant> {
    Ok(match columns.get("granted")? {
        "once" => Grant::Once,
        "exact" => Grant::Exact,
        "until" => Grant::Until { at: columns.moment("granted_until")? },
        "session" => Grant::Session,
        "always" => Grant::Always,
        other => return Err(columns.corrupt(format!("granted: unknown word {other:?}"))),
    })
}

fn audience(columns: &Columns<'_>) -> Result<Audience> {
    columns.word("audience", |word| match word {
        "this_agent" => Some(Audience::ThisAgent),
        "every_agent" => Some(Audience::EveryAgent),
        _ => None,
    })
}
