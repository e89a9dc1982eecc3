//! How a bridge without a key is let in: OAuth 2.1 with PKCE (`src-tauri/docs/contract.md` §5), without a browser. The
//! owner consents in AgentPort, and the bridge waits for that by itself.
//!
//! ```text
//! no tokens ─► register, ask ─► wait for the owner ─► exchange ─► tokens ─► refresh …
//!                                                                   └─ ended in AgentPort: asks once more
//! ```
//!
//! All bridges of one name share one file ([`SignInFile`]): only the one that holds its lock asks or refreshes, and the
//! others take over what it wrote. A bridge asks only while its client uses it, so that a revoked agent whose client is
//! idle asks for nothing.

mod asking;
mod endpoints;
mod identity;
mod words;

use std::{
    path::PathBuf,
    sync::{Arc, OnceLock},
    time::Duration,
};

use agentport_core::{Secret, Timestamp};
use agentport_gateway::clock;
use agentport_setup::bridge_sign_in::{BridgeSignIn, BridgeTokens, SignInLock};
use parking_lot::Mutex;
use tokio::sync::watch;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use self::{
    endpoints::{EndpointError, OAuthEndpoints, TokenAnswer},
    identity::Identity,
};
use super::{credential::Credential, http::GatewayHttp, relay::RelayError};

/// An access token is replaced when it has less than this left.
const REFRESH_MARGIN: Duration = Duration::from_secs(60);
/// Time another bridge has to finish a refresh.
const LOCK_TIMEOUT: Duration = Duration::from_secs(15);
const LOCK_POLL_INTERVAL: Duration = Duration::from_millis(50);

pub(super) struct SignIn {
    home: PathBuf,
    /// The name given by `--client`.
    client: Option<String>,
    identity: OnceLock<Identity>,
    endpoints: OAuthEndpoints,
    http: Arc<GatewayHttp>,
    state: Mutex<SignInState>,
    /// Held while tokens are looked for, so that parallel requests refresh or ask once.
    working: tokio::sync::Mutex<()>,
    /// Counts sign-ins.
    signed_in: watch::Sender<u64>,
    tasks: TaskTracker,
    stop: CancellationToken,
}

#[derive(Debug, Default)]
struct SignInState {
    tokens: Option<BridgeTokens>,
    ask: AskState,
    /// The client has used the bridge since it was last let in.
    may_ask: bool,
    /// Tokens were there, and are not let in any more.
    was_signed_in: bool,
}

/// What became of asking the owner.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
enum AskState {
    #[default]
    Idle,
    Asking {
        /// The digits that AgentPort shows with the request.
        code: Option<String>,
        /// It was signed in before.
        again: bool,
    },
    /// Final for this process.
    Denied,
    /// Asked again when an agent calls a tool.
    Expired,
    TooMany,
    Unsupported,
}

impl AskState {
    /// May a request of the client with this method make the bridge ask?
    fn is_resumed_by(&self, method: &str) -> bool {
        match self {
            Self::Idle => method != "ping",
            Self::Expired | Self::TooMany | Self::Unsupported => method == "tools/call",
            Self::Asking { .. } | Self::Denied => false,
        }
    }
}

/// What came of a refresh.
enum Refreshed {
    Tokens(BridgeTokens),
    /// The sign-in was ended.
    Ended,
}

impl SignIn {
    /// `client` is the name given by `--client`, which can be a file's.
    pub(super) fn new(
        home: PathBuf,
        client: Option<String>,
        http: Arc<GatewayHttp>,
        tasks: TaskTracker,
        stop: CancellationToken,
    ) -> Arc<Self> {
        Arc::new(Self {
            home,
            client,
            identity: OnceLock::new(),
            endpoints: OAuthEndpoints::new(http.clone()),
            http,
            state: Mutex::default(),
            working: tokio::sync::Mutex::default(),
            signed_in: watch::Sender::new(0),
            tasks,
            stop,
        })
    }

    /// To be called on every request of the client: it may make the bridge ask, and may say what the client is.
    pub(super) fn on_request(&self, method: &str, text: &[u8]) {
        let _ = self.identity.get_or_init(|| self.identify(text));
        let mut state = self.state.lock();
        if state.ask.is_resumed_by(method) {
            state.may_ask = true;
        }
    }

    /// To be called when the gateway has let a request in.
    pub(super) fn on_let_in(&self) {
        self.state.lock().may_ask = false;
    }

    /// Changes with every sign-in.
    pub(super) fn subscribe(&self) -> watch::Receiver<u64> {
        self.signed_in.subscribe()
    }

    fn identity(&self) -> &Identity {
        self.identity.get_or_init(|| self.identify(b""))
    }

    fn identify(&self, request: &[u8]) -> Identity {
        let of_client = self.client.as_deref().map(|name| Identity::of_client(&self.home, name));
        let identity = of_client.unwrap_or_else(|| Identity::of_request(&self.home, request));
        identity.expect("the name was checked, or made of letters and digits")
    }

    /// What lets the bridge in, as far as it is known without a request. `None` while it is not signed in.
    pub(super) fn cached(&self) -> Option<Credential> {
        let state = self.state.lock();
        state.tokens.as_ref().filter(|tokens| is_fresh(tokens)).and_then(credential)
    }

    /// What lets the bridge in. Refreshes, or begins to ask the owner, where that is needed.
    pub(super) async fn credential(self: &Arc<Self>) -> Result<Credential, RelayError> {
        let _working = self.working.lock().await;
        if let Some(credential) = self.cached() {
            return Ok(credential);
        }
        let Some(kept) = self.identity().file.read().tokens else { return self.ask().await };
        let tokens = match is_fresh(&kept) {
            true => kept,
            false => match self.refresh(&kept.access).await {
                Ok(Refreshed::Tokens(tokens)) => tokens,
                Ok(Refreshed::Ended) => return self.ask().await,
                // It is still let in for a while.
                Err(_) if clock::now() < kept.expires_at => kept,
                Err(error) => return Err(error),
            },
        };
        self.adopt(tokens)
    }

    /// Another credential than this one, which the gateway refused.
    pub(super) async fn renewed(
        self: &Arc<Self>,
        refused: &Credential,
    ) -> Result<Credential, RelayError> {
        let _working = self.working.lock().await;
        if let Some(other) = self.cached().filter(|cached| cached != refused) {
            return Ok(other);
        }
        let kept = self.identity().file.read().tokens;
        let Some(kept) = kept else { return self.ask().await };
        if credential(&kept).as_ref() != Some(refused) && is_fresh(&kept) {
            return self.adopt(kept);
        }
        match self.refresh(&kept.access).await? {
            Refreshed::Tokens(tokens) => self.adopt(tokens),
            Refreshed::Ended => self.ask().await,
        }
    }

    fn adopt(&self, tokens: BridgeTokens) -> Result<Credential, RelayError> {
        let shown = credential(&tokens).ok_or(RelayError::ConnectionLost)?;
        let mut state = self.state.lock();
        let before = std::mem::replace(&mut state.ask, AskState::Idle);
        state.tokens = Some(tokens);
        state.may_ask = false;
        state.was_signed_in = false;
        drop(state);
        // Signed in by another bridge, or while the client waited.
        if before != AskState::Idle {
            self.signed_in.send_modify(|count| *count += 1);
        }
        Ok(shown)
    }

    /// Exchanges the refresh token, unless another bridge has done so since the token `stale` was read.
    async fn refresh(&self, stale: &Secret) -> Result<Refreshed, RelayError> {
        let file = &self.identity().file;
        let _lock = self.lock().await?;
        let kept = file.read();
        let Some(tokens) = kept.tokens else { return Ok(Refreshed::Ended) };
        if tokens.access.expose() != stale.expose() && is_fresh(&tokens) {
            return Ok(Refreshed::Tokens(tokens));
        }
        let client_id = kept.client_id.unwrap_or_default();
        match self.endpoints.refresh(&client_id, &tokens.refresh).await {
            Ok(answer) => {
                let tokens = answer.into_tokens(clock::now());
                self.keep(|kept| kept.tokens = Some(tokens.clone()))?;
                Ok(Refreshed::Tokens(tokens))
            }
            Err(EndpointError::Refused(code))
                if matches!(&*code, "invalid_grant" | "invalid_client") =>
            {
                tracing::info!(%code, "the sign-in was ended");
                self.keep(|kept| {
                    kept.tokens = None;
                    kept.agent = None;
                    if code == "invalid_client" {
                        kept.client_id = None;
                    }
                })?;
                let mut state = self.state.lock();
                state.tokens = None;
                state.was_signed_in = true;
                Ok(Refreshed::Ended)
            }
            Err(EndpointError::NoAnswer) => Err(RelayError::Unreachable),
            Err(error) => {
                tracing::warn!(%error, "the tokens could not be refreshed");
                Err(RelayError::ConnectionLost)
            }
        }
    }

    /// The lock of the shared file.
    async fn lock(&self) -> Result<SignInLock, RelayError> {
        let taking = async {
            loop {
                match self.identity().file.try_lock() {
                    Ok(Some(lock)) => return Ok(lock),
                    Ok(None) => tokio::time::sleep(LOCK_POLL_INTERVAL).await,
                    Err(error) => return Err(self.unwritable(&error)),
                }
            }
        };
        let busy =
            || RelayError::Unauthorized(format!("{} is being signed in. Try again.", self.name()));
        tokio::time::timeout(LOCK_TIMEOUT, taking).await.unwrap_or_else(|_| Err(busy()))
    }

    fn keep(&self, change: impl FnOnce(&mut BridgeSignIn)) -> Result<(), RelayError> {
        self.identity().file.update(change).map_err(|error| self.unwritable(&error))
    }

    fn unwritable(&self, error: &std::io::Error) -> RelayError {
        RelayError::Unauthorized(format!(
            "What lets {} in cannot be kept in AgentPort's data directory: {error}.",
            self.name()
        ))
    }

    fn name(&self) -> &str {
        &self.identity().name
    }
}

impl TokenAnswer {
    fn into_tokens(self, now: Timestamp) -> BridgeTokens {
        let Self { access, refresh, seconds } = self;
        BridgeTokens { access, refresh, expires_at: now.plus(Duration::from_secs(seconds)) }
    }
}

fn is_fresh(tokens: &BridgeTokens) -> bool {
    clock::now().plus(REFRESH_MARGIN) < tokens.expires_at
}

fn credential(tokens: &BridgeTokens) -> Option<Credential> {
    Credential::access_token(&tokens.access)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bridge_asks_when_it_is_used() {
        let asking = AskState::Asking { code: None, again: false };
        for (ask, method, want) in [
            (AskState::Idle, "initialize", true),
            (AskState::Idle, "tools/list", true),
            (AskState::Idle, "ping", false),
            (asking, "tools/call", false),
            (AskState::Denied, "tools/call", false),
            (AskState::Expired, "tools/list", false),
            (AskState::Expired, "tools/call", true),
            (AskState::TooMany, "tools/call", true),
        ] {
            assert_eq!(ask.is_resumed_by(method), want, "{ask:?} {method}");
        }
    }

    #[test]
    fn tokens_are_replaced_before_they_expire() {
        let tokens = |seconds: u64| {
            TokenAnswer { access: Secret::new("a"), refresh: Secret::new("r"), seconds }
                .into_tokens(clock::now())
        };
        assert!(is_fresh(&tokens(3600)));
        assert!(!is_fresh(&tokens(30)) && !is_fresh(&tokens(0)));
    }
}
