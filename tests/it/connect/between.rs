//! Changes in the gateway between making a plan and applying it: an outdated plan is refused as a whole.

use agentport_clients::types::PlanView;
use agentport_tests::{owner::typed, programs};
use http::{Method, StatusCode};
use serde_json::{Value, json};

use super::{CLAUDE, CLINE, CURSOR, Desk, key_of, with_key};

fn server(value: &str) -> Value {
    json!({ "command": programs::fixture(), "env": { "SERVICE_TOKEN": value } })
}

fn file(servers: Value) -> String {
    json!({ "mcpServers": servers }).to_string()
}

impl Desk {
    /// The plan is refused, and whatever the gateway and this client's file have is as it was.
    async fn outdated(&self, plan: &PlanView, file: &str, said: &str) {
        let before = (self.read(file), self.integrations().await, self.agents().await);
        let reply = self.try_apply(plan).await;
        assert_eq!(reply.status, StatusCode::CONFLICT, "{}", reply.text);
        assert!(reply.text.contains(said), "{said}: {}", reply.text);
        assert!(reply.text.contains("make a new one"), "{}", reply.text);
        let after = (self.read(file), self.integrations().await, self.agents().await);
        assert_eq!(before, after);
    }

    async fn remove(&self, id: &str) {
        let path = format!("/control/integrations/{id}");
        let reply = self.scene.owner.send(Method::DELETE, &path, None).await;
        assert_eq!(reply.status, StatusCode::NO_CONTENT, "{}", reply.text);
    }

    /// Revokes the key that a client's entry shows.
    async fn revoke(&self, client: &str) {
        let entry = self.file(client).await.connected.expect("an entry");
        let path = format!("/control/keys/{}", entry.agent.expect("an agent"));
        let reply = self.scene.owner.send(Method::DELETE, &path, None).await;
        assert_eq!(reply.status, StatusCode::NO_CONTENT, "{}", reply.text);
    }
}

#[tokio::test]
async fn a_merge_target_was_removed_or_changed() {
    let desk = Desk::new().await;
    desk.put(CLINE, &file(json!({ "tt": server("fake-value-0001") })));
    desk.consolidate("cline").await;
    let theirs = file(json!({ "tt": server("fake-value-0001") }));
    desk.put(CURSOR, &theirs);
    let consolidate = json!({ "what": "consolidate" });
    let plan = desk.plan("cursor", consolidate.clone()).await;
    assert!(plan.imports[0].merged, "{plan:?}");
    desk.remove("tt").await;
    desk.outdated(&plan, CURSOR, "tt was removed or has changed").await;

    // Another one under the same id.
    let mut other = server("");
    other["type"] = json!("local_mcp");
    other["args"] = json!([]);
    other["env"] = json!({});
    other["secret_env"] = json!(["SERVICE_TOKEN"]);
    let secrets = json!({ "SERVICE_TOKEN": "fake-value-0002" });
    desk.scene.owner.add(json!({ "id": "tt", "connection": other, "secrets": secrets })).await;
    desk.outdated(&plan, CURSOR, "tt was removed or has changed").await;
    assert_eq!(desk.read(CURSOR), Some(theirs.clone()));

    // A new plan takes it over, with its secret.
    desk.remove("tt").await;
    desk.apply(&desk.plan("cursor", consolidate).await).await;
    assert_eq!(desk.integrations().await, ["tt"]);
    desk.stop().await;
}

#[tokio::test]
async fn a_replacement_was_removed() {
    let desk = Desk::new().await;
    desk.scene.owner.add_fixture("tt", &[]).await;
    desk.put(CURSOR, &file(json!({ "tt": server("fake-value-0001"), "new": server("x") })));
    let choices = json!({ "tt": { "choice": "use_existing" } });
    let want = json!({ "what": "consolidate", "choices": choices });
    let plan = desk.plan("cursor", want).await;
    assert!(plan.conflicts.is_empty(), "{plan:?}");
    desk.remove("tt").await;
    desk.outdated(&plan, CURSOR, "tt was removed").await;
    desk.scene.owner.add_fixture("tt", &["--stderr", "another"]).await;
    // Whatever it is: that is what was chosen.
    desk.apply(&plan).await;
    assert_eq!(desk.integrations().await, ["new", "tt"]);
    desk.stop().await;
}

#[tokio::test]
async fn names_that_were_free_are_taken() {
    let desk = Desk::new().await;
    desk.put(CURSOR, &file(json!({ "one": server("a"), "two": server("b") })));
    let plan = desk.plan("cursor", with_key("cursor", "consolidate")).await;
    desk.scene.owner.add_fixture("two", &[]).await;
    desk.outdated(&plan, CURSOR, "id two was taken").await;
    desk.remove("two").await;
    let key = desk.scene.owner.create_key("Cursor").await;
    desk.outdated(&plan, CURSOR, "name Cursor was taken").await;
    assert!(!desk.kept("originals").exists(), "nothing was touched");
    desk.scene.owner.revoke(&key).await;
    desk.apply(&plan).await;
    assert_eq!(desk.integrations().await, ["one", "two"]);
    desk.stop().await;
}

#[tokio::test]
async fn a_key_that_was_to_be_kept_is_revoked() {
    let desk = Desk::new().await;
    desk.connect("cursor").await;
    let key = key_of(&desk.json(CURSOR));
    let bridge = json!({ "what": "connect", "via": "bridge" });
    let plan = desk.plan("cursor", bridge.clone()).await;
    assert_eq!(plan.makes_key_for, None);
    desk.revoke("cursor").await;
    desk.outdated(&plan, CURSOR, "of the entry was revoked").await;
    assert!(!desk.kept("keys/cursor").exists(), "the dead key is nowhere else");
    desk.does("cursor", bridge).await;
    assert!(!desk.kept("keys/cursor").exists(), "the bridge signs in");
    desk.connect("cursor").await;
    assert_ne!(key_of(&desk.json(CURSOR)), key);

    // Where the entry itself stays as it is, and only servers go.
    let mut servers = desk.json(CURSOR);
    servers["mcpServers"]["tt"] = server("fake-value-0001");
    desk.put(CURSOR, &servers.to_string());
    let plan = desk.plan("cursor", json!({ "what": "consolidate" })).await;
    assert_eq!((plan.imports.len(), plan.makes_key_for.as_deref()), (1, None));
    desk.revoke("cursor").await;
    desk.outdated(&plan, CURSOR, "of the entry was revoked").await;
    desk.consolidate("cursor").await;
    assert_eq!((desk.integrations().await, desk.agents().await.len()), (vec!["tt".to_owned()], 1));
    desk.stop().await;
}

/// A bridge's key is replaced without its client's file changing: the file alone does not show it.
#[tokio::test]
async fn a_bridge_got_another_key() {
    let desk = Desk::new().await;
    desk.connect("claude-desktop").await;
    let first = desk.gives_bridge_key("claude-desktop", "Claude Desktop").await;
    let (entry, key) = (desk.read(CLAUDE), desk.kept("keys/claude-desktop"));
    let disconnect = desk.plan("claude-desktop", json!({ "what": "disconnect" })).await;
    assert_eq!(disconnect.revokes_key_of.as_deref(), Some("Claude Desktop"));
    let second = desk.gives_bridge_key("claude-desktop", "Claude Desktop 2").await;
    assert!(desk.read(CLAUDE) == entry);
    desk.outdated(&disconnect, CLAUDE, "revoked or replaced").await;
    assert_eq!(std::fs::read_to_string(&key).expect("the bridge's key"), second.key);
    desk.does("claude-desktop", json!({ "what": "disconnect" })).await;
    assert!(!key.exists());
    assert_eq!(
        desk.agents().await,
        ["Claude Desktop"],
        "what is not in the file is no business of it"
    );
    desk.scene.owner.revoke(&first).await;
    desk.stop().await;
}

#[tokio::test]
async fn an_integration_to_remove_is_used_elsewhere() {
    let desk = Desk::new().await;
    desk.put(CLINE, &file(json!({ "tt": server("fake-value-0001") })));
    desk.consolidate("cline").await;
    let restore = json!({ "what": "restore", "remove_integrations": true });
    let plan = desk.plan("cline", restore.clone()).await;
    assert_eq!(plan.removes.len(), 1);
    desk.put(CURSOR, &file(json!({ "mine": server("fake-value-0001") })));
    desk.consolidate("cursor").await;
    desk.outdated(&plan, CLINE, "tt has come into use elsewhere").await;
    let reply = desk.try_plan("cline", restore).await;
    let plan: PlanView = typed(&reply);
    assert!(plan.removes.is_empty(), "{plan:?}");
    desk.apply(&plan).await;
    assert_eq!(desk.integrations().await, ["tt"]);
    desk.stop().await;
}
