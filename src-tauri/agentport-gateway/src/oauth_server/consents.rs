//! Requests for consent: what waits for the owner, and what the owner decided. In memory: a client whose request was
//! lost in a restart asks again.

use std::{sync::Arc, time::Duration};

use agentport_api::{ConsentState, ConsentView, Event, KnownAgent, RedirectTarget};
use agentport_core::{
    AgentId, ConsentId, Timestamp,
    audit::{Actor, AuditAction},
};
use parking_lot::Mutex;
use serde_json::json;
use tokio::sync::watch;
use uuid::Uuid;

use super::{
    OAuthServer,
    audience::ServerOrigin,
    client_metadata::ClientMetadata,
    error::ErrorCode,
    known_agents::{self, free_name},
    redirect_uri,
};
use crate::{
    clock,
    store::{Audience, OAuthClientRow, StoreError},
};

/// Time the owner has to decide.
const LIFETIME: Duration = Duration::from_secs(10 * 60);
/// Time a decided request is remembered, for a page that asks again.
const REMEMBERED: Duration = Duration::from_secs(60);
/// Requests of one client that may wait; a further one takes the place of the oldest.
const MAX_WAITING_PER_CLIENT: usize = 3;
/// Requests that may wait on loopback, and of those behind the external URL.
const MAX_WAITING: usize = 20;
const MAX_WAITING_EXTERNAL: usize = 5;

/// What a client asked for (RFC 6749, section 4.1.1).
#[derive(Debug, Clone, PartialEq)]
pub(super) struct AuthorizationRequest {
    pub(super) client: OAuthClientRow,
    pub(super) redirect_uri: String,
    pub(super) redirect: RedirectTarget,
    pub(super) state: Option<String>,
    /// S256 (RFC 7636, section 4.2).
    pub(super) code_challenge: String,
    pub(super) audience: Audience,
    pub(super) issuer: String,
}

/// A request the owner consented to, for the exchange of its code.
#[derive(Debug, Clone)]
pub(super) struct Approval {
    pub(super) request: AuthorizationRequest,
    pub(super) agent: ApprovedAgent,
}

/// Which agent signs in.
#[derive(Debug, Clone)]
pub(super) enum ApprovedAgent {
    New { name: String, profile: Option<String> },
    Known(AgentId),
}

/// One request, with what became of it.
pub(super) struct Consent {
    pub(super) id: ConsentId,
    /// By which its page asks for it. Known to that page alone.
    pub(super) page: String,
    /// Four digits on the page and in the app.
    pub(super) code: String,
    pub(super) request: AuthorizationRequest,
    created_at: Timestamp,
    phase: watch::Sender<ConsentPhase>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum ConsentPhase {
    Waiting,
    /// Decided; the page goes there.
    Decided {
        redirect: String,
        state: ConsentState,
        at: Timestamp,
    },
    Expired,
}

impl Consent {
    fn new(request: AuthorizationRequest, now: Timestamp) -> Self {
        let page = rand::random::<[u8; 16]>().map(|byte| format!("{byte:02x}")).concat();
        Self {
            id: ConsentId(Uuid::now_v7()),
            page,
            code: format!("{:04}", rand::random::<u16>() % 10_000),
            request,
            created_at: now,
            phase: watch::Sender::new(ConsentPhase::Waiting),
        }
    }

    pub(super) fn expires_at(&self) -> Timestamp {
        self.created_at.plus(LIFETIME)
    }

    /// Where it is now.
    pub(super) fn phase(&self, now: Timestamp) -> ConsentPhase {
        match &*self.phase.borrow() {
            ConsentPhase::Waiting if now >= self.expires_at() => ConsentPhase::Expired,
            phase => phase.clone(),
        }
    }

    pub(super) fn watch(&self) -> watch::Receiver<ConsentPhase> {
        self.phase.subscribe()
    }

    fn state(&self, now: Timestamp) -> ConsentState {
        match self.phase(now) {
            ConsentPhase::Waiting => ConsentState::Waiting,
            ConsentPhase::Decided { state, .. } => state,
            ConsentPhase::Expired => ConsentState::Expired,
        }
    }

    fn waits(&self, now: Timestamp) -> bool {
        self.phase(now) == ConsentPhase::Waiting
    }
}

#[derive(Default)]
pub(super) struct Consents {
    /// Oldest first.
    list: Mutex<Vec<Arc<Consent>>>,
    /// Held while one is decided.
    deciding: tokio::sync::Mutex<()>,
}

/// What the owner decided.
pub(crate) enum ConsentDecision {
    Approve { agent: Option<AgentId>, name: Option<String>, profile: Option<String> },
    Deny,
}

/// Why a request could not be decided.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ConsentError {
    #[error("there is no request {0} of an agent to be let in")]
    Unknown(ConsentId),
    #[error("this request no longer waits; the agent has to ask again")]
    NotWaiting,
    #[error("this client did not sign in as that agent before")]
    OtherAgent,
    #[error("there is an agent named {0:?} already; choose another name")]
    NameTaken(String),
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Why no request for consent was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct TooManyWaiting;

impl Consents {
    /// The request that is there for the same, or a new one. `true`: it is new.
    fn find_or_add(
        &self,
        request: AuthorizationRequest,
        now: Timestamp,
    ) -> Result<(Arc<Consent>, bool), TooManyWaiting> {
        let mut list = self.list.lock();
        list.retain(|consent| is_kept(consent, now));
        let same = |consent: &&Arc<Consent>| {
            consent.request == request && consent.phase(now) != ConsentPhase::Expired
        };
        if let Some(known) = list.iter().find(same) {
            return Ok((known.clone(), false));
        }
        let of_client: Vec<&Arc<Consent>> = list
            .iter()
            .filter(|one| {
                one.waits(now) && one.request.client.client_id == request.client.client_id
            })
            .collect();
        if of_client.len() >= MAX_WAITING_PER_CLIENT {
            of_client[0].phase.send_replace(ConsentPhase::Expired);
        }
        let most = match request.audience {
            Audience::Loopback => MAX_WAITING,
            Audience::External => MAX_WAITING_EXTERNAL,
        };
        let waiting =
            |one: &&Arc<Consent>| one.waits(now) && one.request.audience == request.audience;
        if list.iter().filter(waiting).count() >= most {
            return Err(TooManyWaiting);
        }
        let consent = Arc::new(Consent::new(request, now));
        list.push(consent.clone());
        Ok((consent, true))
    }

    fn get(&self, id: ConsentId) -> Option<Arc<Consent>> {
        self.list.lock().iter().find(|consent| consent.id == id).cloned()
    }

    fn all(&self, now: Timestamp) -> Vec<Arc<Consent>> {
        self.list.lock().iter().filter(|consent| is_kept(consent, now)).cloned().collect()
    }
}

fn is_kept(consent: &Consent, now: Timestamp) -> bool {
    match consent.phase(now) {
        ConsentPhase::Waiting => true,
        ConsentPhase::Decided { at, .. } => now.since(at) < REMEMBERED,
        ConsentPhase::Expired => now.since(consent.expires_at()) < REMEMBERED,
    }
}

impl OAuthServer {
    /// Asks the owner, unless the same was asked already.
    pub(super) fn ask(
        &self,
        request: AuthorizationRequest,
    ) -> Result<Arc<Consent>, TooManyWaiting> {
        let (consent, new) = self.consents.find_or_add(request, clock::now())?;
        if new {
            self.events.send(Event::Consent { id: consent.id });
        }
        Ok(consent)
    }

    pub(super) fn consent_of_page(&self, page: &str) -> Option<Arc<Consent>> {
        self.consents.list.lock().iter().find(|consent| consent.page == page).cloned()
    }

    /// What waits, and what was decided a moment ago, oldest first.
    pub(crate) async fn consents(&self) -> Result<Vec<ConsentView>, StoreError> {
        let mut views = Vec::new();
        for consent in self.consents.all(clock::now()) {
            views.push(self.view(&consent).await?);
        }
        Ok(views)
    }

    pub(crate) async fn consent(&self, id: ConsentId) -> Result<ConsentView, ConsentError> {
        let consent = self.consents.get(id).ok_or(ConsentError::Unknown(id))?;
        Ok(self.view(&consent).await?)
    }

    async fn view(&self, consent: &Consent) -> Result<ConsentView, StoreError> {
        let metadata = ClientMetadata::of(&consent.request.client);
        let name = metadata.name();
        Ok(ConsentView {
            id: consent.id,
            state: consent.state(clock::now()),
            code: consent.code.clone(),
            suggested_name: free_name(&self.store, &name).await?,
            client_name: name,
            client_uri: metadata.uri(),
            redirect: consent.request.redirect.clone(),
            redirect_uri: consent.request.redirect_uri.clone(),
            remote: consent.request.audience == Audience::External,
            known_as: self.known_as(&consent.request).await?,
            created_at: consent.created_at,
            expires_at: consent.expires_at(),
        })
    }

    async fn known_as(
        &self,
        request: &AuthorizationRequest,
    ) -> Result<Option<KnownAgent>, StoreError> {
        known_agents::known_as(&self.store, request).await
    }

    /// Decides a request that waits.
    pub(crate) async fn decide(
        &self,
        id: ConsentId,
        decision: ConsentDecision,
    ) -> Result<(), ConsentError> {
        let _alone = self.consents.deciding.lock().await;
        let consent = self.consents.get(id).ok_or(ConsentError::Unknown(id))?;
        if !consent.waits(clock::now()) {
            return Err(ConsentError::NotWaiting);
        }
        let client = ClientMetadata::of(&consent.request.client).name();
        let detail = json!({ "client": client, "redirect_uri": consent.request.redirect_uri });
        let (redirect, state, action) = match decision {
            ConsentDecision::Approve { agent, name, profile } => {
                let agent = self.approved_agent(&consent, agent, name, profile).await?;
                let redirect = self.approve(&consent, agent);
                (redirect, ConsentState::Approved, AuditAction::AgentConsented)
            }
            ConsentDecision::Deny => {
                (denial(&consent.request), ConsentState::Denied, AuditAction::AgentRefused)
            }
        };
        let at = clock::now();
        consent.phase.send_replace(ConsentPhase::Decided { redirect, state, at });
        self.audit.record(Actor::Owner, action, &id.to_string(), detail).await;
        self.events.send(Event::Consent { id });
        Ok(())
    }

    async fn approved_agent(
        &self,
        consent: &Consent,
        agent: Option<AgentId>,
        name: Option<String>,
        profile: Option<String>,
    ) -> Result<ApprovedAgent, ConsentError> {
        if let Some(wanted) = agent {
            let known = self.known_as(&consent.request).await?;
            return match known {
                Some(known) if known.id == wanted => Ok(ApprovedAgent::Known(wanted)),
                _ => Err(ConsentError::OtherAgent),
            };
        }
        let suggested = ClientMetadata::of(&consent.request.client).name();
        let free = free_name(&self.store, name.as_deref().unwrap_or(&suggested)).await?;
        match name {
            Some(name) if free != name => Err(ConsentError::NameTaken(name)),
            _ => Ok(ApprovedAgent::New { name: free, profile }),
        }
    }

    fn approve(&self, consent: &Consent, agent: ApprovedAgent) -> String {
        let request = consent.request.clone();
        let code = self.codes.issue(Approval { request, agent }, clock::now());
        answer(&consent.request, &[("code", code.secret().expose())])
    }
}

/// The address a client is sent to, with its state and our issuer (RFC 9207).
pub(super) fn answer(request: &AuthorizationRequest, parameters: &[(&str, &str)]) -> String {
    let mut all = parameters.to_vec();
    if let Some(state) = &request.state {
        all.push(("state", state));
    }
    all.push(("iss", &request.issuer));
    redirect_uri::with_parameters(&request.redirect_uri, &all)
}

fn denial(request: &AuthorizationRequest) -> String {
    let parameters =
        [("error", ErrorCode::AccessDenied.as_str()), ("error_description", "the owner refused")];
    answer(request, &parameters)
}

impl ServerOrigin {
    /// The part of a request that follows from where it came in.
    pub(super) fn request(
        &self,
        client: OAuthClientRow,
        redirect_uri: String,
        redirect: RedirectTarget,
    ) -> AuthorizationRequest {
        AuthorizationRequest {
            client,
            redirect_uri,
            redirect,
            state: None,
            code_challenge: String::new(),
            audience: self.audience(),
            issuer: self.issuer(),
        }
    }
}

#[cfg(test)]
pub(super) mod testing {
    use serde_json::{Map, json};

    use super::*;

    pub(crate) fn request(client: &str, state: &str) -> AuthorizationRequest {
        let metadata: Map<_, _> = [("client_name".to_owned(), json!(client))].into_iter().collect();
        let client = OAuthClientRow {
            client_id: client.to_owned(),
            digest: [0; 32],
            metadata,
            created_at: Timestamp(0),
            used_at: None,
        };
        let origin = ServerOrigin::Loopback { port: 4747 };
        let redirect = RedirectTarget::Loopback { port: 5 };
        let request = origin.request(client, "http://localhost:5/cb".to_owned(), redirect);
        AuthorizationRequest { state: Some(state.to_owned()), ..request }
    }

    pub(crate) fn approval() -> Approval {
        let agent = ApprovedAgent::New { name: "a".to_owned(), profile: None };
        Approval { request: request("a", "s"), agent }
    }
}

#[cfg(test)]
mod tests {
    use super::{testing::request, *};

    #[test]
    fn the_same_request_is_one() {
        let consents = Consents::default();
        let (one, new) = consents.find_or_add(request("a", "1"), Timestamp(0)).unwrap();
        assert!(new);
        let (again, new) = consents.find_or_add(request("a", "1"), Timestamp(1)).unwrap();
        assert!(!new && one.id == again.id);
        let (other, new) = consents.find_or_add(request("a", "2"), Timestamp(2)).unwrap();
        assert!(new && one.id != other.id);
    }

    #[test]
    fn a_client_s_oldest_request_makes_room() {
        let consents = Consents::default();
        let add = |state: &str| consents.find_or_add(request("a", state), Timestamp(0)).unwrap().0;
        let all = ["1", "2", "3", "4"].map(add);
        assert_eq!(all[0].phase(Timestamp(0)), ConsentPhase::Expired);
        assert!(all[1..].iter().all(|one| one.waits(Timestamp(0))));
    }

    #[test]
    fn no_more_wait_than_the_owner_can_read() {
        let consents = Consents::default();
        for client in 0..MAX_WAITING {
            consents.find_or_add(request(&client.to_string(), "1"), Timestamp(0)).unwrap();
        }
        let more = consents.find_or_add(request("more", "1"), Timestamp(0));
        assert_eq!(more.err(), Some(TooManyWaiting));
        let later = Timestamp(0).plus(LIFETIME);
        assert!(consents.find_or_add(request("more", "1"), later).is_ok(), "the others expired");
    }

    #[test]
    fn a_request_waits_ten_minutes_and_is_forgotten_after_another() {
        let consents = Consents::default();
        let (one, _) = consents.find_or_add(request("a", "1"), Timestamp(0)).unwrap();
        let end = Timestamp(0).plus(LIFETIME);
        assert!(one.waits(Timestamp(end.0 - 1)));
        assert_eq!(one.phase(end), ConsentPhase::Expired);
        assert_eq!(consents.all(end).len(), 1);
        assert_eq!(consents.all(end.plus(REMEMBERED)).len(), 0);
    }

    #[test]
    fn the_answer_holds_state_and_issuer() {
        assert_eq!(
            answer(&request("a", "s&1"), &[("code", "c")]),
            "http://localhost:5/cb?code=c&state=s%261&iss=http%3A%2F%2F127.0.0.1%3A4747"
        );
    }
}
