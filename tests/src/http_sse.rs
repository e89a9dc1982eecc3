//! A client of the HTTP+SSE transport (MCP 2024-11-05): bare, event by event ([`EventStream`]), and as a transport of rmcp's
//! client ([`HttpSseTransport`]).

use std::{collections::VecDeque, convert::Infallible};

use http::{Method, StatusCode};
use rmcp::{
    RoleClient,
    service::{RxJsonRpcMessage, TxJsonRpcMessage},
    transport::Transport,
};
use serde_json::{Value, json};
use tokio_util::task::TaskTracker;

use crate::{Wire, soon, wire::Reply, within};

/// Longer than any answer may take by contract.
const ANSWER_TIMEOUT: std::time::Duration = std::time::Duration::from_secs(90);

/// An open event stream, and where its messages are posted.
#[derive(Debug)]
pub struct EventStream {
    pub wire: Wire,
    /// The path and query of the event `endpoint`, resolved against the stream's URL.
    pub endpoint: String,
    /// The id in it.
    pub session: String,
    response: reqwest::Response,
    unparsed: Vec<u8>,
    /// Messages received while waiting for others.
    heard: VecDeque<Value>,
}

/// One event: its name and data.
pub type Event = (String, String);

impl EventStream {
    /// Opens `/sse` with this query, and reads the first event.
    pub async fn open(wire: &Wire, query: &str) -> Self {
        match Self::try_open(wire, &format!("/sse{query}")).await {
            Ok(stream) => stream,
            Err(reply) => panic!("no stream: {} {}", reply.status, reply.text),
        }
    }

    /// The refusal, if there is no stream.
    pub async fn try_open(wire: &Wire, path: &str) -> Result<Self, Reply> {
        let request = wire.request(Method::GET, path).header("accept", "text/event-stream");
        let response = soon("the event stream", request.send()).await.expect("an answer");
        if response.status() != StatusCode::OK {
            let (status, headers) = (response.status(), response.headers().clone());
            let text = response.text().await.expect("the answer is text");
            return Err(Reply { status, headers, text });
        }
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        let url = url::Url::parse(&format!("{}{path}", wire.base)).expect("a URL");
        let mut stream = Self {
            wire: wire.clone(),
            endpoint: String::new(),
            session: String::new(),
            response,
            unparsed: Vec::new(),
            heard: VecDeque::new(),
        };
        let (name, data) = stream.event().await.expect("the first event");
        assert_eq!(name, "endpoint", "{data}");
        let endpoint = url.join(&data).expect("a URL");
        stream.session =
            endpoint.query_pairs().find(|(name, _)| name == "sessionId").expect("an id").1.into();
        stream.endpoint =
            format!("{}?{}", endpoint.path(), endpoint.query().expect("it has a query"));
        Ok(stream)
    }

    /// The next event, or `None` at the end of the stream. Comments are passed over.
    pub async fn event(&mut self) -> Option<Event> {
        loop {
            if let Some(event) = self.parsed() {
                return Some(event);
            }
            let chunk = within(ANSWER_TIMEOUT, "an event", self.response.chunk()).await;
            // A connection that is cut off ends the stream as well.
            self.unparsed.extend_from_slice(&chunk.ok().flatten()?);
        }
    }

    fn parsed(&mut self) -> Option<Event> {
        loop {
            let end = self.unparsed.windows(2).position(|pair| pair == b"\n\n")?;
            let event: Vec<u8> = self.unparsed.drain(..end + 2).collect();
            let event = String::from_utf8(event).expect("events are Unicode");
            let field = |name: &str| {
                event.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_default().trim()
            };
            if !event.starts_with(':') {
                return Some((field("event:").to_owned(), field("data:").to_owned()));
            }
        }
    }

    /// The next message of the gateway, or `None` at the end of the stream.
    pub async fn message(&mut self) -> Option<Value> {
        let (name, data) = self.event().await?;
        assert_eq!(name, "message", "{data}");
        Some(serde_json::from_str(&data).unwrap_or_else(|error| panic!("{error}: {data}")))
    }

    /// The next message that fits; others are kept for later.
    pub async fn until(&mut self, what: &str, fits: impl Fn(&Value) -> bool) -> Value {
        if let Some(at) = self.heard.iter().position(&fits) {
            return self.heard.remove(at).expect("it is there");
        }
        // Comments keep the stream alive, so the wait as a whole is bounded.
        let found = async {
            loop {
                let message = self.message().await;
                let message = message.unwrap_or_else(|| panic!("{what}: the stream has ended"));
                if fits(&message) {
                    return message;
                }
                self.heard.push_back(message);
            }
        };
        within(ANSWER_TIMEOUT, what, found).await
    }

    /// Posts a body as it is.
    pub async fn post(&self, body: impl Into<reqwest::Body>) -> Reply {
        post(&self.wire, &self.endpoint, body).await
    }

    /// Sends a message the gateway has to take.
    pub async fn say(&self, message: &Value) {
        let reply = self.post(message.to_string()).await;
        assert_eq!(reply.status, StatusCode::ACCEPTED, "{message}: {}", reply.text);
    }

    /// Sends a request and gives the message that answers it.
    pub async fn ask(&mut self, id: i64, method: &str, params: Value) -> Value {
        self.say(&request(id, method, params)).await;
        self.until(method, |message| message["id"] == id && message.get("method").is_none()).await
    }

    /// `initialize`, with the notification that belongs to it.
    pub async fn initialize(&mut self) -> Value {
        let answer = self.ask(0, "initialize", hello("2024-11-05")).await;
        self.say(&json!({"jsonrpc": "2.0", "method": "notifications/initialized"})).await;
        answer
    }

    /// An initialized session.
    pub async fn ready(wire: &Wire, query: &str) -> Self {
        let mut stream = Self::open(wire, query).await;
        stream.initialize().await;
        stream
    }

    /// Waits for the end of the stream, whatever comes before it.
    pub async fn ended(mut self) {
        let rest = async { while self.event().await.is_some() {} };
        soon("the stream ends", rest).await;
    }
}

/// Posts a message to the URL of the event `endpoint`.
pub async fn post(wire: &Wire, endpoint: &str, body: impl Into<reqwest::Body>) -> Reply {
    let request = wire.request(Method::POST, endpoint).header("content-type", "application/json");
    wire.send(request.body(body)).await
}

/// A request, as it is written.
pub fn request(id: i64, method: &str, params: Value) -> Value {
    json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params})
}

/// The parameters of `initialize`.
pub fn hello(revision: &str) -> Value {
    json!({
        "protocolVersion": revision,
        "capabilities": {},
        "clientInfo": {"name": "event-stream", "version": "1"},
    })
}

/// The transport for rmcp, which has no client of its own for it.
pub struct HttpSseTransport {
    stream: EventStream,
    posts: TaskTracker,
}

impl HttpSseTransport {
    pub fn new(stream: EventStream) -> Self {
        Self { stream, posts: TaskTracker::new() }
    }
}

impl Transport<RoleClient> for HttpSseTransport {
    type Error = Infallible;

    fn send(
        &mut self,
        message: TxJsonRpcMessage<RoleClient>,
    ) -> impl Future<Output = Result<(), Infallible>> + Send + 'static {
        let body = serde_json::to_string(&message).expect("a message is JSON");
        let (wire, endpoint) = (self.stream.wire.clone(), self.stream.endpoint.clone());
        let post = self.posts.track_future(async move {
            let reply = post(&wire, &endpoint, body).await;
            assert_eq!(reply.status, StatusCode::ACCEPTED, "{}", reply.text);
        });
        async move {
            post.await;
            Ok(())
        }
    }

    async fn receive(&mut self) -> Option<RxJsonRpcMessage<RoleClient>> {
        loop {
            if let Some((_, data)) = self.stream.parsed() {
                let message = serde_json::from_str(&data);
                return Some(message.unwrap_or_else(|error| panic!("{error}: {data}")));
            }
            // Cancelled between two chunks, it loses nothing.
            let chunk = self.stream.response.chunk().await.ok().flatten()?;
            self.stream.unparsed.extend_from_slice(&chunk);
        }
    }

    async fn close(&mut self) -> Result<(), Infallible> {
        self.posts.close();
        self.posts.wait().await;
        Ok(())
    }
}
