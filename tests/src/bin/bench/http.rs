//! The load client: prepared bytes over kept connections.

use std::time::{Duration, Instant};

use futures::future::join_all;
use memchr::memmem::Finder;
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};
use url::Url;

use crate::{Era, samples::Figures};

/// An MCP endpoint and how to be let in.
#[derive(Debug, Clone)]
pub(crate) struct Endpoint {
    pub(crate) url: Url,
    /// A header and its value.
    pub(crate) credential: Option<(&'static str, String)>,
}

/// A request to send again and again.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    pub(crate) method: &'static str,
    pub(crate) params: Value,
    /// What a right answer contains.
    pub(crate) expect: String,
}

impl Asked {
    pub(crate) fn call(tool: &str, arguments: Value, expect: &str) -> Self {
        let params = json!({"name": tool, "arguments": arguments});
        Self { method: "tools/call", params, expect: expect.to_owned() }
    }
}

struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
}

impl Endpoint {
    pub(crate) fn new(url: &str, key: Option<&str>) -> Self {
        let credential = key.map(|key| ("X-API-Key", key.to_owned()));
        Self { url: url.parse().expect("a URL"), credential }
    }

    /// The same with an OAuth access token.
    pub(crate) fn with_token(url: &str, token: &str) -> Self {
        let credential = Some(("Authorization", format!("Bearer {token}")));
        Self { url: url.parse().expect("a URL"), credential }
    }

    async fn connect(&self) -> Connection {
        let address = (self.url.host_str().expect("a host"), self.url.port().expect("a port"));
        let stream = TcpStream::connect(address).await.expect("the endpoint listens");
        stream.set_nodelay(true).expect("a TCP option");
        Connection { stream, buffer: Vec::with_capacity(64 * 1024) }
    }

    fn head(&self, body: &str, more: &[(&str, &str)]) -> Vec<u8> {
        let authority = self.url.authority();
        let path = &self.url[url::Position::BeforePath..];
        let mut head = format!(
            "POST {path} HTTP/1.1\r\nHost: {authority}\r\nContent-Type: application/json\r\n\
             Accept: application/json, text/event-stream\r\nContent-Length: {}\r\n",
            body.len()
        );
        let credential = self.credential.as_ref().map(|(name, value)| (*name, value.as_str()));
        for (name, value) in credential.into_iter().chain(more.iter().copied()) {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        head.push_str("\r\n");
        head.push_str(body);
        head.into_bytes()
    }

    /// The bytes of one request. In the legacy era a session is opened first, one for each connection.
    async fn prepare(&self, connection: &mut Connection, era: Era, asked: &Asked) -> Vec<u8> {
        let message = |params: &Value| json!({"jsonrpc": "2.0", "id": 1, "method": asked.method, "params": params});
        if era == Era::Modern {
            let mut params = asked.params.clone();
            params["_meta"] = json!({
                "io.modelcontextprotocol/protocolVersion": "2026-07-28",
                "io.modelcontextprotocol/clientCapabilities": {},
            });
            let body = message(&params).to_string();
            let name = asked.params["name"].as_str();
            let mut headers =
                vec![("MCP-Protocol-Version", "2026-07-28"), ("Mcp-Method", asked.method)];
            headers.extend(name.map(|name| ("Mcp-Name", name)));
            return self.head(&body, &headers);
        }
        let hello = json!({"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": {
            "protocolVersion": "2025-11-25",
            "capabilities": {},
            "clientInfo": {"name": "bench", "version": "1"},
        }});
        let answer = connection.exchange(&self.head(&hello.to_string(), &[])).await;
        let session = answer.lines().find_map(|line| {
            let (name, value) = line.split_once(':')?;
            name.eq_ignore_ascii_case("mcp-session-id").then(|| value.trim().to_owned())
        });
        let session = session.unwrap_or_else(|| panic!("no session: {answer}"));
        let in_session =
            [("Mcp-Session-Id", session.as_str()), ("MCP-Protocol-Version", "2025-11-25")];
        let ready = json!({"jsonrpc": "2.0", "method": "notifications/initialized"}).to_string();
        connection.exchange(&self.head(&ready, &in_session)).await;
        self.head(&message(&asked.params).to_string(), &in_session)
    }

    /// Sends `asked` over so many connections at once for so long.
    pub(crate) async fn load(
        &self,
        era: Era,
        asked: &Asked,
        connections: usize,
        duration: Duration,
    ) -> Figures {
        let mut ready = Vec::new();
        for _ in 0..connections {
            let mut connection = self.connect().await;
            let bytes = self.prepare(&mut connection, era, asked).await;
            // Warm, and right: a wrong answer can be quick.
            for _ in 0..20 {
                let answer = connection.exchange(&bytes).await;
                assert!(
                    answer.starts_with("HTTP/1.1 200") && answer.contains(&asked.expect),
                    "{answer}"
                );
            }
            ready.push((connection, bytes));
        }
        let begun = Instant::now();
        let until = begun + duration;
        let right = Finder::new(&asked.expect);
        let runs = ready.into_iter().map(async |(mut connection, bytes)| {
            let mut latencies = Vec::with_capacity(100_000);
            loop {
                let sent = Instant::now();
                if sent >= until {
                    return latencies;
                }
                connection.answer(&bytes).await;
                latencies.push(sent.elapsed());
                // A refusal is an answer with status 200 as well, and a quick one.
                let answer = &connection.buffer;
                let good = answer.starts_with(b"HTTP/1.1 200") && right.find(answer).is_some();
                assert!(good, "{}", String::from_utf8_lossy(answer));
            }
        });
        let latencies = join_all(runs).await.concat();
        Figures::of(latencies, begun.elapsed())
    }
}

impl Connection {
    async fn exchange(&mut self, request: &[u8]) -> String {
        self.answer(request).await;
        String::from_utf8_lossy(&self.buffer).into_owned()
    }

    /// Sends a request and reads its answer into the buffer.
    async fn answer(&mut self, request: &[u8]) {
        self.stream.write_all(request).await.expect("the request is sent");
        self.buffer.clear();
        let mut head = None;
        loop {
            let read = self.stream.read_buf(&mut self.buffer).await.expect("an answer");
            assert!(
                read > 0,
                "the connection was closed: {}",
                String::from_utf8_lossy(&self.buffer)
            );
            if head.is_none() {
                head = Head::read(&self.buffer);
            }
            if head.as_ref().is_some_and(|head| head.whole(&self.buffer)) {
                return;
            }
        }
    }
}

/// Where the body begins and how its end is known.
struct Head {
    body: usize,
    length: Option<usize>,
}

impl Head {
    fn read(buffer: &[u8]) -> Option<Self> {
        let body = buffer.windows(4).position(|window| window == b"\r\n\r\n")? + 4;
        let head = std::str::from_utf8(&buffer[..body]).expect("a head in ASCII");
        let length = head.lines().find_map(|line| {
            let (name, value) = line.split_once(':')?;
            name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse().ok())?
        });
        Some(Self { body, length })
    }

    fn whole(&self, buffer: &[u8]) -> bool {
        match self.length {
            Some(length) => buffer.len() >= self.body + length,
            None => buffer.ends_with(b"\r\n0\r\n\r\n"),
        }
    }
}
