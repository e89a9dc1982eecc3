//! One sign-in that is under way or has just ended: what it is for, where it is, and how it is ended.

use agentport_api::{SignInState, SignInView};
use agentport_core::{AccountId, IntegrationId, SignInId, Timestamp};
use parking_lot::Mutex;
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;

use super::callback::CallbackRequest;

/// Pasted callbacks that may wait.
const MAX_PASTED: usize = 2;

/// A sign-in. Its task writes the state, everything else reads it.
pub(crate) struct SignInAttempt {
    pub(super) id: SignInId,
    pub(super) integration: IntegrationId,
    pub(super) name: String,
    /// The account that is signed in to again.
    pub(super) account: Option<AccountId>,
    pub(super) expires_at: Timestamp,
    pub(super) cancelled: CancellationToken,
    /// A browser on another computer: callbacks the owner pastes.
    pub(super) pasted: mpsc::Sender<CallbackRequest>,
    state: watch::Sender<SignInState>,
    details: Mutex<AttemptDetails>,
}

#[derive(Default)]
struct AttemptDetails {
    redirect_uri: Option<String>,
    notes: Vec<String>,
}

impl SignInAttempt {
    pub(super) fn new(
        id: SignInId,
        integration: IntegrationId,
        name: String,
        account: Option<AccountId>,
        expires_at: Timestamp,
    ) -> (Self, mpsc::Receiver<CallbackRequest>) {
        let (pasted, callbacks) = mpsc::channel(MAX_PASTED);
        let attempt = Self {
            id,
            integration,
            name,
            account,
            expires_at,
            cancelled: CancellationToken::new(),
            pasted,
            state: watch::Sender::new(SignInState::Discovering),
            details: Mutex::default(),
        };
        (attempt, callbacks)
    }

    /// One that is over stays as it ended.
    pub(super) fn set_state(&self, state: SignInState) {
        self.state.send_if_modified(|now| {
            let goes_on = !now.is_over();
            if goes_on {
                *now = state;
            }
            goes_on
        });
    }

    pub(super) fn set_redirect_uri(&self, uri: &str) {
        self.details.lock().redirect_uri = Some(uri.to_owned());
    }

    pub(super) fn add_notes(&self, notes: impl IntoIterator<Item = String>) {
        self.details.lock().notes.extend(notes);
    }

    pub(crate) fn state(&self) -> SignInState {
        self.state.borrow().clone()
    }

    pub(crate) fn is_over(&self) -> bool {
        self.state.borrow().is_over()
    }

    /// Is the provider's page open, as far as is known?
    pub(super) fn waits_for_consent(&self) -> bool {
        matches!(*self.state.borrow(), SignInState::WaitingForConsent { .. })
    }

    /// Waits until the owner has something to do, or it is over.
    pub(crate) async fn settled(&self) -> SignInState {
        let mut states = self.state.subscribe();
        let settled = states.wait_for(|state| {
            state.is_over() || matches!(state, SignInState::WaitingForConsent { .. })
        });
        match settled.await {
            Ok(state) => state.clone(),
            Err(_) => self.state(),
        }
    }

    pub(crate) fn view(&self) -> SignInView {
        let details = self.details.lock();
        let state = self.state();
        let account = match &state {
            SignInState::Done { account } => Some(*account),
            _ => self.account,
        };
        SignInView {
            id: self.id,
            integration: self.integration.clone(),
            name: self.name.clone(),
            account,
            state,
            redirect_uri: details.redirect_uri.clone(),
            notes: details.notes.clone(),
            expires_at: self.expires_at,
        }
    }
}
