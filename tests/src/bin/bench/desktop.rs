//! The tray app: what it holds, how soon a call is shown, how soon a click is carried out.
//!
//! Memory is the PSS of the app with everything it has started, WebKit's processes among it. The clocks run between a
//! test's own hands: the notification daemon and the upstream's listener are in this process.

use std::time::{Duration, Instant};

use agentport_api::NewKey;
use agentport_tests::{
    HttpFixture, Latch,
    desktop::{
        App, NotificationDaemon, Panel, Session,
        app::{AppSetup, CLASS},
        tree::{descendants, pss_of_tree},
        try_until,
    },
    gateway::Setup,
};
use serde_json::json;

use crate::{
    samples::percentile,
    table::{Budget, Table},
};

/// Requests that are approved, one after the other.
const APPROVALS: usize = 1_000;
/// The first are not measured: everything is used for the first time in them.
const WARM_UP: usize = 20;
/// Until whatever came before has been given back: ten seconds after its start or its last window, the app hands back
/// what only drawing needed.
const SETTLE: Duration = Duration::from_secs(13);
/// Until the agent's wait has reached the gateway.
const UNTIL_AWAITED: Duration = Duration::from_millis(15);
/// Until WebKit's last process is gone after its last window.
const WEBKIT_RESTS: Duration = Duration::from_secs(30);

pub(crate) async fn measure(table: &mut Table) {
    let fixture = HttpFixture::start(&[]).await;
    let (setup, key) = seeded(&fixture).await;
    let session = Session::bare().await;
    let daemon = NotificationDaemon::start(&session).await;
    let panel = Panel::start(&session).await;
    let app = AppSetup::hidden(setup).start(&session).await;
    let mut tray = panel.tray().await;
    tray.row(&["Activity"]).await;
    let holds = async |table: &mut Table, what: &str, budget: Budget| {
        tokio::time::sleep(SETTLE).await;
        table.add(format!("tray app, {what}: PSS"), pss_of_tree(app.pid()), "MiB", budget);
    };
    holds(table, "idle after start, no window", Budget::AtMost(90.0)).await;

    let (shown, carried_out) = approve(&app, &key, &daemon).await;
    let millis = |times: Vec<Duration>, share| percentile(times, share).as_secs_f64() * 1e3;
    table.add(
        "call to notification on the bus: p50",
        millis(shown.clone(), 0.50),
        "ms",
        Budget::None,
    );
    table.add(
        "call to notification on the bus: p95",
        millis(shown, 0.95),
        "ms",
        Budget::AtMost(10.0),
    );
    let done = carried_out;
    table.add(
        "click to the upstream being called: p50",
        millis(done.clone(), 0.50),
        "ms",
        Budget::None,
    );
    table.add(
        "click to the upstream being called: p95",
        millis(done, 0.95),
        "ms",
        Budget::AtMost(10.0),
    );
    holds(table, "idle after 1,000 approvals, no window", Budget::AtMost(90.0)).await;

    tray.choose(&["Activity"]).await;
    let window = session.windows_until(CLASS, 1).await.remove(0);
    holds(table, "with the main window open", Budget::None).await;
    session.close(&window).await;
    session.windows_until(CLASS, 0).await;
    let alone = async || descendants(app.pid()).is_empty().then_some(());
    assert!(try_until(WEBKIT_RESTS, alone).await.is_some(), "a web view outlived its window");
    holds(table, "after closing the window", Budget::AtMost(90.0)).await;
    app.stop().await;
    fixture.stop().await;
}

/// A home with an agent, and a server over HTTP: what it starts is not the app's.
async fn seeded(fixture: &HttpFixture) -> (Setup, NewKey) {
    let gateway = Setup::default().start().await;
    let owner = gateway.owner().await;
    owner.add_remote("fx", &fixture.url).await;
    let key = owner.create_key("bench").await;
    owner.settings(json!({"welcomed": true})).await;
    (gateway.stop().await, key)
}

/// How long each call took to be shown, and each click to reach the upstream.
async fn approve(
    app: &App,
    key: &NewKey,
    daemon: &NotificationDaemon,
) -> (Vec<Duration>, Vec<Duration>) {
    let wire = app.wire(key).await;
    let latch = Latch::new().await;
    let (mut shown, mut carried_out) = (Vec::new(), Vec::new());
    for round in 0..APPROVALS {
        let called = Instant::now();
        let asked = wire.call_tool("fx", "hold", latch.arguments()).await;
        let id = asked.request().to_string();
        let note = daemon.one("hold").await;
        let clicking = async {
            tokio::time::sleep(UNTIL_AWAITED).await;
            let clicked = daemon.press(&note, "Approve").await;
            let held = latch.begun().await;
            let began = clicked.elapsed();
            held.let_go().await;
            began
        };
        let (answer, began) = tokio::join!(wire.await_approval(&id), clicking);
        assert_eq!(answer.ran().text, "let go");
        daemon.none().await;
        if round >= WARM_UP {
            shown.push(note.at.duration_since(called));
            carried_out.push(began);
        }
    }
    (shown, carried_out)
}
