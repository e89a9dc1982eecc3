//! Asking the owner to be let in, and waiting for the answer. A request outlives the bridge that made it: its verifier is
//! kept, and the same request made again is the same one in AgentPort.

use std::{sync::Arc, time::Duration};

use agentport_core::Secret;
use agentport_setup::bridge_sign_in::{BridgeSignIn, PendingRequest, SignInLock};
use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use sha2::{Digest as _, Sha256};

use super::super::{credential::Credential, relay::RelayError};
use super::{
    AskState, SignIn, clock,
    endpoints::{Authorization, AuthorizationQuery, EndpointError, OwnersAnswer, Waited},
    words,
};

/// Interval between two looks at what another bridge of this name has reached.
const FOLLOW_INTERVAL: Duration = Duration::from_millis(300);
/// Pause before a gateway that went away is asked again.
const RETRY_INTERVAL: Duration = Duration::from_millis(500);
/// Registrations tried for one request, where the gateway has forgotten the client.
const MAX_REGISTRATIONS: u32 = 2;

/// Which of a request's parameters are needed after it was made.
struct Asked {
    client_id: String,
    request: PendingRequest,
    authorization: Authorization,
}

impl SignIn {
    /// Begins to ask the owner, if the client uses the bridge. The error is the sentence for the agent.
    pub(super) async fn ask(self: &Arc<Self>) -> Result<Credential, RelayError> {
        let (may_ask, again) = {
            let mut state = self.state.lock();
            state.tokens = None;
            (std::mem::take(&mut state.may_ask), state.was_signed_in)
        };
        if may_ask {
            match self.identity().file.try_lock() {
                Ok(Some(lock)) => {
                    // Another bridge may have signed in since the file was read.
                    if let Some(tokens) = self.identity().file.read().tokens {
                        return self.adopt(tokens);
                    }
                    self.begin(lock, again).await?;
                }
                Ok(None) => self.follow(again),
                Err(error) => return Err(self.unwritable(&error)),
            }
        }
        if let Some(credential) = self.cached() {
            return Ok(credential);
        }
        let ask = self.state.lock().ask.clone();
        Err(RelayError::Unauthorized(words::for_agent(self.name(), &ask)))
    }

    /// Makes the request, and waits for its answer in a task.
    async fn begin(self: &Arc<Self>, lock: SignInLock, again: bool) -> Result<(), RelayError> {
        let asked = match self.make_request().await {
            Ok(asked) => asked,
            Err(EndpointError::NoAnswer) => {
                self.state.lock().may_ask = true;
                return Err(RelayError::Unreachable);
            }
            Err(error) => {
                tracing::warn!(%error, "the gateway takes no sign-in");
                self.set_ask(AskState::Unsupported);
                return Ok(());
            }
        };
        match &asked.authorization {
            Authorization::TooMany | Authorization::UnknownClient => {
                self.set_ask(AskState::TooMany);
            }
            Authorization::Answered(redirect) => {
                let redirect = redirect.clone();
                self.on_answer(&asked, &redirect).await;
            }
            Authorization::Waiting { code, .. } => {
                self.set_ask(AskState::Asking { code: Some(code.clone()), again });
                let sign_in = self.clone();
                self.tasks.spawn(async move {
                    tokio::select! {
                        () = sign_in.wait(asked, again) => {}
                        () = sign_in.stop.cancelled() => {}
                    }
                    drop(lock);
                });
            }
        }
        Ok(())
    }

    /// Registers where needed, and asks. A client that the gateway has forgotten registers again.
    async fn make_request(&self) -> Result<Asked, EndpointError> {
        let identity = self.identity();
        let mut registrations = 0;
        loop {
            let kept = identity.file.read();
            let client_id = match kept.client_id {
                Some(client_id) => client_id,
                None => {
                    registrations += 1;
                    self.endpoints.register(&identity.name, &identity.redirect_uri).await?
                }
            };
            let mut request = kept.request.unwrap_or_else(new_request);
            let challenge =
                BASE64_URL_SAFE_NO_PAD.encode(Sha256::digest(request.verifier.expose().as_bytes()));
            let query = AuthorizationQuery {
                client_id: &client_id,
                redirect_uri: &identity.redirect_uri,
                state: &request.state,
                challenge: &challenge,
            };
            let authorization = self.endpoints.authorize(&query).await?;
            if authorization == Authorization::UnknownClient && registrations < MAX_REGISTRATIONS {
                self.note(|kept| kept.client_id = None);
                continue;
            }
            if let Authorization::Waiting { code, .. } = &authorization {
                request.code = Some(code.clone());
            }
            self.note(|kept| {
                kept.client_id = Some(client_id.clone());
                kept.request = Some(request.clone());
            });
            return Ok(Asked { client_id, request, authorization });
        }
    }

    /// Waits for the owner, over restarts of the gateway.
    async fn wait(&self, mut asked: Asked, again: bool) {
        loop {
            let waited = match &asked.authorization {
                Authorization::Waiting { page, .. } => self.endpoints.wait(page).await,
                Authorization::Answered(redirect) => Ok(Waited::Answered(redirect.clone())),
                Authorization::UnknownClient | Authorization::TooMany => Ok(Waited::Expired),
            };
            match waited {
                // A gateway that holds too many requests answers at once.
                Ok(Waited::Still) => tokio::time::sleep(FOLLOW_INTERVAL).await,
                Ok(Waited::Refused) => {
                    self.note(|kept| kept.request = None);
                    return self.set_ask(AskState::Denied);
                }
                Ok(Waited::Answered(redirect)) => return self.on_answer(&asked, &redirect).await,
                Ok(Waited::Expired) => {
                    self.note(|kept| kept.request = None);
                    return self.set_ask(AskState::Expired);
                }
                Ok(Waited::Forgotten) | Err(EndpointError::NoAnswer) => {
                    asked = self.ask_again(asked, again).await;
                }
                Err(error) => {
                    tracing::warn!(%error, "the owner's answer could not be read");
                    tokio::time::sleep(RETRY_INTERVAL).await;
                }
            }
        }
    }

    /// The same request at a gateway that was started again.
    async fn ask_again(&self, before: Asked, again: bool) -> Asked {
        tokio::time::sleep(RETRY_INTERVAL).await;
        if self.http.running().is_none() {
            return before;
        }
        match self.make_request().await {
            Ok(asked) => {
                if let Authorization::Waiting { code, .. } = &asked.authorization {
                    self.set_ask(AskState::Asking { code: Some(code.clone()), again });
                }
                asked
            }
            Err(error) => {
                tracing::debug!(%error, "the request could not be made again");
                before
            }
        }
    }

    async fn on_answer(&self, asked: &Asked, redirect: &str) {
        let identity = self.identity();
        let PendingRequest { verifier, state, .. } = &asked.request;
        self.note(|kept| kept.request = None);
        let code = match OwnersAnswer::from_redirect(redirect, &identity.redirect_uri, state) {
            OwnersAnswer::Code(code) => code,
            OwnersAnswer::Denied => return self.set_ask(AskState::Denied),
            OwnersAnswer::Foreign => {
                tracing::warn!("the gateway's answer belongs to another request");
                return self.set_ask(AskState::Expired);
            }
        };
        let exchange =
            self.endpoints.exchange(&asked.client_id, &identity.redirect_uri, &code, verifier);
        match exchange.await {
            Ok(answer) => {
                let tokens = answer.into_tokens(clock::now());
                let agent = self.endpoints.agent(&tokens.access).await;
                self.note(|kept| {
                    kept.tokens = Some(tokens.clone());
                    kept.agent = agent;
                });
                if self.adopt(tokens).is_err() {
                    tracing::warn!("the access token cannot stand in a header");
                }
            }
            Err(error) => {
                tracing::warn!(%error, "the owner's consent could not be used");
                self.set_ask(AskState::Expired);
            }
        }
    }

    /// Waits for what the bridge that asks for this name reaches.
    fn follow(self: &Arc<Self>, again: bool) {
        let code = self.identity().file.read().request.and_then(|request| request.code);
        self.set_ask(AskState::Asking { code, again });
        let sign_in = self.clone();
        self.tasks.spawn(async move {
            tokio::select! {
                () = sign_in.follow_to_the_end(again) => {}
                () = sign_in.stop.cancelled() => {}
            }
        });
    }

    async fn follow_to_the_end(self: &Arc<Self>, again: bool) {
        loop {
            tokio::time::sleep(FOLLOW_INTERVAL).await;
            let lock = self.identity().file.try_lock().ok().flatten();
            let kept = self.identity().file.read();
            if let Some(tokens) = kept.tokens {
                if self.adopt(tokens).is_err() {
                    tracing::warn!("the access token cannot stand in a header");
                }
                return;
            }
            match (lock, kept.request) {
                (None, request) => {
                    let code = request.and_then(|request| request.code);
                    self.set_ask(AskState::Asking { code, again });
                }
                // The other was ended while it waited: this one goes on with its request.
                (Some(lock), Some(_)) => {
                    if self.begin(lock, again).await.is_err() {
                        self.set_ask(AskState::Expired);
                    }
                    return;
                }
                (Some(_), None) => return self.set_ask(AskState::Expired),
            }
        }
    }

    /// Says what changed on stderr, since no window of this program's shows it.
    fn set_ask(&self, ask: AskState) {
        let before = std::mem::replace(&mut self.state.lock().ask, ask.clone());
        if before != ask
            && let Some(sentence) = words::for_person(self.name(), &ask)
        {
            crate::output::note(&sentence);
        }
    }

    /// Keeps something in the shared file; without it, the bridge asks again after its end.
    fn note(&self, change: impl FnOnce(&mut BridgeSignIn)) {
        if let Err(error) = self.identity().file.update(change) {
            tracing::warn!(%error, "the sign-in could not be kept");
        }
    }
}

fn new_request() -> PendingRequest {
    let random = || BASE64_URL_SAFE_NO_PAD.encode(rand::random::<[u8; 32]>());
    PendingRequest { verifier: Secret::new(random()), state: random(), code: None }
}
