//! Plain HTTP/1.1 to the gateway of one home, on this machine, over connections that are kept.
//!
//! A connection is only ever made to the process that holds the home: the port comes from the runtime file, which is
//! believed while the home is locked, and it is looked at once more when the connection stands. So a key that goes out
//! here reaches the gateway and nobody else. There is no TLS, no proxy and no redirect.

use std::{
    net::Ipv4Addr,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use agentport_gateway::data_dir::{DataDir, Runtime};
use bytes::{Bytes, BytesMut};
use http::{HeaderMap, HeaderValue, Method, Request, StatusCode, header};
use http_body_util::{BodyExt as _, Full};
use hyper::{
    body::Incoming,
    client::conn::http1::{self, SendRequest},
};
use hyper_util::rt::TokioIo;
use tokio::{net::TcpStream, task::AbortHandle};
use tokio_util::task::TaskTracker;

use super::sse::LARGEST;

/// The gateway closes what lies idle for a minute; nothing is sent at the moment it does.
const IDLE: Duration = Duration::from_secs(30);
/// Idle connections that are kept.
const KEPT: usize = 8;
/// Connecting on this machine takes no time, or does not work.
const CONNECT: Duration = Duration::from_secs(2);
const ENDPOINT: &str = "/mcp";

/// One run of a gateway.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Instance {
    pid: u32,
    port: u16,
}

impl From<&Runtime> for Instance {
    fn from(runtime: &Runtime) -> Self {
        Self { pid: runtime.pid, port: runtime.port }
    }
}

/// A request, to be sent as often as it takes.
#[derive(Debug, Clone)]
pub(super) struct Draft {
    pub(super) method: Method,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
}

/// Why there is no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Failure {
    /// No gateway was reached, and nothing was sent.
    Nobody,
    /// The connection broke after the request was sent. It may have been carried out.
    Broken,
}

/// Connections to the gateway.
#[derive(Debug)]
pub(super) struct Http {
    home: DataDir,
    idle: Mutex<Vec<Connection>>,
    drivers: TaskTracker,
}

/// A connection. It is closed when dropped, whatever goes on in it: that is how revision 2026-07-28 cancels.
#[derive(Debug)]
struct Connection {
    sender: SendRequest<Full<Bytes>>,
    driver: AbortHandle,
    instance: Instance,
    since: Instant,
}

impl Connection {
    fn is_good(&self) -> bool {
        !self.sender.is_closed() && self.since.elapsed() < IDLE
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.driver.abort();
    }
}

/// An answer, whose body has still to be read.
#[derive(Debug)]
pub(super) struct Reply {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) instance: Instance,
    body: Incoming,
    connection: Option<Connection>,
    http: Arc<Http>,
}

impl Http {
    pub(super) fn new(home: DataDir, drivers: TaskTracker) -> Arc<Self> {
        Arc::new(Self { home, idle: Mutex::default(), drivers })
    }

    /// The gateway that runs now.
    pub(super) fn running(&self) -> Option<Instance> {
        self.home.read_runtime().as_ref().map(Instance::from)
    }

    pub(super) async fn send(self: &Arc<Self>, draft: &Draft) -> Result<Reply, Failure> {
        loop {
            let (mut connection, kept) = match self.kept() {
                Some(connection) => (connection, true),
                None => (self.connect().await?, false),
            };
            let again = || if kept { Ok(()) } else { Err(Failure::Nobody) };
            if connection.sender.ready().await.is_err() {
                again()?;
                continue;
            }
            let request = draft.request(connection.instance.port);
            match connection.sender.try_send_request(request).await {
                Ok(response) => {
                    let (parts, body) = response.into_parts();
                    return Ok(Reply {
                        status: parts.status,
                        headers: parts.headers,
                        instance: connection.instance,
                        body,
                        connection: Some(connection),
                        http: self.clone(),
                    });
                }
                Err(mut error) => match error.take_message() {
                    // It was closed while it lay idle, and nothing of the request has left.
                    Some(_) => again()?,
                    None => return Err(Failure::Broken),
                },
            }
        }
    }

    fn kept(&self) -> Option<Connection> {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        idle.retain(Connection::is_good);
        match idle.iter().rposition(|kept| kept.sender.is_ready()) {
            Some(place) => Some(idle.remove(place)),
            None => idle.pop(),
        }
    }

    fn keep(&self, mut connection: Connection) {
        connection.since = Instant::now();
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        if idle.len() < KEPT {
            idle.push(connection);
        }
    }

    async fn connect(&self) -> Result<Connection, Failure> {
        let runtime = self.home.read_runtime().ok_or(Failure::Nobody)?;
        let connecting = TcpStream::connect((Ipv4Addr::LOCALHOST, runtime.port));
        let stream = match tokio::time::timeout(CONNECT, connecting).await {
            Ok(Ok(stream)) => stream,
            _ => return Err(Failure::Nobody),
        };
        if self.home.read_runtime().as_ref() != Some(&runtime) {
            return Err(Failure::Nobody);
        }
        // Small messages both ways: waiting to fill a packet only adds delay.
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "TCP_NODELAY could not be set");
        }
        let (sender, connection) =
            http1::handshake(TokioIo::new(stream)).await.map_err(|_| Failure::Nobody)?;
        let driver = self.drivers.spawn(async move {
            if let Err(error) = connection.await {
                tracing::debug!(%error, "a connection to the gateway ended badly");
            }
        });
        Ok(Connection {
            sender,
            driver: driver.abort_handle(),
            instance: Instance::from(&runtime),
            since: Instant::now(),
        })
    }
}

impl Draft {
    fn request(&self, port: u16) -> Request<Full<Bytes>> {
        let mut request = Request::new(Full::new(self.body.clone()));
        *request.method_mut() = self.method.clone();
        *request.uri_mut() = http::Uri::from_static(ENDPOINT);
        let host = HeaderValue::try_from(format!("127.0.0.1:{port}")).expect("is an authority");
        *request.headers_mut() = self.headers.clone();
        request.headers_mut().insert(header::HOST, host);
        request
    }
}

impl Reply {
    pub(super) fn is_events(&self) -> bool {
        let kind = self.headers.get(header::CONTENT_TYPE);
        kind.is_some_and(|kind| kind.as_bytes().starts_with(b"text/event-stream"))
    }

    /// The next piece of the body; `None` at its end.
    pub(super) async fn piece(&mut self) -> Result<Option<Bytes>, Failure> {
        loop {
            match self.body.frame().await {
                Some(Ok(frame)) => {
                    if let Ok(data) = frame.into_data() {
                        return Ok(Some(data));
                    }
                }
                Some(Err(_)) => return Err(Failure::Broken),
                None => {
                    if let Some(connection) = self.connection.take() {
                        self.http.keep(connection);
                    }
                    return Ok(None);
                }
            }
        }
    }

    /// The whole body.
    pub(super) async fn whole(mut self) -> Result<Bytes, Failure> {
        let Some(first) = self.piece().await? else { return Ok(Bytes::new()) };
        let Some(second) = self.piece().await? else { return Ok(first) };
        let mut whole = BytesMut::from(first);
        whole.extend_from_slice(&second);
        while let Some(piece) = self.piece().await? {
            if whole.len() + piece.len() > LARGEST {
                return Err(Failure::Broken);
            }
            whole.extend_from_slice(&piece);
        }
        Ok(whole.freeze())
    }
}
