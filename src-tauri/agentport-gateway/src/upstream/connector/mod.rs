//! Opens connections: starts or reaches the server, negotiates the protocol, reads its lists.

mod live;
mod local;
mod sse;
mod streamable_http;

use std::{sync::Arc, time::Duration};

use agentport_api::StartStep;
use parking_lot::Mutex;
use rmcp::{
    RoleClient,
    model::{ErrorData, ProtocolVersion},
    service::{ClientCacheConfig, ClientInitializeError, ClientLifecycleMode, RunningService},
};
use tokio::time::{Instant, timeout_at};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

pub(super) use self::live::LiveConnection;
use super::{
    LocalTarget, RemoteTarget, RemoteTransport, UpstreamTarget,
    error::{AttemptError, UpstreamError},
    handler::{ConnectionHandler, UpstreamEvents},
    in_flight::InFlight,
    listing::{self, Listing},
    negotiation::{Handshake, HandshakeRefusal, Negotiation},
    redaction::Redactor,
    session::{CallTransport, UpstreamSession},
    start_watch::StartProgress,
    stdio::{LocalServers, stderr::LogRing},
    streamable_http::connect::{self, HttpClients},
};

/// Time limit of a start for a call: from the first byte to the last list.
pub(super) const START_TIMEOUT: Duration = Duration::from_secs(30);
/// The same for the first start of a local server: `npx` and the like download it first.
pub(super) const FIRST_START_TIMEOUT: Duration = Duration::from_secs(300);
/// Time `server/discover` may go unanswered before `initialize` is asked as well. Some servers never answer it.
const DISCOVER_TIMEOUT: Duration = Duration::from_millis(1_500);

/// Makes connections to one upstream, one at a time.
pub(super) struct UpstreamConnector {
    pub(super) target: UpstreamTarget,
    pub(super) redactor: Redactor,
    pub(super) events: Arc<UpstreamEvents>,
    pub(super) ring: Arc<LogRing>,
    /// How far the start has come.
    pub(super) step: Arc<StartProgress>,
    pub(super) clients: Arc<HttpClients>,
    pub(super) local: Arc<LocalServers>,
    pub(super) tasks: TaskTracker,
    /// The version spoken last, so that the next handshake begins with it. `None`: never connected.
    pub(super) last_revision: Mutex<Option<ProtocolVersion>>,
    /// The transport a remote server spoke last, which the next connection tries first. `None`: not known.
    pub(super) last_transport: Mutex<Option<RemoteTransport>>,
}

/// How a server is reached in one attempt.
#[derive(Clone, Copy)]
enum Route<'a> {
    Stdio(&'a LocalTarget),
    StreamableHttp(&'a RemoteTarget),
    Sse(&'a RemoteTarget),
}

/// How an attempt to connect failed.
enum ConnectFailure {
    /// The handshake failed in a way that another one may not.
    Handshake(UpstreamError, HandshakeRefusal),
    /// The server does not speak this transport at this address; it may speak another one.
    OtherTransport(UpstreamError),
    Failed(UpstreamError),
}

impl ConnectFailure {
    fn suggests_other_transport(&self) -> bool {
        match self {
            Self::Handshake(_, refusal) => refusal.suggests_other_transport(),
            Self::OtherTransport(_) => true,
            Self::Failed(_) => false,
        }
    }

    fn into_error(self) -> UpstreamError {
        match self {
            Self::Handshake(error, _) | Self::OtherTransport(error) | Self::Failed(error) => error,
        }
    }
}

impl UpstreamConnector {
    /// Connects within its limit. On failure nothing is left behind.
    pub(super) async fn connect(&self) -> Result<(LiveConnection, Listing), UpstreamError> {
        let until = Instant::now() + self.limit();
        let (first, second) = self.routes();
        let failure = match self.negotiate(first, until).await {
            Ok(connected) => return Ok(connected),
            Err(failure) => failure,
        };
        let Some(second) = second.filter(|_| failure.suggests_other_transport()) else {
            return Err(failure.into_error());
        };
        match self.negotiate(second, until).await {
            Ok(connected) => Ok(connected),
            Err(other) => {
                let neither = other.suggests_other_transport();
                Err(match other.into_error() {
                    wanted @ UpstreamError::NeedsAuth { .. } => wanted,
                    // What the likelier transport said is reported.
                    _ if neither => failure.into_error(),
                    error => error,
                })
            }
        }
    }

    /// The transports to try, in this order (MCP 2025-11-25, Transports, Backwards Compatibility): what worked last, else
    /// the newer one, unless the address names the older one as its servers have it by custom.
    fn routes(&self) -> (Route<'_>, Option<Route<'_>>) {
        let target = match &self.target {
            UpstreamTarget::Local(target) => return (Route::Stdio(target), None),
            UpstreamTarget::Remote(target) => target,
        };
        let (newer, older) = (Route::StreamableHttp(target), Route::Sse(target));
        let likely = self.last_transport.lock().unwrap_or_else(|| target.likely_transport());
        match likely {
            RemoteTransport::StreamableHttp => (newer, Some(older)),
            RemoteTransport::Sse => (older, Some(newer)),
        }
    }

    /// Tries one handshake after the other until the server takes one.
    async fn negotiate(
        &self,
        route: Route<'_>,
        until: Instant,
    ) -> Result<(LiveConnection, Listing), ConnectFailure> {
        let last = self.last_revision.lock().clone();
        let mut negotiation = match route {
            Route::Stdio(_) | Route::StreamableHttp(_) => Negotiation::new(last.as_ref()),
            Route::Sse(_) => Negotiation::with_initialize(),
        };
        loop {
            let handshake = negotiation.current().clone();
            match self.attempt(route, &handshake, until).await {
                // Some servers break on a request they do not know instead of refusing it.
                Err(ConnectFailure::Handshake(error, refusal)) => {
                    if !negotiation.advance(&refusal) {
                        return Err(ConnectFailure::Handshake(error, refusal));
                    }
                }
                other => return other,
            }
        }
    }

    /// Makes the next connection begin with the newest revision and transport again: the server may have been updated.
    pub(super) fn forget_revision(&self) {
        let mut last = self.last_revision.lock();
        *last = last.take().map(|_| ProtocolVersion::LATEST);
        *self.last_transport.lock() = None;
    }

    /// Time `server/discover` may go unanswered. A server known to answer it may be slow.
    fn discover_timeout(&self, handshake: &Handshake) -> Option<Duration> {
        let known = self.last_revision.lock().as_ref().is_some_and(|last| !last.has_initialize());
        (*handshake == Handshake::DiscoverFirst && !known).then_some(DISCOVER_TIMEOUT)
    }

    async fn attempt(
        &self,
        route: Route<'_>,
        handshake: &Handshake,
        until: Instant,
    ) -> Result<(LiveConnection, Listing), ConnectFailure> {
        self.step.set(match &self.target {
            UpstreamTarget::Local(_) => StartStep::StartingProgram,
            UpstreamTarget::Remote(_) => StartStep::Connecting,
        });
        let mut link = match route {
            Route::Stdio(target) => self.open_local(target, handshake).await?,
            Route::StreamableHttp(target) => {
                self.open_streamable_http(target, handshake, until).await?
            }
            Route::Sse(target) => self.open_sse(target, handshake, until).await?,
        };
        self.step.set(StartStep::ListingTools);
        link.session.peer.set_response_cache_config(ClientCacheConfig::disabled()).await;
        let session = link.session.clone();
        // A slow start leaves no time for the lists.
        let until = until.max(Instant::now() + START_TIMEOUT);
        let listing = tokio::select! {
            listing = timeout_at(until, listing::fetch(&session)) => match listing {
                Ok(listing) => listing.map_err(AttemptError::into_error),
                Err(_) => Err(self.too_slow("did not send its lists")),
            },
            () = link.ended() => {
                let (told, _) = link.exit_reason().await;
                Err(told)
            }
        };
        match listing {
            Ok(listing) => {
                *self.last_revision.lock() = Some(protocol_version(session.revision()));
                *self.last_transport.lock() = session.remote_transport();
                Ok((link, listing))
            }
            Err(error) => {
                link.close(&UpstreamError::Cancelled, &at_once()).await;
                Err(ConnectFailure::Failed(error))
            }
        }
    }

    fn session(
        &self,
        service: &RunningService<RoleClient, ConnectionHandler>,
        in_flight: Arc<InFlight>,
        wire: CallTransport,
    ) -> Arc<UpstreamSession> {
        UpstreamSession::new(
            service.peer().clone(),
            in_flight,
            self.events.lists.clone(),
            wire,
            revision(service),
            self.redactor.clone(),
            self.tasks.clone(),
        )
    }

    /// Time limit of connecting: from the first byte to the last list.
    fn limit(&self) -> Duration {
        match &self.target {
            UpstreamTarget::Local(LocalTarget { startup_timeout: Some(limit), .. }) => *limit,
            UpstreamTarget::Local(_) if self.last_revision.lock().is_none() => FIRST_START_TIMEOUT,
            UpstreamTarget::Local(_) | UpstreamTarget::Remote(_) => START_TIMEOUT,
        }
    }

    fn handler(&self, in_flight: &Arc<InFlight>, handshake: &Handshake) -> ConnectionHandler {
        ConnectionHandler {
            in_flight: in_flight.clone(),
            events: self.events.clone(),
            version: handshake.version(),
        }
    }

    fn remote_failure(
        &self,
        error: &ClientInitializeError,
        refusal: HandshakeRefusal,
    ) -> ConnectFailure {
        let what = self.target.display_name();
        match error {
            ClientInitializeError::LegacyFallbackFailed { fallback, .. } => {
                self.remote_failure(fallback, refusal)
            }
            ClientInitializeError::TransportError { error, .. } => {
                let (error, answered) =
                    connect::problem(&what, self.target.has_credential(), error.error.as_ref());
                if answered {
                    ConnectFailure::Handshake(error, refusal)
                } else {
                    ConnectFailure::Failed(error)
                }
            }
            ClientInitializeError::JsonRpcError(error) => {
                let said = self.redactor.quote(&error.message, 200);
                let problem = format!("it refuses to begin ({said})");
                ConnectFailure::Handshake(UpstreamError::Protocol { problem }, refusal)
            }
            ClientInitializeError::NoCompatibleProtocolVersion { .. } => {
                // Some know `server/discover` and yet want `initialize`.
                let problem = "it speaks no revision that the gateway knows".to_owned();
                ConnectFailure::Handshake(UpstreamError::Protocol { problem }, refusal)
            }
            _ => {
                let problem = "does not answer like an MCP server".to_owned();
                ConnectFailure::Handshake(UpstreamError::Unreachable { what, problem }, refusal)
            }
        }
    }

    fn too_slow(&self, problem: &str) -> UpstreamError {
        UpstreamError::Unreachable {
            what: self.target.display_name(),
            problem: format!("{problem} within {} s", self.limit().as_secs()),
        }
    }
}

/// rmcp's name for a handshake.
fn mode(handshake: &Handshake) -> ClientLifecycleMode {
    let preferred_versions = vec![ProtocolVersion::V_2026_07_28];
    match handshake {
        Handshake::DiscoverFirst => ClientLifecycleMode::Auto {
            preferred_versions,
            legacy_version: Some(handshake.version()),
        },
        Handshake::Discover => ClientLifecycleMode::Discover { preferred_versions },
        Handshake::Initialize(_) => ClientLifecycleMode::Initialize,
    }
}

/// A stored or negotiated revision as rmcp knows it.
pub(super) fn protocol_version(revision: &str) -> ProtocolVersion {
    let known = ProtocolVersion::KNOWN_VERSIONS.iter().find(|known| known.as_str() == revision);
    known.cloned().unwrap_or(ProtocolVersion::LATEST_WITH_INITIALIZE)
}

/// What a refusal says, for the choice of the next version.
fn said(error: &ErrorData) -> String {
    let data = error.data.as_ref().map(ToString::to_string).unwrap_or_default();
    format!("{} {} {data}", error.code.0, error.message)
}

/// A token that is cancelled already.
fn at_once() -> CancellationToken {
    let token = CancellationToken::new();
    token.cancel();
    token
}

fn revision(service: &RunningService<RoleClient, ConnectionHandler>) -> ProtocolVersion {
    service
        .peer_info()
        .map_or(ProtocolVersion::LATEST_WITH_INITIALIZE, |about| about.protocol_version.clone())
}
