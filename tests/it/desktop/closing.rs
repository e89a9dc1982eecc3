//! Closing the main window on a desktop without a tray.

use agentport_tests::{
    SOON,
    desktop::{
        Browser, NotificationDaemon, Session,
        app::{AppSetup, CLASS},
        until,
    },
    process::{alive, gone},
};

use super::scene::Seeded;

/// Without a tray nothing of the app would be visible: the window asks, once, and remembers.
#[tokio::test]
#[ignore = "needs a desktop session; `cargo xtask test` runs it"]
async fn without_a_tray_a_closing_window_asks_whether_to_keep_running() {
    let session = Session::bare().await;
    let _daemon = NotificationDaemon::start(&session).await;
    let setup = AppSetup::shown(Seeded::new().await.setup);
    let browser = Browser::start(&session, setup.clone()).await;
    browser.go("#/settings").await;
    browser.says(&["This desktop shows no tray", "When the window is closed"]).await;
    let window = session.windows_until(CLASS, 1).await.remove(0);
    until("the window to be closed", async || session.ask_to_close(&window).then_some(())).await;
    browser.find("dialog", "Keep AgentPort running?").await;
    browser.click("button", "Keep running").await;
    session.windows_until(CLASS, 0).await;
    let pid = browser.pid();
    assert!(alive(pid), "it keeps running");

    // A second start shows a window of the first, which closes without a question now.
    let second = setup.clone().launch(&session);
    second.ended(SOON).await;
    let window = session.windows_until(CLASS, 1).await.remove(0);
    session.close(&window).await;
    session.windows_until(CLASS, 0).await;
    assert!(alive(pid));
}

#[tokio::test]
#[ignore = "needs a desktop session; `cargo xtask test` runs it"]
async fn without_a_tray_a_closing_window_can_quit() {
    let session = Session::bare().await;
    let browser = Browser::start(&session, AppSetup::shown(Seeded::new().await.setup)).await;
    browser.go("#/settings").await;
    browser.says(&["This desktop shows no tray"]).await;
    let (window, pid) = (session.windows_until(CLASS, 1).await.remove(0), browser.pid());
    until("the window to be closed", async || session.ask_to_close(&window).then_some(())).await;
    browser.click("button", "Quit").await;
    assert!(gone(pid, SOON).await, "it has quit");
}

/// The question never keeps a window on the screen.
#[tokio::test]
#[ignore = "needs a desktop session; `cargo xtask test` runs it"]
async fn a_window_that_asks_closes_the_second_time() {
    let session = Session::bare().await;
    let daemon = NotificationDaemon::start(&session).await;
    let browser = Browser::start(&session, AppSetup::shown(Seeded::new().await.setup)).await;
    browser.go("#/settings").await;
    browser.says(&["This desktop shows no tray"]).await;
    let window = session.windows_until(CLASS, 1).await.remove(0);
    until("the window to be closed", async || session.ask_to_close(&window).then_some(())).await;
    browser.find("dialog", "Keep AgentPort running?").await;
    session.close(&window).await;
    session.windows_until(CLASS, 0).await;
    daemon.one("AgentPort keeps running without a window").await;
    assert!(alive(browser.pid()));
}
