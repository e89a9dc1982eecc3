//! A client that starts a local program and speaks MCP on its stdio, message by message.

use std::{
    collections::VecDeque,
    process::{Command, ExitStatus, Stdio},
    time::{Duration, Instant},
};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, Lines},
    process::{Child, ChildStdin, ChildStdout},
};

use crate::{Gateway, gateway::Setup, wire::modern_params, within};

/// Longer than any answer may take by contract.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(90);

#[derive(Debug)]
pub struct StdioClient {
    child: Child,
    stdin: Option<ChildStdin>,
    lines: Option<Lines<BufReader<ChildStdout>>>,
    /// Messages received while waiting for others.
    heard: VecDeque<Value>,
    next_id: i64,
}

impl StdioClient {
    /// Starts a program. What it says on stderr goes where the command says.
    pub fn start(command: Command) -> Self {
        let mut command = tokio::process::Command::from(command);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).kill_on_drop(true);
        let mut child = command.spawn().expect("the program starts");
        let stdin = child.stdin.take();
        let stdout = child.stdout.take().expect("stdout is piped");
        let lines = Some(BufReader::new(stdout).lines());
        Self { child, stdin, lines, heard: VecDeque::new(), next_id: 1 }
    }

    /// `agentport bridge` for a gateway of this setup, with a key in its environment. It starts no app.
    pub fn bridge(setup: &Setup, key: Option<&str>) -> Self {
        Self::start(bridge_command(setup, key))
    }

    pub fn bridge_to(gateway: &Gateway, key: &str) -> Self {
        Self::bridge(&gateway.setup, Some(key))
    }

    pub fn pid(&self) -> u32 {
        self.child.id().expect("it has not ended")
    }

    /// Writes bytes as they are.
    pub async fn write(&mut self, bytes: &[u8]) {
        let stdin = self.stdin.as_mut().expect("stdin is open");
        stdin.write_all(bytes).await.expect("the program reads");
        stdin.flush().await.expect("the program reads");
    }

    pub async fn say(&mut self, message: &Value) {
        self.write(format!("{message}\n").as_bytes()).await;
    }

    /// The next line, as it came.
    pub async fn line(&mut self) -> Option<String> {
        let lines = self.lines.as_mut().expect("stdout is open");
        within(ANSWER_TIMEOUT, "a line from the program", lines.next_line()).await.expect("UTF-8")
    }

    /// The next message.
    pub async fn hear(&mut self) -> Value {
        if let Some(heard) = self.heard.pop_front() {
            return heard;
        }
        self.next_new_message().await
    }

    async fn next_new_message(&mut self) -> Value {
        let line = self.line().await.expect("the program goes on");
        let message: Value = serde_json::from_str(&line)
            .unwrap_or_else(|error| panic!("no JSON ({error}): {line:?}"));
        assert_eq!(message["jsonrpc"], "2.0", "{message}");
        message
    }

    /// The next message that fits. Others are kept for later.
    pub async fn next_message_where(&mut self, fits: impl Fn(&Value) -> bool) -> Value {
        if let Some(place) = self.heard.iter().position(&fits) {
            return self.heard.remove(place).expect("it is there");
        }
        loop {
            let message = self.next_new_message().await;
            if fits(&message) {
                return message;
            }
            self.heard.push_back(message);
        }
    }

    pub async fn next_message_of_method(&mut self, method: &str) -> Value {
        self.next_message_where(|message| message["method"] == method).await
    }

    /// The answer to the request with this id.
    pub async fn answer(&mut self, id: &Value) -> Value {
        self.next_message_where(|message| message.get("method").is_none() && message["id"] == *id)
            .await
    }

    /// Sends a request and gives its id.
    pub async fn send(&mut self, method: &str, params: Value) -> Value {
        let id = json!(self.next_id);
        self.next_id += 1;
        self.say(&json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params})).await;
        id
    }

    /// The result, or the whole answer if it is an error.
    pub async fn ask(&mut self, method: &str, params: Value) -> Value {
        let id = self.send(method, params).await;
        let mut answer = self.answer(&id).await;
        if answer.get("result").is_some() { answer["result"].take() } else { answer }
    }

    pub async fn tool(&mut self, name: &str, arguments: Value) -> crate::Answer {
        let result = self.ask("tools/call", json!({"name": name, "arguments": arguments})).await;
        crate::Answer::from_json(result)
    }

    /// `agentport__call_tool`.
    pub async fn call_tool(
        &mut self,
        integration: &str,
        tool: &str,
        arguments: Value,
    ) -> crate::Answer {
        let arguments =
            json!({"integration_id": integration, "tool_name": tool, "arguments": arguments});
        self.tool("agentport__call_tool", arguments).await
    }

    /// The handshake of the revisions before 2026-07-28. Gives what `initialize` answered.
    pub async fn open(&mut self, revision: &str, capabilities: Value) -> Value {
        let hello = json!({
            "protocolVersion": revision,
            "capabilities": capabilities,
            "clientInfo": {"name": "stdio-test", "version": "1"},
        });
        let result = self.ask("initialize", hello).await;
        self.say(&json!({"jsonrpc": "2.0", "method": "notifications/initialized"})).await;
        result
    }

    /// Closes stdin and waits for the exit. Returns its status and duration.
    pub async fn leave(mut self) -> (ExitStatus, Duration) {
        self.stdin = None;
        self.ended().await
    }

    pub fn signal(&self, signal: Signal) {
        let pid = Pid::from_raw(i32::try_from(self.pid()).expect("a process id"));
        kill(pid, signal).expect("it is there");
    }

    /// Closes its stdin.
    pub fn close(&mut self) {
        self.stdin = None;
    }

    /// Closes our end of its stdout.
    pub fn stop_reading(&mut self) {
        self.lines = None;
    }

    pub async fn ended(&mut self) -> (ExitStatus, Duration) {
        let begun = Instant::now();
        let status = within(ANSWER_TIMEOUT, "the end of the program", self.child.wait()).await;
        (status.expect("it can be waited for"), begun.elapsed())
    }
}

/// `params` as the newest revision wants them.
pub fn modern(params: Value) -> Value {
    modern_params("stdio-test", params)
}

/// The command [`StdioClient::bridge`] starts.
pub fn bridge_command(setup: &Setup, key: Option<&str>) -> Command {
    let mut command = setup.command(&["bridge", "--no-start", "--home"]);
    command.arg(setup.place.home());
    if let Some(key) = key {
        command.env("AGENTPORT_API_KEY", key);
    }
    let errors = std::fs::File::options()
        .create(true)
        .append(true)
        .open(setup.place.files().join("bridge-stderr"))
        .expect("a file for stderr");
    command.stderr(errors);
    command
}

/// What bridges of this setup have written to stderr.
pub fn bridge_errors(setup: &Setup) -> String {
    std::fs::read_to_string(setup.place.files().join("bridge-stderr")).unwrap_or_default()
}
