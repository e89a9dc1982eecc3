//! Further rounds of an approved call whose upstream asked the agent something (SEP-2322).
//!
//! A client that got the question from `agentport__await_approval` answers by sending that again, with its answers.
//! That goes on with the call it awaited.

use std::sync::Arc;

use agentport_core::{
    ApprovalId, CallId, ErrorChain,
    approval::{Approval, State},
    arguments::ArgumentsHash,
    policy::Mode,
};
use uuid::Uuid;

use super::{Awaited, CallKey, StoredResult};
use crate::{
    agents::Agent,
    call::{caller::Caller, record::Record},
    clock,
    engine::Engine,
};

impl Engine {
    /// Goes on with the call, if the caller brings answers and the call waits for them.
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
            self.store.approval(id).await.ok()?.filter(|approval| approval.agent == agent.id)?;
        if !matches!(asked.state, State::Done { .. }) {
            return None;
        }
        let key = CallKey::of(&asked);
        let state = caller.request_state.as_deref();
        let going_on = self.continuations.take(state, &key, asked.digest, clock::now())?;
        let tool = match self.check_again(&asked, agent).await {
            Ok(tool) => tool,
            Err(outcome) => return Some(Awaited::NotNow(outcome)),
        };
        let hash = ArgumentsHash::of(&going_on.arguments);
        let call = CallId(Uuid::now_v7());
        let mut record = Record::new(call, agent, &tool, &going_on.arguments, hash, "mcp");
        record.approval = Some(id);
        record.decision = Some(Mode::RequireApproval);
        let outcome = self.run(&tool, going_on.arguments, record, caller.clone(), key).await;
        let result = StoredResult::of(outcome);
        if let Err(error) = self.keep_result(id, &result).await {
            tracing::error!(error = %ErrorChain(&error), "the result of an approved call could not be kept");
        }
        Some(Awaited::Ran(result))
    }
}
