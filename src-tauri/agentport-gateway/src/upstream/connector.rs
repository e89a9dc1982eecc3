//! Opens connections: starts or reaches the server, negotiates the protocol, reads its lists.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use rmcp::{
    RoleClient,
    model::ProtocolVersion,
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
    redaction::Redactor,
    session::{CallTransport, UpstreamSession},
    stdio::{
        LocalServers,
        child::{ChildServer, StartedServer},
        stderr::LogRing,
    },
    streamable_http::{
        client::{HttpClient, HttpSession},
        connect::{self, HandshakeClient, HttpClients},
    },
};

/// How long starting for a call may take, from the first byte to the last list.
pub(super) const START_TIMEOUT: Duration = Duration::from_secs(30);
/// The same for a local server's first start, by the owner: `npx` and its like download it before it can speak.
pub(super) const FIRST_START_TIMEOUT: Duration = Duration::from_secs(300);
/// Time rmcp has to end its tasks.
const RMCP_CANCEL_TIMEOUT: Duration = Duration::from_secs(3);

/// Makes connections to one upstream, one at a time.
pub(super) struct UpstreamConnector {
    pub(super) target: UpstreamTarget,
    pub(super) redactor: Redactor,
    pub(super) events: Arc<UpstreamEvents>,
    pub(super) ring: Arc<LogRing>,
    pub(super) clients: Arc<HttpClients>,
    pub(super) local: Arc<LocalServers>,
    pub(super) tasks: TaskTracker,
    /// It was never connected to.
    pub(super) is_new: AtomicBool,
    /// It was found to speak only revisions before 2026-07-28: the next handshake begins with those, which spares
    /// a local server that keeps silent about what it does not know ten seconds.
    pub(super) older: AtomicBool,
}

/// A live connection and what keeps it alive.
pub(super) struct LiveConnection {
    pub(super) session: Arc<UpstreamSession>,
    pub(super) child: Option<ChildServer>,
    pub(super) service: RunningService<RoleClient, ConnectionHandler>,
}

/// How far an attempt came.
enum ConnectFailure {
    /// The handshake failed in a way that another one may not.
    HandshakeClient(UpstreamError),
    Failed(UpstreamError),
}

impl UpstreamConnector {
    /// Connects within its limit. On failure nothing is left behind.
    pub(super) async fn connect(&self) -> Result<(LiveConnection, Listing), UpstreamError> {
        let until = Instant::now() + self.limit();
        let newest_first = ClientLifecycleMode::Auto {
            preferred_versions: vec![ProtocolVersion::V_2026_07_28],
            legacy_version: None,
        };
        let mut modes = [newest_first, ClientLifecycleMode::Initialize];
        if self.older.load(Ordering::Relaxed) {
            modes.reverse();
        }
        let [first, second] = modes;
        match self.attempt(first, until).await {
            Ok(connected) => return Ok(connected),
            Err(ConnectFailure::Failed(error)) => return Err(error),
            // Some servers break on a question they do not know instead of refusing it.
            Err(ConnectFailure::HandshakeClient(_)) => {}
        }
        self.attempt(second, until).await.map_err(|failed| match failed {
            ConnectFailure::HandshakeClient(error) | ConnectFailure::Failed(error) => error,
        })
    }

    async fn attempt(
        &self,
        mode: ClientLifecycleMode,
        until: Instant,
    ) -> Result<(LiveConnection, Listing), ConnectFailure> {
        let mut link = match &self.target {
            UpstreamTarget::Local(target) => self.open_local(target, mode).await?,
            UpstreamTarget::Remote(target) => self.open_remote(target, mode, until).await?,
        };
        link.session.peer.set_response_cache_config(ClientCacheConfig::disabled()).await;
        let session = link.session.clone();
        // A start that took its time leaves none for the lists.
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
                let older = link.child.is_some() && !session.modern();
                self.older.store(older, Ordering::Relaxed);
                self.is_new.store(false, Ordering::Relaxed);
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
        mode: ClientLifecycleMode,
    ) -> Result<LiveConnection, ConnectFailure> {
        let in_flight = Arc::<InFlight>::default();
        let StartedServer { mut local, transport } = ChildServer::start(
            target,
            &self.local,
            &self.redactor,
            &in_flight,
            &self.ring,
            &self.tasks,
        )
        .await
        .map_err(ConnectFailure::Failed)?;
        let handler =
            ConnectionHandler { in_flight: in_flight.clone(), events: self.events.clone() };
        let activity = local.activity().clone();
        let handshake = activity
            .while_active(self.limit(), handler.serve_with_lifecycle(transport, mode))
            .await;
        let error = match handshake {
            Some(Ok(service)) => {
                let wire = CallTransport::Stdio(local.pipe().clone());
                let session = self.session(&service, in_flight, wire);
                return Ok(LiveConnection { session, child: Some(local), service });
            }
            Some(Err(error)) => Some(error),
            None => None,
        };
        let words = local.end_at_once(false).await;
        Err(match error {
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
            Some(ClientInitializeError::JsonRpcError(error)) => {
                let said = self.redactor.quote(&error.message, 200);
                let problem = format!("it refuses to begin ({said})");
                ConnectFailure::HandshakeClient(UpstreamError::Protocol { problem })
            }
            Some(
                ClientInitializeError::ConnectionClosed(_)
                | ClientInitializeError::TransportError { .. },
            ) => {
                let problem = format!("ended before it had introduced itself; {words}");
                ConnectFailure::HandshakeClient(UpstreamError::Unreachable {
                    what: self.target.display_name(),
                    problem,
                })
            }
            Some(_) => ConnectFailure::HandshakeClient(UpstreamError::Protocol {
                problem: format!("its introduction cannot be understood; {words}"),
            }),
        })
    }

    async fn open_remote(
        &self,
        target: &RemoteTarget,
        mode: ClientLifecycleMode,
        until: Instant,
    ) -> Result<LiveConnection, ConnectFailure> {
        let RemoteTarget { url, headers, .. } = target;
        let client = self.clients.for_url(url).map_err(ConnectFailure::Failed)?;
        let secrets = connect::secret_headers(url, headers).map_err(ConnectFailure::Failed)?;
        let handshake = HandshakeClient::new(client.clone());
        let config = StreamableHttpClientTransportConfig::with_uri(url.as_str())
            .custom_headers(secrets.clone())
            .reinit_on_expired_session(false);
        let transport = StreamableHttpClientTransport::with_client(handshake.clone(), config);
        let in_flight = Arc::<InFlight>::default();
        let handler =
            ConnectionHandler { in_flight: in_flight.clone(), events: self.events.clone() };
        match timeout_at(until, handler.serve_with_lifecycle(transport, mode)).await {
            Ok(Ok(service)) => {
                let revision = revision(&service);
                let agreed = HttpSession {
                    modern: !revision.has_initialize(),
                    revision: revision.to_string(),
                    session: handshake.session(),
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
            Ok(Err(error)) => Err(self.remote_failure(&error)),
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
            wire,
            revision(service),
            self.redactor.clone(),
            self.tasks.clone(),
        )
    }

    fn remote_failure(&self, error: &ClientInitializeError) -> ConnectFailure {
        let what = self.target.display_name();
        match error {
            ClientInitializeError::LegacyFallbackFailed { fallback, .. } => {
                self.remote_failure(fallback)
            }
            ClientInitializeError::TransportError { error, .. } => {
                let (error, answered) = connect::problem(&what, error.error.as_ref());
                if answered {
                    ConnectFailure::HandshakeClient(error)
                } else {
                    ConnectFailure::Failed(error)
                }
            }
            ClientInitializeError::JsonRpcError(error) => {
                let said = self.redactor.quote(&error.message, 200);
                let problem = format!("it refuses to begin ({said})");
                ConnectFailure::HandshakeClient(UpstreamError::Protocol { problem })
            }
            ClientInitializeError::NoCompatibleProtocolVersion { .. } => {
                // Some know `server/discover` and yet want `initialize`.
                let problem = "it speaks no revision that the gateway knows".to_owned();
                ConnectFailure::HandshakeClient(UpstreamError::Protocol { problem })
            }
            _ => {
                let problem = "does not answer like an MCP server".to_owned();
                ConnectFailure::HandshakeClient(UpstreamError::Unreachable { what, problem })
            }
        }
    }

    /// How long connecting may take, from the first byte to the last list.
    fn limit(&self) -> Duration {
        match &self.target {
            UpstreamTarget::Local(LocalTarget { startup_timeout: Some(limit), .. }) => *limit,
            UpstreamTarget::Local(_) if self.is_new.load(Ordering::Relaxed) => FIRST_START_TIMEOUT,
            UpstreamTarget::Local(_) | UpstreamTarget::Remote(_) => START_TIMEOUT,
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
    /// Waits until a local server has ended, or until a call finds the connection to be of no more use.
    pub(super) async fn ended(&mut self) {
        match &mut self.child {
            Some(local) => local.ended().await,
            None => {
                self.session.lost().await;
            }
        }
    }

    /// Why it ended: for the owner, and for the calls it leaves behind, if they cannot go on by themselves. Ends what
    /// is left of a local server's tree.
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

    /// Gives up a connection to a remote server that is of no more use to new calls. Those under way end by
    /// themselves, each on its own stream.
    pub(super) fn abandon(self, tasks: &TaskTracker) {
        self.session.in_flight.close();
        let service = self.service;
        tasks.spawn(async move {
            let _ = tokio::time::timeout(RMCP_CANCEL_TIMEOUT, service.cancel()).await;
        });
    }

    /// Ends the connection: calls fail with `why`, the process tree is gone afterwards. `force_stop` cuts all patience.
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
