//! What a file becomes when our changes are taken back.

use super::*;

#[tokio::test]
async fn brings_back_the_very_bytes() {
    let scene = Scene::new().await;
    // Not text, no line end, a byte order mark: whatever it was.
    for original in [&b"\xEF\xBB\xBF{}\r\n"[..], b"\xFF\x00", b""] {
        std::fs::write(scene.file(), original).unwrap();
        scene.carry_out(&scene.plan(PlanAction::Connect, CONNECTED)).await;
        assert!(can_restore(&scene).await);
        let plan = scene.restoring().await;
        scene.carry_out(&plan).await;
        assert_eq!(scene.bytes().as_deref(), Some(original));
        assert!(!can_restore(&scene).await);
    }
}

#[tokio::test]
async fn takes_a_file_away_where_there_was_none() {
    let scene = Scene::new().await;
    scene.touch(PlanAction::Connect, CONNECTED).await;
    assert_eq!(restored(&scene).await, None);
    assert!(!scene.file().exists());
}

#[tokio::test]
async fn later_runs_do_not_shadow_the_pinned_original() {
    let scene = Scene::new().await;
    scene.put(Some(ORIGINAL));
    scene.touch(PlanAction::Connect, CONNECTED).await;
    scene.touch(PlanAction::Consolidate, CONSOLIDATED).await;
    scene.touch(PlanAction::Connect, &CONSOLIDATED.replace("4747", "4748")).await;
    let pinned: Vec<bool> =
        scene.backups.list(None).await.unwrap().iter().map(|kept| kept.pinned).collect();
    assert_eq!(pinned, [false, false, true]);
    assert_eq!(restored(&scene).await.as_deref(), Some(ORIGINAL));
}

#[tokio::test]
async fn edits_in_between_and_after_stay() {
    let scene = Scene::new().await;
    scene.put(Some(ORIGINAL));
    scene.touch(PlanAction::Connect, CONNECTED).await;
    scene.put(Some(&CONNECTED.replace("// mine", "// ours")));
    scene.touch(PlanAction::Consolidate, &CONSOLIDATED.replace("// mine", "// ours")).await;
    let with_both =
        CONSOLIDATED.replace("// mine", "// ours").replacen('{', "{\n  \"font\": 12,", 1);
    scene.put(Some(&with_both));
    let plan = scene.restoring().await;
    assert!(plan.notes[0].contains("Those changes stay"), "{:?}", plan.notes);
    let wanted = ORIGINAL.replace("// mine", "// ours").replacen('{', "{\n  \"font\": 12,", 1);
    assert_eq!(restored(&scene).await, Some(wanted));
}

/// The lines overlap: a server was added right below ours.
#[tokio::test]
async fn a_server_added_below_ours_stays() {
    let scene = Scene::new().await;
    scene.put(Some(ORIGINAL));
    scene.touch(PlanAction::Consolidate, CONSOLIDATED).await;
    scene.put(Some(&CONSOLIDATED.replace(
        "\"http://127.0.0.1:4747/mcp\" }",
        "\"http://127.0.0.1:4747/mcp\" },\n    \"new\": { \"command\": \"new\" }",
    )));
    let text = restored(&scene).await.unwrap();
    assert!(text.contains("\"new\"") && text.contains("\"github\""), "{text}");
    assert!(!text.contains("agentport") && text.contains("// mine"), "{text}");
}

const THEIRS: &str = r#"{
  // mine
  "theme": "dark",
  "mcpServers": {
    "github": { "command": "docker", "env": { "GITHUB_TOKEN": "obviously-fake-0001" } }
  }
}
"#;

/// Both changed the same server.
#[tokio::test]
async fn conflicting_changes_are_for_the_person_to_choose() {
    let scene = Scene::new().await;
    scene.put(Some(ORIGINAL));
    scene.touch(PlanAction::Consolidate, CONSOLIDATED).await;
    scene.put(Some(THEIRS));
    let plan = scene.restoring().await;
    let shown = conflict(&plan);
    assert!(shown.contains("docker") && shown.contains("npx"), "{shown}");
    assert!(!shown.contains("obviously-fake") && !shown.contains("theme"), "{shown}");

    for (choice, wanted) in
        [(OnConflict::TakeOriginal, ORIGINAL), (OnConflict::KeepCurrent, THEIRS)]
    {
        let now = scene.bytes();
        let plan = scene.backups.restore(&scene.place, now.as_deref(), Some(choice)).await.unwrap();
        assert!(plan.conflicts.is_empty());
        assert_eq!(plan.files[0].after.as_deref(), Some(wanted.as_bytes()), "{choice:?}");
    }
}

#[tokio::test]
async fn binary_content_is_restored_exactly_or_not_at_all() {
    let scene = Scene::new().await;
    scene.put(Some(ORIGINAL));
    scene.touch(PlanAction::Connect, CONNECTED).await;
    std::fs::write(scene.file(), b"\xFF\xFE").unwrap();
    let plan = scene.restoring().await;
    assert_eq!(plan.conflicts.len(), 1);
    let now = scene.bytes();
    let taken = scene
        .backups
        .restore(&scene.place, now.as_deref(), Some(OnConflict::TakeOriginal))
        .await
        .unwrap();
    assert_eq!(taken.files[0].after.as_deref(), Some(ORIGINAL.as_bytes()));
}

#[tokio::test]
async fn a_file_that_no_longer_parses_is_for_the_person_to_choose() {
    let scene = Scene::new().await;
    scene.put(Some(ORIGINAL));
    scene.touch(PlanAction::Connect, CONNECTED).await;
    scene.put(Some(&CONNECTED.replace("\"theme\"", "theme\"")));
    assert_eq!(scene.restoring().await.conflicts.len(), 1);
}

#[tokio::test]
async fn a_file_that_was_deleted_comes_back_whole() {
    let scene = Scene::new().await;
    scene.put(Some(ORIGINAL));
    scene.touch(PlanAction::Connect, CONNECTED).await;
    scene.put(None);
    assert_eq!(restored(&scene).await.as_deref(), Some(ORIGINAL));
}

#[tokio::test]
async fn after_a_restore_or_a_disconnect_a_new_cycle_pins_anew() {
    for ending in [PlanAction::Restore, PlanAction::Disconnect] {
        let scene = Scene::new().await;
        scene.put(Some(ORIGINAL));
        scene.touch(PlanAction::Connect, CONNECTED).await;
        scene.touch(ending, ORIGINAL).await;
        assert!(scene.backups.list(None).await.unwrap().iter().all(|kept| !kept.pinned));
        let nothing = scene.backups.restore(&scene.place, Some(b"x"), None).await;
        assert!(matches!(nothing, Err(BackupsError::Nothing { .. })));

        let later = ORIGINAL.replace("dark", "light");
        scene.put(Some(&later));
        scene.touch(PlanAction::Connect, &CONNECTED.replace("dark", "light")).await;
        assert_eq!(restored(&scene).await, Some(later));
    }
}

/// The servers that were taken over stand nowhere else.
#[tokio::test]
async fn a_disconnect_after_a_consolidation_keeps_the_pin() {
    let scene = Scene::new().await;
    scene.put(Some(ORIGINAL));
    scene.touch(PlanAction::Consolidate, CONSOLIDATED).await;
    let without = r#"{ "theme": "dark", "mcpServers": {} }"#;
    scene.touch(PlanAction::Disconnect, without).await;
    scene.touch(PlanAction::Connect, CONSOLIDATED).await;
    assert_eq!(restored(&scene).await.as_deref(), Some(ORIGINAL));
}

#[tokio::test]
async fn a_file_restored_by_hand_starts_over() {
    let scene = Scene::new().await;
    scene.put(Some(ORIGINAL));
    scene.touch(PlanAction::Consolidate, CONSOLIDATED).await;
    scene.put(Some(ORIGINAL));
    assert!(!can_restore(&scene).await);
    assert!(scene.restoring().await.is_empty());
    scene.touch(PlanAction::Connect, CONNECTED).await;
    let pinned: Vec<bool> =
        scene.backups.list(None).await.unwrap().iter().map(|kept| kept.pinned).collect();
    assert_eq!(pinned, [true, false]);
}

#[tokio::test]
async fn disconnecting_gives_the_very_bytes_if_only_connecting_went_before() {
    let scene = Scene::new().await;
    let before = async || {
        scene.backups.before_connect(&scene.place, scene.bytes().as_deref()).await.unwrap()
    };
    assert_eq!(before().await, None);
    // There was no file.
    scene.touch(PlanAction::Connect, CONSOLIDATED).await;
    assert_eq!(before().await, Some(None));
    // Connected anew, over another port.
    scene.touch(PlanAction::Connect, &CONSOLIDATED.replace("4747", "4748")).await;
    assert_eq!(before().await, Some(None));
    // Edited since.
    scene.put(Some(CONSOLIDATED));
    assert_eq!(before().await, None);
    // Connected once more: our entry is in what was there before.
    scene.touch(PlanAction::Connect, CONNECTED).await;
    assert_eq!(before().await, None);
}
