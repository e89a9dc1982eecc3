//! Stand-ins for the services of the directory: a proxy that answers for every host name, with certificates of its own
//! authority. The gateway is configured for both by `HTTPS_PROXY` and `SSL_CERT_FILE`.

use std::{collections::HashMap, path::PathBuf, sync::Arc};

use agentport_tests::gateway::Setup;
use axum::{
    Router,
    body::Body,
    extract::{Request, State},
    response::{IntoResponse as _, Response},
};
use http::{HeaderMap, StatusCode, header};
use parking_lot::Mutex;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use tokio::{
    io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader},
    net::{TcpListener, TcpStream},
    sync::{mpsc, watch},
};
use tokio_rustls::{
    TlsAcceptor,
    rustls::{
        ServerConfig,
        pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer},
    },
    server::TlsStream,
};

/// What stands at a name.
#[derive(Debug, Clone)]
pub(crate) enum Service {
    /// The fixture at this URL, whatever the path.
    At(String),
    /// The server at this origin.
    Site(String),
    /// Takes the connection and never says a word.
    Silent,
    /// Sends everybody elsewhere.
    Moved(String),
}

/// A request that arrived: at which name, with which headers.
#[derive(Debug, Clone)]
pub(crate) struct Arrived {
    pub(crate) name: String,
    pub(crate) headers: HeaderMap,
}

struct Inner {
    services: Mutex<HashMap<String, Service>>,
    authority: CertifiedIssuer<'static, KeyPair>,
    /// The names somebody connected to.
    connected: watch::Sender<Vec<String>>,
    arrived: Mutex<Vec<Arrived>>,
    client: reqwest::Client,
}

pub(crate) struct Internet {
    inner: Arc<Inner>,
    port: u16,
    directory: tempfile::TempDir,
    tasks: tokio::task::JoinSet<()>,
}

impl Internet {
    pub(crate) async fn with(services: impl IntoIterator<Item = (&str, Service)>) -> Self {
        let client = agentport_tests::http_client();
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().expect("a key");
        let authority = CertifiedIssuer::self_signed(params, key).expect("an authority");
        let directory = tempfile::tempdir().expect("a directory");
        std::fs::write(directory.path().join("authority.pem"), authority.pem()).expect("a file");
        let inner = Arc::new(Inner {
            services: Mutex::new(
                services.into_iter().map(|(name, one)| (name.to_owned(), one)).collect(),
            ),
            authority,
            connected: watch::Sender::default(),
            arrived: Mutex::default(),
            client,
        });
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let port = listener.local_addr().expect("a bound listener has an address").port();
        let (connections, waiting) = mpsc::channel(16);
        let router = Router::new().fallback(answer).with_state(inner.clone());
        let mut tasks = tokio::task::JoinSet::new();
        tasks.spawn(async move {
            axum::serve(Connections(waiting), router).await.expect("it serves until it is dropped");
        });
        tasks.spawn(accept(listener, inner.clone(), connections));
        Self { inner, port, directory, tasks }
    }

    /// A gateway that lives in this internet.
    pub(crate) fn setup(&self) -> Setup {
        let authority: PathBuf = self.directory.path().join("authority.pem");
        Setup::default()
            .env("HTTPS_PROXY", &format!("http://127.0.0.1:{}", self.port))
            .env("SSL_CERT_FILE", authority.to_str().expect("a path in Unicode"))
            // Everything it would ever say is said.
            .env("RUST_LOG", "trace")
    }

    /// Puts a service at a name, in the place of what stood there.
    pub(crate) fn add(&self, name: &str, service: Service) {
        self.inner.services.lock().insert(name.to_owned(), service);
    }

    /// A client that lives in this internet, but for what is on this computer.
    pub(crate) fn browser_client(&self) -> reqwest::Client {
        let proxy = format!("http://127.0.0.1:{}", self.port);
        let authority = self.inner.authority.pem();
        let authority =
            reqwest::Certificate::from_pem(authority.as_bytes()).expect("a certificate");
        agentport_tests::http_client_builder()
            .proxy(reqwest::Proxy::https(proxy).expect("a proxy"))
            .add_root_certificate(authority)
            .build()
            .expect("an HTTP client")
    }

    /// The names that were connected to, in order, each time.
    pub(crate) fn connected(&self) -> Vec<String> {
        self.inner.connected.borrow().clone()
    }

    /// Waits until somebody has connected to this name.
    pub(crate) async fn until_connected(&self, name: &str) {
        let mut connected = self.inner.connected.subscribe();
        let there = connected.wait_for(|names| names.iter().any(|one| one == name));
        agentport_tests::soon("a connection", there).await.expect("the proxy is there");
    }

    pub(crate) fn arrived(&self) -> Vec<Arrived> {
        self.inner.arrived.lock().clone()
    }

    /// Nothing can be reached any more.
    pub(crate) async fn shut(&mut self) {
        self.tasks.shutdown().await;
    }
}

async fn accept(
    listener: TcpListener,
    inner: Arc<Inner>,
    connections: mpsc::Sender<(TlsStream<TcpStream>, String)>,
) {
    let mut open = tokio::task::JoinSet::new();
    loop {
        let (stream, _) = listener.accept().await.expect("a connection");
        let (inner, connections) = (inner.clone(), connections.clone());
        open.spawn(async move {
            // One that breaks off early is the gateway's matter, and no failure here.
            let _ = inner.tunnel(stream, connections).await;
        });
    }
}

impl Inner {
    /// `CONNECT name:443`, then TLS as that name.
    async fn tunnel(
        &self,
        stream: TcpStream,
        connections: mpsc::Sender<(TlsStream<TcpStream>, String)>,
    ) -> std::io::Result<()> {
        let mut stream = BufReader::new(stream);
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            if stream.read_line(&mut head).await? == 0 {
                return Ok(());
            }
        }
        let target = head.split(' ').nth(1).unwrap_or_default();
        let name = target.trim_end_matches(":443").to_owned();
        self.connected.send_modify(|names| names.push(name.clone()));
        let service = self.services.lock().get(&name).cloned();
        let Some(service) = service else {
            return stream.write_all(b"HTTP/1.1 502 Bad Gateway\r\n\r\n").await;
        };
        stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await?;
        if matches!(service, Service::Silent) {
            // Until the other side has had enough.
            let mut rest = Vec::new();
            tokio::io::AsyncReadExt::read_to_end(&mut stream, &mut rest).await?;
            return Ok(());
        }
        let acceptor = TlsAcceptor::from(Arc::new(self.as_name(&name)));
        let stream = acceptor.accept(stream.into_inner()).await?;
        // The server goes with the test.
        let _ = connections.send((stream, name)).await;
        Ok(())
    }

    fn as_name(&self, name: &str) -> ServerConfig {
        let key = KeyPair::generate().expect("a key");
        let params = CertificateParams::new([name.to_owned()]).expect("a name");
        let certificate = params.signed_by(&key, &self.authority).expect("a certificate");
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
        ServerConfig::builder()
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], key)
            .expect("key and certificate belong together")
    }
}

struct Connections(mpsc::Receiver<(TlsStream<TcpStream>, String)>);

impl axum::serve::Listener for Connections {
    type Io = TlsStream<TcpStream>;
    type Addr = String;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        match self.0.recv().await {
            Some(connection) => connection,
            None => std::future::pending().await,
        }
    }

    fn local_addr(&self) -> std::io::Result<Self::Addr> {
        Ok("everywhere".to_owned())
    }
}

async fn answer(State(inner): State<Arc<Inner>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let host = parts.headers.get(header::HOST).and_then(|host| host.to_str().ok());
    let name = host.unwrap_or_default().to_owned();
    let arrived = Arrived { name: name.clone(), headers: parts.headers.clone() };
    inner.arrived.lock().push(arrived);
    let service = inner.services.lock().get(&name).cloned();
    let url = match &service {
        Some(Service::At(url)) => Some(url.clone()),
        Some(Service::Site(origin)) => {
            let path = parts.uri.path_and_query().map_or("/", |path| path.as_str());
            Some(format!("{origin}{path}"))
        }
        _ => None,
    };
    match (service, url) {
        (_, Some(url)) => {
            let mut headers = parts.headers;
            headers.remove(header::HOST);
            let request = inner
                .client
                .request(parts.method, url)
                .headers(headers)
                .body(reqwest::Body::wrap_stream(body.into_data_stream()));
            match request.send().await {
                Ok(reply) => {
                    let mut response = Response::new(Body::empty());
                    *response.status_mut() = reply.status();
                    *response.headers_mut() = reply.headers().clone();
                    response.headers_mut().remove(header::TRANSFER_ENCODING);
                    *response.body_mut() = Body::from_stream(reply.bytes_stream());
                    response
                }
                Err(error) => (StatusCode::BAD_GATEWAY, error.to_string()).into_response(),
            }
        }
        (Some(Service::Moved(to)), None) => {
            (StatusCode::TEMPORARY_REDIRECT, [(header::LOCATION, to)]).into_response()
        }
        _ => StatusCode::NOT_FOUND.into_response(),
    }
}
