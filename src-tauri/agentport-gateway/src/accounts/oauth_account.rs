//! One account that is signed in to by OAuth: gives the access token of each request, and renews it.

use std::sync::Arc;

use agentport_api::{ClientSource, Event, OAuthSettings};
use agentport_core::{AccountId, Timestamp};
use arc_swap::ArcSwap;
use http::HeaderValue;
use parking_lot::Mutex;

use super::{
    AccountError, SignInNeeded,
    identity::AccountIdentity,
    oauth::{AuthChallenge, ClientRegistration, OAuthRecord, RefreshError},
    renewal::{
        AccountServices, MAX_STEP_UPS, RenewalCause, RenewalRequest, RenewalState,
        is_insufficient_scope,
    },
    tokens::{AccountTokens, TokenCondition},
};
use crate::{
    clock,
    shutdown::run_to_completion,
    store::{AccountRow, Transition},
    upstream::{TokenRefusal, UpstreamError},
};

/// An account and its tokens.
pub(crate) struct OAuthAccount {
    /// Handed to the tasks that renew it, which outlive the request that asked.
    this: std::sync::Weak<Self>,
    services: Arc<AccountServices>,
    pub(super) identity: AccountIdentity,
    settings: OAuthSettings,
    tokens: ArcSwap<AccountTokens>,
    renewing: tokio::sync::Mutex<RenewalState>,
    extras: Mutex<AccountExtras>,
}

/// What is known of an account beside its tokens.
#[derive(Default)]
struct AccountExtras {
    /// It has a row in the database.
    stored: bool,
    /// Scopes the server asked for beyond those that were granted.
    wanted_scopes: Vec<String>,
    /// The next sign-in registers anew. Stored with the record.
    registration_forgotten: bool,
}

impl OAuthAccount {
    pub(super) fn new(
        services: Arc<AccountServices>,
        row: AccountRow,
        record: OAuthRecord,
        settings: OAuthSettings,
    ) -> Arc<Self> {
        let condition = match &row.sign_in_needed {
            Some(message) => TokenCondition::SignInNeeded { message: message.clone() },
            None => TokenCondition::Usable,
        };
        let extras = AccountExtras {
            stored: !row.sealed.is_empty(),
            wanted_scopes: Vec::new(),
            registration_forgotten: record.registration_forgotten,
        };
        Arc::new_cyclic(|this| Self {
            this: this.clone(),
            services,
            identity: AccountIdentity::new(row),
            settings,
            tokens: ArcSwap::from_pointee(AccountTokens::new(record, condition)),
            renewing: tokio::sync::Mutex::default(),
            extras: Mutex::new(extras),
        })
    }

    pub(crate) fn id(&self) -> AccountId {
        self.identity.id()
    }

    pub(super) fn tokens(&self) -> Arc<AccountTokens> {
        self.tokens.load_full()
    }

    pub(crate) fn record(&self) -> OAuthRecord {
        self.tokens.load().record.clone()
    }

    /// Only the owner can make it work again.
    pub(crate) fn needs_sign_in(&self) -> bool {
        matches!(self.tokens.load().condition, TokenCondition::SignInNeeded { .. })
    }

    /// The client to sign in with again; `None`: a new one is registered. A client of the owner's own stays, with the
    /// redirect URI that they registered.
    pub(crate) fn known_client(&self) -> Option<ClientRegistration> {
        let client = self.tokens.load().record.client.clone();
        let forgotten = self.extras.lock().registration_forgotten;
        (client.source != ClientSource::Registered || !forgotten).then_some(client)
    }

    /// The scopes of the last sign-in: asked for, or granted.
    pub(crate) fn held_scopes(&self) -> Vec<String> {
        let record = &self.tokens.load().record;
        let mut scopes = record.requested_scopes.clone();
        scopes.extend(
            record
                .granted_scopes
                .iter()
                .filter(|scope| !record.requested_scopes.contains(scope))
                .cloned(),
        );
        scopes
    }

    /// Scopes its server has asked for beyond those.
    pub(crate) fn wanted_scopes(&self) -> Vec<String> {
        self.extras.lock().wanted_scopes.clone()
    }

    /// Makes the next sign-in register anew, also after a restart.
    pub(crate) async fn forget_registration(&self) -> crate::store::Result<Transition> {
        self.mark_registration_forgotten();
        // A renewal would store its record over this one.
        let _renewing = self.renewing.lock().await;
        let tokens = self.tokens();
        let sign_in_needed = match &tokens.condition {
            TokenCondition::SignInNeeded { message } => Some(message.as_str()),
            TokenCondition::Usable | TokenCondition::Unreachable { .. } => None,
        };
        self.store_record(&tokens.record, sign_in_needed).await
    }

    /// The same: in force at once, and stored in the background.
    pub(crate) fn forget_registration_soon(&self) {
        self.mark_registration_forgotten();
        let Some(this) = self.this.upgrade() else { return };
        self.services.tasks.spawn(async move {
            if let Err(error) = this.forget_registration().await {
                tracing::error!(
                    error = %agentport_core::ErrorChain(&error),
                    "that a registration is forgotten could not be stored"
                );
            }
        });
    }

    fn mark_registration_forgotten(&self) {
        self.extras.lock().registration_forgotten = true;
    }

    /// The row with the record of this moment.
    pub(crate) fn sealed_row(&self) -> AccountRow {
        let json = self.tokens.load().record.to_sealed_json();
        AccountRow { sealed: self.services.sealed(self.id(), &json), ..self.identity.row() }
    }

    /// It has a row now. A renewal since [`OAuthAccount::sealed_row`] is stored as well.
    pub(super) async fn mark_stored(&self) {
        let _renewing = self.renewing.lock().await;
        self.extras.lock().stored = true;
        if let Err(error) = self.store_record(&self.tokens.load().record, None).await {
            tracing::error!(error = %agentport_core::ErrorChain(&error), "an account could not be stored");
        }
    }

    /// After another sign-in.
    pub(super) async fn replace_record(&self, record: OAuthRecord) -> Result<(), AccountError> {
        let mut renewing = self.renewing.lock().await;
        if self.store_sealed(&record, None).await? == Transition::LostRace {
            return Err(AccountError::Unknown(self.id()));
        }
        let satisfied = self
            .extras
            .lock()
            .wanted_scopes
            .iter()
            .all(|scope| record.granted_scopes.contains(scope));
        let step_ups = if satisfied { 0 } else { renewing.step_ups };
        *renewing = RenewalState { step_ups, ..RenewalState::default() };
        *self.extras.lock() = AccountExtras { stored: true, ..AccountExtras::default() };
        self.identity.set_sign_in_needed(None);
        self.tokens.store(Arc::new(AccountTokens::new(record, TokenCondition::Usable)));
        Ok(())
    }

    /// Renews it before a request needs it. What goes wrong is in the account's state.
    pub(super) async fn renew_early(&self) {
        let _ = self.renewed(RenewalRequest::Scheduled).await;
    }

    /// Stores a record of the sign-in there was.
    async fn store_record(
        &self,
        record: &OAuthRecord,
        sign_in_needed: Option<&str>,
    ) -> crate::store::Result<Transition> {
        let registration_forgotten = self.extras.lock().registration_forgotten;
        let record = OAuthRecord { registration_forgotten, ..record.clone() };
        self.store_sealed(&record, sign_in_needed).await
    }

    async fn store_sealed(
        &self,
        record: &OAuthRecord,
        sign_in_needed: Option<&str>,
    ) -> crate::store::Result<Transition> {
        let id = self.id();
        if !self.extras.lock().stored {
            return Ok(Transition::Applied);
        }
        let sealed = self.services.sealed(id, &record.to_sealed_json());
        self.services.store.update_account_record(id, &sealed, sign_in_needed).await
    }

    /// Runs to its end even if the request that needs it is withdrawn: the answer to a refresh must not be lost.
    pub(super) async fn renewed(
        &self,
        request: RenewalRequest,
    ) -> Result<HeaderValue, UpstreamError> {
        let Some(this) = self.this.upgrade() else { return Err(UpstreamError::Cancelled) };
        let tasks = self.services.tasks.clone();
        run_to_completion(&tasks, async move { this.renew(request).await }).await
    }

    async fn renew(&self, request: RenewalRequest) -> Result<HeaderValue, UpstreamError> {
        let mut state = self.renewing.lock().await;
        let tokens = self.tokens();
        let now = clock::now();
        if let TokenCondition::SignInNeeded { message } = &tokens.condition {
            return Err(needs_auth(message));
        }
        let Some(cause) = self.cause_of(&request, &tokens, &mut state, now)? else {
            return Ok(tokens.header.clone());
        };
        if state.is_recent(now, cause) {
            return match cause {
                RenewalCause::Age | RenewalCause::Suspicion => Ok(tokens.header.clone()),
                RenewalCause::Refusal => {
                    let message = format!(
                        "{} refuses the access that {} has just given. Sign in again.",
                        host_of(&tokens.record),
                        tokens.record.issuer
                    );
                    Err(self.sign_in_needed(&tokens.record, message).await)
                }
            };
        }
        if let TokenCondition::Unreachable { message, retry_at } = &tokens.condition
            && now < *retry_at
        {
            return Err(unreachable(&tokens.record, message));
        }
        match self.services.oauth.refresh(&tokens.record, &self.settings).await {
            Ok(record) => self.adopt(record, cause, &mut state).await,
            Err(RefreshError::Refused { message }) => {
                Err(self.sign_in_needed(&tokens.record, message).await)
            }
            Err(RefreshError::ClientUnknown { message }) => {
                self.mark_registration_forgotten();
                Err(self.sign_in_needed(&tokens.record, message).await)
            }
            Err(RefreshError::Transient { message, retry_after }) => {
                // A provider that hangs has used up its time: those who waited for this must not ask in turn.
                let now = clock::now();
                let retry_at = state.failed(now, retry_after, rand::random());
                let condition = TokenCondition::Unreachable { message: message.clone(), retry_at };
                self.set(tokens.record.clone(), condition);
                if cause != RenewalCause::Refusal && !tokens.is_expired(now) {
                    return Ok(tokens.header.clone());
                }
                Err(unreachable(&tokens.record, &message))
            }
        }
    }

    /// Why the tokens are renewed for this request; `None`: they are to be used as they are.
    fn cause_of(
        &self,
        request: &RenewalRequest,
        tokens: &AccountTokens,
        state: &mut RenewalState,
        now: Timestamp,
    ) -> Result<Option<RenewalCause>, UpstreamError> {
        Ok(match request {
            // Another request has renewed it since.
            RenewalRequest::Refused(refusal) if refusal.sent.as_ref() != Some(&tokens.header) => {
                None
            }
            RenewalRequest::Refused(refusal) if is_insufficient_scope(refusal) => {
                return Err(self.more_scopes(refusal, state));
            }
            RenewalRequest::Refused(_) => Some(RenewalCause::Refusal),
            RenewalRequest::ServerFailed { sent } => {
                let may_help = sent.as_ref() == Some(&tokens.header)
                    && tokens.record.refresh_token.is_some()
                    && state.may_suspect(now);
                may_help.then_some(RenewalCause::Suspicion)
            }
            RenewalRequest::Needed if tokens.is_fresh(now) => None,
            RenewalRequest::Needed | RenewalRequest::Scheduled => Some(RenewalCause::Age),
        })
    }

    /// Stores new tokens, then uses them.
    async fn adopt(
        &self,
        record: OAuthRecord,
        cause: RenewalCause,
        state: &mut RenewalState,
    ) -> Result<HeaderValue, UpstreamError> {
        match self.store_record(&record, None).await {
            Ok(Transition::Applied) => {}
            Ok(Transition::LostRace) => {
                self.services.revoke(record);
                return Err(UpstreamError::Cancelled);
            }
            // In memory they still work; the next renewal stores its own.
            Err(error) => tracing::error!(
                error = %agentport_core::ErrorChain(&error),
                "renewed credentials could not be stored"
            ),
        }
        state.renewed(clock::now(), cause);
        Ok(self.set(record, TokenCondition::Usable))
    }

    fn set(&self, record: OAuthRecord, condition: TokenCondition) -> HeaderValue {
        let tokens = AccountTokens::new(record, condition);
        let header = tokens.header.clone();
        self.tokens.store(Arc::new(tokens));
        self.services.events.send(Event::Accounts);
        header
    }

    /// The tokens were refused for good. Said once: whatever asks after this gets the same answer without a request.
    async fn sign_in_needed(&self, record: &OAuthRecord, message: String) -> UpstreamError {
        if let Err(error) = self.store_record(record, Some(&message)).await {
            tracing::error!(
                error = %agentport_core::ErrorChain(&error),
                "that an account has to be signed in to again could not be stored"
            );
        }
        self.identity.set_sign_in_needed(Some(message.clone()));
        self.set(record.clone(), TokenCondition::SignInNeeded { message: message.clone() });
        let needed = SignInNeeded {
            integration: self.identity.integration().clone(),
            account: self.id(),
            message: message.clone(),
        };
        let _ = self.services.needy.send(needed);
        needs_auth(&message)
    }

    /// The server wants more than was granted (RFC 6750, section 3.1). Everything else goes on to work.
    fn more_scopes(&self, refusal: &TokenRefusal, state: &mut RenewalState) -> UpstreamError {
        let challenge = AuthChallenge::parse(&refusal.challenge);
        let mut extras = self.extras.lock();
        let mut is_new = false;
        for scope in challenge.scopes {
            if !extras.wanted_scopes.contains(&scope) {
                extras.wanted_scopes.push(scope);
                is_new = true;
            }
        }
        if is_new {
            state.step_ups += 1;
        }
        let scopes = extras.wanted_scopes.join(", ");
        drop(extras);
        self.services.events.send(Event::Accounts);
        let message = match state.step_ups > MAX_STEP_UPS {
            true => format!(
                "the account lacks permissions ({scopes}), and its provider has not granted them {MAX_STEP_UPS} times"
            ),
            false => format!(
                "the account lacks permissions ({scopes}); the owner can grant them by signing in again in AgentPort"
            ),
        };
        UpstreamError::MissingScopes { message }
    }
}

fn host_of(record: &OAuthRecord) -> &str {
    record.server.host_str().unwrap_or("the server")
}

fn needs_auth(message: &str) -> UpstreamError {
    UpstreamError::NeedsAuth { message: message.to_owned(), scheme: Some("Bearer".to_owned()) }
}

fn unreachable(record: &OAuthRecord, message: &str) -> UpstreamError {
    UpstreamError::Unreachable {
        what: record.issuer.clone(),
        problem: format!("cannot renew the access now ({message})"),
    }
}
