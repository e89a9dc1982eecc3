//! An agent's call that needs the owner.

use std::{sync::Arc, time::Duration};

use agentport_api::Event;
use agentport_core::{
    ApprovalId, ErrorChain,
    approval::{Approval, State},
    arguments::ArgumentsHash,
    policy::Reason,
    sanitize,
};
use serde_json::{Value, json};
use uuid::Uuid;

use super::CallKey;
use crate::{
    agents::Agent,
    call::{
        outcome::{Outcome, Refusal},
        record::Record,
    },
    catalogue::PublishedTool,
    clock,
    engine::Engine,
    store,
};

/// The agent's note is cut to this many characters.
const MAX_INFO: usize = 2_000;
/// Most bytes of arguments that a person can be asked about.
const LARGEST: u64 = 256 * 1024;
/// A call that needs the owner.
pub(crate) struct Asking<'a> {
    pub(crate) agent: &'a Agent,
    pub(crate) tool: &'a PublishedTool,
    pub(crate) arguments: Value,
    pub(crate) hash: ArgumentsHash,
    /// The agent's own words, as they came.
    pub(crate) additional_info: Option<String>,
    /// Why the rules ask.
    pub(crate) reason: Reason,
}

impl Engine {
    /// Stores a request and tells the owner, unless this very call waits already or the agent asks too much.
    pub(crate) async fn ask(self: &Arc<Self>, call: Asking<'_>, record: Record) -> Outcome {
        match self.store_request(call, &record).await {
            Ok(Asked { outcome, record: row }) => self.answer_unrun(row.unwrap_or(record), outcome),
            Err(error) => {
                tracing::error!(error = %ErrorChain(&error), "a request could not be stored");
                self.answer_unrun(record, Outcome::Refused(Refusal::Storage))
            }
        }
    }

    async fn store_request(
        self: &Arc<Self>,
        call: Asking<'_>,
        record: &Record,
    ) -> store::Result<Asked> {
        let Asking { agent, tool, arguments, hash, additional_info, reason } = call;
        let _one_at_a_time = self.approvals.asking.lock().await;
        let key = CallKey::new(agent.id, tool, hash);
        let info = additional_info.as_deref().and_then(clean_info);
        if let Some(id) = self.approvals.open_for(&key) {
            if let Some(info) = &info {
                self.store.set_additional_info(id, info).await?;
            }
            let expires_at =
                self.approvals.live(id).map_or_else(clock::now, |live| live.expires_at);
            return Ok(Asked { outcome: Outcome::NeedsApproval { id, expires_at }, record: None });
        }
        let now = clock::now();
        let names = (tool.integration.to_string(), tool.name().to_owned());
        if let Some(until) =
            self.denied_until(agent.id, &tool.integration, tool.name(), reason, now).await?
        {
            return Ok(Asked { outcome: Outcome::DeniedAtOnce { until }, record: None });
        }
        if record.bytes_in > LARGEST {
            let (integration, tool) = names;
            let kib = record.bytes_in.div_ceil(1024);
            let refusal = Refusal::TooLargeToAsk { integration, tool, kib };
            return Ok(Asked { outcome: Outcome::Refused(refusal), record: None });
        }
        let settings = self.settings.load_full();
        let limit = settings.pending_per_agent;
        if self.approvals.pending_of(agent.id) >= limit as usize {
            let (integration, tool) = names;
            let refusal = Refusal::TooManyWaiting { integration, tool, limit };
            return Ok(Asked { outcome: Outcome::Refused(refusal), record: None });
        }
        let life = Duration::from_secs(u64::from(settings.approval_expiry_minutes) * 60);
        let approval = Approval {
            id: ApprovalId(Uuid::new_v4()),
            agent: agent.id,
            integration: tool.integration.clone(),
            tool: tool.name().to_owned(),
            digest: tool.digest,
            arguments,
            asked_hash: hash,
            arguments_hash: hash,
            additional_info: info,
            created_at: now,
            expires_at: now.plus(life),
            state: State::Pending,
        };
        self.store.put_definitions(&[(tool.digest, tool.definition_json())], now).await?;
        let (engine, stored) = (self.clone(), approval.clone());
        self.to_the_end(async move {
            engine.store.insert_approval(&stored).await?;
            engine.approvals.note(&stored);
            Ok::<_, store::StoreError>(())
        })
        .await?;
        self.note(
            &agent.id.to_string(),
            "approval.asked",
            &approval.id.to_string(),
            json!({ "integration": names.0, "tool": names.1, "reason": reason }),
        )
        .await;
        self.events.send(Event::Approval { id: approval.id, state: approval.state.name() });
        let outcome = Outcome::NeedsApproval { id: approval.id, expires_at: approval.expires_at };
        Ok(Asked { outcome, record: Some(record.of_request(approval.id)) })
    }
}

struct Asked {
    outcome: Outcome,
    /// The record under the new request's id.
    record: Option<Record>,
}

/// The agent's note made fit to show; nothing if nothing is left of it.
pub(super) fn clean_info(info: &str) -> Option<String> {
    Some(sanitize::sanitize_lines(info, MAX_INFO)).filter(|info| !info.trim().is_empty())
}
