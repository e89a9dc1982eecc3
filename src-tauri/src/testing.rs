//! What stands in for the machine in tests: a desk, a tray and notifications that write down what was asked of them;
//! and a real gateway in a folder of its own.

use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
    time::Duration,
};

use agentport_api::{IntegrationView, NewKey};
use agentport_core::{ApprovalId, RuleId};
use agentport_gateway::{Port, vault::VaultChoice};
use async_trait::async_trait;
use http::Method;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    sync::watch,
};
use url::Url;

use crate::{
    desk::{Desk, DeskError},
    notices::Notices,
    notify::{Capabilities, Waiting, Wishes},
    owner::Owner,
    running::{Running, Wanted},
    tray::{Show, model::TrayState},
    windows::Raise,
};

/// For what has to come, however busy the machine is.
const PATIENCE: Duration = Duration::from_secs(20);

/// A machine that writes down what happens to it.
pub(crate) struct Machine {
    done: watch::Sender<Vec<String>>,
    pub tray: watch::Sender<Option<TrayState>>,
    pub waiting: watch::Sender<(Vec<Waiting>, Wishes)>,
    pub rules: Mutex<Vec<RuleId>>,
    pub capabilities: Capabilities,
    autostart: Mutex<bool>,
    pub downloads: TempDir,
}

impl Machine {
    pub(crate) fn new() -> Arc<Self> {
        Self::with(Capabilities::default())
    }

    pub(crate) fn with(capabilities: Capabilities) -> Arc<Self> {
        Arc::new(Self {
            done: watch::Sender::default(),
            tray: watch::Sender::default(),
            waiting: watch::Sender::default(),
            rules: Mutex::default(),
            capabilities,
            autostart: Mutex::default(),
            downloads: tempfile::tempdir().unwrap(),
        })
    }

    fn note(&self, what: String) {
        self.done.send_modify(|done| done.push(what));
    }

    pub(crate) fn done(&self) -> Vec<String> {
        self.done.borrow().clone()
    }

    /// Waits until this has been done.
    pub(crate) async fn has(&self, what: &str) {
        let mut done = self.done.subscribe();
        let found = done.wait_for(|done| done.iter().any(|one| one.starts_with(what)));
        if tokio::time::timeout(PATIENCE, found).await.is_err() {
            panic!("{what:?} was never done; but {:?}", self.done());
        }
    }
}

/// Waits until what was sent is as wanted.
pub(crate) async fn until<T>(sender: &watch::Sender<T>, wanted: impl FnMut(&T) -> bool) {
    let mut receiver = sender.subscribe();
    let waited = tokio::time::timeout(PATIENCE, receiver.wait_for(wanted)).await;
    assert!(waited.is_ok(), "it never became so");
}

impl Desk for Machine {
    fn open_main(&self, route: &str) {
        self.note(format!("main {route}"));
    }

    fn open_approval(&self, id: ApprovalId, raise: Raise) {
        self.note(format!("approval {id} {raise:?}"));
    }

    fn close_window(&self, label: &str) {
        self.note(format!("close {label}"));
    }

    fn open_page(&self, url: &Url) -> Result<(), DeskError> {
        self.note(format!("page {url}"));
        Ok(())
    }

    fn copy(&self, text: &str, is_secret: bool) -> Result<(), DeskError> {
        self.note(format!("copy {}{text}", if is_secret { "the secret " } else { "" }));
        Ok(())
    }

    fn reveal(&self, file: &Path) -> Result<(), DeskError> {
        self.note(format!("reveal {}", file.display()));
        Ok(())
    }

    fn downloads(&self) -> Result<PathBuf, DeskError> {
        Ok(self.downloads.path().to_owned())
    }

    fn autostart(&self) -> bool {
        *self.autostart.lock().unwrap()
    }

    fn set_autostart(&self, on: bool) -> Result<(), DeskError> {
        *self.autostart.lock().unwrap() = on;
        Ok(())
    }

    fn quit(&self) {
        self.note("quit".to_owned());
    }
}

impl Show for Machine {
    fn show(&self, state: TrayState) {
        self.tray.send_replace(Some(state));
    }
}

#[async_trait]
impl Notices for Machine {
    fn show(&self, waiting: Vec<Waiting>, wishes: Wishes) {
        self.waiting.send_replace((waiting, wishes));
    }

    fn undo(&self, rule: RuleId, sentence: String) {
        self.rules.lock().unwrap().push(rule);
        self.note(format!("undo {sentence}"));
    }

    fn tell(&self, title: &str, body: &str) {
        self.note(format!("tell {title}: {body}"));
    }

    async fn capabilities(&self) -> Capabilities {
        self.capabilities.clone()
    }
}

/// A gateway with the demo, in a folder of its own.
pub(crate) struct Lab {
    pub running: Running,
    pub owner: Owner,
    home: TempDir,
}

impl Lab {
    pub(crate) fn new() -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let home = tempfile::tempdir().unwrap();
        let wanted = Wanted {
            home: Some(home.path().to_owned()),
            vault: VaultChoice::KeyFile,
            port: Port::Chosen(0),
        };
        let running = Running::new(wanted);
        Self { owner: Owner::new(running.clone()), running, home }
    }

    pub(crate) async fn started() -> Self {
        let lab = Self::new();
        lab.running.start().await;
        assert!(lab.running.up().is_some(), "{}", lab.home.path().display());
        let demo: IntegrationView = lab.owner.get("/control/integrations/demo").await.unwrap();
        assert!(demo.tools.total > 0);
        lab
    }

    pub(crate) fn home(&self) -> &Path {
        self.home.path()
    }

    pub(crate) async fn ask(&self, method: Method, path: &str, body: Value) -> Value {
        self.owner.ask(method, path, Some(body)).await.unwrap()
    }

    /// An agent of that name, with its key.
    pub(crate) async fn agent(&self, name: &str) -> NewKey {
        let made = self.ask(Method::POST, "/control/keys", json!({ "name": name })).await;
        serde_json::from_value(made).unwrap()
    }

    /// The agent calls a gated tool; the request that waits.
    pub(crate) async fn call(&self, key: &NewKey, text: &str) -> ApprovalId {
        let body = json!({ "tool_name": "add_note", "args": { "text": text } }).to_string();
        let port = self.running.up().unwrap().port;
        let request = format!(
            "POST /api/tools/demo/call HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nX-API-Key: {}\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
            key.key,
            body.len()
        );
        let mut agent = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
        agent.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        agent.read_to_string(&mut answer).await.unwrap();
        let id = answer.split("/approve/").nth(1).and_then(|rest| rest.get(..36));
        id.and_then(|id| id.parse().ok()).unwrap_or_else(|| panic!("no request in {answer}"))
    }
}
