//! Requests that come while the owner looks at them in a window.

use agentport_api::GrantChoice;
use agentport_tests::desktop::{app::CLASS, until};
use serde_json::json;

use super::{scene::Seeded, windows::Driven};

/// Requests until the page has said what it shows.
const TRIES: usize = 5;

/// What comes before the owner's eyes is not put over them, and comes after them once they look away.
#[tokio::test]
#[ignore = "needs a desktop session; `cargo xtask test` runs it"]
async fn a_request_in_the_focused_inbox_gets_no_notification_until_the_owner_looks_away() {
    let seeded = Seeded::new().await;
    let key = seeded.key.clone();
    let Driven { browser, mut tray, daemon, session } = Driven::new(seeded.setup).await;
    let agent = browser.wire(&key);
    browser.find("heading", "Inbox").await;
    let window = session.windows_until(CLASS, 1).await.remove(0);
    until("the window to have the keyboard", async || {
        (session.active_window().as_deref() == Some(&window.id)).then_some(())
    })
    .await;
    let owner = browser.owner().await;
    // A page says what it shows a moment after it shows it. A request that comes earlier is notified like any other.
    let mut request = None;
    for _ in 0..TRIES {
        let before = daemon.seen().sent;
        let asked = agent.call_tool("fx", "echo", json!({"text": "before my eyes"})).await;
        let id = asked.request();
        browser.says(&["before my eyes"]).await;
        tray.row(&["tester wants echo in fx…*"]).await;
        if daemon.seen().sent == before {
            request = Some(id);
            break;
        }
        owner.approve(id, GrantChoice::Once).await;
        agent.await_approval(&id.to_string()).await.ran();
    }
    let request = request.expect("a request without a notification");
    // It is said aloud, for who does not see it.
    until("the request to be announced", async || {
        let script = "return document.querySelector('[aria-label=\"New requests\"]').textContent";
        let said = browser.script(script, json!([])).await.ok()?;
        said.as_str()?.contains("New request from tester").then_some(())
    })
    .await;
    daemon.none().await;

    session.minimize(&window);
    let note = daemon.one("before my eyes").await;
    daemon.press(&note, "Approve").await;
    assert_eq!(agent.await_approval(&request.to_string()).await.ran().text, "before my eyes");

    // On another page it is as ever.
    tray.choose(&["Activity"]).await;
    browser.find("heading", "Activity").await;
    agent.call_tool("fx", "echo", json!({"text": "elsewhere"})).await.request();
    daemon.one("elsewhere").await;
    // What is on the screen stays when the inbox is opened.
    browser.click("link", "Inbox").await;
    browser.says(&["elsewhere"]).await;
    agent.call_tool("fx", "counter", json!({})).await.request();
    tray.row(&["2 requests wait for you"]).await;
    assert_eq!(daemon.one("elsewhere").await.sent, 1);
}
