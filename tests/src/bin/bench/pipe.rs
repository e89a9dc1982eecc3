//! Calls made to a program on stdio: directly to a server for comparison, as it takes a client of another kind, and to
//! what stands between a client on stdio and the gateway.

use std::{
    process::Stdio,
    time::{Duration, Instant},
};

use agentport_tests::programs;
use serde_json::json;
use tokio::{
    io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, Lines},
    process::{Child, ChildStdin, ChildStdout, Command},
};

use crate::{http::Asked, samples::Figures};

pub(crate) struct Pipe {
    child: Child,
    stdin: ChildStdin,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Pipe {
    /// Starts the fixture and says hello.
    pub(crate) async fn start() -> Self {
        let mut command = std::process::Command::new(programs::fixture());
        command.args(["--plain"]);
        Self::over(command).await
    }

    /// Starts a program and says hello.
    pub(crate) async fn over(command: std::process::Command) -> Self {
        let mut command = Command::from(command);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).kill_on_drop(true);
        let mut child = command.spawn().expect("the program starts");
        let stdin = child.stdin.take().expect("stdin is piped");
        let lines = BufReader::new(child.stdout.take().expect("stdout is piped")).lines();
        let mut pipe = Self { child, stdin, lines };
        // No call's id: mcp-remote looks half a minute later whether the one it had is still open.
        let hello = json!({"jsonrpc": "2.0", "id": "hello", "method": "initialize", "params": {
            "protocolVersion": "2025-11-25",
            "capabilities": {},
            "clientInfo": {"name": "bench", "version": "1"},
        }});
        pipe.send(&format!("{hello}\n")).await;
        pipe.line().await;
        pipe.send("{\"jsonrpc\":\"2.0\",\"method\":\"notifications/initialized\"}\n").await;
        pipe
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id().expect("the program lives")
    }

    async fn send(&mut self, line: &str) {
        self.stdin.write_all(line.as_bytes()).await.expect("the program listens");
    }

    async fn line(&mut self) -> String {
        self.lines.next_line().await.expect("a line").expect("the program lives")
    }

    /// Keeps so many calls under way for so long. Each has an id of its own, which its next call takes over.
    pub(crate) async fn load(
        &mut self,
        asked: &Asked,
        under_way: usize,
        duration: Duration,
    ) -> Figures {
        let line = |id: usize| {
            let message =
                json!({"jsonrpc": "2.0", "id": id, "method": asked.method, "params": asked.params});
            format!("{message}\n")
        };
        let lines: Vec<_> = (0..under_way).map(line).collect();
        let mut latencies = Vec::with_capacity(100_000);
        let begun = Instant::now();
        let until = begun + duration;
        let mut sent = vec![begun; under_way];
        for line in &lines {
            self.send(line).await;
        }
        let mut open = under_way;
        while open > 0 {
            let answer = self.line().await;
            let now = Instant::now();
            assert!(answer.contains(&asked.expect), "{answer}");
            let id = id(&answer);
            latencies.push(now - sent[id]);
            if now < until {
                sent[id] = Instant::now();
                self.send(&lines[id]).await;
            } else {
                open -= 1;
            }
        }
        Figures::of(latencies, begun.elapsed())
    }
}

/// The id of an answer, without reading the rest of it as JSON.
fn id(answer: &str) -> usize {
    let (_, rest) = answer.split_once("\"id\":").expect("an id");
    let digits = rest.split(|c: char| !c.is_ascii_digit()).next().unwrap_or_default();
    digits.parse().expect("an id of ours")
}
