//! The owner's decision about an approval. Only the control API calls this.

use std::time::Duration;

use agentport_api::{Approve, Event, GrantChoice};
use agentport_core::{
    ApprovalId, RuleId, Timestamp,
    approval::{Approval, Audience, Grant, State, StateName, WithdrawnBecause, WrongState},
    arguments::ArgumentsHash,
    audit::{Actor, AuditAction},
    policy::{Condition, Mode, Origin, Rule, Scope},
    sanitize,
};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{Approvals, CallKey};
use crate::{
    catalogue::{InvalidArguments, PublishedTool, managed_tools::INSTALL},
    clock,
    directory::TokenKey,
    store::{StoreError, Transition},
};

/// Longest reason a denial carries.
const MAX_REASON: usize = 500;

/// Why a decision did not take effect.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DecideError {
    #[error("there is no request {0}")]
    Unknown(ApprovalId),
    #[error("{0}; somebody decided it before")]
    WrongState(#[from] WrongState),
    #[error("the edited arguments do not match the tool's schema: {0}")]
    InvalidArguments(InvalidArguments),
    #[error("edited arguments have to be a JSON object")]
    NotAnObject,
    #[error("a session is one agent's; a grant for every agent lasts for a time or always")]
    WhoseSession,
    #[error("changes of what is installed are approved one at a time")]
    OnceOnly,
    #[error("a grant for a time lasts from 1 minute to 7 days")]
    BadMinutes,
    #[error(
        "the tool's definition changed after the agent asked, so the request was withdrawn; the agent has to ask again"
    )]
    Changed,
    #[error("the decision could not be stored")]
    Store(#[from] StoreError),
}

impl Approvals {
    /// The owner says yes. The call runs when the agent comes for it.
    pub(crate) async fn approve(
        &self,
        id: ApprovalId,
        choice: &Approve,
    ) -> Result<Approval, DecideError> {
        let now = clock::now();
        let mut before = self.services.store.approval(id).await?.ok_or(DecideError::Unknown(id))?;
        if matches!(before.state, State::Expired { .. }) {
            // The agent may have asked again since: then that request is the one to decide, not a second beside it.
            before = self.open_twin(before).await?;
        }
        let id = before.id;
        let from = before.state.name();
        let published = self.services.catalogue.published(&before.integration, &before.tool);
        if published.as_ref().is_none_or(|tool| tool.digest != before.digest) {
            self.withdraw(before, WithdrawnBecause::DefinitionChanged).await?;
            return Err(DecideError::Changed);
        }
        let edited = match &choice.arguments {
            None => None,
            Some(arguments) => {
                Some(self.edited_arguments(&before, arguments, published.as_deref())?)
            }
        };
        let grant = grant(&choice.grant, now)?;
        if grant == Grant::Session && choice.audience == Audience::EveryAgent {
            return Err(DecideError::WhoseSession);
        }
        if grant != Grant::Once && published.as_ref().is_some_and(|tool| tool.manages()) {
            return Err(DecideError::OnceOnly);
        }
        let renewed = now.plus(self.services.settings.approval_lifetime());
        let approval = before.approve(grant, choice.audience, edited, now, renewed)?;
        if self.services.store.transition(&approval, from).await? == Transition::LostRace {
            return Err(self.lost_race(id, StateName::Approved).await?);
        }
        // At once: an agent that comes for it now must not find it as it was.
        self.open.publish_state(&approval);
        self.grant_beyond(&approval, grant, choice.audience, now).await?;
        let also_waiting =
            if choice.also_waiting { self.approve_also_waiting(&approval).await? } else { 0 };
        self.announce(
            &approval,
            AuditAction::ApprovalApproved,
            json!({
                "grant": grant,
                "audience": choice.audience,
                "edited": approval.edited(),
                "also_waiting": also_waiting,
            }),
        )
        .await;
        Ok(approval)
    }

    /// The arguments the owner put in place of the agent's, checked against the tool's schema, with their hash.
    fn edited_arguments(
        &self,
        asked: &Approval,
        arguments: &Value,
        published: Option<&PublishedTool>,
    ) -> Result<(Value, ArgumentsHash), DecideError> {
        if !arguments.is_object() {
            return Err(DecideError::NotAnObject);
        }
        let arguments = self.edited(asked, arguments);
        if let Some(tool) = published {
            tool.validate(&arguments).map_err(DecideError::InvalidArguments)?;
        }
        let hash = ArgumentsHash::of(&arguments);
        Ok((arguments, hash))
    }

    /// The open approval for the same call as a missed one, or the missed one itself.
    async fn open_twin(&self, missed: Approval) -> Result<Approval, StoreError> {
        let Some(twin) = self.open.open_for(&CallKey::from_approval(&missed)) else {
            return Ok(missed);
        };
        let open = self.services.store.approval(twin).await?;
        Ok(open.filter(|open| open.state == State::Pending).unwrap_or(missed))
    }

    /// The arguments as the owner edited them; a token in them is withheld from what is stored.
    fn edited(&self, approval: &Approval, arguments: &Value) -> Value {
        let mut arguments = arguments.clone();
        if approval.tool == INSTALL
            && let Value::Object(fields) = &mut arguments
        {
            let key = TokenKey { agent: approval.agent, integration: &approval.integration };
            let life = self.services.settings.approval_lifetime() * 2;
            self.services.tokens.stash_from_owner(key, fields, clock::now(), life);
        }
        arguments
    }

    /// The owner says no.
    pub(crate) async fn deny(
        &self,
        id: ApprovalId,
        reason: Option<&str>,
    ) -> Result<Approval, DecideError> {
        let before = self.services.store.approval(id).await?.ok_or(DecideError::Unknown(id))?;
        let from = before.state.name();
        let reason = reason
            .map(|reason| sanitize::sanitize_line(reason, MAX_REASON))
            .filter(|r| !r.is_empty());
        let approval = before.deny(reason, clock::now())?;
        let action = AuditAction::ApprovalDenied;
        let denied = self.transition(&approval, from, action, Value::Null).await?;
        if denied == Transition::LostRace {
            return Err(self.lost_race(id, StateName::Denied).await?);
        }
        self.announce_denial(&approval).await?;
        Ok(approval)
    }

    /// What was asked for can no longer be. Does nothing if the request is no longer open.
    pub(crate) async fn withdraw(
        &self,
        before: Approval,
        because: WithdrawnBecause,
    ) -> Result<(), StoreError> {
        let from = before.state.name();
        let Ok(approval) = before.withdraw(because, clock::now()) else { return Ok(()) };
        let detail = json!({ "because": because });
        // Decided or expired meanwhile, there is nothing to withdraw.
        let _ = self.transition(&approval, from, AuditAction::ApprovalWithdrawn, detail).await?;
        Ok(())
    }

    /// Takes an approval to its new state: in the database, for the calls that wait, in its activity row, for the screens
    /// and in the audit, in this order. [`Transition::LostRace`]: nothing was done.
    pub(super) async fn transition(
        &self,
        approval: &Approval,
        from: StateName,
        action: AuditAction,
        detail: Value,
    ) -> Result<Transition, StoreError> {
        if self.services.store.transition(approval, from).await? == Transition::LostRace {
            return Ok(Transition::LostRace);
        }
        self.open.publish_state(approval);
        self.close_record(approval);
        self.announce(approval, action, detail).await;
        Ok(Transition::Applied)
    }

    /// Announces the new state of an approval to the screens, and writes it into the audit.
    pub(super) async fn announce(&self, approval: &Approval, action: AuditAction, detail: Value) {
        self.services
            .events
            .send(Event::Approval { id: approval.id, state: approval.state.name() });
        let actor = match approval.state {
            State::Approved { .. } | State::Denied { .. } => Actor::Owner,
            _ => Actor::System,
        };
        self.services.audit.record(actor, action, &approval.id.to_string(), detail).await;
    }

    /// Another transition was first: says to which state.
    async fn lost_race(
        &self,
        id: ApprovalId,
        wanted: StateName,
    ) -> Result<DecideError, StoreError> {
        let now = self.services.store.approval(id).await?;
        Ok(now.map_or(DecideError::Unknown(id), |approval| {
            WrongState { id, is: approval.state.name(), wanted }.into()
        }))
    }

    /// Makes the rule a grant beyond this one call stands for.
    async fn grant_beyond(
        &self,
        approval: &Approval,
        grant: Grant,
        audience: Audience,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let Some(rule) = rule_for(approval, grant, audience, now) else { return Ok(()) };
        if matches!(grant, Grant::Always) {
            let replaced = self.services.store.replace_tool_rule(&rule).await?;
            self.services.policy.undo.replaced(rule.id, replaced);
        } else {
            self.services.store.insert_rule(&rule).await?;
        }
        self.services.policy.reload().await
    }
}

fn grant(choice: &GrantChoice, now: Timestamp) -> Result<Grant, DecideError> {
    Ok(match *choice {
        GrantChoice::Once => Grant::Once,
        GrantChoice::Exact => Grant::Exact,
        GrantChoice::For { minutes } => {
            if !(1..=7 * 24 * 60).contains(&minutes) {
                return Err(DecideError::BadMinutes);
            }
            Grant::Until { at: now.plus(Duration::from_secs(u64::from(minutes) * 60)) }
        }
        GrantChoice::Session => Grant::Session,
        GrantChoice::Always => Grant::Always,
    })
}

/// The rule a grant makes; none for a single call.
fn rule_for(approval: &Approval, grant: Grant, audience: Audience, now: Timestamp) -> Option<Rule> {
    let mut rule = Rule {
        id: RuleId(Uuid::now_v7()),
        scope: Scope::Tool {
            integration: approval.integration.clone(),
            tool: approval.tool.clone(),
        },
        mode: Mode::Allow,
        agent: match audience {
            Audience::ThisAgent => Some(approval.agent),
            Audience::EveryAgent => None,
        },
        conditions: Vec::new(),
        digest: Some(approval.digest),
        expires_at: None,
        session: false,
        origin: Origin::Approval { id: approval.id },
        created_at: now,
    };
    match grant {
        Grant::Once => return None,
        Grant::Exact => {
            rule.conditions = vec![Condition::ArgumentsAre { hash: approval.arguments_hash }];
        }
        Grant::Until { at } => rule.expires_at = Some(at),
        Grant::Session => rule.session = true,
        Grant::Always => {}
    }
    Some(rule)
}
