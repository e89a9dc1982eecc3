//! Agents that want to be let in by OAuth, with the test as notification daemon.

use agentport_core::AgentId;
use agentport_tests::{
    Wire,
    desktop::{Note, notifications::Closed},
    oauth_agent::{AuthorizationRequest, AuthorizePage, OAuthAgent, TokenSet, bearer, fixtures},
};
use serde_json::json;

use super::scene::{Desk, Doubles};

/// A client that was given nothing but the URL, and its page in the browser.
struct SigningIn {
    client: OAuthAgent,
    request: AuthorizationRequest,
    page: AuthorizePage,
}

impl SigningIn {
    async fn begin(client: OAuthAgent) -> Self {
        let request = client.request();
        let page = AuthorizePage::open(&request.url()).await;
        page.waits();
        Self { client, request, page }
    }

    async fn new(desk: &Desk, name: &str) -> Self {
        let url = format!("{}/mcp", desk.app.base().await);
        Self::begin(OAuthAgent::register_as(&url, &fixtures::named(name)).await).await
    }

    /// The owner consented: it fetches its token.
    async fn agent(&self, desk: &Desk) -> Wire {
        let code = self.page.callback().await.code();
        let tokens = TokenSet::of(&self.client.exchange(&code, &self.request).await);
        bearer(&desk.app.base().await, &tokens.access_token)
    }
}

/// The one agent that signed in by OAuth.
async fn signed_in(desk: &Desk) -> (AgentId, String) {
    let mut all = desk.owner.keys().await;
    all.retain(|agent| agent.oauth.is_some());
    assert_eq!(all.len(), 1, "{all:?}");
    let agent = all.remove(0);
    (agent.id, agent.name)
}

/// The digits it asks the owner to compare.
fn code(note: &Note) -> &str {
    let line = note.body.lines().find_map(|line| line.strip_prefix("Your browser shows "));
    line.unwrap_or_else(|| panic!("no code: {note:?}")).trim_end_matches('.')
}

#[tokio::test]
#[ignore = "needs a desktop session; `cargo xtask test` runs it"]
async fn an_agent_with_nothing_but_the_url_is_let_in_by_its_notification() {
    let mut doubles = Doubles::new().await;
    let signing_in = SigningIn::new(&doubles.desk, "Odd Client").await;
    let note = doubles.daemon.one("Odd Client").await;
    assert_eq!(note.summary, "A new agent wants in");
    assert_eq!(note.buttons(), ["Let in", "Refuse"]);
    assert!(note.body.contains("a program on this computer, port 33418"), "{note:?}");
    assert!(signing_in.page.reply.text.contains(code(&note)), "the page shows the same digits");
    doubles.tray.row(&["1 request waits for you"]).await;
    doubles.tray.row(&["Odd Client wants in…"]).await;

    doubles.daemon.press(&note, "Let in").await;
    let agent = signing_in.agent(&doubles.desk).await;
    agent.call_tool("fx", "echo", json!({"text": "first call"})).await.request();
    let note = doubles.daemon.one("first call").await;
    assert!(note.summary.starts_with("Odd Client wants"), "{note:?}");
    doubles.daemon.press(&note, "Deny").await;
    doubles.daemon.none().await;
    doubles.tray.no_row(&["Odd Client wants in…"]).await;
    let first = signed_in(&doubles.desk).await;
    assert_eq!(first.1, "Odd Client");

    // Signed in again, it is the same agent.
    let again = SigningIn::begin(signing_in.client).await;
    let note = doubles.daemon.one("Odd Client").await;
    assert_eq!(note.summary, "An agent wants in again");
    doubles.daemon.press(&note, "Let in").await;
    again.agent(&doubles.desk).await;
    assert_eq!(signed_in(&doubles.desk).await, first);
}

#[tokio::test]
#[ignore = "needs a desktop session; `cargo xtask test` runs it"]
async fn a_refused_agent_gets_nothing_and_a_closed_notification_decides_nothing() {
    let mut doubles = Doubles::new().await;
    let signing_in = SigningIn::new(&doubles.desk, "Odd Client").await;
    let note = doubles.daemon.one("Odd Client").await;
    // A program that is not the notification daemon is not believed.
    doubles.daemon.claim(note.id + 7, note.key("Let in")).await;
    doubles.daemon.press(&note, "Refuse").await;
    let callback = signing_in.page.callback().await;
    assert_eq!(callback.get("error").as_deref(), Some("access_denied"), "{callback:?}");
    doubles.daemon.none().await;

    let other = SigningIn::new(&doubles.desk, "Another Client").await;
    let note = doubles.daemon.one("Another Client").await;
    doubles.daemon.close(&note, Closed::Dismissed).await;
    // The next request shows that the app has gone on.
    doubles.desk.call("add", json!({"a": 1, "b": 2})).await.request();
    doubles.daemon.one("add").await;
    doubles.tray.row(&["Another Client wants in…"]).await;
    assert!(other.page.request().is_some());
    assert!(doubles.desk.owner.keys().await.iter().all(|agent| agent.oauth.is_none()));
}
