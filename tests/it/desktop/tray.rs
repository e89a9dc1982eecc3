//! The tray's icon and menu, read and operated over D-Bus.

use std::collections::HashMap;

use agentport_api::{GrantChoice, Health};
use agentport_core::approval::State;
use agentport_tests::{
    Wire,
    desktop::{Row, Session, Tray, panel::Icon},
};
use http::Method;
use serde_json::{Value, json};

use super::scene::{Doubles, Seeded, with_tray};

const QUIET: &str = "Nothing waits for you";

/// Ids of all rows, by the labels that lead to them.
fn ids(menu: &Row) -> HashMap<String, i32> {
    let mut found = HashMap::new();
    let mut open = vec![(String::new(), menu)];
    while let Some((path, row)) = open.pop() {
        for (number, below) in row.rows.iter().enumerate() {
            let label = if below.separator { format!("— {number}") } else { below.label.clone() };
            let path = format!("{path}/{label}");
            if !below.separator {
                found.insert(path.clone(), below.id);
            }
            open.push((path, below));
        }
    }
    found
}

async fn picture(tray: &mut Tray, before: Option<&Icon>) -> Icon {
    tray.icon_until("another picture", |icon| {
        icon.picture().is_some() && before.is_none_or(|before| before.name != icon.name)
    })
    .await
}

#[tokio::test]
#[ignore = "needs a desktop session; `cargo xtask test` runs it"]
async fn the_menu_lists_requests_and_state() {
    let Doubles { desk, mut tray, daemon: _daemon } = Doubles::new().await;
    let menu = tray
        .until("the whole menu", |menu| {
            menu.find(&["Install integration", "fx …*"]).map(|_| menu.clone())
        })
        .await;
    assert_eq!(
        menu.labels(),
        [
            QUIET,
            "Install integration",
            "Connect an agent",
            "Copy MCP URL",
            "Pause all agents",
            "Let tester work for 15 minutes",
            "Silence notifications",
            "Activity",
            "Settings",
            "Quit AgentPort",
        ]
    );
    let install = menu.find(&["Install integration"]).expect("the row");
    let labels = install.labels();
    assert_eq!(labels.last(), Some(&"Browse all…"));
    assert!(labels.iter().any(|label| label.starts_with("fx · ")), "{labels:?}");
    assert!(labels.iter().any(|label| label.starts_with("Demo")), "{labels:?}");
    let popular =
        labels.iter().filter(|label| label.ends_with('…') && **label != "Browse all…").count();
    assert!((4..=12).contains(&popular), "some that can be installed: {labels:?}");
    let connect = menu.find(&["Connect an agent"]).expect("the row").labels();
    assert_eq!(connect, ["All agents…"], "there is no client in this home");
    let icon = tray.icon().await;
    assert_eq!(icon.status, "Active");
    assert!(icon.picture().is_some_and(|bytes| bytes.starts_with(b"\x89PNG")), "{icon:?}");
    desk.quit(&mut tray).await;
}

/// Counts, states and icon after each event; and no row is made anew that means the same as before.
#[tokio::test]
#[ignore = "needs a desktop session; `cargo xtask test` runs it"]
async fn the_tray_follows_changes_in_place() {
    let Doubles { desk, mut tray, daemon } = Doubles::new().await;
    let quiet_icon = picture(&mut tray, None).await;
    let quiet_picture = quiet_icon.picture().expect("a picture");
    tray.row(&[QUIET]).await;
    let quiet = ids(&tray.menu().await);

    let first = desk.call("echo", json!({"text": "first"})).await.request();
    tray.row(&["1 request waits for you"]).await;
    tray.row(&["tester wants echo in fx…*"]).await;
    let one = picture(&mut tray, Some(&quiet_icon)).await;
    assert_ne!(one.picture(), Some(quiet_picture.clone()), "one waits");
    let second = desk.call("counter", json!({})).await.request();
    tray.row(&["2 requests wait for you"]).await;
    tray.row(&["tester wants counter in fx"]).await;
    let two = picture(&mut tray, Some(&one)).await;
    assert_ne!(two.picture(), one.picture(), "the count is in the picture");
    let busy = ids(&tray.menu().await);
    for (path, id) in
        quiet.iter().filter(|(path, _)| !path.contains(QUIET) && !path.contains("seen"))
    {
        assert_eq!(busy.get(path), Some(id), "{path} is another row now");
    }
    assert_eq!(
        busy["/2 requests wait for you"],
        quiet[&format!("/{QUIET}")],
        "the same row says something else"
    );
    let order = tray.menu().await;
    let labels = order.labels();
    let place = |words: &str| labels.iter().position(|label| label.contains(words));
    assert!(place("wants echo") < place("wants counter"), "oldest first: {labels:?}");

    desk.owner.deny(first, None).await;
    tray.no_row(&["tester wants echo in fx…*"]).await;
    tray.row(&["1 request waits for you"]).await;
    let left = ids(&tray.menu().await);
    assert_eq!(left["/tester wants counter in fx"], busy["/tester wants counter in fx"]);

    desk.owner.pause(true).await;
    tray.row(&["All agents are paused · 1 request waits for you"]).await;
    tray.row(&["Resume"]).await;
    tray.no_row(&["Pause all agents"]).await;
    let paused = tray
        .icon_until("the paused picture", |icon| {
            icon.picture()
                .is_some_and(|now| Some(&now) != one.picture().as_ref() && now != quiet_picture)
        })
        .await;
    desk.owner.pause(false).await;
    tray.row(&["Pause all agents"]).await;
    desk.owner.approve(second, GrantChoice::Once).await;
    tray.row(&[QUIET]).await;
    let calm = tray
        .icon_until("the normal picture again", |icon| {
            icon.picture().as_ref() == Some(&quiet_picture)
        })
        .await;
    assert_ne!(calm.name, paused.name);
    let again = ids(&tray.menu().await);
    let unseen = |path: &&String| !path.contains("seen") && !path.contains("Pause");
    for path in quiet.keys().filter(unseen) {
        assert_eq!(again.get(path), quiet.get(path), "{path} is another row now");
    }

    // Trouble: a server that is not there.
    let dead = json!({"id": "crm", "name": "Customers", "keep_unreachable": true,
        "connection": {"type": "remote_mcp", "url": "http://127.0.0.1:9/mcp"}});
    desk.owner.add(dead).await;
    let restart = "/control/integrations/crm/restart";
    desk.owner.send(Method::POST, restart, None).await;
    desk.owner
        .integration_until("crm", "it fails", |view| matches!(view.health, Health::Failed { .. }))
        .await;
    tray.row(&["Customers does not work"]).await;
    tray.row(&["Install integration", "Customers · does not work"]).await;
    tray.choose(&["Customers does not work"]).await;
    let window = desk.windows(1).await.remove(0);
    desk.session.close(&window).await;
    tray.icon_until("the picture of trouble", |icon| {
        icon.picture()
            .is_some_and(|now| now != quiet_picture && Some(&now) != paused.picture().as_ref())
    })
    .await;
    desk.owner.remove("crm").await;
    tray.no_row(&["Customers does not work"]).await;
    tray.icon_until("no trouble", |icon| icon.picture().as_ref() == Some(&quiet_picture)).await;

    // Agents come and go.
    let key = desk.owner.create_key("nightly").await;
    tray.choose(&["Let an agent work for 15 minutes", "nightly"]).await;
    tray.row(&["nightly works until …*"]).await;
    tray.no_row(&["Let an agent work for 15 minutes", "nightly"]).await;
    let nightly = desk.app.wire(&key).await;
    nightly.call_tool("fx", "counter", json!({})).await.ran();
    desk.owner.revoke(&key).await;
    tray.row(&["Let tester work for 15 minutes"]).await;
    // Closing the window for the first time is what there was to say.
    let shown: Vec<_> = daemon.seen().open.into_values().map(|note| note.summary).collect();
    assert_eq!(shown, ["AgentPort keeps running in the tray"]);
}

#[tokio::test]
#[ignore = "needs a desktop session; `cargo xtask test` runs it"]
async fn pause_and_resume() {
    let Doubles { desk, mut tray, daemon: _daemon } = Doubles::new().await;
    desk.owner.allow_all("fx").await;
    desk.call("counter", json!({})).await.ran();
    tray.choose(&["Pause all agents"]).await;
    tray.row(&["All agents are paused"]).await;
    assert!(desk.owner.status().await.paused);
    assert!(desk.call("counter", json!({})).await.refused().contains("paused"));
    tray.choose(&["Resume"]).await;
    tray.row(&[QUIET]).await;
    desk.call("counter", json!({})).await.ran();
    assert_eq!(desk.runs("counter"), 2);
}

#[tokio::test]
#[ignore = "needs a desktop session; `cargo xtask test` runs it"]
async fn an_agent_is_let_work_and_stopped() {
    let Doubles { desk, mut tray, daemon } = Doubles::new().await;
    let asking = desk.call("counter", json!({})).await.request();
    tray.row(&["1 request waits for you"]).await;
    tray.choose(&["Let tester work for 15 minutes"]).await;
    tray.row(&["tester works until …*"]).await;
    assert_eq!(desk.awaited(asking).await.ran().text, "counted", "what asked before need not ask");
    tray.no_row(&["Let tester work for 15 minutes"]).await;
    assert_eq!(desk.call("echo", json!({"text": "at ease"})).await.ran().text, "at ease");
    let destroying = desk.call("destroy", json!({"what": "it all"})).await.request();
    daemon.among("destroy").await;
    tray.choose(&["tester works until …*"]).await;
    tray.row(&["Let tester work for 15 minutes"]).await;
    desk.call("echo", json!({"text": "asked again"})).await.request();
    assert_eq!(desk.owner.approval(destroying).await.state, State::Pending);
}

#[tokio::test]
#[ignore = "needs a desktop session; `cargo xtask test` runs it"]
async fn a_waiting_request_opens_from_the_menu() {
    let Doubles { desk, mut tray, daemon: _daemon } = Doubles::new().await;
    let id = desk.call("echo", json!({"text": "open me"})).await.request();
    tray.choose(&["tester wants echo in fx…*"]).await;
    let window = desk.approval_window().await;
    assert_eq!(desk.owner.approval(id).await.state, State::Pending);
    // Another one takes its place in the same window.
    desk.call("counter", json!({})).await.request();
    tray.choose(&["tester wants counter in fx"]).await;
    assert_eq!(desk.approval_window().await.id, window.id);
}

/// The clients of this machine, as their files say it.
#[tokio::test]
#[ignore = "needs a desktop session; `cargo xtask test` runs it"]
async fn clients_are_listed_with_how_they_are_connected() {
    let session = Session::bare().await;
    let cursor = session.folder("home").join(".cursor");
    std::fs::create_dir_all(&cursor).expect("a directory");
    let file = cursor.join("mcp.json");
    std::fs::write(&file, "{ \"mcpServers\": {} }\n").expect("a file");
    let (desk, mut tray) = with_tray(Seeded::new().await, session).await;
    tray.row(&["Connect an agent", "Cursor…"]).await;
    let menu = tray.menu().await;
    let labels = menu.find(&["Connect an agent"]).expect("the row").labels();
    assert_eq!(labels, ["Cursor…", "All agents…"]);
    tray.choose(&["Connect an agent", "Cursor…"]).await;
    let window = desk.windows(1).await.remove(0);
    desk.session.close(&window).await;

    let wanted = Some(json!({"what": "connect", "via": "http"}));
    let plan: Value = desk.owner.ask(Method::POST, "/control/clients/cursor/plan", wanted).await;
    let plan = plan["id"].as_str().expect("an id");
    let apply = format!("/control/clients/plans/{plan}/apply");
    desk.owner.ask::<Value>(Method::POST, &apply, None).await;
    tray.row(&["Connect an agent", "✓ Cursor · not used yet"]).await;
    tray.no_row(&["Connect an agent", "Cursor…"]).await;

    // The client calls with the key in its file. What of it is shown is read with the next event, or within a minute.
    let written = std::fs::read_to_string(&file).expect("the file");
    let key = written.split('"').find_map(|text| text.strip_prefix("Bearer "));
    let client = Wire::new(&desk.app.base().await).with_key(key.expect("its key"));
    client.call_tool("fx", "echo", json!({"text": "hello"})).await.request();
    desk.owner.create_key("another").await;
    tray.row(&["Connect an agent", "✓ Cursor · connected"]).await;

    let keys = desk.owner.keys().await;
    let its = keys.iter().find(|view| view.name == "Cursor").expect("its agent");
    let revoke = format!("/control/keys/{}", its.id);
    assert!(desk.owner.send(Method::DELETE, &revoke, None).await.status.is_success());
    tray.row(&["Connect an agent", "Cursor…"]).await;
    desk.quit(&mut tray).await;
}

/// More than there is room for.
#[tokio::test]
#[ignore = "needs a desktop session; `cargo xtask test` runs it"]
async fn long_lists_are_cut_and_say_so() {
    let seeded = Seeded::with(async |owner| {
        owner.settings(json!({"pending_per_agent": 50})).await;
        for number in 0..15 {
            owner.create_key(&format!("agent {number:02} & Sons_Ltd")).await;
        }
    })
    .await;
    let Doubles { desk, mut tray, daemon: _daemon } = Doubles::on(seeded).await;
    for number in 0..12 {
        desk.call("echo", json!({"text": number.to_string()})).await.request();
    }
    let menu = tray
        .until("all twelve", |menu| menu.find(&["12 requests wait for you"]).map(|_| menu.clone()))
        .await;
    assert_eq!(menu.labels().iter().filter(|label| label.contains("wants echo")).count(), 9);
    assert!(menu.find(&["… and 3 more"]).is_some(), "{}", menu.drawn());
    let agents = menu.find(&["Let an agent work for 15 minutes"]).expect("the row").labels();
    assert_eq!(agents.len(), 12, "{agents:?}");
    assert!(
        agents.iter().any(|label| label.contains("& Sons_Ltd")),
        "names as they are: {agents:?}"
    );
    // The row of all that does not fit leads to the inbox.
    tray.choose(&["… and 3 more"]).await;
    assert_eq!(desk.windows(1).await[0].title, "AgentPort");
}

/// A row that is chosen in the instant it goes does nothing else.
#[tokio::test]
#[ignore = "needs a desktop session; `cargo xtask test` runs it"]
async fn a_row_that_is_gone_does_nothing() {
    let Doubles { desk, mut tray, daemon: _daemon } = Doubles::new().await;
    let id = desk.call("echo", json!({"text": "too late"})).await.request();
    let row = tray.row(&["tester wants echo in fx…*"]).await;
    desk.owner.deny(id, None).await;
    tray.row(&[QUIET]).await;
    // The menu may say that it knows no such row, and need not.
    let _ = tray.try_click(row.id).await;
    // What is chosen after it is done after it.
    tray.choose(&["Pause all agents"]).await;
    tray.row(&["Resume"]).await;
    assert_eq!(desk.session.windows(agentport_tests::desktop::app::CLASS), []);
}
