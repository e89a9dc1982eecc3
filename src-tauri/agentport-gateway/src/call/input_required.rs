//! Further rounds of an approved call that the upstream answered with `InputRequiredResult` (SEP-2322).
//!
//! A client that received it from `agentport__await_approval` calls that tool again with the answers, which continues the
//! awaited call.

use std::sync::Arc;

use agentport_core::{
    ApprovalId, CallId, ErrorChain,
    activity::EntryPoint,
    approval::{Approval, State},
    arguments::ArgumentsHash,
    policy::Mode,
};
use uuid::Uuid;

use super::{CallPipeline, approved::stored_result, await_approval::Awaited, record::call_start};
use crate::caller::Caller;
use crate::{agents::Agent, approvals::CallKey, clock};

impl CallPipeline {
    /// Continues the call, if the caller brings answers and the call waits for them.
    pub(super) async fn next_round(
        self: &Arc<Self>,
        id: ApprovalId,
        agent: &Agent,
        caller: &Caller,
    ) -> Option<Awaited> {
        if caller.request_state.is_none() && caller.input_responses.is_none() {
            return None;
        }
        let asked: Approval =
            self.approvals.get(id).await.ok()?.filter(|approval| approval.agent == agent.id)?;
        if !matches!(asked.state, State::Done { .. }) {
            return None;
        }
        let key = CallKey::from_approval(&asked);
        let state = caller.request_state.as_deref();
        let continued = self.continuations.remove(state, &key, asked.digest, clock::now())?;
        let tool = match self.check_again(&asked, agent).await {
            Ok(tool) => tool,
            Err(outcome) => return Some(Awaited::NotNow(outcome)),
        };
        let hash = ArgumentsHash::of(&continued.arguments);
        let call = CallId(Uuid::now_v7());
        let mut record =
            call_start(call, agent, &tool, &continued.arguments, hash, EntryPoint::Mcp);
        record.approval = Some(id);
        record.decision = Some(Mode::RequireApproval);
        let outcome =
            self.run(&tool, continued.arguments, record, caller.clone(), key, asked.account).await;
        let result = stored_result(outcome);
        if let Err(error) = self.approvals.keep_result(id, &result).await {
            tracing::error!(error = %ErrorChain(&error), "the result of an approved call could not be kept");
        }
        Some(Awaited::Ran(result))
    }
}
