use std::sync::Arc;

use agentport_api::NewKey;
use http::Method;
use serde_json::{Value, json};
use tokio::{sync::mpsc, task::JoinHandle};

use super::*;
use crate::{
    notify::{Intent, NotificationKey},
    testing::{Lab, Machine, until},
    tray::model::RunningState,
};

/// The task on a started gateway and a desktop that records. It opens no window.
struct FollowedGateway {
    lab: Lab,
    machine: Arc<Machine>,
    following: JoinHandle<()>,
    /// Has to stay open.
    _intents: mpsc::Receiver<Intent>,
}

impl FollowedGateway {
    async fn start() -> Self {
        Self::of(Lab::started().await)
    }

    fn of(lab: Lab) -> Self {
        let machine = Machine::new();
        let (following, intents) = follow(&lab, &machine, StartupWindow::TrayOnly);
        Self { lab, machine, following, _intents: intents }
    }

    /// With an agent named Claude, once the tray shows it.
    async fn with_agent() -> (Self, NewKey) {
        let followed = Self::start().await;
        let agent = followed.lab.agent("Claude").await;
        followed.shows(|running| running.agents.len() == 1).await;
        (followed, agent)
    }

    /// Waits until the tray shows a gateway in this state.
    async fn shows(&self, wanted: impl Fn(&RunningState) -> bool) {
        until(&self.machine.tray, |state| running(state).is_some_and(&wanted)).await;
    }

    async fn ask(&self, method: Method, path: &str, body: Value) {
        self.lab.ask(method, path, body).await;
    }

    async fn set(&self, change: Value) {
        self.ask(Method::PATCH, "/control/settings", change).await;
    }

    /// Stops the gateway, with which the task ends.
    async fn stop(self) {
        self.lab.supervisor.stop().await;
        self.following.await.unwrap();
    }
}

fn follow(
    lab: &Lab,
    machine: &Arc<Machine>,
    window: StartupWindow,
) -> (JoinHandle<()>, mpsc::Receiver<Intent>) {
    let (context, intents) = lab.context(machine);
    let sync = StateSync::new(context, machine.clone(), window);
    (tokio_util::task::TaskTracker::new().spawn(sync.run(lab.supervisor.watch())), intents)
}

fn free_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

fn running(state: &Option<TrayState>) -> Option<&RunningState> {
    match &state.as_ref()?.phase {
        GatewayPhase::Running(running) => Some(running),
        _ => None,
    }
}

/// Waits until the request has a notification whose title starts like this; `None`: until it has none.
async fn notified(machine: &Machine, id: ApprovalId, title: Option<&str>) {
    until(&machine.shown, |shown| match (shown.get(&NotificationKey::Request(id.into())), title) {
        (Some(shown), Some(title)) => shown.title.starts_with(title),
        (None, None) => true,
        _ => false,
    })
    .await;
}

#[tokio::test]
async fn the_first_window_is_the_welcome_then_the_inbox_then_none() {
    let lab = Lab::started().await;
    for (window, opened) in [
        (StartupWindow::TrayOnly, Some("main #/welcome")),
        (StartupWindow::Main, Some("main #/")),
        (StartupWindow::TrayOnly, None),
    ] {
        let machine = Machine::new();
        let (following, _intents) = follow(&lab, &machine, window);
        until(&machine.tray, |state| running(state).is_some()).await;
        // It is asked again after a move, and opens nothing.
        lab.supervisor.move_to(free_port()).await.unwrap();
        until(&machine.tray, |state| running(state).is_some()).await;
        lab.ask(Method::POST, "/control/pause", json!({ "paused": true })).await;
        until(&machine.tray, |state| running(state).is_some_and(|running| running.paused)).await;
        lab.ask(Method::POST, "/control/pause", json!({ "paused": false })).await;
        lab.ask(Method::PATCH, "/control/settings", json!({ "welcomed": true })).await;
        let opened: Vec<_> = opened.into_iter().collect();
        assert_eq!(machine.done(), opened, "{window:?}");
        following.abort();
    }
    lab.supervisor.stop().await;
}

#[tokio::test]
async fn a_pending_request_is_shown_until_it_is_decided() {
    let (followed, agent) = FollowedGateway::with_agent().await;
    let id = followed.lab.call(&agent, "hello").await;
    followed
        .shows(|running| {
            running.waiting.len() == 1
                && running.waiting.calls[0].id == id
                && running.waiting.calls[0].agent_name == "Claude"
        })
        .await;
    until(&followed.machine.shown, |shown| {
        shown
            .get(&NotificationKey::Request(id.into()))
            .is_some_and(|shown| shown.body.contains("hello"))
    })
    .await;
    followed.ask(Method::POST, &format!("/control/approvals/{id}/deny"), json!({})).await;
    followed.shows(|running| running.waiting.is_empty()).await;
    notified(&followed.machine, id, None).await;
    followed.stop().await;
}

#[tokio::test]
async fn the_owners_changes_are_shown() {
    let (followed, agent) = FollowedGateway::with_agent().await;
    let trust = format!("/control/keys/{}/trust", agent.id);
    followed.ask(Method::POST, &trust, json!({ "minutes": 15 })).await;
    followed.shows(|running| running.agents[0].trusted_until.is_some()).await;
    // An agent that is not trusted.
    let id = followed.lab.call(&followed.lab.agent("Codex").await, "hello").await;
    notified(&followed.machine, id, Some("Codex wants")).await;
    followed.set(json!({ "notifications_hide_details": true })).await;
    notified(&followed.machine, id, Some("An agent waits")).await;
    let until_later = clock::now().plus(Duration::from_secs(3600));
    followed.set(json!({ "notifications_silent_until": until_later })).await;
    notified(&followed.machine, id, None).await;
    followed.shows(|running| running.silent_until.is_some()).await;
    followed.ask(Method::DELETE, "/control/integrations/demo", json!(null)).await;
    followed.shows(|running| running.integrations.is_empty()).await;
    followed.stop().await;
}

#[tokio::test]
async fn a_silence_ends_by_itself() {
    let followed = FollowedGateway::start().await;
    let soon = clock::now().plus(Duration::from_secs(3));
    followed.set(json!({ "notifications_silent_until": soon })).await;
    followed.shows(|running| running.silent_until.is_some()).await;
    followed.shows(|running| running.silent_until.is_none()).await;
    assert!(soon <= clock::now());
    followed.stop().await;
}

#[tokio::test]
async fn a_failed_start_opens_the_window_once_and_a_later_start_is_followed() {
    let followed = FollowedGateway::of(Lab::new());
    let FollowedGateway { lab, machine, .. } = &followed;
    let home = agentport_gateway::data_dir::DataDir::open(Some(lab.home().to_owned())).unwrap();
    let lock = home.lock().unwrap();
    for _ in 0..2 {
        lab.supervisor.start().await;
        until(&machine.tray, |state| {
            matches!(state, Some(TrayState { phase: GatewayPhase::Failed(why) }) if why.contains("Another AgentPort"))
        })
        .await;
    }
    drop(lock);
    lab.supervisor.start().await;
    followed.shows(|_| true).await;
    machine.has("main #/welcome").await;
    assert_eq!(machine.done(), ["main #/", "main #/welcome"]);
    let machine = machine.clone();
    followed.stop().await;
    let state = machine.tray.borrow().clone();
    assert!(matches!(state, Some(TrayState { phase: GatewayPhase::Stopping })));
}

#[tokio::test]
async fn a_repeated_denial_is_shown_once_when_it_starts() {
    let (followed, agent) = FollowedGateway::with_agent().await;
    for text in ["a", "b", "c"] {
        let id = followed.lab.call(&agent, text).await;
        followed.ask(Method::POST, &format!("/control/approvals/{id}/deny"), json!({})).await;
    }
    let machine = &followed.machine;
    machine.shows("Not asked any more: You denied add_note to Claude several times.").await;
    machine.shown.send_replace(Default::default());
    followed.ask(Method::POST, "/control/pause", json!({ "paused": true })).await;
    followed.shows(|running| running.paused).await;
    assert!(machine.shown.borrow().is_empty(), "once");
    followed.stop().await;
}

#[tokio::test]
async fn a_port_set_elsewhere_is_moved_to() {
    let followed = FollowedGateway::start().await;
    followed.shows(|_| true).await;
    let port = free_port();
    let mut status = followed.lab.supervisor.watch();
    followed.set(json!({ "port": port })).await;
    let moved = status.wait_for(
        |status| matches!(status, GatewayStatus::Running(gateway) if gateway.port == port),
    );
    tokio::time::timeout(Duration::from_secs(20), moved).await.unwrap().unwrap();
    followed.shows(|_| true).await;

    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let other = taken.local_addr().unwrap().port();
    followed.set(json!({ "port": other })).await;
    followed.machine.shows("The port was not changed").await;
    assert_eq!(followed.lab.supervisor.running().map(|gateway| gateway.port), Some(port));
    followed.stop().await;
}

#[tokio::test]
async fn an_agent_that_wants_in_is_shown_until_that_is_decided() {
    let followed = FollowedGateway::start().await;
    let consent = followed.lab.wants_in("Odd Client").await;
    let key = NotificationKey::Request(consent.id.into());
    until(&followed.machine.shown, |shown| {
        shown.get(&key).is_some_and(|shown| shown.body.contains(&consent.code))
    })
    .await;
    followed.shows(|running| running.waiting.consents.len() == 1).await;
    let deny = format!("/control/consents/{}/deny", consent.id);
    followed.ask(Method::POST, &deny, json!({})).await;
    followed.shows(|running| running.waiting.is_empty()).await;
    until(&followed.machine.shown, |shown| !shown.contains_key(&key)).await;
    followed.stop().await;
}

#[tokio::test]
async fn an_agent_signed_out_for_a_token_used_twice_is_named_unless_details_are_hidden() {
    let lab = Lab::new();
    for (hidden, title) in [(false, "Cursor was signed out"), (true, "An agent was signed out")] {
        let machine = Machine::new();
        let (context, _intents) = lab.context(&machine);
        let sync = StateSync::new(context, machine.clone(), StartupWindow::TrayOnly);
        let settings = Settings { notifications_hide_details: hidden, ..Settings::default() };
        sync.show_signed_out("Cursor", &settings);
        machine.shows(&format!("{title}: One of its tokens was used twice.")).await;
    }
}
