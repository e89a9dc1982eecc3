//! The course of a sign-in: discovery, client, consent, tokens, connection.

use std::sync::Arc;

use agentport_api::{AddIntegration, Event, SignInState};
use agentport_core::{AccountId, ErrorChain, audit::Actor};
use tokio::{
    sync::mpsc,
    time::{Instant, sleep_until},
};

use super::{
    SIGN_IN_TIMEOUT, SignInAttempt, SignIns,
    callback::{CallbackListener, CallbackReply, CallbackRequest},
    plan::SignInPlan,
    probe,
};
use crate::accounts::{
    IntegrationAccount,
    oauth::{
        AuthorizationServer, ClientRegistration, OAuthError, OAuthRecord, PendingAuthorization,
        ScopeChoice,
    },
};

/// How a sign-in ended without an account.
enum SignInEnd {
    /// The provider takes only clients of the owner's own.
    ClientNeeded(String),
    Failed(String),
    /// The provider no longer knows the client.
    ClientUnknown(String),
    Cancelled,
    /// Nobody came back from the browser.
    TimedOut,
}

impl From<OAuthError> for SignInEnd {
    fn from(error: OAuthError) -> Self {
        match error {
            OAuthError::ClientNeeded { .. } => Self::ClientNeeded(error.to_string()),
            _ if error.is_client_unknown() => Self::ClientUnknown(error.to_string()),
            _ => Self::Failed(ErrorChain(&error).to_string()),
        }
    }
}

/// Where callbacks come from: the listener, or the owner's clipboard.
struct CallbackSources {
    listener: CallbackListener,
    pasted: mpsc::Receiver<CallbackRequest>,
}

impl SignIns {
    /// Runs one sign-in to its end, which its state then says.
    pub(super) async fn run(
        self: Arc<Self>,
        plan: SignInPlan,
        attempt: &SignInAttempt,
        pasted: mpsc::Receiver<CallbackRequest>,
        actor: Actor,
    ) {
        let deadline = Instant::now() + SIGN_IN_TIMEOUT;
        let done = tokio::select! {
            biased;
            () = attempt.cancelled.cancelled() => Err(SignInEnd::Cancelled),
            done = self.sign_in(&plan, attempt, pasted, deadline, actor) => done,
        };
        let is_client_doubtful = match &done {
            Err(SignInEnd::TimedOut | SignInEnd::ClientUnknown(_)) => true,
            Err(SignInEnd::Cancelled) => attempt.waits_for_consent(),
            _ => false,
        };
        if let Some(account) = plan.account.as_ref().filter(|_| is_client_doubtful) {
            // The provider may have forgotten the client and shown that to the browser alone; the next try registers
            // anew.
            account.forget_registration_soon();
        }
        attempt.set_state(match done {
            Ok(account) => SignInState::Done { account },
            Err(SignInEnd::ClientNeeded(message)) => SignInState::ClientNeeded { message },
            Err(end) => SignInState::Failed { message: message_of(end) },
        });
        self.events.send(Event::SignIn { id: attempt.id });
    }

    async fn sign_in(
        &self,
        plan: &SignInPlan,
        attempt: &SignInAttempt,
        pasted: mpsc::Receiver<CallbackRequest>,
        deadline: Instant,
        actor: Actor,
    ) -> Result<AccountId, SignInEnd> {
        let oauth = self.accounts.oauth();
        let challenge = probe::challenge(&plan.server).await;
        let server = oauth.discover(&plan.server, challenge.as_deref(), &plan.settings).await?;
        attempt.add_notes(server.notes());
        let known = self.known_client(plan, &server);
        let listener = self.listener(plan, known.as_ref()).await?;
        attempt.set_redirect_uri(&listener.redirect_uri);
        self.go_on(attempt, SignInState::Registering);
        let client = oauth
            .client_for(
                &server,
                &plan.settings,
                plan.own_secret.as_ref(),
                known.as_ref(),
                &listener.redirect_uri,
            )
            .await?;
        let sources = CallbackSources { listener, pasted };
        let record = self.consent(plan, attempt, &server, client, sources, deadline).await?;
        self.go_on(attempt, SignInState::Connecting);
        self.connect(plan, record, actor).await
    }

    /// The client of an account of the same integration: providers need not see another one.
    fn known_client(
        &self,
        plan: &SignInPlan,
        server: &AuthorizationServer,
    ) -> Option<ClientRegistration> {
        let own = plan.account.iter().cloned();
        // Another account can have the very client that the provider forgot.
        let forgotten = plan.account.as_ref().filter(|account| account.known_client().is_none());
        let forgotten = forgotten.map(|account| account.record().client.client_id);
        let all = self.accounts.of(&plan.integration);
        own.chain(all.iter().filter_map(|account| account.oauth().cloned()))
            .filter_map(|account| account.known_client())
            .filter(|client| forgotten.as_ref() != Some(&client.client_id))
            .find(|client| client.issuer == server.issuer)
    }

    /// Listens where the registration says, or else where there is room; another port needs another registration.
    async fn listener(
        &self,
        plan: &SignInPlan,
        known: Option<&ClientRegistration>,
    ) -> Result<CallbackListener, SignInEnd> {
        let redirect = &plan.settings.redirect;
        let registered = known
            .and_then(|client| url::Url::parse(&client.redirect_uri).ok())
            .and_then(|uri| uri.port());
        // The owner registered the redirect URI that was shown when a client of their own was asked for.
        let shown = || {
            plan.settings.client_id.as_ref()?;
            self.attempts.shown_redirect_port(&plan.integration)
        };
        if let Some(port) = redirect.port.or(registered).or_else(shown) {
            match CallbackListener::bind(redirect, Some(port), &self.tasks).await {
                Ok(listener) => return Ok(listener),
                Err(error) if redirect.port.is_some() => {
                    return Err(SignInEnd::Failed(format!(
                        "The port {port}, to which the provider is to send the browser back, is in use ({error}). End what uses it, or choose another port."
                    )));
                }
                Err(_) => {}
            }
        }
        CallbackListener::bind(redirect, None, &self.tasks).await.map_err(|error| {
            SignInEnd::Failed(format!(
                "AgentPort cannot listen for the provider's answer ({error})."
            ))
        })
    }

    /// Waits for the owner's consent, and exchanges the code that comes of it.
    async fn consent(
        &self,
        plan: &SignInPlan,
        attempt: &SignInAttempt,
        server: &AuthorizationServer,
        client: ClientRegistration,
        mut sources: CallbackSources,
        deadline: Instant,
    ) -> Result<OAuthRecord, SignInEnd> {
        let oauth = self.accounts.oauth();
        let scopes = scope_choice(plan);
        let mut pending = oauth.begin(server, client.clone(), &plan.settings, scopes).await?;
        let mut scopes_omitted = false;
        self.wait_for_consent(attempt, &pending);
        loop {
            let callback = tokio::select! {
                Some(callback) = sources.listener.requests.recv() => callback,
                Some(callback) = sources.pasted.recv() => callback,
                () = sleep_until(deadline) => return Err(SignInEnd::TimedOut),
            };
            match oauth.complete(&pending, &callback.url).await {
                Ok(record) => {
                    let accepted = CallbackReply::Accepted { name: plan.name.clone() };
                    let _ = callback.reply.send(accepted);
                    return Ok(record);
                }
                Err(error) if error.is_scope_refused() && !scopes_omitted => {
                    scopes_omitted = true;
                    let omitted = ScopeChoice::Omitted;
                    pending = oauth.begin(server, client.clone(), &plan.settings, omitted).await?;
                    attempt
                        .add_notes([format!("{error} AgentPort asks again without naming any.")]);
                    self.wait_for_consent(attempt, &pending);
                    let authorization_url = pending.authorization_url().to_owned();
                    let _ = callback.reply.send(CallbackReply::AskAgain { authorization_url });
                }
                Err(error) => {
                    let message = error.to_string();
                    let _ =
                        callback.reply.send(CallbackReply::Refused { message: message.clone() });
                    if !leaves_pending(&error) {
                        return Err(SignInEnd::from(error));
                    }
                    attempt.add_notes([message]);
                    self.events.send(Event::SignIn { id: attempt.id });
                }
            }
        }
    }

    fn wait_for_consent(&self, attempt: &SignInAttempt, pending: &PendingAuthorization) {
        let authorization_url = pending.authorization_url().to_owned();
        self.go_on(attempt, SignInState::WaitingForConsent { authorization_url });
    }

    /// Keeps the tokens: in a new integration whose server answers to them, a new account, or the account there was.
    async fn connect(
        &self,
        plan: &SignInPlan,
        record: OAuthRecord,
        actor: Actor,
    ) -> Result<AccountId, SignInEnd> {
        let failed = |error: &(dyn std::error::Error + 'static)| {
            SignInEnd::Failed(ErrorChain(error).to_string())
        };
        if let Some(account) = &plan.account {
            let id = account.id();
            self.accounts.replace(id, record).await.map_err(|error| failed(&error))?;
            self.reconnect(plan).await?;
            return Ok(id);
        }
        let account = self.accounts.provisional(
            &plan.integration,
            plan.label.clone(),
            record.clone(),
            plan.settings.clone(),
        );
        let id = account.id();
        let Some(connection) = plan.addition.clone() else {
            self.accounts
                .keep(IntegrationAccount::OAuth(account))
                .await
                .map_err(|error| failed(&error))?;
            if plan.is_first {
                let signed_in = self.integrations.set_oauth(&plan.integration, &plan.settings);
                signed_in.await.map_err(|error| failed(&error))?;
            }
            self.reconnect(plan).await?;
            return Ok(id);
        };
        let add = AddIntegration {
            id: Some(plan.integration.clone()),
            attempt: None,
            name: Some(plan.name.clone()),
            tags: Vec::new(),
            connection,
            secrets: Default::default(),
            keep_unreachable: false,
            enabled: None,
            untried: false,
            imported: None,
        };
        match self.integrations.add_signed_in(add, account.clone(), actor).await {
            Ok(_) => Ok(id),
            Err(error) => {
                self.accounts.revoke(account.record());
                Err(failed(&error))
            }
        }
    }

    /// Connects an integration that exists with its accounts as they are now.
    async fn reconnect(&self, plan: &SignInPlan) -> Result<(), SignInEnd> {
        let Some(entry) = self.catalogue.get(&plan.integration) else {
            return Err(SignInEnd::Failed("The integration was removed meanwhile.".to_owned()));
        };
        if let Some(message) = self.integrations.connect_or_say(&entry.row).await {
            return Err(SignInEnd::Failed(message));
        }
        self.integrations.upstreams.wake(&plan.integration);
        self.events.send(Event::Integration { id: plan.integration.clone() });
        Ok(())
    }

    fn go_on(&self, attempt: &SignInAttempt, state: SignInState) {
        attempt.set_state(state);
        self.events.send(Event::SignIn { id: attempt.id });
    }
}

/// Is the right callback still to come? What was wrong with this one is not the provider's word.
fn leaves_pending(error: &OAuthError) -> bool {
    matches!(
        error,
        OAuthError::CallbackUnreadable { .. }
            | OAuthError::StateMismatch
            | OAuthError::CallbackIssuerMismatch { .. }
            | OAuthError::CallbackIssuerMissing { .. }
            | OAuthError::AlreadyUsed
    )
}

/// What the account had, and what its server has wanted since.
fn scope_choice(plan: &SignInPlan) -> ScopeChoice {
    match &plan.account {
        Some(account) if !account.wanted_scopes().is_empty() => {
            ScopeChoice::StepUp { held: account.held_scopes(), wanted: account.wanted_scopes() }
        }
        _ => ScopeChoice::AsOffered,
    }
}

fn message_of(end: SignInEnd) -> String {
    match end {
        SignInEnd::ClientNeeded(message)
        | SignInEnd::ClientUnknown(message)
        | SignInEnd::Failed(message) => message,
        SignInEnd::Cancelled => "Signing in was cancelled; nothing of it is kept.".to_owned(),
        SignInEnd::TimedOut => format!(
            "Nobody came back from the browser within {} minutes. If the provider showed an error page, it may have refused AgentPort's redirect address; the next try registers anew.",
            SIGN_IN_TIMEOUT.as_secs() / 60
        ),
    }
}
