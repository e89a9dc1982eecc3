//! Signing in to integrations by OAuth: from the owner's wish through the browser to a connected account.
//!
//! Each sign-in is a task of its own with a listener of its own, for five minutes. A new integration is stored only once
//! its server has answered with the new tokens; one that fails at any step leaves nothing.

mod agent_request;
mod attempt;
mod callback;
mod flow;
mod plan;
mod probe;

use std::{collections::HashMap, sync::Arc, time::Duration};

use agentport_api::{Event, SignInState, SignInView, StartSignIn};
use agentport_core::{IntegrationId, Secret, SignInId, audit::Actor};
use parking_lot::Mutex;
use tokio::{sync::oneshot, time::timeout};
use tokio_util::task::TaskTracker;
use uuid::Uuid;

pub(crate) use self::{agent_request::AuthorizationOffer, attempt::SignInAttempt, plan::PlanError};
use self::{callback::CallbackRequest, plan::SignInPlan};
use crate::{
    accounts::Accounts, catalogue::Catalogue, clock, events::Events, integrations::Integrations,
    store::Transition,
};

/// Time from the start to the consent; after it the sign-in is given up.
pub(crate) const SIGN_IN_TIMEOUT: Duration = Duration::from_secs(5 * 60);
/// Sign-ins under way at a time.
const MAX_SIGN_INS: usize = 16;
/// Sign-ins that are over and still shown.
const MAX_FINISHED: usize = 32;
/// Time a pasted callback may take.
const PASTE_TIMEOUT: Duration = Duration::from_secs(60);

/// All sign-ins.
pub(crate) struct SignIns {
    pub(crate) accounts: Arc<Accounts>,
    pub(crate) catalogue: Arc<Catalogue>,
    pub(crate) integrations: Arc<Integrations>,
    pub(crate) events: Events,
    pub(crate) tasks: TaskTracker,
    pub(crate) attempts: SignInAttempts,
}

/// Sign-ins by id, the finished ones for a while.
#[derive(Default)]
pub(crate) struct SignInAttempts(Mutex<HashMap<SignInId, Arc<SignInAttempt>>>);

/// Why a sign-in was not started, or not gone on with.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SignInError {
    #[error(transparent)]
    Plan(#[from] PlanError),
    #[error("{MAX_SIGN_INS} sign-ins are under way; finish or cancel one of them first")]
    TooMany,
    #[error("there is no sign-in {0} under way")]
    Unknown(SignInId),
    #[error("{0}")]
    CallbackRefused(String),
}

impl SignIns {
    /// Starts to sign in and returns at once. One for the same integration and account is ended: the browser page that
    /// was opened last counts.
    pub(crate) fn start(
        self: &Arc<Self>,
        wanted: StartSignIn,
        actor: Actor,
    ) -> Result<Arc<SignInAttempt>, SignInError> {
        let plan = SignInPlan::new(wanted, &self.catalogue, &self.accounts)?;
        if self.attempts.end_others(&plan) == EndedAttempts::SomeWaited
            && let Some(account) = &plan.account
        {
            // Nobody came back from the provider's page: perhaps it no longer knows the client.
            account.forget_registration_soon();
        }
        let id = SignInId(Uuid::now_v7());
        let (attempt, pasted) = SignInAttempt::new(
            id,
            plan.integration.clone(),
            plan.name.clone(),
            plan.account.as_ref().map(|account| account.id()),
            clock::now().plus(SIGN_IN_TIMEOUT),
        );
        let attempt = Arc::new(attempt);
        self.attempts.insert(attempt.clone())?;
        let (this, running) = (self.clone(), attempt.clone());
        self.tasks.spawn(async move { this.run(plan, &running, pasted, actor).await });
        self.events.send(Event::SignIn { id });
        Ok(attempt)
    }

    pub(crate) fn get(&self, id: SignInId) -> Result<Arc<SignInAttempt>, SignInError> {
        self.attempts.0.lock().get(&id).cloned().ok_or(SignInError::Unknown(id))
    }

    /// Sign-ins that are under way, the oldest first.
    pub(crate) fn under_way(&self) -> Vec<SignInView> {
        let all = self.attempts.0.lock();
        let mut views: Vec<SignInView> = all
            .values()
            .filter(|attempt| !attempt.is_over())
            .map(|attempt| attempt.view())
            .collect();
        views.sort_by_key(|view| view.id);
        views
    }

    /// The sign-in to an integration that is under way.
    pub(crate) fn pending_for(&self, integration: &IntegrationId) -> Option<Arc<SignInAttempt>> {
        let all = self.attempts.0.lock();
        all.values()
            .find(|attempt| attempt.integration == *integration && !attempt.is_over())
            .cloned()
    }

    /// Ends a sign-in. [`Transition::LostRace`]: none of that id is under way.
    pub(crate) fn cancel(&self, id: SignInId) -> Transition {
        match self.get(id) {
            Ok(attempt) if !attempt.is_over() => {
                attempt.cancelled.cancel();
                Transition::Applied
            }
            _ => Transition::LostRace,
        }
    }

    /// Takes the address a browser on another computer ended on.
    pub(crate) async fn paste_callback(
        &self,
        id: SignInId,
        url: &Secret,
    ) -> Result<SignInView, SignInError> {
        let attempt = self.get(id)?;
        if attempt.is_over() {
            return Err(SignInError::Unknown(id));
        }
        let (reply, answer) = oneshot::channel();
        let callback = CallbackRequest { url: url.expose().trim().to_owned(), reply };
        let sent = attempt.pasted.try_send(callback);
        sent.map_err(|_| SignInError::Unknown(id))?;
        match timeout(PASTE_TIMEOUT, answer).await {
            Ok(Ok(callback::CallbackReply::Refused { message })) => {
                Err(SignInError::CallbackRefused(message))
            }
            _ => Ok(attempt.view()),
        }
    }
}

/// Which sign-ins a new one has ended.
#[derive(Clone, Copy, PartialEq, Eq)]
#[must_use]
enum EndedAttempts {
    /// None whose page was open.
    NoneWaited,
    /// One that waited for the owner's consent.
    SomeWaited,
}

impl SignInAttempts {
    fn insert(&self, attempt: Arc<SignInAttempt>) -> Result<(), SignInError> {
        let mut all = self.0.lock();
        if all.values().filter(|attempt| !attempt.is_over()).count() >= MAX_SIGN_INS {
            return Err(SignInError::TooMany);
        }
        while all.len() >= MAX_FINISHED + MAX_SIGN_INS {
            // Ids grow with time.
            let oldest = all.values().filter(|attempt| attempt.is_over()).map(|a| a.id).min();
            match oldest {
                Some(oldest) => all.remove(&oldest),
                None => break,
            };
        }
        all.insert(attempt.id, attempt);
        Ok(())
    }

    /// The port of the redirect URI that was shown last where a client of the owner's own was asked for.
    fn shown_redirect_port(&self, integration: &IntegrationId) -> Option<u16> {
        let all = self.0.lock();
        let asked = all.values().filter(|attempt| {
            attempt.integration == *integration
                && matches!(attempt.state(), SignInState::ClientNeeded { .. })
        });
        let shown = asked.max_by_key(|attempt| attempt.id)?.view().redirect_uri?;
        url::Url::parse(&shown).ok()?.port()
    }

    fn end_others(&self, plan: &SignInPlan) -> EndedAttempts {
        let mut ended = EndedAttempts::NoneWaited;
        let account = plan.account.as_ref().map(|account| account.id());
        for attempt in self.0.lock().values() {
            let same = attempt.integration == plan.integration && attempt.account == account;
            if same && !attempt.is_over() {
                if attempt.waits_for_consent() {
                    ended = EndedAttempts::SomeWaited;
                }
                attempt.cancelled.cancel();
                attempt.set_state(SignInState::Failed {
                    message: "It was started again; that try counts.".to_owned(),
                });
            }
        }
        ended
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn attempt(number: u128, integration: &str, redirect_uri: &str) -> Arc<SignInAttempt> {
        let id = SignInId(Uuid::from_u128(number));
        let name = integration.to_owned();
        let integration = integration.parse().unwrap();
        let (attempt, _) = SignInAttempt::new(id, integration, name, None, clock::now());
        attempt.set_redirect_uri(redirect_uri);
        Arc::new(attempt)
    }

    #[test]
    fn the_redirect_uri_shown_last_is_the_one_that_was_registered() {
        let attempts = SignInAttempts::default();
        let asana: IntegrationId = "asana".parse().unwrap();
        for (number, integration, port, asked) in [
            (1, "asana", 4001, true),
            (2, "asana", 4002, true),
            (3, "asana", 4003, false),
            (4, "hubspot", 4004, true),
        ] {
            let uri = format!("http://localhost:{port}/callback");
            let attempt = attempt(number, integration, &uri);
            if asked {
                attempt.set_state(SignInState::ClientNeeded { message: "Register one.".into() });
            }
            attempts.insert(attempt).unwrap();
        }
        assert_eq!(attempts.shown_redirect_port(&asana), Some(4002));
        assert_eq!(attempts.shown_redirect_port(&"exa".parse().unwrap()), None);
    }
}
