//! What waits for the owner's decision: tool calls, and agents that want to be let in (consents).

use std::sync::Arc;

use agentport_api::{ConsentState, ConsentView, paths};
use agentport_core::{ApprovalId, ConsentId, Timestamp};
use serde::{Deserialize, Serialize};
use ts_rs::TS;

use super::pending::PendingRequest;
use crate::gateway::client::{ClientError, InProcessClient};

/// One request for the owner's decision.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, TS)]
#[serde(tag = "kind", content = "id", rename_all = "snake_case")]
#[ts(export)]
pub(crate) enum RequestId {
    /// A tool call that needs approval.
    Call(ApprovalId),
    /// An agent that wants to be let in.
    Consent(ConsentId),
}

impl RequestId {
    /// The page that shows it.
    pub(crate) fn route(self) -> String {
        match self {
            Self::Call(id) => format!("#/approvals/{id}"),
            Self::Consent(id) => format!("#/consents/{id}"),
        }
    }
}

impl From<ApprovalId> for RequestId {
    fn from(id: ApprovalId) -> Self {
        Self::Call(id)
    }
}

impl From<ConsentId> for RequestId {
    fn from(id: ConsentId) -> Self {
        Self::Consent(id)
    }
}

/// Every request that waits. Cheap to clone.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct WaitingRequests {
    /// Oldest first.
    pub consents: Arc<[ConsentView]>,
    /// Oldest first.
    pub calls: Arc<[PendingRequest]>,
}

impl WaitingRequests {
    /// In the order in which they are shown: a person who has just begun a sign-in waits for it.
    pub(crate) fn ids(&self) -> impl Iterator<Item = RequestId> {
        let consents = self.consents.iter().map(|consent| consent.id.into());
        consents.chain(self.calls.iter().map(|call| call.id.into()))
    }

    pub(crate) fn len(&self) -> usize {
        self.consents.len() + self.calls.len()
    }

    pub(super) fn drop_ended_consents(&mut self, now: Timestamp) {
        let ended = |consent: &ConsentView| consent.expires_at <= now;
        if self.consents.iter().any(ended) {
            let waiting = self.consents.iter().filter(|consent| !ended(consent));
            self.consents = waiting.cloned().collect();
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// The consents that wait, oldest first.
pub(super) async fn waiting_consents(
    control: &InProcessClient,
) -> Result<Arc<[ConsentView]>, ClientError> {
    let mut consents: Vec<ConsentView> = control.list(paths::CONSENTS).await?;
    consents.retain(|consent| consent.state == ConsentState::Waiting);
    Ok(consents.into())
}

#[cfg(test)]
mod tests {
    use agentport_api::RedirectTarget;
    use uuid::Uuid;

    use super::*;

    fn consent(number: u128, expires_at: Timestamp) -> ConsentView {
        ConsentView {
            id: ConsentId(Uuid::from_u128(number)),
            state: ConsentState::Waiting,
            code: "4731".to_owned(),
            client_name: "Cursor".to_owned(),
            client_uri: None,
            redirect: RedirectTarget::Loopback { port: 7777 },
            redirect_uri: "http://localhost:7777/callback".to_owned(),
            remote: false,
            suggested_name: "Cursor".to_owned(),
            known_as: None,
            created_at: Timestamp(0),
            expires_at,
        }
    }

    #[test]
    fn consents_that_ended_by_themselves_are_dropped() {
        let consents = [consent(1, Timestamp(10)), consent(2, Timestamp(11))].into();
        let mut waiting = WaitingRequests { consents, ..WaitingRequests::default() };
        waiting.drop_ended_consents(Timestamp(9));
        assert_eq!(waiting.len(), 2);
        waiting.drop_ended_consents(Timestamp(10));
        let left = RequestId::Consent(ConsentId(Uuid::from_u128(2)));
        assert_eq!(waiting.ids().collect::<Vec<_>>(), [left]);
        waiting.drop_ended_consents(Timestamp(11));
        assert!(waiting.is_empty());
    }

    #[test]
    fn each_kind_of_request_has_a_page_of_its_own() {
        let id = Uuid::from_u128(7);
        let call = RequestId::from(ApprovalId(id));
        let consent = RequestId::from(ConsentId(id));
        assert_eq!(call.route(), format!("#/approvals/{id}"));
        assert_eq!(consent.route(), format!("#/consents/{id}"));
        let text = serde_json::to_value(consent).unwrap();
        assert_eq!(text, serde_json::json!({ "kind": "consent", "id": id }));
    }
}
