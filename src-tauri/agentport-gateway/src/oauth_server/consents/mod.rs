//! Requests for consent: what waits for the owner, and what the owner decided. In memory: a client whose request was
//! lost in a restart asks again.

use std::{num::NonZeroU32, sync::Arc, time::Duration};

use agentport_api::{ConsentState, ConsentView, Event, KnownAgent, RedirectTarget};
use agentport_core::{
    AgentId, ConsentId, Timestamp,
    audit::{Actor, AuditAction},
};
use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};
use parking_lot::Mutex;
use serde_json::json;
use tokio::sync::{Semaphore, watch};
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
/// Requests of a page that are held at a time: a reload comes before the first has ended.
const MAX_WAITS_PER_CONSENT: usize = 2;
/// Requests of one client that may wait; a further one takes the place of the oldest.
const MAX_WAITING_PER_CLIENT: usize = 3;
/// New requests a minute, on loopback and behind the external URL: windows show each.
const MAX_NEW_PER_MINUTE: NonZeroU32 = NonZeroU32::new(30).expect("not zero");
const MAX_NEW_EXTERNAL_PER_MINUTE: NonZeroU32 = NonZeroU32::new(6).expect("not zero");
/// Refusals of one client, and of all behind the external URL, after which no more is asked for a while.
const MAX_REFUSALS: usize = 3;
const MAX_EXTERNAL_REFUSALS: usize = 5;
/// How long refusals count.
const REFUSAL_MEMORY: Duration = Duration::from_secs(15 * 60);
/// Requests that may wait on loopback, and of those behind the external URL.
const MAX_WAITING: usize = 20;
const MAX_WAITING_EXTERNAL: usize = 5;

/// What a client asked for (RFC 6749, section 4.1.1).
#[derive(Debug, Clone)]
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

impl AuthorizationRequest {
    fn is_same(&self, other: &Self) -> bool {
        self.client.client_id == other.client.client_id
            && self.audience == other.audience
            && self.code_challenge == other.code_challenge
            && self.state == other.state
            && self.redirect_uri == other.redirect_uri
    }
}

/// A request the owner consented to, for the exchange of its code.
#[derive(Debug, Clone)]
pub(super) struct Approval {
    pub(super) consent: ConsentId,
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
    /// Pages that are kept waiting for an answer at a time; others ask again.
    pub(super) waits: Semaphore,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum ConsentPhase {
    Waiting,
    /// Decided; the page goes there, until the code in it was used.
    Decided {
        redirect: Option<String>,
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
            waits: Semaphore::new(MAX_WAITS_PER_CONSENT),
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

pub(super) struct Consents {
    /// Oldest first.
    list: Mutex<Vec<Arc<Consent>>>,
    /// Held while one is decided.
    deciding: tokio::sync::Mutex<()>,
    refusals: Mutex<Vec<Refusal>>,
    new: DefaultDirectRateLimiter,
    new_external: DefaultDirectRateLimiter,
}

struct Refusal {
    client_id: String,
    audience: Audience,
    at: Timestamp,
}

impl Default for Consents {
    fn default() -> Self {
        Self {
            list: Mutex::default(),
            deciding: tokio::sync::Mutex::default(),
            refusals: Mutex::default(),
            new: RateLimiter::direct(Quota::per_minute(MAX_NEW_PER_MINUTE)),
            new_external: RateLimiter::direct(Quota::per_minute(MAX_NEW_EXTERNAL_PER_MINUTE)),
        }
    }
}

/// What the owner decided.
pub(crate) enum ConsentDecision {
    Approve {
        /// The digits of the page, as the owner typed them.
        code: Option<String>,
        agent: Option<AgentId>,
        name: Option<String>,
        profile: Option<String>,
    },
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
    #[error("type the four digits that the page in your browser shows")]
    WrongCode,
    #[error("name and profile are those of the agent that signs in again; leave them out")]
    AgentAndMore,
    #[error("there is an agent named {0:?} already; choose another name")]
    NameTaken(String),
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Whether a request for consent is new.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Asked {
    Now,
    Before,
}

/// Why no request for consent was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NotAsked {
    /// As many wait as the owner can read, or they come too fast.
    TooMany,
    /// The owner refused it several times.
    Refused,
}

impl Consents {
    /// The request that is there for the same, or a new one, and which of both.
    fn find_or_add(
        &self,
        request: AuthorizationRequest,
        now: Timestamp,
    ) -> Result<(Arc<Consent>, Asked), NotAsked> {
        let mut list = self.list.lock();
        list.retain(|consent| is_kept(consent, now));
        let same = |consent: &&Arc<Consent>| {
            consent.request.is_same(&request) && consent.phase(now) != ConsentPhase::Expired
        };
        if let Some(known) = list.iter().find(same) {
            return Ok((known.clone(), Asked::Before));
        }
        self.check_new(&request, now)?;
        let audience = request.audience;
        let waits = |one: &Arc<Consent>| one.waits(now) && one.request.audience == audience;
        let of_client = |one: &Arc<Consent>| {
            waits(one) && one.request.client.client_id == request.client.client_id
        };
        if list.iter().filter(|one| of_client(one)).count() >= MAX_WAITING_PER_CLIENT
            && let Some(oldest) = list.iter().position(of_client)
        {
            list.remove(oldest).phase.send_replace(ConsentPhase::Expired);
        }
        let most = match audience {
            Audience::Loopback => MAX_WAITING,
            Audience::External => MAX_WAITING_EXTERNAL,
        };
        if list.iter().filter(|one| waits(one)).count() >= most {
            return Err(NotAsked::TooMany);
        }
        let consent = Arc::new(Consent::new(request, now));
        list.push(consent.clone());
        Ok((consent, Asked::Now))
    }

    /// Whether a further request may be made: not too fast, and not by a client that was refused again and again.
    fn check_new(&self, request: &AuthorizationRequest, now: Timestamp) -> Result<(), NotAsked> {
        let mut refusals = self.refusals.lock();
        refusals.retain(|refusal| now.since(refusal.at) < REFUSAL_MEMORY);
        let of_client = |one: &&Refusal| one.client_id == request.client.client_id;
        let external = |one: &&Refusal| one.audience == Audience::External;
        let barred = refusals.iter().filter(of_client).count() >= MAX_REFUSALS
            || (request.audience == Audience::External
                && refusals.iter().filter(external).count() >= MAX_EXTERNAL_REFUSALS);
        if barred {
            return Err(NotAsked::Refused);
        }
        let limit = match request.audience {
            Audience::Loopback => &self.new,
            Audience::External => &self.new_external,
        };
        limit.check().map_err(|_| NotAsked::TooMany)
    }

    fn note_refusal(&self, request: &AuthorizationRequest, at: Timestamp) {
        let client_id = request.client.client_id.clone();
        self.refusals.lock().push(Refusal { client_id, audience: request.audience, at });
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
    pub(super) fn ask(&self, request: AuthorizationRequest) -> Result<Arc<Consent>, NotAsked> {
        let (consent, asked) = self.consents.find_or_add(request, clock::now())?;
        if asked == Asked::Now {
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
            ConsentDecision::Approve { code, agent, name, profile } => {
                let is_remote = consent.request.audience == Audience::External;
                let fits = code.as_ref().map(|code| *code == consent.code);
                if fits == Some(false) || (is_remote && fits.is_none()) {
                    return Err(ConsentError::WrongCode);
                }
                let agent = self.approved_agent(&consent, agent, name, profile).await?;
                // A client that is described by its document is kept from here on, with what the owner saw.
                self.store.put_oauth_client(consent.request.client.clone()).await?;
                let redirect = self.approve(&consent, agent);
                (redirect, ConsentState::Approved, AuditAction::AgentConsented)
            }
            ConsentDecision::Deny => {
                self.consents.note_refusal(&consent.request, clock::now());
                (denial(&consent.request), ConsentState::Denied, AuditAction::AgentRefused)
            }
        };
        let at = clock::now();
        let redirect = Some(redirect);
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
            if name.is_some() || profile.is_some() {
                return Err(ConsentError::AgentAndMore);
            }
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

    /// The code of this approval was used: the page no longer gives it away.
    pub(super) fn forget_answer(&self, approval: &Approval) {
        if let Some(consent) = self.consents.get(approval.consent) {
            consent.phase.send_if_modified(|phase| match phase {
                ConsentPhase::Decided { redirect, .. } => redirect.take().is_some(),
                _ => false,
            });
        }
    }

    fn approve(&self, consent: &Consent, agent: ApprovedAgent) -> String {
        let request = consent.request.clone();
        let approval = Approval { consent: consent.id, request, agent };
        let code = self.codes.issue(approval, clock::now());
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
pub(super) mod testing;
#[cfg(test)]
mod tests;
