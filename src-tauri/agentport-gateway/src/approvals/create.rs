//! Creating an approval for a call that needs the owner's decision.

use agentport_api::Event;
use agentport_core::{
    AccountId, ApprovalId, Timestamp,
    approval::{Approval, State},
    arguments::ArgumentsHash,
    audit::{Actor, AuditAction},
    policy::Reason,
    sanitize,
};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{Approvals, CallKey};
use crate::{agents::Agent, catalogue::PublishedTool, clock, shutdown::run_to_completion, store};

/// The agent's note is cut to this many characters.
const MAX_INFO: usize = 2_000;
/// Most bytes of arguments that a person can be asked about.
const MAX_ARGUMENT_BYTES: u64 = 256 * 1024;

/// A call that needs the owner's decision.
pub(crate) struct NewApproval<'a> {
    pub(crate) agent: &'a Agent,
    pub(crate) tool: &'a PublishedTool,
    /// The account the call would use.
    pub(crate) account: Option<AccountId>,
    pub(crate) arguments: Value,
    pub(crate) hash: ArgumentsHash,
    /// Length of the arguments as JSON.
    pub(crate) bytes: u64,
    /// The agent's own words, as they came.
    pub(crate) additional_info: Option<String>,
    /// Why the rules ask.
    pub(crate) reason: Reason,
}

/// What came of a call that needs the owner's decision.
#[derive(Debug)]
pub(crate) enum Created {
    /// The owner was asked.
    Asked { id: ApprovalId, expires_at: Timestamp },
    /// The same call waits already.
    AlreadyOpen { id: ApprovalId, expires_at: Timestamp },
    /// Not asked: the owner denied this tool to this agent several times lately.
    DeniedUntil(Timestamp),
    /// Not asked: a person cannot read that much.
    TooLarge { kib: u64 },
    /// Not asked: the agent has as many pending approvals as it may have.
    TooManyPending { limit: u32 },
}

impl Approvals {
    /// Stores an approval and announces it, unless this very call waits already or the agent asks too much.
    pub(crate) async fn create(&self, call: NewApproval<'_>) -> store::Result<Created> {
        let NewApproval { agent, tool, hash, .. } = &call;
        let _one_at_a_time = self.creating.lock().await;
        let info = call.additional_info.as_deref().and_then(clean_info);
        if let Some(id) = self.open.open_for(&CallKey::new(agent.id, tool, *hash)) {
            if let Some(info) = &info {
                // Words the agent gave before stay.
                let _ = self.services.store.set_additional_info(id, info).await?;
            }
            let expires_at = self.open.get(id).map_or_else(clock::now, |open| open.expires_at);
            return Ok(Created::AlreadyOpen { id, expires_at });
        }
        let now = clock::now();
        if let Some(refused) = self.refuse_to_ask(&call, now).await? {
            return Ok(refused);
        }
        let NewApproval { agent, tool, account, arguments, hash, reason, .. } = call;
        let approval = Approval {
            id: ApprovalId(Uuid::new_v4()),
            agent: agent.id,
            integration: tool.integration.clone(),
            account,
            tool: tool.name().to_owned(),
            digest: tool.digest,
            arguments,
            asked_hash: hash,
            arguments_hash: hash,
            additional_info: info,
            created_at: now,
            expires_at: now.plus(self.services.settings.approval_lifetime()),
            state: State::Pending,
        };
        let definition = (tool.digest, tool.definition_json());
        self.services.store.put_definitions(&[definition], now).await?;
        self.insert(&approval).await?;
        let detail = json!({
            "integration": approval.integration,
            "tool": approval.tool,
            "reason": reason,
        });
        let (actor, subject) = (Actor::Agent(agent.id), approval.id.to_string());
        self.services.audit.record(actor, AuditAction::ApprovalAsked, &subject, detail).await;
        self.services
            .events
            .send(Event::Approval { id: approval.id, state: approval.state.name() });
        Ok(Created::Asked { id: approval.id, expires_at: approval.expires_at })
    }

    /// Stores an approval and opens it in memory, both or neither.
    async fn insert(&self, approval: &Approval) -> store::Result<()> {
        let (store, open) = (self.services.store.clone(), self.open.clone());
        let approval = approval.clone();
        run_to_completion(&self.services.tasks, async move {
            store.insert_approval(&approval).await?;
            open.publish_state(&approval);
            Ok(())
        })
        .await
    }

    /// Why the owner is not asked, if so.
    async fn refuse_to_ask(
        &self,
        call: &NewApproval<'_>,
        now: Timestamp,
    ) -> store::Result<Option<Created>> {
        let (agent, tool) = (call.agent.id, call.tool);
        if let Some(until) =
            self.denied_until(agent, &tool.integration, tool.name(), call.reason, now).await?
        {
            return Ok(Some(Created::DeniedUntil(until)));
        }
        if call.bytes > MAX_ARGUMENT_BYTES {
            return Ok(Some(Created::TooLarge { kib: call.bytes.div_ceil(1024) }));
        }
        let limit = self.services.settings.load().pending_per_agent;
        let pending = self.open.pending_count(call.agent.id);
        Ok((pending >= limit as usize).then_some(Created::TooManyPending { limit }))
    }
}

/// The agent's note made fit to show; nothing if nothing is left of it.
pub(super) fn clean_info(info: &str) -> Option<String> {
    Some(sanitize::sanitize_lines(info, MAX_INFO)).filter(|info| !info.trim().is_empty())
}
