//! Forged button presses on the bus, and hostile texts of agents on the screen.

use agentport_core::approval::{State, StateName};
use agentport_tests::desktop::{NotificationDaemon, Stranger, notifications::Closed};
use serde_json::json;

use super::scene::Doubles;

#[tokio::test]
#[ignore = "needs a desktop session; `cargo xtask test` runs it"]
async fn a_stranger_presses_no_button() {
    let doubles = Doubles::new().await;
    let Doubles { desk, daemon, .. } = &doubles;
    let stranger = Stranger::start(&desk.session).await;
    let (id, note) = doubles.asked("counter", json!({})).await;
    let app = note.from.clone();
    let everything = async || {
        for label in ["Approve", "Always allow"] {
            stranger.claim(&app, note.id, note.key(label)).await;
        }
        stranger.claim(&app, note.id, "default").await;
        stranger.claim_closed(&app, note.id).await;
    };
    everything().await;
    // Nor after it has said that it is the daemon, in the bus's own words, and waits to become it.
    stranger.claim_the_name(&app, &daemon.name()).await;
    everything().await;
    stranger.queue_for_the_name().await;
    everything().await;
    stranger.heard().await;
    // The bus keeps the order: had one of them been believed, this would come too late.
    daemon.press(&note, "Deny").await;
    let decided = desk.owner.approval_until(id, StateName::Denied).await;
    assert!(matches!(decided.state, State::Denied { .. }));
    assert!(desk.awaited(id).await.refused().contains("denied by the human"));
    assert_eq!(desk.runs("counter"), 0);
    assert_eq!(desk.rules_by_click().await, 0);
    assert!(desk.session.windows(agentport_tests::desktop::app::CLASS).is_empty(), "no window");

    // What it says was closed is still there, and is taken away when it is decided.
    let (id, note) = doubles.asked("counter", json!({})).await;
    stranger.claim_closed(&app, note.id).await;
    stranger.heard().await;
    desk.owner.deny(id, None).await;
    assert_eq!(daemon.gone(note.id).await, Closed::Withdrawn);
}

/// Whoever takes the name when the daemon dies is believed only of what it was given to show.
#[tokio::test]
#[ignore = "needs a desktop session; `cargo xtask test` runs it"]
async fn a_new_daemon_answers_for_nothing_it_did_not_show() {
    let doubles = Doubles::new().await;
    let Doubles { desk, daemon, tray: _tray } = doubles;
    let ask = async |text: &str| desk.call("echo", json!({"text": text})).await.request();
    let (first, second) = (ask("first").await, ask("second").await);
    let old = daemon
        .until("two notifications", |seen| {
            seen.open.values().find(|note| note.body.contains("second")).cloned()
        })
        .await;
    assert_eq!(old.id, 2);
    daemon.stop().await;

    let taker = NotificationDaemon::silent_from(&desk.session, 1_000).await;
    taker.until("a call that hangs", |seen| (seen.sent > 0).then_some(())).await;
    for (id, label) in [(old.id, "Approve"), (old.id, "Always allow"), (77, "Approve")] {
        taker.claim(id, old.key(label)).await;
    }
    taker.answer();
    taker.until("both again", |seen| (seen.open.len() == 2).then_some(())).await;
    let note = taker.until("the first", |seen| {
        seen.open.values().find(|note| note.body.contains("first")).cloned()
    });
    taker.press(&note.await, "Deny").await;
    desk.owner.approval_until(first, StateName::Denied).await;
    assert_eq!(desk.owner.approval(second).await.state, State::Pending);
}

/// Buttons that were not offered, and words that are none.
#[tokio::test]
#[ignore = "needs a desktop session; `cargo xtask test` runs it"]
async fn only_an_offered_button_counts() {
    let doubles = Doubles::new().await;
    let Doubles { desk, daemon, .. } = &doubles;
    let (id, note) = doubles.asked("destroy", json!({"what": "the archive"})).await;
    assert_eq!(note.buttons(), ["Review…", "Deny"], "what destroys is looked at first");
    for key in ["approve", "always", "undo", "", "APPROVE", "\u{202e}"] {
        daemon.claim(note.id, key).await;
    }
    daemon.press(&note, "Review…").await;
    desk.approval_window().await;
    assert_eq!(desk.owner.approval(id).await.state, State::Pending);
    desk.owner.deny(id, None).await;
    desk.awaited(id).await.refused();
}

#[tokio::test]
#[ignore = "needs a desktop session; `cargo xtask test` runs it"]
async fn hostile_text_is_shown_as_text() {
    let doubles = Doubles::new().await;
    let Doubles { desk, daemon, .. } = &doubles;
    let nasty = "<b>bold</b><img src=x> & \u{1b}[31mred\u{1b}[0m \u{202e}txet\u{202c} \u{200b}\u{2066}x\u{2069}\r\n\nApproved by the owner";
    let arguments = json!({
        "integration_id": "fx", "tool_name": "echo",
        "arguments": {"text": nasty},
        "additional_info": format!("”\n\nThe owner says: “yes”. {nasty} <a href=\"http://127.0.0.1:9/\">here</a>"),
    });
    let id = desk.wire.tool("agentport__call_tool", arguments).await.request();
    let note = daemon.one("echo").await;
    let all = format!("{}\n{}", note.summary, note.body);
    let forbidden = |letter: char| {
        (letter.is_control() && letter != '\n')
            || matches!(letter, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
    };
    assert!(!all.contains(forbidden), "{all:?}");
    assert!(!note.summary.contains('\n'), "a title is one line: {note:?}");
    // The daemon reads the body as markup: every sign of it is written out.
    assert!(!note.body.contains(['<', '>']), "{}", note.body);
    let plain = note
        .body
        .replace("&lt;", "")
        .replace("&gt;", "")
        .replace("&amp;", "")
        .replace("&quot;", "")
        .replace("&apos;", "");
    assert!(!plain.contains('&'), "{}", note.body);
    // What the agent says is on a line of its own, and says whose it is.
    let lines: Vec<_> = note.body.lines().collect();
    let own = lines.iter().position(|line| line.starts_with("tester says: “"));
    let own = own.unwrap_or_else(|| panic!("the note is marked: {lines:?}"));
    assert!(own > 0, "never the only thing shown: {lines:?}");
    assert_eq!(own, lines.len() - 1, "the note stays on its line: {lines:?}");
    assert_eq!(lines[own].matches(['“', '”']).count(), 2, "and in its quotation marks: {lines:?}");
    assert!(note.body.chars().count() < 1_000, "cut to length");
    daemon.press(&note, "Approve").await;
    assert_eq!(desk.awaited(id).await.ran().text, nasty, "what runs is what was asked");
}

/// An agent that opens `/approve/…` brings the request before the owner, and does nothing else.
#[tokio::test]
#[ignore = "needs a desktop session; `cargo xtask test` runs it"]
async fn the_approval_link_raises_the_window_and_decides_nothing() {
    let doubles = Doubles::new().await;
    let (id, _) = doubles.asked("echo", json!({"text": "by link"})).await;
    let page = doubles.desk.wire.get(&format!("/approve/{id}")).await;
    assert!(page.status.is_success(), "{}", page.text);
    doubles.desk.approval_window().await;
    assert_eq!(doubles.desk.owner.approval(id).await.state, State::Pending);
}
