//! Tests with the panel, notification daemon and keyring of a real desktop, and real clicks.

use std::path::Path;

use agentport_core::approval::State;
use agentport_tests::{
    Agent, Era,
    desktop::{
        Session,
        accessible::{PUSH_BUTTON, Part, Reader},
        app::{AppSetup, CLASS},
        pointer::Window,
        session::WATCHER,
        until,
    },
    gateway::Setup,
};
use serde_json::json;

use super::scene::Seeded;

/// What X11 calls the windows of Xfce's notification daemon.
const DAEMON: &str = "Xfce4-notifyd";

/// Buttons of the notifications on the screen, from left to right, with their places.
fn buttons(program: &Part) -> Vec<(String, (i32, i32))> {
    let mut found: Vec<_> = program
        .with_role(PUSH_BUTTON)
        .into_iter()
        .filter(|part| part.place.2 > 0 && !part.name.is_empty())
        .map(|part| (part.name.clone(), part.middle()))
        .collect();
    found.sort_by_key(|(_, place)| *place);
    found
}

/// Where a button of the notification with these words is, once it has these buttons.
async fn place(reader: &Reader, words: &str, labels: &[&str], label: &str) -> (i32, i32) {
    let look = |program: &Part| {
        let notification = program.parts.iter().find(|window| {
            let shown: Vec<_> = buttons(window).into_iter().map(|(name, _)| name).collect();
            shown == labels && window.all().iter().any(|part| part.name.contains(words))
        });
        buttons(notification?).into_iter().find(|(name, _)| name == label).map(|(_, place)| place)
    };
    reader.until("xfce4-notifyd", &format!("{words:?} with {labels:?}"), look).await
}

/// Waits for a notification with these words and buttons, and clicks one of them with the mouse.
async fn click(session: &Session, reader: &Reader, words: &str, labels: &[&str], label: &str) {
    let mut before = place(reader, words, labels, label).await;
    // It may still be on its way to its place.
    loop {
        let now = place(reader, words, labels, label).await;
        if now == before {
            break;
        }
        before = now;
    }
    session.click(before.0, before.1);
}

async fn no_notification(session: &Session) -> Vec<Window> {
    session.windows_until(DAEMON, 0).await
}

const THREE: [&str; 3] = ["Approve", "Deny", "Always allow"];

#[tokio::test]
#[ignore = "needs a desktop session; `cargo xtask test` runs it"]
async fn real_clicks_on_real_notifications_decide() {
    let session = Session::real().await;
    let reader = Reader::start(&session).await;
    let desk = Seeded::new().await.start(session).await;
    let session = &desk.session;
    let agent =
        Agent::connect(&format!("{}/mcp", desk.app.base().await), &desk.key.key, Era::Legacy).await;

    let id = agent.call_tool("fx", "echo", json!({"text": "by mouse"})).await.request();
    let awaiting = agent.await_approval(id);
    let clicking = click(session, &reader, "tester wants echo", &THREE, "Approve");
    let (answer, ()) = tokio::join!(awaiting, clicking);
    assert_eq!(answer.ran().text, "by mouse");
    no_notification(session).await;

    let id = agent.call_tool("fx", "echo", json!({"text": "by mouse"})).await.request();
    click(session, &reader, "tester wants echo", &THREE, "Deny").await;
    assert!(agent.await_approval(id).await.refused().contains("denied by the human"));
    no_notification(session).await;

    let id = agent.call_tool("fx", "counter", json!({})).await.request();
    click(session, &reader, "tester wants counter", &THREE, "Always allow").await;
    assert_eq!(agent.await_approval(id).await.ran().text, "counted");
    assert_eq!(agent.call_tool("fx", "counter", json!({})).await.ran().text, "counted");
    click(session, &reader, "Allowed from now on", &["Undo"], "Undo").await;
    desk.owner
        .until("the rule is taken back", async || (desk.rules_by_click().await == 0).then_some(()))
        .await;
    agent.call_tool("fx", "counter", json!({})).await.request();
    assert_eq!(desk.runs("counter"), 2);
    agent.leave().await;
}

/// A click beside the buttons closes it (this daemon knows no other meaning) and decides nothing. In the window that
/// shows the request instead, a screen reader finds names for everything that can be pressed.
#[tokio::test]
#[ignore = "needs a desktop session; `cargo xtask test` runs it"]
async fn a_real_click_on_the_body_decides_nothing_and_the_window_reads_well() {
    let session = Session::real().await;
    let reader = Reader::start(&session).await;
    let desk = Seeded::new().await.start(session).await;
    let id = desk.call("echo", json!({"text": "click my body"})).await.request();
    place(&reader, "tester wants echo", &THREE, "Deny").await;
    let window = desk.session.windows_until(DAEMON, 1).await.remove(0);
    desk.session.click(window.left + 20, window.top + 8);
    no_notification(&desk.session).await;
    assert_eq!(desk.owner.approval(id).await.state, State::Pending);
    assert_eq!(desk.session.windows(CLASS), []);

    assert!(desk.wire.get(&format!("/approve/{id}")).await.status.is_success());
    desk.approval_window().await;
    let names = reader
        .until(CLASS, "the window's buttons by name", |program| {
            let operable = program.operable();
            let names: Vec<String> = operable.iter().map(|part| part.name.clone()).collect();
            let has = |label: &str| names.iter().any(|name| name.starts_with(label));
            (has("Approve") && has("Deny")).then_some(names)
        })
        .await;
    assert!(names.iter().all(|name| !name.is_empty()), "{names:?}");
    reader
        .until(CLASS, "what is asked", |program| {
            program.all().iter().any(|part| part.name.contains("click my body")).then_some(())
        })
        .await;
}

/// The first start of all: keychain, panel, welcome.
#[tokio::test]
#[ignore = "needs a desktop session; `cargo xtask test` runs it"]
async fn a_first_start_in_a_real_session_keeps_secrets_in_the_keychain() {
    let session = Session::real().await;
    let setup = Setup { vault: "keychain".to_owned(), ..Setup::default() };
    let app = AppSetup::shown(setup.clone()).start(&session).await;
    session.windows_until(CLASS, 1).await;
    let home = setup.place.home();
    assert!(!home.join("master.key").exists(), "no key lies beside the data");
    let kept = until("a key in the keychain", async || {
        let found = session
            .command(Path::new("secret-tool"))
            .args(["search", "--all", "service", "agentport"])
            .output()
            .expect("secret-tool runs");
        let said = String::from_utf8_lossy(&found.stdout).into_owned()
            + &String::from_utf8_lossy(&found.stderr);
        said.contains("label").then_some(said)
    })
    .await;
    assert!(kept.contains("agentport"), "{kept}");
    // The panel of the session takes the icon in.
    until("an icon in the panel", async || {
        let mut gdbus = session.command(Path::new("gdbus"));
        gdbus.args([
            "call",
            "--session",
            "--dest",
            WATCHER,
            "--object-path",
            "/StatusNotifierWatcher",
        ]);
        gdbus.args(["--method", "org.freedesktop.DBus.Properties.Get", WATCHER]);
        let said = gdbus.arg("RegisteredStatusNotifierItems").output().expect("gdbus runs").stdout;
        String::from_utf8_lossy(&said).contains("/org/ayatana/NotificationItem/").then_some(())
    })
    .await;
    app.stop().await;
}
