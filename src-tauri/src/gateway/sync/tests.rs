use std::sync::Arc;

use http::Method;
use serde_json::json;
use tokio::{sync::mpsc, task::JoinHandle};

use super::*;
use crate::{
    notify::{Intent, NotificationKey},
    testing::{Lab, Machine, until},
    tray::model::RunningState,
};

/// The task, and the queue of intents, which has to stay open.
fn follow(
    lab: &Lab,
    machine: &Arc<Machine>,
    window: StartupWindow,
) -> (JoinHandle<()>, mpsc::Receiver<Intent>) {
    let (context, intents) = lab.context(machine);
    let sync = StateSync::new(context, machine.clone(), window);
    (tokio_util::task::TaskTracker::new().spawn(sync.run(lab.supervisor.watch())), intents)
}

fn running(state: &Option<TrayState>) -> Option<&RunningState> {
    match &state.as_ref()?.phase {
        GatewayPhase::Running(running) => Some(running),
        _ => None,
    }
}

/// Waits until the request has a notification whose title starts like this; `None`: until it has none.
async fn notified(machine: &Machine, id: ApprovalId, title: Option<&str>) {
    until(&machine.shown, |shown| match (shown.get(&NotificationKey::Request(id)), title) {
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
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        lab.supervisor.move_to(port).await.unwrap();
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
    let lab = Lab::started().await;
    let machine = Machine::new();
    let (following, _intents) = follow(&lab, &machine, StartupWindow::TrayOnly);
    let agent = lab.agent("Claude").await;
    let id = lab.call(&agent, "hello").await;
    until(&machine.tray, |state| {
        running(state).is_some_and(|running| {
            running.pending.len() == 1
                && running.pending[0].id == id
                && running.pending[0].agent_name == "Claude"
        })
    })
    .await;
    until(&machine.shown, |shown| {
        shown.get(&NotificationKey::Request(id)).is_some_and(|shown| shown.body.contains("hello"))
    })
    .await;
    lab.ask(Method::POST, &format!("/control/approvals/{id}/deny"), json!({})).await;
    until(&machine.tray, |state| running(state).is_some_and(|running| running.pending.is_empty()))
        .await;
    notified(&machine, id, None).await;
    lab.supervisor.stop().await;
    following.await.unwrap();
}

#[tokio::test]
async fn the_owners_changes_are_shown() {
    let lab = Lab::started().await;
    let machine = Machine::new();
    let (following, _intents) = follow(&lab, &machine, StartupWindow::TrayOnly);
    let agent = lab.agent("Claude").await;
    until(&machine.tray, |state| running(state).is_some_and(|running| running.agents.len() == 1))
        .await;
    lab.ask(Method::POST, &format!("/control/keys/{}/trust", agent.id), json!({ "minutes": 15 }))
        .await;
    until(&machine.tray, |state| {
        running(state).is_some_and(|running| running.agents[0].trusted_until.is_some())
    })
    .await;
    // An agent that is not trusted.
    let id = lab.call(&lab.agent("Codex").await, "hello").await;
    notified(&machine, id, Some("Codex wants")).await;
    let change = json!({ "notifications_hide_details": true });
    lab.ask(Method::PATCH, "/control/settings", change).await;
    notified(&machine, id, Some("An agent waits")).await;
    let until_later = clock::now().plus(Duration::from_secs(3600));
    let change = json!({ "notifications_silent_until": until_later });
    lab.ask(Method::PATCH, "/control/settings", change).await;
    notified(&machine, id, None).await;
    until(&machine.tray, |state| {
        running(state).is_some_and(|running| running.silent_until.is_some())
    })
    .await;
    lab.ask(Method::DELETE, "/control/integrations/demo", json!(null)).await;
    until(&machine.tray, |state| {
        running(state).is_some_and(|running| running.integrations.is_empty())
    })
    .await;
    lab.supervisor.stop().await;
    following.await.unwrap();
}

#[tokio::test]
async fn a_silence_ends_by_itself() {
    let lab = Lab::started().await;
    let machine = Machine::new();
    let (following, _intents) = follow(&lab, &machine, StartupWindow::TrayOnly);
    let soon = clock::now().plus(Duration::from_secs(3));
    lab.ask(Method::PATCH, "/control/settings", json!({ "notifications_silent_until": soon }))
        .await;
    until(&machine.tray, |state| {
        running(state).is_some_and(|running| running.silent_until.is_some())
    })
    .await;
    until(&machine.tray, |state| {
        running(state).is_some_and(|running| running.silent_until.is_none())
    })
    .await;
    assert!(soon <= clock::now());
    lab.supervisor.stop().await;
    following.await.unwrap();
}

#[tokio::test]
async fn a_failed_start_opens_the_window_once_and_a_later_start_is_followed() {
    let lab = Lab::new();
    let machine = Machine::new();
    let (following, _intents) = follow(&lab, &machine, StartupWindow::TrayOnly);
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
    until(&machine.tray, |state| running(state).is_some()).await;
    machine.has("main #/welcome").await;
    assert_eq!(machine.done(), ["main #/", "main #/welcome"]);
    lab.supervisor.stop().await;
    following.await.unwrap();
    let state = machine.tray.borrow().clone();
    assert!(matches!(state, Some(TrayState { phase: GatewayPhase::Stopping })));
}

#[tokio::test]
async fn a_repeated_denial_is_shown_once_when_it_starts() {
    let lab = Lab::started().await;
    let machine = Machine::new();
    let (following, _intents) = follow(&lab, &machine, StartupWindow::TrayOnly);
    let agent = lab.agent("Claude").await;
    until(&machine.tray, |state| running(state).is_some_and(|running| running.agents.len() == 1))
        .await;
    for text in ["a", "b", "c"] {
        let id = lab.call(&agent, text).await;
        lab.ask(Method::POST, &format!("/control/approvals/{id}/deny"), json!({})).await;
    }
    machine.shows("Not asked any more: You denied add_note to Claude several times.").await;
    machine.shown.send_replace(Default::default());
    lab.ask(Method::POST, "/control/pause", json!({ "paused": true })).await;
    until(&machine.tray, |state| running(state).is_some_and(|running| running.paused)).await;
    assert!(machine.shown.borrow().is_empty(), "once");
    lab.supervisor.stop().await;
    following.await.unwrap();
}

#[tokio::test]
async fn a_port_set_elsewhere_is_moved_to() {
    let lab = Lab::started().await;
    let machine = Machine::new();
    let (following, _intents) = follow(&lab, &machine, StartupWindow::TrayOnly);
    until(&machine.tray, |state| running(state).is_some()).await;
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let mut status = lab.supervisor.watch();
    lab.ask(Method::PATCH, "/control/settings", json!({ "port": port })).await;
    let moved = status.wait_for(
        |status| matches!(status, GatewayStatus::Running(gateway) if gateway.port == port),
    );
    tokio::time::timeout(Duration::from_secs(20), moved).await.unwrap().unwrap();
    until(&machine.tray, |state| running(state).is_some()).await;

    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let other = taken.local_addr().unwrap().port();
    lab.ask(Method::PATCH, "/control/settings", json!({ "port": other })).await;
    machine.shows("The port was not changed").await;
    assert_eq!(lab.supervisor.running().map(|gateway| gateway.port), Some(port));
    lab.supervisor.stop().await;
    following.await.unwrap();
}
