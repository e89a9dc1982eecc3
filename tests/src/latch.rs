//! Holds a call of the fixture's tool `hold` until the test releases it, and reports when it begins and is cancelled.

use tokio::{
    io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader},
    net::{TcpListener, TcpStream},
};

use crate::soon;

#[derive(Debug)]
pub struct Latch {
    listener: TcpListener,
}

/// A call that is being held.
#[derive(Debug)]
pub struct Held {
    line: BufReader<TcpStream>,
}

impl Latch {
    pub async fn new() -> Self {
        Self { listener: TcpListener::bind("127.0.0.1:0").await.expect("a free port") }
    }

    /// What the tool's argument `port` has to be.
    pub fn port(&self) -> u16 {
        self.listener.local_addr().expect("a bound listener has an address").port()
    }

    pub fn arguments(&self) -> serde_json::Value {
        serde_json::json!({"port": self.port()})
    }

    /// Waits until a call has begun.
    pub async fn begun(&self) -> Held {
        let (stream, _) = soon("a held call", self.listener.accept()).await.expect("a connection");
        let mut held = Held { line: BufReader::new(stream) };
        assert_eq!(held.says().await, "started");
        held
    }

    /// Has another call begun? Does not wait.
    pub fn another_has_begun(&self) -> bool {
        use futures::FutureExt as _;
        self.listener.accept().now_or_never().is_some()
    }
}

impl Held {
    /// Lets the call finish with the text `let go`.
    pub async fn let_go(mut self) {
        self.line.get_mut().write_all(b"go\n").await.expect("the held call listens");
    }

    /// Waits until the upstream was told that the call is cancelled.
    pub async fn cancelled(mut self) {
        assert_eq!(self.says().await, "cancelled");
    }

    async fn says(&mut self) -> String {
        let mut line = String::new();
        soon("word from a held call", self.line.read_line(&mut line)).await.expect("a line");
        line.trim_end().to_owned()
    }
}
