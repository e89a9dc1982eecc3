//! A plain HTTP client, so that a test can send invalid requests.

use std::{net::SocketAddr, time::Duration};

use http::{HeaderMap, Method, StatusCode};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use crate::{SOON, within};

/// The newest revision, which needs no session.
pub const MODERN: &str = "2026-07-28";

/// `params` as the newest revision wants them, of a client of this name. What they have in `_meta` counts.
pub fn modern_params(client: &str, mut params: Value) -> Value {
    let mut meta = json!({
        "io.modelcontextprotocol/protocolVersion": MODERN,
        "io.modelcontextprotocol/clientCapabilities": {},
        "io.modelcontextprotocol/clientInfo": {"name": client, "version": "1"},
    });
    if let (Value::Object(meta), Value::Object(given)) = (&mut meta, params["_meta"].take()) {
        meta.extend(given);
    }
    params["_meta"] = meta;
    params
}

/// Longer than the 45 seconds an answer may take by contract.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(90);

/// One client of the gateway's HTTP, with the headers it always sends.
#[derive(Debug, Clone)]
pub struct Wire {
    /// `http://127.0.0.1:PORT`.
    pub base: String,
    pub headers: HeaderMap,
    client: reqwest::Client,
}

/// An answer, read to its end.
#[derive(Debug)]
pub struct Reply {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub text: String,
}

impl Reply {
    /// The body as JSON; for an event stream the last message in it.
    pub fn json(&self) -> Value {
        let kind = self.headers.get(http::header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
        let text = if kind.is_some_and(|kind| kind.starts_with("text/event-stream")) {
            let data = self.text.lines().filter_map(|line| line.strip_prefix("data:"));
            data.map(str::trim).rfind(|data| !data.is_empty()).unwrap_or_default()
        } else {
            &self.text
        };
        serde_json::from_str(text)
            .unwrap_or_else(|error| panic!("{}: no JSON ({error}): {:?}", self.status, self.text))
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// The session a legacy `initialize` opened.
    pub fn session(&self) -> String {
        self.header("mcp-session-id").expect("a session id").to_owned()
    }
}

impl Wire {
    /// Sends no credentials.
    pub fn new(base: &str) -> Self {
        Self { base: base.to_owned(), headers: HeaderMap::new(), client: crate::http_client() }
    }

    pub fn with(mut self, name: &str, value: &str) -> Self {
        let name = http::HeaderName::from_bytes(name.as_bytes()).expect("a header's name");
        self.headers.insert(name, value.parse().expect("a header's value"));
        self
    }

    pub fn with_key(self, key: &str) -> Self {
        self.with("x-api-key", key)
    }

    pub fn request(&self, method: Method, path: &str) -> reqwest::RequestBuilder {
        self.client.request(method, format!("{}{path}", self.base)).headers(self.headers.clone())
    }

    pub async fn send(&self, request: reqwest::RequestBuilder) -> Reply {
        let exchange = async {
            let response = request.send().await.expect("the gateway answers");
            let (status, headers) = (response.status(), response.headers().clone());
            let text = response.text().await.expect("the answer is text");
            Reply { status, headers, text }
        };
        within(ANSWER_TIMEOUT, "an answer over HTTP", exchange).await
    }

    pub async fn get(&self, path: &str) -> Reply {
        self.send(self.request(Method::GET, path)).await
    }

    pub async fn post(&self, path: &str, body: &Value) -> Reply {
        self.send(self.request(Method::POST, path).json(body)).await
    }

    /// Posts a body as it is to the MCP endpoint, as a client of an older revision would.
    pub async fn post_mcp(&self, path: &str, body: impl Into<reqwest::Body>) -> Reply {
        let request = self
            .request(Method::POST, path)
            .header("content-type", "application/json")
            .header("accept", "application/json, text/event-stream")
            .body(body);
        self.send(request).await
    }

    /// A request of the newest revision, without a progress token. What `params` has in `_meta` counts.
    pub fn modern(&self, path: &str, method: &str, params: Value) -> reqwest::RequestBuilder {
        let params = modern_params("wire", params);
        let name = params.get("name").or_else(|| params.get("uri")).and_then(Value::as_str);
        let mut request = self
            .request(Method::POST, path)
            .header("accept", "application/json, text/event-stream")
            .header("mcp-protocol-version", MODERN)
            .header("mcp-method", method);
        if let Some(name) = name {
            request = request.header("mcp-name", name);
        }
        request.json(&json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}))
    }

    /// Sends [`Wire::modern`] to `/mcp` and gives `result`, or the whole message if there is none.
    pub async fn rpc(&self, method: &str, params: Value) -> Value {
        let reply = self.send(self.modern("/mcp", method, params)).await;
        let mut message = reply.json();
        if message.get("result").is_some() { message["result"].take() } else { message }
    }

    /// `tools/call`.
    pub async fn tool(&self, name: &str, arguments: Value) -> crate::Answer {
        let result = self.rpc("tools/call", json!({"name": name, "arguments": arguments})).await;
        crate::Answer::from_json(result)
    }

    /// `agentport__call_tool`.
    pub async fn call_tool(
        &self,
        integration: &str,
        tool: &str,
        arguments: Value,
    ) -> crate::Answer {
        let arguments =
            json!({"integration_id": integration, "tool_name": tool, "arguments": arguments});
        self.tool("agentport__call_tool", arguments).await
    }

    /// `agentport__await_approval`, without a progress token: at most 45 seconds.
    pub async fn await_approval(&self, request: &str) -> crate::Answer {
        self.tool("agentport__await_approval", json!({"request_id": request})).await
    }

    /// `initialize` of an older revision, with the notification that belongs to it. Gives the session's id.
    pub async fn open_session(&self) -> String {
        let hello = json!({"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": {
            "protocolVersion": "2025-11-25",
            "capabilities": {},
            "clientInfo": {"name": "wire", "version": "1"},
        }});
        let reply = self.post_mcp("/mcp", hello.to_string()).await;
        assert_eq!(reply.status, StatusCode::OK, "{}", reply.text);
        let session = reply.session();
        let ready = json!({"jsonrpc": "2.0", "method": "notifications/initialized"});
        let reply =
            self.clone().with("mcp-session-id", &session).post_mcp("/mcp", ready.to_string()).await;
        assert!(reply.status.is_success(), "{}", reply.text);
        session
    }

    /// Sends bytes and reads one answer, or nothing if the other side just closes. For requests no HTTP library would
    /// write. The connection stays open meanwhile, so an answer has to come by itself.
    pub async fn bytes(&self, request: &[u8]) -> String {
        let authority = self.base.strip_prefix("http://").expect("an http URL");
        let address: SocketAddr = authority.parse().expect("an address");
        let exchange = async {
            let mut stream = TcpStream::connect(address).await.expect("the gateway listens");
            // The gateway may refuse and close before it has read everything.
            let _ = stream.write_all(request).await;
            let mut answer = Vec::new();
            while !whole(&answer) && stream.read_buf(&mut answer).await.is_ok_and(|read| read > 0) {
            }
            String::from_utf8_lossy(&answer).into_owned()
        };
        within(SOON, "an answer to raw bytes", exchange).await
    }
}

/// Is this an HTTP answer with all of its body?
fn whole(answer: &[u8]) -> bool {
    let text = String::from_utf8_lossy(answer);
    let Some((head, body)) = text.split_once("\r\n\r\n") else { return false };
    let head = head.to_ascii_lowercase();
    let length =
        head.lines().find_map(|line| line.strip_prefix("content-length:")?.trim().parse().ok());
    match length {
        Some(length) => body.len() >= length,
        None => !head.contains("transfer-encoding: chunked") || body.ends_with("0\r\n\r\n"),
    }
}

/// The status of an answer [`Wire::bytes`] read.
pub fn status_of(answer: &str) -> u16 {
    let status = answer.split(' ').nth(1).and_then(|status| status.parse().ok());
    status.unwrap_or_else(|| panic!("no HTTP answer: {answer:?}"))
}
