//! Opens connections: starts or reaches the server, negotiates the protocol, reads its lists.

use std::{sync::Arc, time::Duration};

use agentport_api::StartStep;
use parking_lot::Mutex;
use rmcp::{
    RoleClient,
    model::{ErrorData, ProtocolVersion},
    service::{
        ClientCacheConfig, ClientInitializeError, ClientLifecycleMode, ClientServiceExt as _,
        RunningService,
    },
    transport::{
        StreamableHttpClientTransport, streamable_http_client::StreamableHttpClientTransportConfig,
    },
};
use tokio::time::{Instant, timeout_at};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::{
    LocalTarget, RemoteTarget, UpstreamTarget,
    error::{AttemptError, UpstreamError},
    handler::{ConnectionHandler, UpstreamEvents},
    in_flight::InFlight,
    listing::{self, Listing},
    negotiation::{Handshake, HandshakeRefusal, Negotiation},
    redaction::Redactor,
    session::{CallTransport, UpstreamSession},
    start_watch::StartProgress,
    stdio::{
        LocalServers,
        child::{ChildServer, StartedServer},
        stderr::LogRing,
    },
    streamable_http::{
        client::{HttpClient, HttpSession},
        connect::{self, HttpClients},
        handshake_client::HandshakeClient,
    },
};

/// Time limit of a start for a call: from the first byte to the last list.
pub(super) const START_TIMEOUT: Duration = Duration::from_secs(30);
/// The same for the first start of a local server: `npx` and the like download it first.
pub(super) const FIRST_START_TIMEOUT: Duration = Duration::from_secs(300);
/// Time `server/discover` may go unanswered before `initialize` is asked as well. Some servers never answer it.
const DISCOVER_TIMEOUT: Duration = Duration::from_millis(1_500);
/// Time rmcp has to end its tasks.
const RMCP_CANCEL_TIMEOUT: Duration = Duration::from_secs(3);

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
}

/// A live connection and what keeps it alive.
pub(super) struct LiveConnection {
    pub(super) session: Arc<UpstreamSession>,
    pub(super) child: Option<ChildServer>,
    pub(super) service: RunningService<RoleClient, ConnectionHandler>,
}

/// How an attempt to connect failed.
enum ConnectFailure {
    /// The handshake failed in a way that another one may not.
    Handshake(UpstreamError, HandshakeRefusal),
    Failed(UpstreamError),
}

impl UpstreamConnector {
    /// Connects within its limit. On failure nothing is left behind.
    pub(super) async fn connect(&self) -> Result<(LiveConnection, Listing), UpstreamError> {
        let until = Instant::now() + self.limit();
        let last = self.last_revision.lock().clone();
        let mut negotiation = Negotiation::new(last.as_ref());
        loop {
            let handshake = negotiation.current().clone();
            match self.attempt(&handshake, until).await {
                Ok(connected) => return Ok(connected),
                Err(ConnectFailure::Failed(error)) => return Err(error),
                // Some servers break on a request they do not know instead of refusing it.
                Err(ConnectFailure::Handshake(error, refusal)) => {
                    if !negotiation.advance(&refusal) {
                        return Err(error);
                    }
                }
            }
        }
    }

    /// Makes the next handshake ask for the newest revision again: the server may have been updated.
    pub(super) fn forget_revision(&self) {
        let mut last = self.last_revision.lock();
        *last = last.take().map(|_| ProtocolVersion::LATEST);
    }

    /// Time `server/discover` may go unanswered. A server known to answer it may be slow.
    fn discover_timeout(&self, handshake: &Handshake) -> Option<Duration> {
        let known = self.last_revision.lock().as_ref().is_some_and(|last| !last.has_initialize());
        (*handshake == Handshake::DiscoverFirst && !known).then_some(DISCOVER_TIMEOUT)
    }

    async fn attempt(
        &self,
        handshake: &Handshake,
        until: Instant,
    ) -> Result<(LiveConnection, Listing), ConnectFailure> {
        self.step.set(match &self.target {
            UpstreamTarget::Local(_) => StartStep::StartingProgram,
            UpstreamTarget::Remote(_) => StartStep::Connecting,
        });
        let mut link = match &self.target {
            UpstreamTarget::Local(target) => self.open_local(target, handshake).await?,
            UpstreamTarget::Remote(target) => self.open_remote(target, handshake, until).await?,
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
                Ok((link, listing))
            }
            Err(error) => {
                link.close(&UpstreamError::Cancelled, &at_once()).await;
                Err(ConnectFailure::Failed(error))
            }
        }
    }

    async fn open_local(
        &self,
        target: &LocalTarget,
        handshake: &Handshake,
    ) -> Result<LiveConnection, ConnectFailure> {
        let in_flight = Arc::<InFlight>::default();
        let StartedServer { mut local, mut transport } = ChildServer::start(
            target,
            &self.local,
            &self.redactor,
            &in_flight,
            &self.ring,
            &self.tasks,
        )
        .await
        .map_err(ConnectFailure::Failed)?;
        let handler = self.handler(&in_flight, handshake);
        transport.set_discover_timeout(self.discover_timeout(handshake));
        let activity = local.activity().clone();
        let negotiated = activity
            .while_active(self.limit(), handler.serve_with_lifecycle(transport, mode(handshake)))
            .await;
        let error = match negotiated {
            Some(Ok(service)) => {
                let wire = CallTransport::Stdio(local.pipe().clone());
                let session = self.session(&service, in_flight, wire);
                return Ok(LiveConnection { session, child: Some(local), service });
            }
            Some(Err(error)) => Some(error),
            None => None,
        };
        let words = local.end_at_once(false).await;
        let refusal = HandshakeRefusal {
            said: String::new(),
            discovered_late: local.pipe().discovered_late(),
        };
        Err(self.local_failure(error, &words, refusal))
    }

    /// Why a local server did not start. `words` is its last output.
    fn local_failure(
        &self,
        error: Option<ClientInitializeError>,
        words: &str,
        mut refusal: HandshakeRefusal,
    ) -> ConnectFailure {
        match error {
            None => {
                let problem = format!(
                    "did not introduce itself within {} s; {words}",
                    self.limit().as_secs()
                );
                ConnectFailure::Failed(UpstreamError::Unreachable {
                    what: self.target.display_name(),
                    problem,
                })
            }
            Some(ClientInitializeError::LegacyFallbackFailed { fallback, .. }) => {
                let error = match *fallback {
                    ClientInitializeError::JsonRpcError(error) => {
                        refusal.said = said(&error);
                        format!(
                            "it refuses to begin ({})",
                            self.redactor.quote(&error.message, 200)
                        )
                    }
                    _ => format!("its introduction cannot be understood; {words}"),
                };
                ConnectFailure::Handshake(UpstreamError::Protocol { problem: error }, refusal)
            }
            Some(ClientInitializeError::JsonRpcError(error)) => {
                refusal.said = said(&error);
                let said = self.redactor.quote(&error.message, 200);
                let problem = format!("it refuses to begin ({said})");
                ConnectFailure::Handshake(UpstreamError::Protocol { problem }, refusal)
            }
            Some(
                ClientInitializeError::ConnectionClosed(_)
                | ClientInitializeError::TransportError { .. },
            ) => {
                let problem = format!("ended before it had introduced itself; {words}");
                let error =
                    UpstreamError::Unreachable { what: self.target.display_name(), problem };
                ConnectFailure::Handshake(error, refusal)
            }
            Some(_) => {
                let problem = format!("its introduction cannot be understood; {words}");
                ConnectFailure::Handshake(UpstreamError::Protocol { problem }, refusal)
            }
        }
    }

    async fn open_remote(
        &self,
        target: &RemoteTarget,
        handshake: &Handshake,
        until: Instant,
    ) -> Result<LiveConnection, ConnectFailure> {
        let RemoteTarget { url, headers, .. } = target;
        let client = self.clients.for_url(url).map_err(ConnectFailure::Failed)?;
        let secrets = connect::secret_headers(url, headers).map_err(ConnectFailure::Failed)?;
        let rmcp_client = HandshakeClient::new(client.clone(), self.discover_timeout(handshake));
        let mut config = StreamableHttpClientTransportConfig::with_uri(url.as_str())
            .custom_headers(secrets.clone())
            .reinit_on_expired_session(false);
        config.retry_config = rmcp_client.pacing();
        let transport = StreamableHttpClientTransport::with_client(rmcp_client.clone(), config);
        let in_flight = Arc::<InFlight>::default();
        let handler = self.handler(&in_flight, handshake);
        match timeout_at(until, handler.serve_with_lifecycle(transport, mode(handshake))).await {
            Ok(Ok(service)) => {
                let revision = revision(&service);
                let agreed = HttpSession {
                    modern: !revision.has_initialize(),
                    revision: revision.to_string(),
                    session: rmcp_client.session(),
                };
                let http = HttpClient::new(
                    client,
                    url.clone(),
                    &secrets,
                    self.redactor.clone(),
                    &agreed,
                    self.events.clone(),
                    self.tasks.clone(),
                );
                let session = self.session(&service, in_flight, CallTransport::Http(http));
                Ok(LiveConnection { session, child: None, service })
            }
            Ok(Err(error)) => {
                let refusal =
                    HandshakeRefusal { said: rmcp_client.refusal(), discovered_late: false };
                Err(self.remote_failure(&error, refusal))
            }
            Err(_) => Err(ConnectFailure::Failed(self.too_slow("did not answer"))),
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

    fn too_slow(&self, problem: &str) -> UpstreamError {
        UpstreamError::Unreachable {
            what: self.target.display_name(),
            problem: format!("{problem} within {} s", self.limit().as_secs()),
        }
    }
}

impl LiveConnection {
    /// Waits until a local server has ended or a call reports the connection as unusable.
    pub(super) async fn ended(&mut self) {
        match &mut self.child {
            Some(local) => local.ended().await,
            None => {
                self.session.lost().await;
            }
        }
    }

    /// Why the connection ended: for the owner, and for pending calls that cannot continue. Kills what is left of a local
    /// server's process tree.
    pub(super) async fn exit_reason(&mut self) -> (UpstreamError, Option<UpstreamError>) {
        match &mut self.child {
            Some(local) => {
                let words = local.end_at_once(true).await;
                let problem = format!("stopped; {words}");
                let told = UpstreamError::Unreachable { what: "the server".to_owned(), problem };
                (told, Some(UpstreamError::Closed { last_words: words }))
            }
            None => (self.session.lost().await, None),
        }
    }

    /// Process id of a local server.
    pub(super) fn pid(&self) -> Option<u32> {
        self.child.as_ref().and_then(ChildServer::pid)
    }

    /// Abandons a connection to a remote server that new calls cannot use. Running calls end on their own streams.
    pub(super) fn abandon(self, tasks: &TaskTracker) {
        self.session.in_flight.close();
        let service = self.service;
        tasks.spawn(async move {
            let _ = tokio::time::timeout(RMCP_CANCEL_TIMEOUT, service.cancel()).await;
        });
    }

    /// Ends the connection: pending calls fail with `why`, and the process tree is gone afterwards. `force_stop` kills at once.
    pub(super) async fn close(self, why: &UpstreamError, force_stop: &CancellationToken) {
        let Self { session, child, service } = self;
        session.in_flight.fail_all(why);
        session.stop_listening().await;
        let wind_up = async {
            tokio::select! {
                _ = tokio::time::timeout(RMCP_CANCEL_TIMEOUT, service.cancel()) => {}
                () = force_stop.cancelled() => {}
            }
        };
        match child {
            Some(local) => {
                tokio::join!(local.stop(force_stop), wind_up);
            }
            None => wind_up.await,
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
