//! Repeated denials: a tool the owner denied several times within minutes is denied without asking for a while.
//!
//! It ends by itself, when the owner chooses "Ask me again", or when the owner makes a rule about the tool afterwards.

use std::{collections::HashMap, time::Duration};

use agentport_api::Event;
use agentport_core::{
    AgentId, ApprovalId, IntegrationId, Timestamp,
    approval::{Approval, State, StateName},
    policy::Reason,
};
use serde_json::json;

use super::Approvals;
use crate::{
    clock,
    store::{self, ApprovalFilter},
};

/// Denials of a tool to an agent …
const DENIALS: usize = 3;
/// … within this time …
const DENIALS_WITHIN: Duration = Duration::from_secs(10 * 60);
/// … and the tool is denied without asking for this long.
const DENIED_FOR: Duration = Duration::from_secs(15 * 60);
/// Most denied requests looked at for the list. Requests cost the owner a decision each, so there are never that many.
const MAX_LISTED: u32 = 500;

/// A tool that is denied to an agent without asking.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ActiveDenial {
    /// The request denied last.
    pub(crate) id: ApprovalId,
    pub(crate) agent: AgentId,
    pub(crate) integration: IntegrationId,
    pub(crate) tool: String,
    pub(crate) until: Timestamp,
}

impl Approvals {
    /// Until when this tool is denied to this agent without asking. `reason` is why the rules ask: a rule the owner made
    /// after the last denial is an answer to it.
    pub(super) async fn denied_until(
        &self,
        agent: AgentId,
        integration: &IntegrationId,
        tool: &str,
        reason: Reason,
        now: Timestamp,
    ) -> store::Result<Option<Timestamp>> {
        let since = now.minus(DENIALS_WITHIN + DENIED_FOR);
        let mut denials =
            self.services.store.recent_denials(agent, integration, tool, since).await?;
        if let Reason::Rule { id } = reason
            && let Some(last) = denials.last()
            && self.services.policy.rules().rule(id).is_some_and(|rule| rule.created_at >= *last)
        {
            return Ok(None);
        }
        denials.sort_unstable();
        Ok(denied_until(&denials, now))
    }

    /// Every tool that is denied without asking now.
    pub(crate) async fn active_denials(&self) -> store::Result<Vec<ActiveDenial>> {
        let now = clock::now();
        let since = now.minus(DENIALS_WITHIN + DENIED_FOR);
        let filter =
            ApprovalFilter { states: vec![StateName::Denied], agent: None, limit: MAX_LISTED };
        let mut last_denied: HashMap<(AgentId, IntegrationId, String), Approval> = HashMap::new();
        for approval in self.services.store.approvals(filter).await? {
            let Some(at) = denied_at(&approval).filter(|at| *at >= since) else { continue };
            let key = (approval.agent, approval.integration.clone(), approval.tool.clone());
            let known = last_denied.get(&key).and_then(denied_at);
            if known.is_none_or(|known| known < at) {
                last_denied.insert(key, approval);
            }
        }
        let mut active = Vec::new();
        for ((agent, integration, tool), last) in last_denied {
            let reason = self
                .services
                .catalogue
                .published(&integration, &tool)
                .map_or(Reason::NoRule, |tool| {
                    self.services.policy.decide(&tool, agent, None, now).reason
                });
            let until = self.denied_until(agent, &integration, &tool, reason, now).await?;
            if let Some(until) = until {
                active.push(ActiveDenial { id: last.id, agent, integration, tool, until });
            }
        }
        active.sort_by_key(|denial| denial.until);
        Ok(active)
    }

    /// The owner wants to be asked again. `None`: that denial does not hold (any more).
    pub(crate) async fn end_denial(&self, id: ApprovalId) -> store::Result<Option<ActiveDenial>> {
        let active = self.active_denials().await?;
        let Some(denial) = active.into_iter().find(|denial| denial.id == id) else {
            return Ok(None);
        };
        let ActiveDenial { agent, integration, tool, .. } = &denial;
        self.services.store.reset_denials(*agent, integration, tool, clock::now()).await?;
        let detail = json!({ "agent": agent, "integration": integration, "tool": tool });
        self.services.audit.record("owner", "denial.ended", &id.to_string(), detail).await;
        self.services.events.send(Event::Policy);
        Ok(Some(denial))
    }

    /// After a denial: tells the screens when from now on the tool is denied without asking.
    pub(super) async fn announce_denial(&self, denied: &Approval) -> store::Result<()> {
        let now = clock::now();
        let until = self
            .denied_until(denied.agent, &denied.integration, &denied.tool, Reason::NoRule, now)
            .await?;
        if until.is_some() {
            self.services.events.send(Event::Policy);
        }
        Ok(())
    }
}

fn denied_at(approval: &Approval) -> Option<Timestamp> {
    match approval.state {
        State::Denied { at, .. } => Some(at),
        _ => None,
    }
}

/// `denials` in order of time.
fn denied_until(denials: &[Timestamp], now: Timestamp) -> Option<Timestamp> {
    denials
        .windows(DENIALS)
        .filter(|few| few[DENIALS - 1].since(few[0]) <= DENIALS_WITHIN)
        .map(|few| few[DENIALS - 1].plus(DENIED_FOR))
        .rfind(|until| now < *until)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_denials_in_ten_minutes() {
        let minute = |m: i64| Timestamp(m * 60_000);
        let check = |minutes: &[i64], now: i64, want: Option<i64>| {
            let denials: Vec<_> = minutes.iter().copied().map(minute).collect();
            assert_eq!(denied_until(&denials, minute(now)), want.map(minute), "{minutes:?} {now}");
        };
        check(&[], 0, None);
        check(&[1, 2], 3, None);
        check(&[1, 2, 3], 4, Some(18));
        check(&[1, 2, 3], 18, None);
        check(&[1, 6, 12], 13, None);
        check(&[1, 2, 3, 13], 14, Some(18));
        check(&[1, 6, 10, 11], 12, Some(26));
    }
}
