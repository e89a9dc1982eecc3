//! Requests as notifications, with the test as notification daemon.

use std::time::Duration;

use agentport_api::GrantChoice;
use agentport_core::approval::{State, StateName};
use agentport_tests::desktop::{NotificationDaemon, Session, notifications::Closed};
use serde_json::json;

use super::scene::{Doubles, Seeded, with_tray, without_notifications};

/// Slower than a double click.
const PACE: Duration = Duration::from_millis(600);

#[tokio::test]
#[ignore = "needs a desktop session; `cargo xtask test` runs it"]
async fn each_button_does_what_it_says() {
    let doubles = Doubles::new().await;
    let Doubles { desk, daemon, .. } = &doubles;

    let (id, note) = doubles.asked("echo", json!({"text": "good morning"})).await;
    assert_eq!(note.buttons(), ["Approve", "Deny", "Always allow"]);
    for words in ["tester", "echo"] {
        assert!(note.summary.contains(words), "{note:?}");
    }
    assert!(note.body.contains("good morning"), "the summary: {note:?}");
    assert_eq!(note.expires, 0, "a request stays until it is dealt with: {note:?}");
    daemon.press(&note, "Approve").await;
    assert_eq!(desk.awaited(id).await.ran().text, "good morning");
    daemon.none().await;
    let once = desk.call("echo", json!({"text": "good morning"})).await.request();
    let note = daemon.one("echo").await;

    daemon.press(&note, "Deny").await;
    assert!(desk.awaited(once).await.refused().contains("denied by the human"));
    daemon.none().await;

    let (id, note) = doubles.asked("counter", json!({})).await;
    daemon.press(&note, "Always allow").await;
    assert_eq!(desk.awaited(id).await.ran().text, "counted");
    let undo = daemon.one("counter").await;
    assert_eq!((undo.summary.as_str(), undo.buttons()), ("Allowed from now on", vec!["Undo"]));
    assert!((9_000..=10_000).contains(&undo.expires), "for ten seconds: {undo:?}");
    assert_eq!(desk.call("counter", json!({})).await.ran().text, "counted");
    assert_eq!(desk.rules_by_click().await, 1);
    daemon.press(&undo, "Undo").await;
    daemon.one("asked again").await;
    desk.call("counter", json!({})).await.request();
    assert_eq!(desk.runs("counter"), 2);
}

#[tokio::test]
#[ignore = "needs a desktop session; `cargo xtask test` runs it"]
async fn undo_is_offered_for_ten_seconds() {
    let doubles = Doubles::new().await;
    let Doubles { desk, daemon, .. } = &doubles;
    let (id, note) = doubles.asked("counter", json!({})).await;
    daemon.press(&note, "Always allow").await;
    desk.awaited(id).await.ran();
    let undo = daemon.one("Allowed from now on").await;
    // The daemon leaves it; the app takes it away.
    assert_eq!(daemon.gone(undo.id).await, Closed::Withdrawn);
    let lasted = undo.at.elapsed().as_secs();
    assert!((9..20).contains(&lasted), "{lasted} s");
    assert_eq!(desk.call("counter", json!({})).await.ran().text, "counted");
}

#[tokio::test]
#[ignore = "needs a desktop session; `cargo xtask test` runs it"]
async fn a_request_decided_elsewhere_loses_its_notification() {
    let doubles = Doubles::new().await;
    let Doubles { desk, daemon, .. } = &doubles;

    let (id, note) = doubles.asked("echo", json!({"text": "one"})).await;
    desk.owner.approve(id, GrantChoice::Once).await;
    assert_eq!(daemon.gone(note.id).await, Closed::Withdrawn);

    let (id, note) = doubles.asked("echo", json!({"text": "two"})).await;
    desk.owner.deny(id, None).await;
    assert_eq!(daemon.gone(note.id).await, Closed::Withdrawn);

    // A click that was on its way when somebody else decided changes nothing.
    daemon.claim(note.id, note.key("Approve")).await;

    let (id, note) = doubles.asked("echo", json!({"text": "three"})).await;
    desk.owner.revoke(&desk.key).await;
    assert_eq!(daemon.gone(note.id).await, Closed::Withdrawn);
    assert_eq!(desk.owner.approval(id).await.state.name(), StateName::Withdrawn);
    daemon.none().await;
    assert_eq!(daemon.seen().sent, 3);
}

#[tokio::test]
#[ignore = "needs a desktop session; `cargo xtask test` runs it"]
async fn a_closed_notification_decides_nothing() {
    let mut doubles = Doubles::new().await;
    let before = doubles.desk.owner.policy().await.len();
    for (how, text) in [(Closed::Dismissed, "dismissed"), (Closed::Expired, "expired")] {
        let (id, note) = doubles.asked("echo", json!({"text": text})).await;
        doubles.daemon.close(&note, how).await;
        // The next request shows that the app has gone on.
        let next = doubles.desk.call("add", json!({"a": 1, "b": 2})).await.request();
        let note = doubles.daemon.one("add").await;
        assert_eq!(doubles.desk.owner.approval(id).await.state, State::Pending);
        doubles.daemon.press(&note, "Deny").await;
        doubles.desk.owner.approval_until(next, StateName::Denied).await;
        doubles.daemon.none().await;
        doubles.tray.row(&["tester wants echo in fx…*"]).await;
        doubles.desk.owner.approve(id, GrantChoice::Once).await;
        assert_eq!(doubles.desk.awaited(id).await.ran().text, text);
    }
    assert_eq!(doubles.desk.owner.policy().await.len(), before, "no rule was made");
}

/// A request that has some seconds to live when the app starts.
#[tokio::test]
#[ignore = "needs a desktop session; `cargo xtask test` runs it"]
async fn an_expired_request_is_taken_off_the_screen_and_makes_no_rule() {
    let doubles = Doubles::new().await;
    let Doubles { desk, daemon, tray } = doubles;
    let id = desk.call("counter", json!({})).await.request();
    daemon.one("counter").await;
    let key = desk.key.clone();
    let mut tray = tray;
    let session = Session::bare().await;
    let setup = desk.quit(&mut tray).await;
    super::life::soon_over(&setup, 12).await;

    let daemon = NotificationDaemon::start(&session).await;
    let (desk, mut tray) = with_tray(Seeded { setup, key }, session).await;
    let note = daemon.one("counter").await;
    let rules = desk.owner.policy().await.len();
    assert_eq!(daemon.gone(note.id).await, Closed::Withdrawn);
    tray.row(&["Nothing waits for you"]).await;
    assert_eq!(desk.owner.approval(id).await.state.name(), StateName::Expired);
    assert_eq!(desk.owner.policy().await.len(), rules);
    assert!(desk.awaited(id).await.refused().contains("expired"));
    assert_eq!(desk.owner.approvals("missed").await.len(), 1, "it stays in the inbox");
    assert_eq!(desk.runs("counter"), 0);
}

#[tokio::test]
#[ignore = "needs a desktop session; `cargo xtask test` runs it"]
async fn a_restarted_daemon_gets_the_notifications_again() {
    let doubles = Doubles::new().await;
    let Doubles { desk, daemon, tray: _tray } = doubles;
    let id = desk.call("echo", json!({"text": "still here"})).await.request();
    daemon.one("still here").await;
    daemon.stop().await;
    // While nobody shows it, the window does.
    let window = desk.approval_window().await;
    desk.session.close(&window).await;
    desk.windows(0).await;

    let daemon = NotificationDaemon::start(&desk.session).await;
    let note = daemon.one("still here").await;
    daemon.press(&note, "Approve").await;
    assert_eq!(desk.awaited(id).await.ran().text, "still here");
    daemon.none().await;
    assert_eq!(daemon.seen().sent, 1);
}

#[tokio::test]
#[ignore = "needs a desktop session; `cargo xtask test` runs it"]
async fn without_a_daemon_the_window_opens_by_itself() {
    let (desk, _tray) = without_notifications().await;
    assert!(desk.session.windows(agentport_tests::desktop::app::CLASS).is_empty());
    let id = desk.call("echo", json!({"text": "nobody there"})).await.request();
    let window = desk.approval_window().await;
    assert_ne!(
        desk.session.active_window().as_deref(),
        Some(window.id.as_str()),
        "it takes the keyboard from nobody"
    );
    // Closing it decides nothing and it does not come back for the same request.
    desk.session.close(&window).await;
    desk.windows(0).await;
    assert_eq!(desk.owner.approval(id).await.state, State::Pending);
    desk.another("other").await.call_tool("fx", "echo", json!({"text": "second"})).await.request();
    desk.approval_window().await;

    // Somebody comes who can show them.
    let daemon = NotificationDaemon::start(&desk.session).await;
    daemon.until("two notifications", |seen| (seen.open.len() == 2).then_some(())).await;
}

#[tokio::test]
#[ignore = "needs a desktop session; `cargo xtask test` runs it"]
async fn without_buttons_the_window_opens_by_itself() {
    let session = Session::bare().await;
    let daemon = NotificationDaemon::with(&session, &["body"]).await;
    let (desk, _tray) = with_tray(Seeded::new().await, session).await;
    let id = desk.call("echo", json!({"text": "no buttons"})).await.request();
    desk.approval_window().await;
    assert_eq!(daemon.seen().sent, 0, "what cannot be answered is not shown");
    desk.owner.approve(id, GrantChoice::Once).await;
    assert_eq!(desk.awaited(id).await.ran().text, "no buttons");
}

#[tokio::test]
#[ignore = "needs a desktop session; `cargo xtask test` runs it"]
async fn a_daemon_that_hangs_holds_up_nothing() {
    let session = Session::bare().await;
    let daemon = NotificationDaemon::silent(&session).await;
    let (desk, mut tray) = with_tray(Seeded::new().await, session).await;
    let id = desk.call("echo", json!({"text": "stuck"})).await.request();
    daemon.until("the call that hangs", |seen| (seen.sent > 0).then_some(())).await;
    // The tray goes on, and after some seconds the window shows what the daemon does not.
    tray.row(&["tester wants echo in fx…*"]).await;
    desk.approval_window().await;
    desk.owner.approve(id, GrantChoice::Once).await;
    tray.row(&["Nothing waits for you"]).await;
    // What the daemon shows late is taken away.
    daemon.answer();
    daemon.none().await;
}

/// Ten agents with five requests each, all at once.
#[tokio::test]
#[ignore = "needs a desktop session; `cargo xtask test` runs it"]
async fn fifty_requests_are_four_notices() {
    let doubles = Doubles::new().await;
    let Doubles { desk, daemon, .. } = &doubles;
    let mut agents = Vec::new();
    for number in 0..10 {
        agents.push(desk.another(&format!("agent-{number}")).await);
    }
    let calls = agents.iter().flat_map(|agent| {
        (0..5).map(move |number| async move {
            let asked = agent.call_tool("fx", "echo", json!({"text": number.to_string()})).await;
            (agent, number, asked.request())
        })
    });
    let requests = futures::future::join_all(calls).await;
    assert_eq!(desk.owner.approvals("pending").await.len(), 50);
    let summary = daemon
        .until("three requests and a summary", |seen| {
            let summary = seen.open.values().find(|note| note.summary.contains("47 more"))?;
            (seen.open.len() == 4).then(|| summary.clone())
        })
        .await;
    assert_eq!(summary.buttons(), ["Open inbox"]);

    for left in (0..50).rev() {
        let note = daemon
            .until("a request to press", |seen| {
                seen.open.values().find(|note| note.buttons().len() == 3).cloned()
            })
            .await;
        let label = if left % 5 == 0 { "Approve" } else { "Deny" };
        if label == "Approve" {
            // A person's pace: a click that may be the second half of a double click approves nothing.
            tokio::time::sleep(PACE).await;
        }
        daemon.press(&note, label).await;
        desk.owner
            .until("the decision", async || {
                let pending = desk.owner.status().await.pending;
                usize::try_from(pending).is_ok_and(|pending| pending <= left).then_some(())
            })
            .await;
    }
    daemon.none().await;
    assert!(daemon.seen().most <= 4, "at most four at once: {}", daemon.seen().most);
    let mut ran = 0;
    for (agent, number, id) in requests {
        let answer = agent.await_approval(&id.to_string()).await;
        if answer.is_error {
            assert!(answer.text.contains("denied by the human"), "{}", answer.text);
        } else {
            assert_eq!(answer.ran().text, number.to_string());
            ran += 1;
        }
    }
    assert_eq!(ran, 10);
}

/// The second half of a double click allows nothing: what waited behind is opened instead.
#[tokio::test]
#[ignore = "needs a desktop session; `cargo xtask test` runs it"]
async fn a_double_click_approves_one_request() {
    let doubles = Doubles::new().await;
    let Doubles { desk, daemon, .. } = &doubles;
    let first = desk.call("counter", json!({})).await.request();
    let second = desk.call("echo", json!({"text": "behind"})).await.request();
    daemon.until("both", |seen| (seen.open.len() == 2).then_some(())).await;
    let (one, other) = (daemon.among("counter").await, daemon.among("behind").await);
    daemon.press(&one, "Approve").await;
    daemon.press(&other, "Approve").await;
    desk.approval_window().await;
    assert_eq!(desk.awaited(first).await.ran().text, "counted");
    assert_eq!(desk.owner.approval(second).await.state, State::Pending);
}

#[tokio::test]
#[ignore = "needs a desktop session; `cargo xtask test` runs it"]
async fn the_summary_opens_the_inbox() {
    let doubles = Doubles::new().await;
    let Doubles { desk, daemon, .. } = &doubles;
    for number in 0..4 {
        desk.call("echo", json!({"text": number.to_string()})).await.request();
    }
    let summary = daemon
        .until("a summary", |seen| {
            seen.open.values().find(|note| note.summary == "1 more request waits").cloned()
        })
        .await;
    daemon.press(&summary, "Open inbox").await;
    let window = desk.windows(1).await.remove(0);
    assert_eq!(window.title, "AgentPort");
}

#[tokio::test]
#[ignore = "needs a desktop session; `cargo xtask test` runs it"]
async fn a_click_on_the_body_opens_the_request() {
    let doubles = Doubles::new().await;
    let (id, note) = doubles.asked("echo", json!({"text": "look at me"})).await;
    doubles.daemon.click(&note).await;
    doubles.desk.approval_window().await;
    assert_eq!(doubles.desk.owner.approval(id).await.state, State::Pending);
}
