//! The windows, driven by WebDriver: the owner's actions, and the limits of a page.

use agentport_tests::{
    Wire,
    desktop::{
        Browser, NotificationDaemon, Panel, Session, Tray,
        accessible::{HEADING, Part, Reader},
        app::{AppSetup, CLASS},
        until,
    },
    gateway::Setup,
    programs,
};
use serde_json::json;

use super::{scene::Seeded, settings::turn_on_second_factor};

/// A session with a daemon that shows nothing of its own, a panel, and the app with its window in our hand.
pub(super) struct Driven {
    pub(super) browser: Browser,
    pub(super) tray: Tray,
    pub(super) daemon: NotificationDaemon,
    pub(super) session: Session,
}

impl Driven {
    pub(super) async fn new(setup: Setup) -> Self {
        Self::inside(Session::bare().await, setup).await
    }

    /// In a session whose home holds something already.
    pub(super) async fn inside(session: Session, setup: Setup) -> Self {
        let daemon = NotificationDaemon::start(&session).await;
        let panel = Panel::start(&session).await;
        let browser = Browser::start(&session, AppSetup::shown(setup)).await;
        let tray = panel.tray().await;
        Self { browser, tray, daemon, session }
    }
}

/// Every row of the tray that opens a page opens that page, in the one window.
#[tokio::test]
#[ignore = "needs a desktop session; `cargo xtask test` runs it"]
async fn rows_of_the_tray_lead_to_their_pages() {
    let Driven { browser, mut tray, daemon, session } =
        Driven::new(Seeded::new().await.setup).await;
    browser.find("heading", "Inbox").await;
    let window = session.windows_until(CLASS, 1).await.remove(0);
    for (path, hash, heading) in [
        (&["Activity"][..], "#/activity", "Activity"),
        (&["Settings"], "#/settings", "Settings"),
        (&["Install integration", "fx · …*"], "#/integrations/fx", "fx"),
        (&["Install integration", "GitHub…"], "#/integrations/install/github", "GitHub"),
        (&["Install integration", "Browse all…"], "#/integrations/browse", "Browse integrations"),
        (&["Connect an agent", "All agents…"], "#/connect", "Connect"),
        (&["Nothing waits for you"], "#/", "Inbox"),
    ] {
        tray.choose(path).await;
        until(&format!("{path:?} to open {hash}"), async || {
            let at = browser.script("return location.hash", json!([])).await.ok()?;
            at.as_str()?.starts_with(hash).then_some(())
        })
        .await;
        browser.find("heading", heading).await;
        assert_eq!(session.windows_until(CLASS, 1).await[0].id, window.id);
    }
    // What is copied is what can be pasted.
    tray.choose(&["Copy MCP URL"]).await;
    daemon.one("MCP URL copied").await;
    browser.go("#/activity").await;
    let pasted = browser.paste_into("Search").await;
    assert_eq!(pasted, format!("{}/mcp", browser.base()));
}

/// From the first start to a call on record, without a terminal.
#[tokio::test]
#[ignore = "needs a desktop session; `cargo xtask test` runs it"]
async fn an_owner_does_everything_in_the_window() {
    let setup = Setup::default();
    let Driven { browser, daemon, .. } = &Driven::new(setup.clone()).await;
    browser.find("heading", "Welcome to AgentPort").await;
    browser.click("button", "Done, to the inbox").await;
    browser.find("heading", "Inbox").await;

    // A key, shown once.
    browser.click("link", "Agents").await;
    browser.click("button", "Create key").await;
    browser.fill("Name", "by hand").await;
    browser.click("button", "Create").await;
    let text = browser.says(&["This is the only time the key is shown", "ap_"]).await;
    // Whole, as it is shown nowhere else.
    let is_key = |word: &&str| word.starts_with("ap_") && word.len() == 35;
    let key = text.split_whitespace().find(is_key).expect("the key");
    browser.click("button", "I have copied it").await;
    browser.no("dialog", "Key for by hand").await;
    let agent = Wire::new(&browser.base()).with_key(key);

    // A local server, shown word by word before it runs.
    let state = setup.place.files().join("fx");
    std::fs::create_dir_all(&state).expect("a directory");
    browser.click("link", "Integrations").await;
    browser.go("#/integrations/add").await;
    browser.click("tab", "Local, by command").await;
    let command = format!("{} --state {}", programs::fixture().display(), state.display());
    browser.fill("Command", &command).await;
    browser.fill("Name", "Fixture").await;
    browser.click("button", "Continue").await;
    browser.says(&["Run this on your computer?", "--state"]).await;
    assert!(browser.look("button", "Run and add").await.is_some());
    browser.click("checkbox", "I know this program and want it to run.").await;
    browser.click("button", "Run and add").await;
    browser.find("heading", "Fixture").await;
    let id = "fixture";
    browser.says(&["counter", "destroy"]).await;

    // It asks; the owner approves in the inbox.
    let request = agent.call_tool(id, "echo", json!({"text": "from the inbox"})).await.request();
    daemon.one("echo").await;
    browser.click("link", "Inbox").await;
    browser.says(&["from the inbox"]).await;
    browser.click("button", "Approve").await;
    let answer = agent.await_approval(&request.to_string()).await;
    assert_eq!(answer.ran().text, "from the inbox");
    daemon.none().await;

    // A mode is changed, and counts.
    let calls = ("group", "What happens when an agent calls counter");
    browser.go(&format!("#/integrations/{id}")).await;
    browser.click_in(calls, "radio", "Allow").await;
    until("the tool is allowed", async || {
        let answer = agent.call_tool(id, "counter", json!({})).await;
        (!answer.needs_approval() && !answer.is_error).then_some(())
    })
    .await;
    browser.click_in(calls, "radio", "Block").await;
    until("the tool is blocked", async || {
        agent.call_tool(id, "counter", json!({})).await.is_error.then_some(())
    })
    .await;

    // All of it is on record.
    browser.click("link", "Activity").await;
    browser.says(&["echo", "counter", "by hand"]).await;
    browser.click("link", "Policy").await;
    browser.says(&["counter"]).await;
}

/// The demo, removed and asked for again: an install is the owner's to approve.
#[tokio::test]
#[ignore = "needs a desktop session; `cargo xtask test` runs it"]
async fn the_demo_is_removed_and_installed_from_the_inbox() {
    let seeded = Seeded::new().await;
    let key = seeded.key.clone();
    let Driven { browser, daemon, .. } = &Driven::new(seeded.setup).await;
    let agent = browser.wire(&key);
    browser.go("#/integrations/demo").await;
    browser.click("tab", "Settings").await;
    browser.click("button", "Remove…").await;
    browser.click_in(("dialog", "Remove Demo notes?"), "button", "Remove").await;
    browser.find("heading", "Integrations").await;
    browser.no("link", "Demo notes").await;
    let list = json!({"integration_id": "demo", "tool_name": "list_notes", "arguments": {}});
    agent.tool("agentport__call_tool", list.clone()).await.refused();

    let install = json!({"integration_id": "demo", "auth_method": "none"});
    let request = agent.tool("agentport__install_integration", install).await.request();
    daemon.one("demo").await;
    browser.click("link", "Inbox").await;
    browser.click("button", "Approve").await;
    agent.await_approval(&request.to_string()).await.ran();
    browser.click("link", "Integrations").await;
    browser.find("link", "Demo notes").await;
    agent.tool("agentport__call_tool", list).await.ran();
}

/// The small window: opened from the tray, decided in, gone by itself.
#[tokio::test]
#[ignore = "needs a desktop session; `cargo xtask test` runs it"]
async fn the_approval_window_decides_and_goes() {
    let seeded = Seeded::new().await;
    let key = seeded.key.clone();
    let Driven { browser, mut tray, daemon, session } = Driven::new(seeded.setup).await;
    let agent = browser.wire(&key);
    let main = browser.handles().await;
    // Where the owner looks at the inbox, a request gets no notification.
    browser.go("#/activity").await;
    let request =
        agent.call_tool("fx", "echo", json!({"text": "in the small one"})).await.request();
    daemon.one("echo").await;
    tray.choose(&["tester wants echo in fx…*"]).await;
    session.windows_until(CLASS, 2).await;
    let handle = until("the approval window", async || {
        browser.handles().await.into_iter().find(|handle| !main.contains(handle))
    })
    .await;
    browser.switch(&handle).await;
    browser.says(&["tester", "in the small one"]).await;
    // Another one waits its turn behind it.
    let second = agent.call_tool("fx", "counter", json!({})).await.request();
    browser.says(&["1 more waiting"]).await;
    browser.click("button", "Approve").await;
    let answer = agent.await_approval(&request.to_string()).await;
    assert_eq!(answer.ran().text, "in the small one");
    browser.click("button", "Next request").await;
    browser.click("button", "Deny").await;
    browser.fill("Reason for denying (optional)", "not today").await;
    browser.click("button", "Deny").await;
    let denied = agent.await_approval(&second.to_string()).await;
    assert!(denied.refused().contains("not today"), "{}", denied.text);
    let left = session.windows_until(CLASS, 1).await;
    assert_eq!(left[0].title, "AgentPort");
    daemon.none().await;
}

/// With one-time codes on, a click on Approve asks for one, and only a right one goes through.
#[tokio::test]
#[ignore = "needs a desktop session; `cargo xtask test` runs it"]
async fn with_a_second_factor_the_window_asks_for_a_code() {
    let seeded = Seeded::new().await;
    let key = seeded.key.clone();
    let Driven { browser, daemon, .. } = &Driven::new(seeded.setup).await;
    let agent = browser.wire(&key);
    let owner = browser.owner().await;
    let recovery = turn_on_second_factor(&owner).await;
    browser.go("#/activity").await;
    let request = agent.call_tool("fx", "counter", json!({})).await.request();
    daemon.one("counter").await;
    browser.click("link", "Inbox").await;
    browser.click("button", "Approve").await;
    browser.find("dialog", "Confirm that it is you").await;
    browser.fill("One-time code", "000000").await;
    browser.click("button", "Confirm").await;
    browser.says(&["Confirm that it is you"]).await;
    assert_eq!(owner.approvals("pending").await.len(), 1, "a wrong code approves nothing");
    browser.click("button", "recovery code").await;
    browser.fill("Recovery code", &recovery).await;
    browser.click("button", "Confirm").await;
    assert_eq!(agent.await_approval(&request.to_string()).await.ran().text, "counted");
}

/// One command, one origin, nothing from elsewhere.
#[tokio::test]
#[ignore = "needs a desktop session; `cargo xtask test` runs it"]
async fn a_page_can_only_use_the_control_api() {
    let Driven { browser, .. } = &Driven::new(Seeded::new().await.setup).await;
    browser.find("heading", "Inbox").await;
    assert_eq!(
        browser.script("return typeof window.__TAURI__", json!([])).await,
        Ok(json!("undefined"))
    );
    let refused = "const [command, given, done] = arguments;\
        window.__TAURI_INTERNALS__.invoke(command, given)\
        .then((value) => done(['answered', value]), (error) => done(['refused', String(error)]));";
    for (command, given) in [
        ("plugin:clipboard-manager|read_text", json!({})),
        ("plugin:clipboard-manager|write_text", json!({"text": "x"})),
        ("plugin:opener|open_url", json!({"url": "https://example.com/"})),
        ("plugin:opener|open_path", json!({"path": "/etc/passwd"})),
        ("plugin:opener|reveal_item_in_dir", json!({"paths": ["/etc/passwd"]})),
        ("plugin:autostart|enable", json!({})),
        ("plugin:window|set_title", json!({"label": "main", "value": "x"})),
        ("plugin:window|close", json!({"label": "main"})),
        (
            "plugin:webview|create_webview_window",
            json!({"options": {"label": "x", "url": "https://example.com/"}}),
        ),
        ("plugin:webview|internal_toggle_devtools", json!({})),
        ("plugin:event|emit", json!({"event": "x", "payload": {}})),
        ("plugin:menu|new", json!({})),
        ("plugin:tray|new", json!({})),
        ("plugin:path|resolve_directory", json!({"directory": 1})),
        ("plugin:app|version", json!({})),
        ("plugin:window-state|save_window_state", json!({"flags": 1})),
        ("plugin:shell|execute", json!({"program": "true"})),
        ("plugin:fs|read_text_file", json!({"path": "/etc/passwd"})),
        ("quit", json!({})),
    ] {
        let answer = browser.script_until_done(refused, json!([command, given])).await;
        assert_eq!(answer[0], "refused", "{command}: {answer}");
    }
    let outside = "const [url, done] = arguments;\
        fetch(url, {mode: 'no-cors'}).then(() => done('fetched'), (error) => done(String(error)));";
    for url in [
        format!("{}/health", browser.base()),
        "https://example.com/".to_owned(),
        "file:///etc/passwd".to_owned(),
    ] {
        let answer = browser.script_until_done(outside, json!([url])).await;
        assert_ne!(answer, json!("fetched"), "{url}");
    }
    let inline = "const done = arguments[arguments.length - 1];\
        const script = document.createElement('script');\
        script.textContent = 'window.injected = true';\
        document.body.append(script);\
        let evaluated = 'no';\
        try { evaluated = (0, eval)('\"yes\"'); } catch {}\
        const image = new Image();\
        image.onload = () => done([window.injected, evaluated, 'loaded']);\
        image.onerror = () => done([window.injected ?? false, evaluated, 'refused']);\
        image.src = 'http://127.0.0.1:9/x.png';";
    let answer = browser.script_until_done(inline, json!([])).await;
    assert_eq!(answer, json!([false, "no", "refused"]));
    // Nor can it leave, or open another.
    let opened =
        browser.script("return window.open('https://example.com/') === null", json!([])).await;
    assert_eq!(opened, Ok(json!(true)));
    let leave = "location.href = 'http://127.0.0.1:9/'; return true";
    assert_eq!(browser.script(leave, json!([])).await, Ok(json!(true)));
    browser.find("heading", "Inbox").await;
}

/// Every control of every page has a name, as a screen reader finds it in the accessibility tree.
#[tokio::test]
#[ignore = "needs a desktop session; `cargo xtask test` runs it"]
async fn everything_that_can_be_operated_has_a_name() {
    let session = Session::real().await;
    let reader = Reader::start(&session).await;
    let browser = Browser::start(&session, AppSetup::shown(Seeded::new().await.setup)).await;
    browser.find("heading", "Inbox").await;
    for (hash, heading) in [
        ("#/", "Inbox"),
        ("#/integrations", "Integrations"),
        ("#/integrations/browse", "Browse integrations"),
        ("#/integrations/add", "Add integration"),
        ("#/integrations/fx", "fx"),
        ("#/agents", "Agents"),
        ("#/connect", "Connect"),
        ("#/activity", "Activity"),
        ("#/policy", "Policy"),
        ("#/settings", "Settings"),
        ("#/welcome", "Welcome to AgentPort"),
    ] {
        browser.go(hash).await;
        browser.find("heading", heading).await;
        let nameless = reader
            .until(CLASS, &format!("the page {heading:?}"), |program| {
                let here = |part: &&Part| part.role == HEADING && part.name == heading;
                program.all().into_iter().find(here)?;
                let operable = program.operable();
                assert!(!operable.is_empty(), "{hash} has nothing to operate");
                let nameless = operable.into_iter().filter(|part| part.name.trim().is_empty());
                Some(nameless.map(|part| (part.role, part.place)).collect::<Vec<_>>())
            })
            .await;
        assert!(nameless.is_empty(), "{hash}: without a name (role, place): {nameless:?}");
    }
}
