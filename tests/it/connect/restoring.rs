//! Restoring originals, with and without removing the integrations.

use agentport_api::Items;
use agentport_clients::types::{BackupView, ConflictView, PlanView};
use agentport_tests::{Wire, gateway::Setup, programs};
use http::{Method, StatusCode};
use serde_json::json;

use super::{CLINE, CURSOR, Desk, key_of};
use crate::scene::Scene;

fn servers(names: &[&str]) -> String {
    let server = |name: &&str| {
        ((*name).to_owned(), json!({ "command": programs::fixture(), "args": ["--stderr", name] }))
    };
    let servers: serde_json::Map<_, _> = names.iter().map(server).collect();
    format!("{:#}", json!({ "mcpServers": servers }))
}

#[tokio::test]
async fn restores_the_bytes_and_removes_only_unused_integrations() {
    let desk = Desk::new().await;
    let (cursor, cline) = (servers(&["shared", "own"]), servers(&["shared"]));
    desk.put(CURSOR, &cursor);
    desk.put(CLINE, &cline);
    desk.consolidate("cursor").await;
    desk.consolidate("cline").await;
    assert_eq!(desk.integrations().await, ["own", "shared"]);
    let agent = Wire::new(desk.scene.gateway.base()).with_key(&key_of(&desk.json(CURSOR)));
    assert!(desk.file("cursor").await.can_restore);

    let restore = json!({ "what": "restore", "remove_integrations": true });
    let plan = desk.plan("cursor", restore.clone()).await;
    assert_eq!(plan.removes.iter().map(|id| id.as_str()).collect::<Vec<_>>(), ["own"]);
    assert_eq!(plan.revokes_key_of.as_deref(), Some("Cursor"));
    desk.apply(&plan).await;
    assert_eq!(desk.read(CURSOR), Some(cursor));
    assert_eq!(desk.integrations().await, ["shared"], "Cline uses it");
    assert_eq!(agent.get("/api/users/me").await.status, StatusCode::UNAUTHORIZED);

    let stays = desk.plan("cline", json!({ "what": "restore" })).await;
    assert!(stays.removes.is_empty() && stays.notes.iter().any(|note| note.contains("shared")));
    desk.does("cline", restore).await;
    assert_eq!(desk.read(CLINE), Some(cline));
    assert!(desk.integrations().await.is_empty() && desk.agents().await.is_empty());
    let nothing = desk.try_plan("cursor", json!({ "what": "restore" })).await;
    assert_eq!(nothing.status, StatusCode::CONFLICT, "it is as it was: {}", nothing.text);
    desk.stop().await;
}

#[tokio::test]
async fn later_edits_are_kept_or_chosen() {
    let desk = Desk::new().await;
    let before = "{\n  \"theme\": \"light\",\n  \"mcpServers\": {\n    \"own\": { \"command\": \"true\" }\n  }\n}\n";
    desk.put(CURSOR, before);
    desk.connect("cursor").await;
    let edited = desk.read(CURSOR).expect("the file").replace("light", "dark");
    desk.put(CURSOR, &edited);
    desk.does("cursor", json!({ "what": "restore" })).await;
    assert_eq!(desk.read(CURSOR), Some(before.replace("light", "dark")), "both changes count");

    let before = desk.read(CURSOR).expect("the file");
    desk.consolidate("cursor").await;
    let edited = desk.read(CURSOR).expect("the file").replace("\"url\"", "\"mine\": 1,\n \"url\"");
    desk.put(CURSOR, &edited);
    let plan = desk.plan("cursor", json!({ "what": "restore" })).await;
    let [ConflictView::Lines { text, .. }] = plan.conflicts.as_slice() else {
        panic!("{:?}", plan.conflicts)
    };
    assert!(text.contains("mine") && !text.contains(&key_of(&desk.json(CURSOR))), "{text}");
    assert_eq!(desk.try_apply(&plan).await.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(desk.read(CURSOR), Some(edited));
    desk.does("cursor", json!({ "what": "restore", "on_conflict": "take_original" })).await;
    assert_eq!(desk.read(CURSOR), Some(before));
    desk.stop().await;
}

/// Put in after connecting, taken over, and then the file looks as it did at first.
#[tokio::test]
async fn servers_missing_in_the_original_return_before_their_integration_is_removed() {
    let restore = json!({ "what": "restore", "remove_integrations": true });
    for original in [Some("{\n  \"mcpServers\": {}\n}\n"), None] {
        let desk = Desk::new().await;
        if let Some(original) = original {
            desk.put(CURSOR, original);
        }
        desk.connect("cursor").await;
        let mut file = desk.json(CURSOR);
        file["mcpServers"]["precious"] = json!({ "command": programs::fixture() });
        desk.put(CURSOR, &format!("{file:#}\n"));
        desk.consolidate("cursor").await;
        desk.does("cursor", json!({ "what": "disconnect" })).await;
        match original {
            Some(original) => assert_eq!(desk.read(CURSOR).as_deref(), Some(original)),
            None => std::fs::remove_file(desk.at(CURSOR)).expect("the file"),
        }
        assert!(desk.file("cursor").await.can_restore);
        desk.connect("cursor").await;
        let plan = desk.plan("cursor", restore.clone()).await;
        assert_eq!(plan.removes.iter().map(|id| id.as_str()).collect::<Vec<_>>(), ["precious"]);
        desk.apply(&plan).await;
        let servers = &desk.json(CURSOR)["mcpServers"];
        assert_eq!(servers["precious"]["command"], json!(programs::fixture()), "{servers}");
        assert_eq!(servers.as_object().map(|servers| servers.len()), Some(1), "{servers}");
        assert!(desk.integrations().await.is_empty());
        desk.stop().await;
    }
}

#[tokio::test]
async fn an_integration_stays_whose_server_does_not_come_back() {
    let desk = Desk::new().await;
    desk.put(CURSOR, &servers(&["own", "other"]));
    desk.consolidate("cursor").await;
    let mut file = desk.json(CURSOR);
    file["mcpServers"]["own"] = json!({ "command": "something-else" });
    let file = format!("{file:#}");
    desk.put(CURSOR, &file);
    let restore = |on_conflict: &str| json!({ "what": "restore", "remove_integrations": true, "on_conflict": on_conflict });
    let removes =
        |plan: &PlanView| plan.removes.iter().map(ToString::to_string).collect::<Vec<_>>();
    let taken = desk.plan("cursor", restore("take_original")).await;
    assert_eq!(removes(&taken), ["other", "own"]);
    let kept = desk.plan("cursor", restore("keep_current")).await;
    assert!(!removes(&kept).contains(&"own".to_owned()), "{kept:?}");
    assert!(kept.notes.iter().any(|note| note.contains("stay: ") && note.contains("own")));
    desk.apply(&kept).await;
    let file = desk.json(CURSOR);
    assert_eq!(file["mcpServers"]["own"]["command"], "something-else");
    for name in ["own", "other"] {
        let is_there = desk.integrations().await.iter().any(|id| id == name);
        assert!(is_there || name == "other" && file["mcpServers"].get(name).is_some());
    }
    desk.stop().await;
}

#[tokio::test]
async fn integrations_added_before_a_kill_are_removed_too() {
    let desk = Desk::new().await;
    let names: Vec<String> = (0..40).map(|number| format!("s{number}")).collect();
    let before = servers(&names.iter().map(String::as_str).collect::<Vec<_>>());
    desk.put(CURSOR, &before);
    let plan = desk.plan("cursor", json!({ "what": "consolidate" })).await;
    let some_are_added = async {
        while desk.integrations().await.is_empty() {
            tokio::task::yield_now().await;
        }
    };
    tokio::select! {
        reply = desk.try_apply(&plan) => panic!("was not killed in time: {}", reply.text),
        () = agentport_tests::soon("an integration", some_are_added) => {}
    }
    let Scene { gateway, key, .. } = desk.scene;
    let gateway = Setup { port: 0, ..gateway.kill().await }.start().await;
    let (owner, wire) = (gateway.owner().await, gateway.wire(&key));
    let desk = Desk { scene: Scene { gateway, owner, key, wire } };
    let added = desk.integrations().await.len();
    assert!(added > 0 && added < names.len(), "{added}");
    assert_eq!(desk.read(CURSOR).as_ref(), Some(&before));

    let plan = desk.plan("cursor", json!({ "what": "consolidate" })).await;
    assert_eq!(plan.imports.iter().filter(|import| import.merged).count(), added);
    desk.apply(&plan).await;
    desk.does("cursor", json!({ "what": "restore", "remove_integrations": true })).await;
    assert_eq!(desk.read(CURSOR), Some(before));
    assert_eq!(desk.integrations().await, [""; 0]);
    desk.stop().await;
}

#[tokio::test]
async fn originals_are_listed_checked_and_dropped() {
    let desk = Desk::new().await;
    let list = async |path: &str, method: Method| {
        desk.scene.owner.ask::<Items<BackupView>>(method, path, None).await.items
    };
    assert!(list("/control/clients/backups", Method::GET).await.is_empty());
    assert!(!desk.kept("journal.sqlite").exists(), "looking makes nothing");
    desk.put(CURSOR, &servers(&["own"]));
    desk.connect("cursor").await;
    desk.connect("claude-desktop").await;
    assert_eq!(list("/control/clients/backups", Method::GET).await.len(), 2);
    let of_cursor = list("/control/clients/backups?client=cursor", Method::GET).await;
    let [one] = of_cursor.as_slice() else { panic!("{of_cursor:?}") };
    assert!(one.pinned && one.intact.is_none());
    let verify = "/control/clients/backups/verify";
    assert!(list(verify, Method::POST).await.iter().all(|one| one.intact == Some(true)));
    let original = desk.kept("originals").join(one.digest.as_ref().expect("a digest"));
    std::fs::write(original, "something else").expect("the original");
    let damaged = list(verify, Method::POST).await;
    let damaged: Vec<_> = damaged.iter().filter(|one| one.intact == Some(false)).collect();
    assert!(damaged.len() == 1 && damaged[0].client == "cursor", "{damaged:?}");
    let refused = desk.try_plan("cursor", json!({ "what": "restore" })).await;
    assert!(
        refused.status.is_server_error() && refused.text.contains("damaged"),
        "{}",
        refused.text
    );
    let pruned = desk
        .scene
        .owner
        .send(Method::DELETE, "/control/clients/backups?older_than_days=0", None)
        .await;
    assert_eq!(pruned.json()["dropped"], 0, "what can be restored stays: {}", pruned.text);
    desk.stop().await;
}

#[tokio::test]
async fn a_damaged_journal_hides_no_client() {
    let desk = Desk::new().await;
    desk.put(CURSOR, &servers(&["own"]));
    std::fs::create_dir_all(desk.kept("")).expect("a directory");
    std::fs::write(desk.kept("journal.sqlite"), "this is no database, and long enough to tell")
        .expect("a journal");
    let file = desk.file("cursor").await;
    assert!(!file.can_restore && format!("{:?}", file.state).contains("own"), "{file:?}");
    let plan = desk.plan("cursor", json!({ "what": "connect" })).await;
    let refused = desk.try_apply(&plan).await;
    assert!(
        refused.status.is_server_error() && refused.text.contains("journal"),
        "{}",
        refused.text
    );
    assert_eq!(desk.read(CURSOR), Some(servers(&["own"])), "what cannot be kept is not touched");
    assert!(desk.agents().await.is_empty());
    desk.stop().await;
}
