//! Settings of the windows that change the machine: start at login, saved files, the port, the owner password.

use std::path::{Path, PathBuf};

use agentport_tests::{
    Owner, Wire,
    desktop::{Browser, app::CLASS, until},
    gateway::{PASSWORD, Setup},
};
use http::StatusCode;
use serde_json::json;

use super::{
    ports,
    scene::{Doubles, Seeded},
    windows::Driven,
};

/// Files below a folder.
fn files(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    let paths = entries.flatten().map(|entry| entry.path());
    paths.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}

fn texts(folder: &Path) -> Vec<String> {
    files(folder).iter().filter_map(|file| std::fs::read_to_string(file).ok()).collect()
}

/// The page with everything in its place: what is read last stands above, and moves the rest down.
async fn settings(browser: &Browser) {
    browser.go("#/settings").await;
    browser.find("checkbox", "Start when I log in").await;
}

#[tokio::test]
#[ignore = "needs a desktop session; `cargo xtask test` runs it"]
async fn it_starts_at_login_if_the_owner_wants() {
    let Driven { browser, session, .. } = &Driven::new(Seeded::new().await.setup).await;
    let folder = session.folder("home").join(".config/autostart");
    settings(browser).await;
    browser.click("checkbox", "Start when I log in").await;
    let entry = until("an entry for the login", async || texts(&folder).pop()).await;
    let starts = entry.lines().find(|line| line.starts_with("Exec=")).expect("what it starts");
    assert!(starts.contains("agentport-desktop") && starts.contains("--hidden"), "{entry}");
    browser.click("checkbox", "Start when I log in").await;
    until("no entry for the login", async || files(&folder).is_empty().then_some(())).await;
}

#[tokio::test]
#[ignore = "needs a desktop session; `cargo xtask test` runs it"]
async fn files_are_saved_for_the_owner() {
    let seeded = Seeded::new().await;
    let key = seeded.key.clone();
    let Driven { browser, session, .. } = &Driven::new(seeded.setup).await;
    let saved = async |what: &str, fits: &dyn Fn(&str) -> bool| {
        until(what, async || texts(&session.folder("home")).into_iter().find(|text| fits(text)))
            .await
    };
    settings(browser).await;
    browser.click("button", "Back up").await;
    let backup =
        saved("a backup", &|text| text.contains("tester") && text.contains("\"fx\"")).await;
    assert!(serde_json::from_str::<serde_json::Value>(&backup).is_ok(), "{backup}");
    assert!(!backup.contains(&key.key), "a key is no part of it");

    browser.wire(&key).call_tool("fx", "echo", json!({"text": "in the export"})).await.request();
    browser.go("#/activity").await;
    browser.says(&["echo"]).await;
    for (kind, begins) in [("CSV", "at,"), ("JSON lines", "{")] {
        browser.click("button", "Export").await;
        browser.click("menuitem", kind).await;
        let fits = |text: &str| text.starts_with(begins) && text.contains("echo");
        saved(&format!("the activity as {kind}"), &fits).await;
    }
}

#[tokio::test]
#[ignore = "needs a desktop session; `cargo xtask test` runs it"]
async fn it_moves_to_another_port_at_once() {
    let seeded = Seeded::new().await;
    let key = seeded.key.clone();
    let Driven { browser, .. } = &Driven::new(seeded.setup).await;
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let port = taken.local_addr().expect("an address").port().to_string();
    settings(browser).await;
    browser.fill("Port", &port).await;
    browser.click("button", "Use this port").await;
    browser.says(&["in use by another program"]).await;
    assert!(Wire::new(&browser.base()).get("/health").await.status.is_success(), "it goes on");
    drop(taken);
    browser.fill("Port", &port).await;
    browser.click("button", "Use this port").await;
    browser.says(&[&format!("listens on port {port} now")]).await;
    let moved = Wire::new(&format!("http://127.0.0.1:{port}")).with_key(&key.key);
    moved.call_tool("fx", "echo", json!({"text": "over there"})).await.request();
    browser.click("link", "Inbox").await;
    browser.says(&["over there"]).await;
}

/// The owner password is set and taken away where nobody but the owner is, and opens and closes the way over TCP.
#[tokio::test]
#[ignore = "needs a desktop session; `cargo xtask test` runs it"]
async fn the_owner_password_opens_the_way_over_tcp_and_closes_it() {
    let setup = Setup::default();
    ports::seeded(&setup).await;
    let Driven { browser, .. } = &Driven::new(setup).await;
    let wire = Wire::new(&browser.base());
    let sign_in = async || wire.post("/control/login", &json!({"password": PASSWORD})).await.status;
    assert_eq!(sign_in().await, StatusCode::NOT_FOUND);
    settings(browser).await;
    browser.click("button", "Set a password…").await;
    browser.fill("Owner password", PASSWORD).await;
    browser.fill("Repeat it", PASSWORD).await;
    browser.click("button", "Set password").await;
    browser.find("button", "Remove…").await;
    let owner = Owner::sign_in(&browser.base(), PASSWORD).await;
    assert!(owner.status().await.owner_password);
    browser.click("button", "Remove…").await;
    browser.click_in(("dialog", "Remove the owner password?"), "button", "Remove").await;
    browser.find("button", "Set a password…").await;
    assert_eq!(sign_in().await, StatusCode::NOT_FOUND);
    let ask =
        wire.with("authorization", owner.wire.headers["authorization"].to_str().expect("text"));
    assert_eq!(
        ask.get("/control/status").await.status,
        StatusCode::NOT_FOUND,
        "signed out as well"
    );
}

#[tokio::test]
#[ignore = "needs a desktop session; `cargo xtask test` runs it"]
async fn a_window_comes_back_where_it_was() {
    let Doubles { desk, mut tray, daemon: _daemon } = Doubles::new().await;
    tray.choose(&["Activity"]).await;
    let window = desk.windows(1).await.remove(0);
    desk.session.place(&window, (140, 110), (900, 600));
    let moved = until("the window at its new place", async || {
        let now = desk.session.windows(CLASS).pop()?;
        (now.width == 900 && now.height == 600 && now.left >= 140).then_some(now)
    })
    .await;
    // Written down without being closed: a session that ends does not ask.
    let kept = desk.app.setup.setup.place.home().join("windows.json");
    until("the place is written down", async || {
        let kept: serde_json::Value = serde_json::from_slice(&std::fs::read(&kept).ok()?).ok()?;
        (kept["main"]["width"] == 900 && kept["main"]["height"] == 600).then_some(())
    })
    .await;
    desk.session.close(&moved).await;
    desk.windows(0).await;
    tray.choose(&["Activity"]).await;
    // It is there before it has its size.
    let again = until("the window at its old size", async || {
        let now = desk.session.windows(CLASS).pop()?;
        ((now.width, now.height) == (moved.width, moved.height)).then_some(now)
    })
    .await;
    let near = |one: i32, other: i32| (one - other).abs() <= 30;
    assert!(near(again.left, moved.left) && near(again.top, moved.top), "{moved:?} → {again:?}");
}
