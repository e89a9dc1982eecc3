use http::Method;
use serde_json::json;
use tokio::task::JoinHandle;

use super::*;
use crate::testing::{Lab, Machine, until};

fn follow(lab: &Lab, machine: &Arc<Machine>, greeting: Greeting) -> JoinHandle<()> {
    let follow = Follow {
        owner: lab.owner.clone(),
        desk: machine.clone(),
        notices: machine.clone(),
        tray: machine.clone(),
        greeting: Some(greeting),
    };
    tokio_util::task::TaskTracker::new().spawn(follow.run(lab.running.watch()))
}

fn up(state: &Option<TrayState>) -> Option<&crate::tray::model::Up> {
    match &state.as_ref()?.life {
        Life::Up(up) => Some(up),
        _ => None,
    }
}

#[tokio::test]
async fn the_first_window_is_the_welcome_then_the_inbox_then_none() {
    let lab = Lab::started().await;
    for (greeting, opened) in [
        (Greeting::Tray, Some("main #/welcome")),
        (Greeting::Window, Some("main #/")),
        (Greeting::Tray, None),
    ] {
        let machine = Machine::new();
        let following = follow(&lab, &machine, greeting);
        until(&machine.tray, |state| up(state).is_some()).await;
        // It is asked again after a move, and opens nothing.
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        lab.running.move_to(port).await.unwrap();
        until(&machine.tray, |state| up(state).is_some()).await;
        lab.ask(Method::POST, "/control/pause", json!({ "paused": true })).await;
        until(&machine.tray, |state| up(state).is_some_and(|up| up.paused)).await;
        lab.ask(Method::POST, "/control/pause", json!({ "paused": false })).await;
        lab.ask(Method::PATCH, "/control/settings", json!({ "welcomed": true })).await;
        let opened: Vec<_> = opened.into_iter().collect();
        assert_eq!(machine.done(), opened, "{greeting:?}");
        following.abort();
    }
    lab.running.stop().await;
}

#[tokio::test]
async fn what_waits_is_shown_and_goes_when_it_is_decided() {
    let lab = Lab::started().await;
    let machine = Machine::new();
    let following = follow(&lab, &machine, Greeting::Tray);
    let agent = lab.agent("Claude").await;
    let id = lab.call(&agent, "hello").await;
    until(&machine.tray, |state| {
        up(state).is_some_and(|up| {
            up.waiting.len() == 1 && up.waiting[0].id == id && up.waiting[0].agent == "Claude"
        })
    })
    .await;
    until(&machine.waiting, |(waiting, wishes)| {
        wishes.on
            && waiting.len() == 1
            && waiting[0].id == id
            && waiting[0].summary.contains("hello")
    })
    .await;
    lab.ask(Method::POST, &format!("/control/approvals/{id}/deny"), json!({})).await;
    until(&machine.tray, |state| up(state).is_some_and(|up| up.waiting.is_empty())).await;
    until(&machine.waiting, |(waiting, _)| waiting.is_empty()).await;
    lab.running.stop().await;
    following.await.unwrap();
}

#[tokio::test]
async fn the_owners_changes_are_shown() {
    let lab = Lab::started().await;
    let machine = Machine::new();
    let following = follow(&lab, &machine, Greeting::Tray);
    let agent = lab.agent("Claude").await;
    until(&machine.tray, |state| up(state).is_some_and(|up| up.agents.len() == 1)).await;
    lab.ask(Method::POST, &format!("/control/keys/{}/trust", agent.id), json!({ "minutes": 15 }))
        .await;
    until(&machine.tray, |state| up(state).is_some_and(|up| up.agents[0].trusted_until.is_some()))
        .await;
    let until_later = clock::now().plus(Duration::from_secs(3600));
    let change =
        json!({ "notifications_silent_until": until_later, "notifications_hide_details": true });
    lab.ask(Method::PATCH, "/control/settings", change).await;
    until(&machine.waiting, |(_, wishes)| {
        wishes.hide_details && wishes.silent_until == Some(until_later)
    })
    .await;
    until(&machine.tray, |state| up(state).is_some_and(|up| up.silent_until.is_some())).await;
    lab.ask(Method::DELETE, "/control/integrations/demo", json!(null)).await;
    until(&machine.tray, |state| up(state).is_some_and(|up| up.integrations.is_empty())).await;
    lab.running.stop().await;
    following.await.unwrap();
}

#[tokio::test]
async fn a_silence_ends_by_itself() {
    let lab = Lab::started().await;
    let machine = Machine::new();
    let following = follow(&lab, &machine, Greeting::Tray);
    let soon = clock::now().plus(Duration::from_secs(3));
    lab.ask(Method::PATCH, "/control/settings", json!({ "notifications_silent_until": soon }))
        .await;
    until(&machine.tray, |state| up(state).is_some_and(|up| up.silent_until.is_some())).await;
    until(&machine.tray, |state| up(state).is_some_and(|up| up.silent_until.is_none())).await;
    assert!(soon <= clock::now());
    lab.running.stop().await;
    following.await.unwrap();
}

#[tokio::test]
async fn trouble_opens_the_window_once_and_a_later_start_is_followed() {
    let lab = Lab::new();
    let machine = Machine::new();
    let following = follow(&lab, &machine, Greeting::Tray);
    let home = agentport_gateway::data_dir::DataDir::open(Some(lab.home().to_owned())).unwrap();
    let lock = home.lock().unwrap();
    for _ in 0..2 {
        lab.running.start().await;
        until(&machine.tray, |state| {
            matches!(state, Some(TrayState { life: Life::Down(why) }) if why.contains("Another AgentPort"))
        })
        .await;
    }
    drop(lock);
    lab.running.start().await;
    until(&machine.tray, |state| up(state).is_some()).await;
    machine.has("main #/welcome").await;
    assert_eq!(machine.done(), ["main #/", "main #/welcome"]);
    lab.running.stop().await;
    following.await.unwrap();
    let state = machine.tray.borrow().clone();
    assert!(matches!(state, Some(TrayState { life: Life::Stopping })));
}
