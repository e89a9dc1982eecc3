//! Connecting a client in the app's window, and starting the bridge as the client's file says.

use std::{path::PathBuf, time::Duration};

use agentport_clients::types::{Applied, PlanView};
use agentport_tests::{
    StdioClient, Wire,
    desktop::{
        Browser, NotificationDaemon, Session,
        app::{AppSetup, CLASS},
        tree, until,
    },
    gateway::private_file,
    process::alive,
    programs,
};
use http::{Method, StatusCode};
use serde_json::{Map, Value, json};

use super::{
    scene::{Desk, Seeded},
    windows::Driven,
};

const CLAUDE: &str = ".config/Claude/claude_desktop_config.json";
const REVISION: &str = "2025-06-18";

/// So short that what changes is shown with the whole file around it.
/// It speaks HTTP and takes a key; its file looks like Cursor's.
const JUNIE: &str = ".junie/mcp/mcp.json";
const CURSORS: &str =
    "{ // mine\n  \"mcpServers\": {\n    \"own\": { \"command\": \"true\" }, // stays\n  }\n}\n";

/// A client's file in the home of the session's person.
struct File(PathBuf);

impl File {
    fn new(session: &Session, path: &str, text: &str) -> Self {
        let path = session.folder("home").join(path);
        std::fs::create_dir_all(path.parent().expect("a directory")).expect("a directory");
        private_file(&path, text);
        Self(path)
    }

    fn read(&self) -> String {
        std::fs::read_to_string(&self.0).expect("the client's file")
    }

    /// Our entry in it.
    fn entry(&self) -> Value {
        let text = self.read();
        let mut file: Value =
            serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}\n{text}"));
        file["mcpServers"]["agentport"].take()
    }

    /// Starts what the entry says, as a client does that was started from a menu.
    async fn start(&self, session: &Session, environment: &[(String, String)]) -> StdioClient {
        let entry = self.entry();
        let text = |value: &Value| value.as_str().unwrap_or_else(|| panic!("{entry}")).to_owned();
        let program = PathBuf::from(text(&entry["command"]));
        assert!(program.is_absolute() && program.is_file(), "{entry}");
        assert!(program.ends_with("agentport") && entry["args"][0] == "bridge", "{entry}");
        let mut command = session.command(&program);
        command.args(entry["args"].as_array().expect("arguments").iter().map(text));
        command.envs(environment.iter().cloned());
        let none = Map::new();
        let named = entry["env"].as_object().unwrap_or(&none);
        command.envs(named.iter().map(|(name, value)| (name, text(value))));
        let log = std::fs::File::create(session.log("bridge")).expect("a file for stderr");
        command.stderr(log);
        let mut client = StdioClient::start(command);
        let hello = client.open(REVISION, json!({})).await;
        assert_eq!(hello["serverInfo"]["name"], "agentport", "{hello}");
        client
    }
}

/// The lines of what changes in the file, as the page shows them, without their signs: how it is, and how it would be.
async fn shown(browser: &Browser, file: &File) -> (String, String) {
    let name = format!("What changes in {}", file.0.display());
    let region = browser.find("group", &name).await;
    let text = browser.property(&region, "textContent").await;
    let (mut before, mut after) = (String::new(), String::new());
    for line in text.as_str().expect("text").lines() {
        let mut rest = line.chars();
        let sign = rest.next();
        let rest = rest.as_str();
        if matches!(sign, Some(' ' | '−')) {
            before.extend([rest, "\n"]);
        }
        if matches!(sign, Some(' ' | '+')) {
            after.extend([rest, "\n"]);
        }
    }
    (before, after)
}

#[tokio::test]
#[ignore = "needs a desktop session; `cargo xtask test` runs it"]
async fn a_client_that_speaks_http_is_connected_from_the_tray_and_back() {
    let session = Session::bare().await;
    let file = File::new(&session, JUNIE, CURSORS);
    let driven = Driven::inside(session, Seeded::new().await.setup).await;
    let Driven { browser, mut tray, daemon: _daemon, session } = driven;
    browser.find("heading", "Inbox").await;
    tray.choose(&["Connect an agent", "Junie…"]).await;
    until("the client's page", async || {
        let at = browser.script("return location.hash", json!([])).await.ok()?;
        (at == "#/connect/junie").then_some(())
    })
    .await;
    browser.find("heading", "Junie").await;
    browser.says(&["Not connected", "own"]).await;

    // What is seen is what is done.
    browser.click("button", "Connect: Junie").await;
    browser.find("heading", "Connect Junie").await;
    browser.says(&["makes a key for the agent “Junie”", "\"agentport\"", "ap_…"]).await;
    let (is, would_be) = shown(&browser, &file).await;
    assert_eq!((is.as_str(), file.read().as_str()), (CURSORS, CURSORS), "nothing is done yet");
    browser.click("button", "Apply").await;
    browser.find("heading", "Junie is connected").await;
    let after = file.read();
    let key = after.split("Bearer ").nth(1).and_then(|rest| rest.get(..35)).expect("a key");
    assert!(key.starts_with("ap_"), "{after}");
    assert_eq!(after, would_be.replace("ap_…", key));
    assert!(after.contains(&format!("\"{}/mcp\"", browser.base())), "{after}");
    tray.row(&["Connect an agent", "✓ Junie · not used yet"]).await;

    // The page sees the first call by itself.
    browser.says(&["Waiting for the first call of Junie"]).await;
    let agent = Wire::new(&browser.base()).with_key(key);
    agent.call_tool("demo", "list_notes", json!({})).await;
    browser.says(&["Connected: first call seen at"]).await;

    browser.click("button", "Undo…").await;
    browser.find("heading", "Disconnect Junie").await;
    browser.says(&["The key of “Junie” is revoked"]).await;
    browser.click("button", "Apply").await;
    browser.find("heading", "Junie is disconnected").await;
    assert_eq!(file.read(), CURSORS);
    assert_eq!(agent.get("/api/users/me").await.status, StatusCode::UNAUTHORIZED);
    tray.row(&["Connect an agent", "Junie…"]).await;
    browser.click("button", "Done").await;
    browser.says(&["Not connected"]).await;
    assert_eq!(session.windows_until(CLASS, 1).await.len(), 1);
}

/// The key in the client's file.
fn bearer_key(file: &File) -> String {
    let text = file.read();
    let key = text.split("Bearer ").nth(1).and_then(|rest| rest.get(..35));
    key.unwrap_or_else(|| panic!("no key in {text}")).to_owned()
}

#[tokio::test]
#[ignore = "needs a desktop session; `cargo xtask test` runs it"]
async fn the_entry_of_a_client_follows_the_gateway_to_another_port() {
    let session = Session::bare().await;
    let file = File::new(&session, JUNIE, CURSORS);
    let Driven { browser, .. } = &Driven::inside(session, Seeded::new().await.setup).await;
    browser.go("#/connect/junie").await;
    browser.click("button", "Connect: Junie").await;
    browser.find("heading", "Connect Junie").await;
    browser.click("button", "Apply").await;
    browser.find("heading", "Junie is connected").await;
    let before = browser.base();
    assert!(file.read().contains(&format!("\"{before}/mcp\"")), "{}", file.read());

    let free = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let port = free.local_addr().expect("an address").port();
    drop(free);
    browser.go("#/settings").await;
    browser.find("heading", "Connection").await;
    browser.fill("Port", &port.to_string()).await;
    browser.click("button", "Use this port").await;
    browser.find("dialog", &format!("Use port {port}?")).await;
    browser.says(&["1 entry in the files of clients names", JUNIE]).await;
    assert!(Wire::new(&before).get("/health").await.status.is_success(), "nothing is done yet");
    browser.click("button", &format!("Use port {port} and rewrite")).await;
    browser.says(&[&format!("listens on port {port} now. 1 entry rewritten.")]).await;
    let moved = format!("http://127.0.0.1:{port}");
    assert!(file.read().contains(&format!("\"{moved}/mcp\"")), "{}", file.read());
    assert!(
        file.read().contains("\"own\": { \"command\": \"true\" }, // stays"),
        "{}",
        file.read()
    );
    let agent = Wire::new(&moved).with_key(&bearer_key(&file));
    assert_eq!(agent.get("/api/users/me").await.status, StatusCode::OK);
}

/// Through the bridge, with the owner's answer on a notification.
async fn asks(client: &mut StdioClient, daemon: &NotificationDaemon, text: &str) {
    let request = client.call_tool("notes", "echo", json!({ "text": text })).await.request();
    let note = daemon.one("echo").await;
    assert!(
        note.summary.contains("Claude Desktop") || note.body.contains("Claude Desktop"),
        "{note:?}"
    );
    let id = client
        .send(
            "tools/call",
            json!({
                "name": "agentport__await_approval",
                "arguments": { "request_id": request.to_string() },
            }),
        )
        .await;
    daemon.press(&note, "Approve").await;
    let answer = client.answer(&id).await;
    assert_eq!(agentport_tests::Answer::from_json(answer["result"].clone()).ran().text, text);
    daemon.none().await;
}

#[tokio::test]
#[ignore = "needs a desktop session; `cargo xtask test` runs it"]
async fn servers_of_a_client_come_along_and_answer_through_the_bridge() {
    let session = Session::bare().await;
    let before = format!(
        "{{\n  \"globalShortcut\": \"\",\n  \"mcpServers\": {{\n    \"notes\": {}\n  }}\n}}\n",
        json!({ "command": programs::fixture() }),
    );
    let file = File::new(&session, CLAUDE, &before);
    let driven = Driven::inside(session, Seeded::new().await.setup).await;
    let Driven { browser, tray: _tray, daemon, session } = driven;
    browser.go("#/connect").await;
    browser.click("link", "Claude Desktop").await;
    browser.click("button", "Put its servers behind AgentPort: Claude Desktop").await;
    browser.says(&["1 server becomes an integration", "agentport bridge"]).await;
    let (_, would_be) = shown(&browser, &file).await;
    browser.click("button", "Apply").await;
    browser.find("heading", "The servers of Claude Desktop are behind AgentPort").await;
    assert_eq!(file.read(), would_be, "no key stands in it");

    let mut client = file.start(&session, &[]).await;
    browser.owner().await.consents_once().await;
    client.next_message_of_method("notifications/tools/list_changed").await;
    asks(&mut client, &daemon, "by way of the bridge").await;
    browser.says(&["Connected: first call seen at"]).await;
    let (status, after) = client.leave().await;
    assert!(status.success() && after < Duration::from_secs(1), "{status} after {after:?}");

    browser.click("button", "Undo…").await;
    browser.find("heading", "Restore the file of Claude Desktop").await;
    browser.click("checkbox", "Also remove the integrations").await;
    browser.says(&["notes is removed here"]).await;
    browser.click("button", "Apply").await;
    browser.find("heading", "The file of Claude Desktop is restored").await;
    assert_eq!(file.read(), before);
    let integrations = browser.owner().await.integrations().await;
    assert!(integrations.iter().all(|one| one.id.as_str() != "notes"), "{integrations:?}");
}

/// A port that nobody has at the moment.
fn free_port() -> u16 {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("an address").port()
}

#[tokio::test]
#[ignore = "needs a desktop session; `cargo xtask test` runs it"]
async fn the_bridge_starts_the_app_and_does_not_take_it_along() {
    let session = Session::bare().await;
    let file = File::new(&session, CLAUDE, "{}\n");
    let port = free_port();
    let seeded = Seeded::with(async |owner| {
        owner.allow_all("fx").await;
        owner.settings(json!({ "port": port })).await;
    })
    .await;
    let Desk { app, owner, session, .. } = seeded.start(session).await;
    let plan: PlanView = owner
        .ask(
            Method::POST,
            "/control/clients/claude-desktop/plan",
            Some(json!({ "what": "connect" })),
        )
        .await;
    let apply = format!("/control/clients/plans/{}/apply", plan.id);
    let applied: Applied = owner.ask(Method::POST, &apply, None).await;
    assert_eq!(applied.files, [file.0.display().to_string()]);
    // It is let in without the owner, who is not there.
    let key = owner.create_key("Claude Desktop").await;
    let AppSetup { setup, .. } = app.stop().await;
    let keys = setup.place.home().join("clients/keys");
    std::fs::create_dir_all(&keys).expect("a directory");
    private_file(&keys.join("claude-desktop"), &key.key);

    let hidden = AppSetup::hidden(setup);
    let mut client = file.start(&session, &hidden.environment()).await;
    let echo = json!({ "text": "nobody was there" });
    assert_eq!(client.call_tool("fx", "echo", echo.clone()).await.ran().text, "nobody was there");
    let runtime = hidden.runtime_of(|_| true).await;
    assert_eq!(tree::name(runtime.pid), "agentport-deskt", "as much of it as Linux keeps");
    assert_eq!(runtime.port, port);
    assert!(session.windows(CLASS).is_empty(), "it starts into the tray");

    // Another client finds it there, and neither takes it along.
    let mut second = file.start(&session, &hidden.environment()).await;
    second.call_tool("fx", "echo", echo).await.ran();
    for client in [client, second] {
        let (status, after) = client.leave().await;
        assert!(status.success() && after < Duration::from_secs(1), "{status} after {after:?}");
    }
    let wire = Wire::new(&format!("http://127.0.0.1:{port}"));
    assert_eq!(wire.get("/health").await.status, StatusCode::OK);
    assert!(alive(runtime.pid), "the app is the owner's");
    let apps = tree::marked(&session.mark())
        .into_iter()
        .filter(|pid| tree::name(*pid) == "agentport-deskt");
    assert_eq!(apps.collect::<Vec<_>>(), [runtime.pid], "one app");
    tree::end(runtime.pid);
}
