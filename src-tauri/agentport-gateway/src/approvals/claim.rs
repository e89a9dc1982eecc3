//! Claiming an approved call, so that it runs once, and its end.

use agentport_api::Event;
use agentport_core::{
    ErrorChain,
    approval::{Approval, State, StateName},
    audit::AuditAction,
    outcome::OutcomeKind,
};

use super::Approvals;
use crate::store::{StoreError, Transition};

/// An approved call, claimed: the approval is `Running`, and the holder of this value is the one to run it.
#[derive(Debug)]
pub(crate) struct ApprovedCall(Approval);

impl ApprovedCall {
    pub(crate) fn approval(&self) -> &Approval {
        &self.0
    }
}

impl Approvals {
    /// Claims an approval that was taken to `Running`. `None`: another claim was first.
    pub(crate) async fn claim(
        &self,
        running: Approval,
    ) -> Result<Option<ApprovedCall>, StoreError> {
        let claimed = self.services.store.transition(&running, StateName::Approved).await?;
        if claimed == Transition::LostRace {
            return Ok(None);
        }
        self.open.publish_state(&running);
        let state = StateName::Running;
        self.services.events.send(Event::Approval { id: running.id, state });
        Ok(Some(ApprovedCall(running)))
    }

    /// The claimed call has ended.
    pub(crate) async fn finish(&self, call: ApprovedCall, kind: OutcomeKind) {
        let id = call.0.id;
        match call.0.finish(kind, crate::clock::now()) {
            Ok(done) => {
                match self.services.store.transition(&done, StateName::Running).await {
                    Ok(Transition::Applied) => {}
                    Ok(Transition::LostRace) => {
                        tracing::error!(%id, "an approved call ended, and its request was not running")
                    }
                    Err(error) => {
                        tracing::error!(%id, error = %ErrorChain(&error), "the end of an approved call could not be stored")
                    }
                }
                self.open.publish_state(&done);
                self.announce(
                    &done,
                    AuditAction::ApprovalRan,
                    serde_json::json!({ "outcome": kind }),
                )
                .await;
            }
            Err(error) => {
                tracing::error!(%error, "an approved call ended in a state it cannot end in")
            }
        }
    }

    /// At the start: a call that was running when the process ended is done, with an unknown outcome.
    pub(crate) async fn recover(&self) -> Result<(), StoreError> {
        for approval in self.services.store.open_approvals().await? {
            match approval.state {
                State::Running { .. } => {
                    self.finish(ApprovedCall(approval), OutcomeKind::Interrupted).await;
                }
                _ => self.open.publish_state(&approval),
            }
        }
        Ok(())
    }
}
