//! Start, single instance and stop of the app, without leftover processes.

use std::time::Duration;

use agentport_api::Health;
use agentport_tests::{
    SOON,
    desktop::{
        NotificationDaemon, Panel, Session,
        app::{AppSetup, CLASS},
        tree,
    },
    external_program::ExternalProgram,
    gateway::Setup,
    process::{Process, alive, gone},
    programs,
};
use serde_json::json;

use super::scene::{Doubles, Seeded, with_tray};

/// Gives every waiting request so many seconds to live. While no gateway runs.
pub(super) async fn soon_over(setup: &Setup, seconds: u32) {
    let script = "import sqlite3, sys, time\n\
        db = sqlite3.connect(sys.argv[1])\n\
        at = int((time.time() + float(sys.argv[2])) * 1000)\n\
        assert db.execute(\"UPDATE approvals SET expires_at = ? WHERE expires_at > ?\", (at, at)).rowcount == 1\n\
        db.commit()";
    let database = setup.place.home().join("agentport.sqlite");
    let seconds = seconds.to_string();
    let changed = ExternalProgram::new(&programs::python()).args(["-c", script]).args([&database]);
    changed.args([seconds]).run().await.ok();
}

/// The database was closed: nothing waits in a file beside it.
fn closed_database(setup: &Setup) {
    for rest in ["agentport.sqlite-wal", "agentport.sqlite-shm", "runtime.json"] {
        assert!(!setup.place.home().join(rest).exists(), "{rest} was left behind");
    }
}

/// A first start, on a machine that has never seen it: the welcome, and the tray.
#[tokio::test]
#[ignore = "needs a desktop session; `cargo xtask test` runs it"]
async fn a_first_start_welcomes_and_lives_on_in_the_tray() {
    let session = Session::bare().await;
    let _daemon = NotificationDaemon::start(&session).await;
    let panel = Panel::start(&session).await;
    let setup = Setup::default();
    let app = AppSetup::shown(setup.clone()).start(&session).await;
    let mut tray = panel.tray().await;
    let window = session.windows_until(CLASS, 1).await.remove(0);
    assert_eq!(window.title, "AgentPort");
    tray.row(&["Nothing waits for you"]).await;
    let view: Vec<u32> = app.children();
    assert!(!view.is_empty(), "a web view is other processes");
    session.close(&window).await;
    session.windows_until(CLASS, 0).await;
    for pid in view {
        assert!(gone(pid, SOON).await, "{} outlived its window", tree::name(pid));
    }
    assert!(alive(app.pid()), "it lives on");
    tray.choose(&["Activity"]).await;
    session.windows_until(CLASS, 1).await;
    tray.choose(&["Quit AgentPort"]).await;
    assert_eq!(app.ended(SOON).await.code(), Some(0), "{}", app.stderr());
    closed_database(&setup);
}

#[tokio::test]
#[ignore = "needs a desktop session; `cargo xtask test` runs it"]
async fn a_second_start_raises_the_first() {
    let Doubles { desk, mut tray, daemon: _daemon } = Doubles::new().await;
    let again = async |hidden: bool| {
        let setup = desk.app.setup.setup.clone();
        let setup = if hidden { AppSetup::hidden(setup) } else { AppSetup::shown(setup) };
        let second = setup.launch(&desk.session);
        assert_eq!(second.ended(SOON).await.code(), Some(0), "{}", second.stderr());
    };
    // At login it does not push itself forward.
    again(true).await;
    assert!(desk.session.windows(CLASS).is_empty());
    again(false).await;
    let window = desk.windows(1).await.remove(0);
    assert_eq!(window.title, "AgentPort");
    again(false).await;
    assert_eq!(desk.windows(1).await[0].id, window.id, "the same window");
    assert_eq!(desk.owner.status().await.pid, desk.app.pid());
    desk.quit(&mut tray).await;
}

#[tokio::test]
#[ignore = "needs a desktop session; `cargo xtask test` runs it"]
async fn quit_ends_everything() {
    let Doubles { desk, mut tray, daemon } = Doubles::new().await;
    desk.owner.allow_all("fx").await;
    let spawned = desk.call("spawn", json!({})).await.ran().structured.expect("the process");
    let grandchild = u32::try_from(spawned["pid"].as_u64().expect("a pid")).expect("a pid");
    desk.owner
        .integration_until("fx", "it runs", |view| matches!(view.health, Health::Ready))
        .await;
    desk.wire.call_tool("demo", "add_note", json!({"text": "still waiting"})).await.request();
    daemon.one("wants to add a note").await;
    tray.choose(&["Activity"]).await;
    desk.windows(1).await;
    let mark = desk.session.mark();
    let pid = desk.app.pid();
    let before: Vec<u32> = desk.app.children();
    assert!(before.contains(&grandchild));

    tray.choose(&["Quit AgentPort"]).await;
    assert_eq!(desk.app.ended(SOON).await.code(), Some(0), "{}", desk.app.stderr());
    for pid in before {
        assert!(gone(pid, SOON).await, "{} ({pid}) outlived the app", tree::name(pid));
    }
    let left: Vec<String> = tree::marked(&mark)
        .into_iter()
        .map(tree::name)
        .filter(|name| !["dbus-daemon", "Xvfb", "openbox"].contains(&name.as_str()))
        .collect();
    assert!(left.is_empty(), "orphans of {pid}: {left:?}");
    closed_database(&desk.app.setup.setup);
    daemon.none().await;
}

/// As a session's end, a service manager and a terminal ask.
#[tokio::test]
#[ignore = "needs a desktop session; `cargo xtask test` runs it"]
async fn a_signal_ends_it_as_well() {
    let Doubles { desk, daemon, tray: _tray } = Doubles::new().await;
    desk.call("counter", json!({})).await.request();
    daemon.one("counter").await;
    let setup = desk.app.stop().await;
    closed_database(&setup.setup);
    daemon.none().await;
}

/// After a power cut the request is still there, and the notification comes back.
#[tokio::test]
#[ignore = "needs a desktop session; `cargo xtask test` runs it"]
async fn pending_requests_are_pending_after_a_crash() {
    let Doubles { desk, daemon, tray: _tray } = Doubles::new().await;
    let id = desk.call("counter", json!({})).await.request();
    let old = daemon.one("counter").await;
    let super::scene::Desk { app, key, session, .. } = desk;
    let setup = app.kill().await.setup;
    // The dead one's notification stays on the screen; a click on it reaches nobody.
    daemon.press(&old, "Approve").await;
    let (desk, _tray) = with_tray(Seeded { setup, key }, session).await;
    let note = daemon.one("counter").await;
    assert_eq!(desk.owner.approvals("pending").await.len(), 1);
    daemon.press(&note, "Approve").await;
    assert_eq!(desk.awaited(id).await.ran().text, "counted");
    assert_eq!(desk.runs("counter"), 1);
}

/// A port that is taken is said in words, in the window and in the tray, and can be tried again.
#[tokio::test]
#[ignore = "needs a desktop session; `cargo xtask test` runs it"]
async fn a_taken_port_is_shown_and_tried_again() {
    let taken = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let port = taken.local_addr().expect("an address").port();
    let session = Session::bare().await;
    let panel = Panel::start(&session).await;
    let Seeded { setup, .. } = Seeded::new().await;
    let setup = Setup { port, ..setup };
    let app = AppSetup::hidden(setup).launch(&session);
    let mut tray = panel.tray().await;
    let status = tray
        .until("the trouble", |menu| {
            let label = menu.labels().first()?.to_string();
            label.contains(&port.to_string()).then_some(label)
        })
        .await;
    assert!(status.contains("in use"), "{status}");
    let window = session.windows_until(CLASS, 1).await.remove(0);
    session.close(&window).await;
    tray.choose(&["What to do…"]).await;
    session.windows_until(CLASS, 1).await;
    drop(taken);
    tray.choose(&["Try again"]).await;
    tray.row(&["Nothing waits for you"]).await;
    assert_eq!(app.runtime().await.port, port);
    app.stop().await;
}

/// One home, one gateway: beside `agentport serve` the app says who has it.
#[tokio::test]
#[ignore = "needs a desktop session; `cargo xtask test` runs it"]
async fn beside_a_headless_gateway_it_says_so() {
    let session = Session::bare().await;
    let panel = Panel::start(&session).await;
    let gateway = Setup::default().start().await;
    let app = AppSetup::hidden(gateway.setup.clone()).launch(&session);
    let mut tray = panel.tray().await;
    tray.until("the trouble", |menu| {
        let label = menu.labels().first()?.to_string();
        label.contains(&gateway.pid().to_string()).then_some(())
    })
    .await;
    gateway.stop().await;
    tray.choose(&["Try again"]).await;
    tray.row(&["Nothing waits for you"]).await;
    app.stop().await;
}

#[tokio::test]
#[ignore = "needs a desktop session; `cargo xtask test` runs it"]
async fn without_a_screen_it_says_what_to_do() {
    let session = Session::bare().await;
    let mut command = session.command(&programs::desktop());
    command.env_remove("DISPLAY").arg("--home").arg(session.folder("home").join("agentport"));
    let process = Process::start(command, &session.log("no-screen"));
    let status = process.ended(Duration::from_secs(20)).await.expect("it ends");
    assert_eq!(status.code(), Some(1));
    let said = std::fs::read_to_string(session.log("no-screen")).unwrap_or_default();
    assert!(said.contains("agentport serve"), "{said}");
}
