//! Repeated denials: a tool the owner denied several times within minutes is denied without asking for a while.
//!
//! It ends by itself, when the owner chooses "Ask me again", or when the owner makes a rule about the tool afterwards.

use std::{collections::HashMap, time::Duration};

use agentport_api::Event;
use agentport_core::{
    AgentId, ApprovalId, IntegrationId, Timestamp,
    approval::Approval,
    audit::{Actor, AuditAction},
    policy::Reason,
};
use serde_json::json;

use super::Approvals;
use crate::{
    clock,
    store::{self, DenialRow},
};

/// Denials of a tool to an agent …
const DENIALS: usize = 3;
/// … within this time …
const DENIALS_WITHIN: Duration = Duration::from_secs(10 * 60);
/// … and the tool is denied without asking for this long.
const DENIED_FOR: Duration = Duration::from_secs(15 * 60);

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
        let denials = self.services.store.recent_denials(agent, integration, tool, since).await?;
        Ok(self.still_denied(&denials, reason, now))
    }

    /// The same from the moments of the denials, oldest first.
    fn still_denied(
        &self,
        denials: &[Timestamp],
        reason: Reason,
        now: Timestamp,
    ) -> Option<Timestamp> {
        if let Reason::Rule { id } = reason
            && let Some(last) = denials.last()
            && self.services.policy.rules().rule(id).is_some_and(|rule| rule.created_at >= *last)
        {
            return None;
        }
        denied_until(denials, now)
    }

    /// Every tool that is denied without asking now.
    pub(crate) async fn active_denials(&self) -> store::Result<Vec<ActiveDenial>> {
        let now = clock::now();
        let since = now.minus(DENIALS_WITHIN + DENIED_FOR);
        let mut of_tool: HashMap<(AgentId, IntegrationId, String), Vec<DenialRow>> = HashMap::new();
        for denial in self.services.store.all_recent_denials(since).await? {
            let key = (denial.agent, denial.integration.clone(), denial.tool.clone());
            of_tool.entry(key).or_default().push(denial);
        }
        let mut active = Vec::new();
        for ((agent, integration, tool), denials) in of_tool {
            let moments: Vec<Timestamp> = denials.iter().map(|denial| denial.at).collect();
            let reason = self
                .services
                .catalogue
                .published(&integration, &tool)
                .map_or(Reason::NoRule, |tool| {
                    self.services.policy.decide(&tool, agent, None, now).reason
                });
            if let (Some(until), Some(last)) =
                (self.still_denied(&moments, reason, now), denials.last())
            {
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
        self.services
            .audit
            .record(Actor::Owner, AuditAction::DenialEnded, &id.to_string(), detail)
            .await;
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
