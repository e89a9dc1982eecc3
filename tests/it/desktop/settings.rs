//! Settings of notifications.

use agentport_core::ApprovalId;
use agentport_tests::{desktop::Tray, external_program::ExternalProgram, programs};
use http::Method;
use serde_json::{Value, json};

use super::scene::{Desk, Doubles, Seeded};

const ROW: &[&str] = &["tester wants echo in fx…*"];

/// The agent asks, and the app has taken it in: the tray shows it.
async fn queued(desk: &Desk, tray: &mut Tray, text: &str) -> ApprovalId {
    let id = desk.call("echo", json!({"text": text})).await.request();
    tray.row(ROW).await;
    id
}

#[tokio::test]
#[ignore = "needs a desktop session; `cargo xtask test` runs it"]
async fn details_stay_hidden() {
    let doubles = Doubles::on(
        Seeded::with(async |owner| {
            owner.settings(json!({"notifications_hide_details": true})).await;
        })
        .await,
    )
    .await;
    let Doubles { desk, daemon, .. } = &doubles;
    let arguments = json!({
        "integration_id": "fx", "tool_name": "counter", "arguments": {}, "additional_info": "a note of mine",
    });
    let id = desk.wire.tool("agentport__call_tool", arguments).await.request();
    let note = daemon.one("An agent waits for you").await;
    let shown = format!("{} {} {:?}", note.summary, note.body, note.actions);
    for hidden in ["tester", "counter", "fx", "a note of mine"] {
        assert!(!shown.contains(hidden), "{hidden:?} in {shown}");
    }
    // Nobody allows what they have not seen.
    assert_eq!(note.buttons(), ["Review…", "Deny"]);
    daemon.press(&note, "Deny").await;
    desk.awaited(id).await.refused();
    // Shown again, it takes the place of what is on the screen.
    let id = desk.call("echo", json!({"text": "now you see me"})).await.request();
    let hidden = daemon
        .until("the hidden one", |seen| {
            seen.open.values().find(|note| note.summary == "An agent waits for you").cloned()
        })
        .await;
    desk.owner.settings(json!({"notifications_hide_details": false})).await;
    let told = daemon
        .until("its details", |seen| {
            seen.open.get(&hidden.id).filter(|note| note.body.contains("now you see me")).cloned()
        })
        .await;
    assert_eq!(told.sent, 2);
    daemon.press(&told, "Approve").await;
    desk.awaited(id).await.ran();
}

#[tokio::test]
#[ignore = "needs a desktop session; `cargo xtask test` runs it"]
async fn while_silent_requests_queue() {
    let doubles = Doubles::new().await;
    let Doubles { desk, daemon, mut tray } = doubles;
    tray.choose(&["Silence notifications", "For 15 minutes"]).await;
    tray.row(&["Notifications are silent until …*"]).await;
    queued(&desk, &mut tray, "in silence").await;
    tray.row(&["1 request waits for you"]).await;
    assert_eq!(daemon.seen().sent, 0);
    assert!(desk.session.windows(agentport_tests::desktop::app::CLASS).is_empty());

    tray.choose(&["Notifications are silent until …*", "Show again"]).await;
    let note = daemon.one("in silence").await;
    daemon.press(&note, "Deny").await;
    daemon.none().await;
    tray.row(&["Silence notifications"]).await;

    // For longer.
    let silent = async || {
        let settings = desk.owner.settings(json!({})).await.notifications_silent_until;
        settings.expect("silence has an end").since(agentport_gateway::clock::now())
    };
    tray.choose(&["Silence notifications", "For 1 hour"]).await;
    tray.row(&["Notifications are silent until …*"]).await;
    assert!((3_500..=3_600).contains(&silent().await.as_secs()));
    tray.choose(&["Notifications are silent until …*", "Until tomorrow"]).await;
    desk.owner.until("tomorrow", async || (silent().await.as_secs() > 3_600).then_some(())).await;
    tray.choose(&["Notifications are silent until …*", "Show again"]).await;
    tray.row(&["Silence notifications"]).await;

    // Silence ends by itself, and what queued is shown.
    let until = agentport_gateway::clock::now().plus(std::time::Duration::from_secs(4));
    desk.owner.settings(json!({"notifications_silent_until": until})).await;
    tray.row(&["Notifications are silent until …*"]).await;
    queued(&desk, &mut tray, "later").await;
    let note = daemon.one("later").await;
    assert_eq!(daemon.seen().sent, 2);
    daemon.press(&note, "Deny").await;
}

#[tokio::test]
#[ignore = "needs a desktop session; `cargo xtask test` runs it"]
async fn notifications_can_be_off() {
    let doubles = Doubles::new().await;
    let Doubles { desk, daemon, mut tray } = doubles;
    desk.owner.settings(json!({"notifications": false})).await;
    tray.no_row(&["Silence notifications"]).await;
    queued(&desk, &mut tray, "unseen").await;
    assert_eq!(daemon.seen().sent, 0);
    desk.owner.settings(json!({"notifications": true})).await;
    daemon.one("unseen").await;
    desk.owner.settings(json!({"notifications": false})).await;
    daemon.none().await;
    assert_eq!(desk.owner.approvals("pending").await.len(), 1);
}

/// While a one-time code is asked for, no click on a notification allows anything.
#[tokio::test]
#[ignore = "needs a desktop session; `cargo xtask test` runs it"]
async fn with_a_second_factor_the_window_decides() {
    let Doubles { desk, daemon, mut tray } = Doubles::new().await;
    turn_on_second_factor(&desk.owner).await;
    let id = desk.call("echo", json!({"text": "with a code"})).await.request();
    let note = daemon.one("with a code").await;
    assert_eq!(note.buttons(), ["Review…", "Deny"]);
    for key in ["approve", "always"] {
        daemon.claim(note.id, key).await;
    }
    daemon.press(&note, "Review…").await;
    let window = desk.approval_window().await;
    assert_eq!(desk.owner.approvals("pending").await.len(), 1);
    desk.session.close(&window).await;
    desk.windows(0).await;
    // Nor does the tray.
    tray.choose(&["Let tester work for 15 minutes…"]).await;
    assert_eq!(desk.windows(1).await[0].title, "AgentPort");
    let id_again = desk.call("echo", json!({"text": "with a code"})).await.request();
    assert_eq!(id, id_again, "it is not trusted");
    desk.owner.deny(id, None).await;
}

/// Gives a recovery code.
pub(super) async fn turn_on_second_factor(owner: &agentport_tests::Owner) -> String {
    let post =
        async |path: &str, body: Value| owner.ask::<Value>(Method::POST, path, Some(body)).await;
    let setup = post("/control/second-factor/begin", json!({})).await;
    let code = totp(setup["secret"].as_str().expect("a secret")).await;
    let codes = post("/control/second-factor/enable", json!({"code": code})).await;
    codes["codes"][0].as_str().expect("a recovery code").to_owned()
}

/// The code an authenticator app shows now (RFC 6238, as RFC 4226 has it: SHA-1, 30 s, six digits).
async fn totp(secret: &str) -> String {
    let script = "import base64, hmac, struct, sys, time\n\
        key = base64.b32decode(sys.argv[1] + '=' * (-len(sys.argv[1]) % 8))\n\
        mac = hmac.new(key, struct.pack('>Q', int(time.time()) // 30), 'sha1').digest()\n\
        at = mac[-1] & 15\n\
        print('%06d' % ((struct.unpack('>I', mac[at:at + 4])[0] & 0x7fffffff) % 1000000))";
    let said =
        ExternalProgram::new(&programs::python()).args(["-c", script, secret]).run().await.ok();
    said.trim().to_owned()
}
