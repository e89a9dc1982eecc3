//! From a [`Target`] to a live connection: start or reach the server, shake hands, read its lists.

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
    Target,
    attribution::Running,
    error::{Failure, UpstreamError},
    handler::{Handler, Notices},
    hidden::Hidden,
    http::{Agreed, Http},
    listing::{self, Listing},
    local::{Local, Started},
    refusal::shown,
    remote::{self, Clients, Handshake},
    session::{Session, Wire},
    stderr::Ring,
};

/// How long starting for a call may take, from the first byte to the last list.
pub(super) const START_LIMIT: Duration = Duration::from_secs(30);
/// The same for a local server's first start, by the owner: `npx` and its like download it before it can speak.
pub(super) const FIRST_START_LIMIT: Duration = Duration::from_secs(300);
/// How long rmcp may take to wind up.
const WIND_UP: Duration = Duration::from_secs(3);

/// Makes connections to one upstream, one at a time.
pub(super) struct Connector {
    pub(super) target: Target,
    pub(super) hidden: Hidden,
    pub(super) notices: Arc<Notices>,
    pub(super) ring: Arc<Ring>,
    pub(super) clients: Arc<Clients>,
    pub(super) tasks: TaskTracker,
    /// It was never connected to.
    pub(super) is_new: AtomicBool,
    /// It was found to speak only revisions before 2026-07-28: the next handshake begins with those, which spares
    /// a local server that keeps silent about what it does not know ten seconds.
    pub(super) older: AtomicBool,
}

/// A live connection and what keeps it alive.
pub(super) struct Link {
    pub(super) session: Arc<Session>,
    pub(super) local: Option<Local>,
    pub(super) service: RunningService<RoleClient, Handler>,
}

/// How far an attempt came.
enum Attempt {
    /// The handshake failed in a way that another one may not.
    Handshake(UpstreamError),
    Failed(UpstreamError),
}

impl Connector {
    /// Connects within its limit. On failure nothing is left behind.
    pub(super) async fn connect(&self) -> Result<(Link, Listing), UpstreamError> {
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
            Err(Attempt::Failed(error)) => return Err(error),
            // Some servers break on a question they do not know instead of refusing it.
            Err(Attempt::Handshake(_)) => {}
        }
        self.attempt(second, until).await.map_err(|failed| match failed {
            Attempt::Handshake(error) | Attempt::Failed(error) => error,
        })
    }

    async fn attempt(
        &self,
        mode: ClientLifecycleMode,
        until: Instant,
    ) -> Result<(Link, Listing), Attempt> {
        let mut link = match &self.target {
            Target::Local { .. } => self.open_local(mode, until).await?,
            Target::Remote { .. } => self.open_remote(mode, until).await?,
        };
        link.session.peer.set_response_cache_config(ClientCacheConfig::disabled()).await;
        let session = link.session.clone();
        let listing = tokio::select! {
            listing = timeout_at(until, listing::fetch(&session)) => match listing {
                Ok(listing) => listing.map_err(Failure::told),
                Err(_) => Err(self.too_slow("did not send its lists")),
            },
            () = link.ended() => {
                let (told, _) = link.epitaph().await;
                Err(told)
            }
        };
        match listing {
            Ok(listing) => {
                let older = link.local.is_some() && !session.modern();
                self.older.store(older, Ordering::Relaxed);
                self.is_new.store(false, Ordering::Relaxed);
                Ok((link, listing))
            }
            Err(error) => {
                link.close(&UpstreamError::Cancelled, &at_once()).await;
                Err(Attempt::Failed(error))
            }
        }
    }

    async fn open_local(&self, mode: ClientLifecycleMode, until: Instant) -> Result<Link, Attempt> {
        let running = Arc::<Running>::default();
        let Started { mut local, transport } =
            Local::start(&self.target, &self.hidden, &running, &self.ring, &self.tasks)
                .map_err(Attempt::Failed)?;
        let handler = Handler { running: running.clone(), notices: self.notices.clone() };
        let handshake = timeout_at(until, handler.serve_with_lifecycle(transport, mode)).await;
        let error = match handshake {
            Ok(Ok(service)) => {
                let wire = Wire::Stdio(local.pipe().clone());
                let session = self.session(&service, running, wire);
                return Ok(Link { session, local: Some(local), service });
            }
            Ok(Err(error)) => Some(error),
            Err(_) => None,
        };
        let words = local.end_at_once(false).await;
        Err(match error {
            None => {
                let problem = format!(
                    "did not introduce itself within {} s; {words}",
                    self.limit().as_secs()
                );
                Attempt::Failed(UpstreamError::Unreachable { what: self.what(), problem })
            }
            Some(ClientInitializeError::JsonRpcError(error)) => {
                let said = self.hidden.quote(&error.message, 200);
                let problem = format!("it refuses to begin ({said})");
                Attempt::Handshake(UpstreamError::Protocol { problem })
            }
            Some(
                ClientInitializeError::ConnectionClosed(_)
                | ClientInitializeError::TransportError { .. },
            ) => {
                let problem = format!("ended before it had introduced itself; {words}");
                Attempt::Handshake(UpstreamError::Unreachable { what: self.what(), problem })
            }
            Some(_) => Attempt::Handshake(UpstreamError::Protocol {
                problem: format!("its introduction cannot be understood; {words}"),
            }),
        })
    }

    async fn open_remote(
        &self,
        mode: ClientLifecycleMode,
        until: Instant,
    ) -> Result<Link, Attempt> {
        let Target::Remote { url, headers, .. } = &self.target else {
            return Err(Attempt::Failed(UpstreamError::Cancelled));
        };
        let client = self.clients.for_url(url).map_err(Attempt::Failed)?;
        let secrets = remote::secret_headers(url, headers).map_err(Attempt::Failed)?;
        let handshake = Handshake::new(client.clone());
        let config = StreamableHttpClientTransportConfig::with_uri(url.as_str())
            .custom_headers(secrets.clone())
            .reinit_on_expired_session(false);
        let transport = StreamableHttpClientTransport::with_client(handshake.clone(), config);
        let running = Arc::<Running>::default();
        let handler = Handler { running: running.clone(), notices: self.notices.clone() };
        match timeout_at(until, handler.serve_with_lifecycle(transport, mode)).await {
            Ok(Ok(service)) => {
                let revision = revision(&service);
                let agreed = Agreed {
                    modern: !revision.has_initialize(),
                    revision: revision.to_string(),
                    session: handshake.session(),
                };
                let http = Http::new(
                    client,
                    url.clone(),
                    &secrets,
                    self.hidden.clone(),
                    &agreed,
                    self.notices.clone(),
                    self.tasks.clone(),
                );
                let session = self.session(&service, running, Wire::Http(http));
                Ok(Link { session, local: None, service })
            }
            Ok(Err(error)) => Err(self.remote_failure(&error)),
            Err(_) => Err(Attempt::Failed(self.too_slow("did not answer"))),
        }
    }

    fn session(
        &self,
        service: &RunningService<RoleClient, Handler>,
        running: Arc<Running>,
        wire: Wire,
    ) -> Arc<Session> {
        Session::new(
            service.peer().clone(),
            running,
            wire,
            revision(service),
            self.hidden.clone(),
            self.tasks.clone(),
        )
    }

    fn remote_failure(&self, error: &ClientInitializeError) -> Attempt {
        let what = self.what();
        match error {
            ClientInitializeError::LegacyFallbackFailed { fallback, .. } => {
                self.remote_failure(fallback)
            }
            ClientInitializeError::TransportError { error, .. } => {
                let (error, answered) = remote::problem(&what, error.error.as_ref());
                if answered { Attempt::Handshake(error) } else { Attempt::Failed(error) }
            }
            ClientInitializeError::JsonRpcError(error) => {
                let said = self.hidden.quote(&error.message, 200);
                let problem = format!("it refuses to begin ({said})");
                Attempt::Handshake(UpstreamError::Protocol { problem })
            }
            ClientInitializeError::NoCompatibleProtocolVersion { .. } => {
                // Some know `server/discover` and yet want `initialize`.
                let problem = "it speaks no revision that the gateway knows".to_owned();
                Attempt::Handshake(UpstreamError::Protocol { problem })
            }
            _ => {
                let problem = "does not answer like an MCP server".to_owned();
                Attempt::Handshake(UpstreamError::Unreachable { what, problem })
            }
        }
    }

    /// How long connecting may take, from the first byte to the last list.
    fn limit(&self) -> Duration {
        match self.target {
            Target::Local { .. } if self.is_new.load(Ordering::Relaxed) => FIRST_START_LIMIT,
            Target::Local { .. } | Target::Remote { .. } => START_LIMIT,
        }
    }

    /// The upstream in the owner's words, fit to show.
    pub(super) fn what(&self) -> String {
        match &self.target {
            Target::Local { command, .. } => format!("the command {command:?}"),
            Target::Remote { url, .. } => shown(url),
        }
    }

    fn too_slow(&self, problem: &str) -> UpstreamError {
        UpstreamError::Unreachable {
            what: self.what(),
            problem: format!("{problem} within {} s", self.limit().as_secs()),
        }
    }
}

impl Link {
    /// Waits until a local server has ended, or until a call finds the connection to be of no more use.
    pub(super) async fn ended(&mut self) {
        match &mut self.local {
            Some(local) => local.ended().await,
            None => {
                self.session.lost().await;
            }
        }
    }

    /// How it ended: for the owner, and for the calls it leaves behind, if they cannot go on by themselves. Ends what
    /// is left of a local server's tree.
    pub(super) async fn epitaph(&mut self) -> (UpstreamError, Option<UpstreamError>) {
        match &mut self.local {
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
        self.local.as_ref().and_then(Local::pid)
    }

    /// Gives up a connection to a remote server that is of no more use to new calls. Those under way end by
    /// themselves, each on its own stream.
    pub(super) fn abandon(self, tasks: &TaskTracker) {
        self.session.running.close();
        let service = self.service;
        tasks.spawn(async move {
            let _ = tokio::time::timeout(WIND_UP, service.cancel()).await;
        });
    }

    /// Ends the connection: calls fail with `why`, the process tree is gone afterwards. `hurry` cuts all patience.
    pub(super) async fn close(self, why: &UpstreamError, hurry: &CancellationToken) {
        let Self { session, local, service } = self;
        session.running.fail_all(why);
        session.take_leave().await;
        let wind_up = async {
            tokio::select! {
                _ = tokio::time::timeout(WIND_UP, service.cancel()) => {}
                () = hurry.cancelled() => {}
            }
        };
        match local {
            Some(local) => {
                tokio::join!(local.stop(hurry), wind_up);
            }
            None => wind_up.await,
        }
    }
}

/// For ends without patience.
fn at_once() -> CancellationToken {
    let token = CancellationToken::new();
    token.cancel();
    token
}

fn revision(service: &RunningService<RoleClient, Handler>) -> ProtocolVersion {
    service
        .peer_info()
        .map_or(ProtocolVersion::LATEST_WITH_INITIALIZE, |about| about.protocol_version.clone())
}
