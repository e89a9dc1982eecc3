//! Test doubles of the desktop, which record what the app does; and a real gateway in a temporary data directory.

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use agentport_api::{ConsentState, ConsentView, ControlResult, IntegrationView, NewKey};
use agentport_core::ApprovalId;
use agentport_gateway::{Port, vault::VaultChoice};
use async_trait::async_trait;
use http::Method;
use parking_lot::Mutex;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    sync::{mpsc, watch},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use url::Url;

use crate::{
    context::AppContext,
    gateway::{
        client::{self, InProcessClient, InProcessTransport},
        state::RequestId,
        supervisor::{GatewaySupervisor, LaunchOptions},
    },
    notify::{
        BackendEvent, Capabilities, Intent, Notification, NotificationKey, Notifications, Notifier,
        NotifyError,
    },
    platform::{Platform, PlatformError},
    tray::{TrayDisplay, model::TrayState},
    windows::{Raise, attention::WindowAttention, close::CloseSetting},
};

/// Longer than anything here takes, even on a busy machine.
const TEST_TIMEOUT: Duration = Duration::from_secs(20);

/// Notifications on the screen.
pub(crate) type ShownNotifications = HashMap<NotificationKey, Notification>;

/// A desktop that records what happens to it.
pub(crate) struct Machine {
    done: watch::Sender<Vec<String>>,
    pub tray: watch::Sender<Option<TrayState>>,
    pub shown: watch::Sender<ShownNotifications>,
    /// What its notification daemon can do; `None` without one.
    capabilities: Option<Capabilities>,
    tray_available: bool,
    autostart: Mutex<bool>,
    pub downloads: TempDir,
}

impl Machine {
    pub(crate) fn new() -> Arc<Self> {
        let server = Some("recorder".to_owned());
        Self::with(Some(Capabilities { reachable: true, buttons: true, server }), true)
    }

    pub(crate) fn without_notifications() -> Arc<Self> {
        Self::with(None, true)
    }

    pub(crate) fn without_tray() -> Arc<Self> {
        Self::with(None, false)
    }

    fn with(capabilities: Option<Capabilities>, tray_available: bool) -> Arc<Self> {
        Arc::new(Self {
            done: watch::Sender::default(),
            tray: watch::Sender::default(),
            shown: watch::Sender::default(),
            capabilities,
            tray_available,
            autostart: Mutex::default(),
            downloads: tempfile::tempdir().unwrap(),
        })
    }

    fn record(&self, action: String) {
        self.done.send_modify(|done| done.push(action));
    }

    /// What was done, in order; notifications excepted.
    pub(crate) fn done(&self) -> Vec<String> {
        self.done.borrow().clone()
    }

    /// Waits until a notification is shown whose title and body start like this: `title: body`.
    pub(crate) async fn shows(&self, text: &str) {
        let starts =
            |shown: &Notification| format!("{}: {}", shown.title, shown.body).starts_with(text);
        let mut shown = self.shown.subscribe();
        let found = shown.wait_for(|shown| shown.values().any(starts));
        if tokio::time::timeout(TEST_TIMEOUT, found).await.is_err() {
            panic!("{text:?} was never shown; but {:?}", self.shown.borrow());
        }
    }

    /// Waits until this has been done.
    pub(crate) async fn has(&self, action: &str) {
        let mut done = self.done.subscribe();
        let found = done.wait_for(|done| done.iter().any(|one| one.starts_with(action)));
        if tokio::time::timeout(TEST_TIMEOUT, found).await.is_err() {
            panic!("{action:?} was never done; but {:?}", self.done());
        }
    }
}

/// Waits until what was sent is as wanted.
pub(crate) async fn until<T>(sender: &watch::Sender<T>, wanted: impl FnMut(&T) -> bool) {
    let mut receiver = sender.subscribe();
    let waited = tokio::time::timeout(TEST_TIMEOUT, receiver.wait_for(wanted)).await;
    assert!(waited.is_ok(), "it never became so");
}

impl Platform for Machine {
    fn open_main(&self, route: &str) {
        self.record(format!("main {route}"));
    }

    fn open_request(&self, id: RequestId, raise: Raise) {
        self.record(match id {
            RequestId::Call(id) => format!("approval {id} {raise:?}"),
            RequestId::Consent(id) => format!("consent {id} {raise:?}"),
        });
    }

    fn close_window(&self, label: &str) {
        self.record(format!("close {label}"));
    }

    fn open_page(&self, url: &Url) -> Result<(), PlatformError> {
        self.record(format!("page {url}"));
        Ok(())
    }

    fn copy(&self, text: &str, is_secret: bool) -> Result<(), PlatformError> {
        self.record(format!("copy {}{text}", if is_secret { "the secret " } else { "" }));
        Ok(())
    }

    fn reveal(&self, file: &Path) -> Result<(), PlatformError> {
        self.record(format!("reveal {}", file.display()));
        Ok(())
    }

    fn downloads(&self) -> Result<PathBuf, PlatformError> {
        Ok(self.downloads.path().to_owned())
    }

    fn autostart(&self) -> bool {
        *self.autostart.lock()
    }

    fn set_autostart(&self, on: bool) -> Result<(), PlatformError> {
        *self.autostart.lock() = on;
        Ok(())
    }

    fn tray_available(&self) -> bool {
        self.tray_available
    }

    fn quit(&self) {
        self.record("quit".to_owned());
    }
}

impl TrayDisplay for Machine {
    fn show(&self, state: TrayState) {
        self.tray.send_replace(Some(state));
    }
}

/// The notification daemon of a [`Machine`].
struct Recorder(Arc<Machine>);

#[async_trait]
impl Notifier for Recorder {
    async fn listen(&self, events: mpsc::Sender<BackendEvent>) {
        let event = match self.0.capabilities {
            Some(_) => BackendEvent::Available,
            None => BackendEvent::Unavailable { activatable: false },
        };
        events.send(event).await.expect("the actor listens");
        events.closed().await;
    }

    async fn probe(&self) -> Result<Capabilities, NotifyError> {
        self.0.capabilities.clone().ok_or(NotifyError::Unavailable(None))
    }

    async fn show(
        &self,
        key: NotificationKey,
        notification: &Notification,
    ) -> Result<(), NotifyError> {
        self.0.shown.send_modify(|shown| drop(shown.insert(key, notification.clone())));
        Ok(())
    }

    async fn withdraw(&self, key: NotificationKey) -> Result<(), NotifyError> {
        self.0.shown.send_modify(|shown| drop(shown.remove(&key)));
        Ok(())
    }
}

/// A gateway with the demo integration, in a temporary data directory.
pub(crate) struct Lab {
    pub supervisor: GatewaySupervisor,
    pub control: InProcessClient,
    home: TempDir,
}

impl Lab {
    pub(crate) fn new() -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let home = tempfile::tempdir().unwrap();
        let options = LaunchOptions {
            home: Some(home.path().to_owned()),
            vault: VaultChoice::KeyFile,
            port: Port::Chosen(0),
        };
        let supervisor = GatewaySupervisor::new(options);
        Self { control: client::in_process(supervisor.clone()), supervisor, home }
    }

    pub(crate) async fn started() -> Self {
        let lab = Self::new();
        lab.supervisor.start().await;
        assert!(lab.supervisor.running().is_some(), "{}", lab.home.path().display());
        let demo: IntegrationView = lab.control.get("/control/integrations/demo").await.unwrap();
        assert!(demo.tools.total > 0);
        lab
    }

    pub(crate) fn home(&self) -> &Path {
        self.home.path()
    }

    /// The app's services on this gateway and a desktop, and the queue of intents.
    pub(crate) fn context(&self, machine: &Arc<Machine>) -> (AppContext, mpsc::Receiver<Intent>) {
        let tasks = TaskTracker::new();
        let notifier = Arc::new(Recorder(machine.clone()));
        let (notifications, intents) =
            Notifications::start(&tasks, CancellationToken::new(), notifier);
        let context = AppContext {
            supervisor: self.supervisor.clone(),
            control: self.control.clone(),
            platform: machine.clone(),
            attention: WindowAttention::new(notifications.clone()),
            notifications,
            on_close: CloseSetting::open(Some(self.home())),
            tasks,
        };
        (context, intents)
    }

    pub(crate) async fn ask(&self, method: Method, path: &str, body: Value) -> Value {
        let answer: ControlResult<_, InProcessTransport> =
            self.control.send(method, path, Some(&body)).await;
        let answer = answer.unwrap();
        if answer.is_empty() { Value::Null } else { serde_json::from_slice(&answer).unwrap() }
    }

    /// An agent of that name, with its key.
    pub(crate) async fn agent(&self, name: &str) -> NewKey {
        let made = self.ask(Method::POST, "/control/keys", json!({ "name": name })).await;
        serde_json::from_value(made).unwrap()
    }

    /// The agent calls a tool that needs approval; the pending request.
    pub(crate) async fn call(&self, key: &NewKey, text: &str) -> ApprovalId {
        let body = json!({ "tool_name": "add_note", "args": { "text": text } });
        let header = format!("X-API-Key: {}\r\n", key.key);
        let answer = self.send("POST /api/tools/demo/call", &header, &body.to_string()).await;
        let id = answer.split("/approve/").nth(1).and_then(|rest| rest.get(..36));
        id.and_then(|id| id.parse().ok()).unwrap_or_else(|| panic!("no request in {answer}"))
    }

    /// A client of that name opens its page in the browser; the consent that waits.
    pub(crate) async fn wants_in(&self, name: &str) -> ConsentView {
        let redirect = "http://127.0.0.1:7777/callback";
        let body = json!({ "client_name": name, "redirect_uris": [redirect] });
        let answer = self.send("POST /oauth/register", "", &body.to_string()).await;
        let body = answer.split("\r\n\r\n").nth(1).unwrap();
        let registered: Value = serde_json::from_str(body).unwrap();
        let query = url::form_urlencoded::Serializer::new(String::new())
            .append_pair("response_type", "code")
            .append_pair("client_id", registered["client_id"].as_str().unwrap())
            .append_pair("redirect_uri", redirect)
            .append_pair("code_challenge", &"c".repeat(43))
            .append_pair("code_challenge_method", "S256")
            .finish();
        let page = self.send(&format!("GET /oauth/authorize?{query}"), "", "").await;
        let all: Vec<ConsentView> = self.control.list("/control/consents").await.unwrap();
        let mine =
            |one: &ConsentView| one.client_name == name && one.state == ConsentState::Waiting;
        all.into_iter().find(mine).unwrap_or_else(|| panic!("no consent waits; {page}"))
    }

    /// Sends a request of an agent, and reads the whole answer.
    async fn send(&self, line: &str, headers: &str, body: &str) -> String {
        let port = self.supervisor.running().unwrap().port;
        let request = format!(
            "{line} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n{headers}Content-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
            body.len()
        );
        let mut agent = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
        agent.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        agent.read_to_string(&mut answer).await.unwrap();
        answer
    }
}
