//! HTTP/1.1 client for the gateway of one data directory, with a pool of kept-alive connections.
//!
//! Connections are made only to the process that holds the data directory: the port comes from the runtime file, which
//! is valid while the directory is locked, and is compared once more after connecting. So keys and tokens reach the gateway
//! and no other program that took over its port.
//!
//! Deliberately absent: TLS, proxies and redirects (the gateway is on this machine).

use std::{
    net::Ipv4Addr,
    sync::Arc,
    time::{Duration, Instant},
};

use agentport_core::mcp::EVENT_STREAM;
use agentport_gateway::data_dir::{DataDir, Runtime};
use bytes::{Bytes, BytesMut};
use http::{HeaderMap, HeaderValue, Method, Request, StatusCode, Uri, header};
use http_body_util::{BodyExt as _, Full};
use hyper::{
    body::Incoming,
    client::conn::http1::{self, SendRequest},
};
use hyper_util::rt::TokioIo;
use parking_lot::Mutex;
use tokio::{net::TcpStream, task::AbortHandle};
use tokio_util::task::TaskTracker;

use super::sse::MAX_EVENT_BYTES;

/// The gateway closes connections that are idle for a minute. Ours are dropped well before, so that none is used at the
/// moment it is being closed.
const MAX_IDLE_TIME: Duration = Duration::from_secs(30);

const MAX_IDLE_CONNECTIONS: usize = 8;
/// Connecting over loopback takes microseconds, or does not work at all.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
const ENDPOINT: &str = "/mcp";

/// One run of a gateway: another process or port is another run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct GatewayInstance {
    pid: u32,
    port: u16,
}

impl From<&Runtime> for GatewayInstance {
    fn from(runtime: &Runtime) -> Self {
        Self { pid: runtime.pid, port: runtime.port }
    }
}

/// A request that can be sent again on another connection.
#[derive(Debug, Clone)]
pub(super) struct OutgoingRequest {
    pub(super) method: Method,
    /// Path and query.
    pub(super) target: Uri,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
}

/// Why a request got no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum HttpFailure {
    /// No gateway was reached, and nothing was sent.
    Unreachable,
    /// The connection broke after the request was sent: the gateway may have carried it out.
    ConnectionLost,
}

/// The connection pool.
#[derive(Debug)]
pub(super) struct GatewayHttp {
    home: DataDir,
    idle: Mutex<Vec<PooledConnection>>,
    drivers: TaskTracker,
}

/// A connection. Dropping it closes it, also in the middle of an answer: that is how MCP 2026-07-28 cancels a request.
#[derive(Debug)]
struct PooledConnection {
    sender: SendRequest<Full<Bytes>>,
    driver: AbortHandle,
    instance: GatewayInstance,
    since: Instant,
}

impl PooledConnection {
    fn is_good(&self) -> bool {
        !self.sender.is_closed() && self.since.elapsed() < MAX_IDLE_TIME
    }
}

impl Drop for PooledConnection {
    fn drop(&mut self) {
        self.driver.abort();
    }
}

/// An answer whose body is still to be read.
#[derive(Debug)]
pub(super) struct GatewayReply {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) instance: GatewayInstance,
    body: Incoming,
    connection: Option<PooledConnection>,
    http: Arc<GatewayHttp>,
}

impl GatewayHttp {
    pub(super) fn new(home: DataDir, drivers: TaskTracker) -> Arc<Self> {
        Arc::new(Self { home, idle: Mutex::default(), drivers })
    }

    /// The gateway that runs now, from the runtime file.
    pub(super) fn running(&self) -> Option<GatewayInstance> {
        self.home.read_runtime().as_ref().map(GatewayInstance::from)
    }

    pub(super) async fn send(
        self: &Arc<Self>,
        draft: &OutgoingRequest,
    ) -> Result<GatewayReply, HttpFailure> {
        loop {
            let (mut connection, kept) = match self.pooled() {
                Some(connection) => (connection, true),
                None => (self.connect().await?, false),
            };
            let again = || if kept { Ok(()) } else { Err(HttpFailure::Unreachable) };
            if connection.sender.ready().await.is_err() {
                again()?;
                continue;
            }
            let request = draft.request(connection.instance.port);
            match connection.sender.try_send_request(request).await {
                Ok(response) => {
                    let (parts, body) = response.into_parts();
                    return Ok(GatewayReply {
                        status: parts.status,
                        headers: parts.headers,
                        instance: connection.instance,
                        body,
                        connection: Some(connection),
                        http: self.clone(),
                    });
                }
                Err(mut error) => match error.take_message() {
                    // The gateway closed the idle connection, and nothing of the request was sent.
                    Some(_) => again()?,
                    None => return Err(HttpFailure::ConnectionLost),
                },
            }
        }
    }

    fn pooled(&self) -> Option<PooledConnection> {
        let mut idle = self.idle.lock();
        idle.retain(PooledConnection::is_good);
        match idle.iter().rposition(|kept| kept.sender.is_ready()) {
            Some(place) => Some(idle.remove(place)),
            None => idle.pop(),
        }
    }

    fn return_to_pool(&self, mut connection: PooledConnection) {
        connection.since = Instant::now();
        let mut idle = self.idle.lock();
        if idle.len() < MAX_IDLE_CONNECTIONS {
            idle.push(connection);
        }
    }

    async fn connect(&self) -> Result<PooledConnection, HttpFailure> {
        let runtime = self.home.read_runtime().ok_or(HttpFailure::Unreachable)?;
        let connecting = TcpStream::connect((Ipv4Addr::LOCALHOST, runtime.port));
        let stream = match tokio::time::timeout(CONNECT_TIMEOUT, connecting).await {
            Ok(Ok(stream)) => stream,
            _ => return Err(HttpFailure::Unreachable),
        };
        if self.home.read_runtime().as_ref() != Some(&runtime) {
            return Err(HttpFailure::Unreachable);
        }
        // Messages are small: waiting to fill a packet (Nagle) only adds delay.
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "TCP_NODELAY could not be set");
        }
        let (sender, connection) =
            http1::handshake(TokioIo::new(stream)).await.map_err(|_| HttpFailure::Unreachable)?;
        let driver = self.drivers.spawn(async move {
            if let Err(error) = connection.await {
                tracing::debug!(%error, "a connection to the gateway ended badly");
            }
        });
        Ok(PooledConnection {
            sender,
            driver: driver.abort_handle(),
            instance: GatewayInstance::from(&runtime),
            since: Instant::now(),
        })
    }
}

impl OutgoingRequest {
    /// To the MCP endpoint.
    pub(super) fn mcp(method: Method, headers: HeaderMap, body: Bytes) -> Self {
        Self { method, target: Uri::from_static(ENDPOINT), headers, body }
    }

    fn request(&self, port: u16) -> Request<Full<Bytes>> {
        let mut request = Request::new(Full::new(self.body.clone()));
        *request.method_mut() = self.method.clone();
        *request.uri_mut() = self.target.clone();
        let host = HeaderValue::try_from(format!("127.0.0.1:{port}")).expect("is an authority");
        *request.headers_mut() = self.headers.clone();
        request.headers_mut().insert(header::HOST, host);
        request
    }
}

impl GatewayReply {
    pub(super) fn is_events(&self) -> bool {
        let kind = self.headers.get(header::CONTENT_TYPE);
        kind.is_some_and(|kind| kind.as_bytes().starts_with(EVENT_STREAM.as_bytes()))
    }

    /// The next part of the body; `None` at its end.
    pub(super) async fn next_chunk(&mut self) -> Result<Option<Bytes>, HttpFailure> {
        loop {
            match self.body.frame().await {
                Some(Ok(frame)) => {
                    if let Ok(data) = frame.into_data() {
                        return Ok(Some(data));
                    }
                }
                Some(Err(_)) => return Err(HttpFailure::ConnectionLost),
                None => {
                    if let Some(connection) = self.connection.take() {
                        self.http.return_to_pool(connection);
                    }
                    return Ok(None);
                }
            }
        }
    }

    /// The whole body.
    pub(super) async fn read_all(mut self) -> Result<Bytes, HttpFailure> {
        let Some(first) = self.next_chunk().await? else { return Ok(Bytes::new()) };
        let Some(second) = self.next_chunk().await? else { return Ok(first) };
        let mut whole = BytesMut::from(first);
        whole.extend_from_slice(&second);
        while let Some(piece) = self.next_chunk().await? {
            if whole.len() + piece.len() > MAX_EVENT_BYTES {
                return Err(HttpFailure::ConnectionLost);
            }
            whole.extend_from_slice(&piece);
        }
        Ok(whole.freeze())
    }
}
