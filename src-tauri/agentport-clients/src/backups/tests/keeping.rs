//! The journal and the kept contents.

use super::*;
use crate::plan::{McpRemotePrograms, PlannedImport};

/// A server, as it would be added.
fn import(scene: &Scene, name: &str, command: &str) -> PlannedImport {
    let file = serde_json::json!({ "mcpServers": { name: { "command": command } } }).to_string();
    crate::plan::imports(&scene.place, Some(file.as_bytes()), McpRemotePrograms::None)
        .unwrap()
        .remove(0)
}

#[tokio::test]
async fn integrations_are_taken_away_by_the_last_file_that_uses_them() {
    let scene = Scene::new().await;
    let (one, two) = (scene.file(), scene.dir().join("other.json"));
    for name in ["github", "memory"] {
        assert!(scene.backups.note_added(&one, &import(&scene, name, "npx")).await.unwrap());
    }
    assert!(!scene.backups.note_used(&one, &id("memory")).await.unwrap());
    assert!(scene.backups.note_used(&one, &id("files")).await.unwrap());
    assert_eq!(scene.backups.added_by(&one).await.unwrap(), [id("github"), id("memory")]);
    scene.backups.note_used(&two, &id("github")).await.unwrap();
    assert_eq!(scene.backups.added_by(&one).await.unwrap(), [id("memory")]);
    assert!(scene.backups.added_by(&two).await.unwrap().is_empty());

    scene.touch(PlanAction::Consolidate, CONSOLIDATED).await;
    restored(&scene).await;
    assert!(scene.backups.added_by(&one).await.unwrap().is_empty());
    assert_eq!(scene.backups.added_by(&two).await.unwrap(), [id("github")]);
    scene.backups.unnote(&two, &[id("github")]).await.unwrap();
    assert!(scene.backups.added_by(&two).await.unwrap().is_empty());
}

/// What an integration was made from, not what it is called, says whether it can go.
#[tokio::test]
async fn an_integration_is_needed_until_its_server_is_in_the_file() {
    let scene = Scene::new().await;
    let file = scene.file();
    scene.backups.note_added(&file, &import(&scene, "files", "npx")).await.unwrap();
    let stands = async |content: Option<&str>| {
        let content = content.map(str::as_bytes);
        !scene.backups.stand_in(&scene.place, content).await.unwrap().is_empty()
    };
    for (content, wanted) in [
        (Some(r#"{"mcpServers": {"files": {"command": "npx"}}}"#), true),
        (Some(r#"{"mcpServers": {"mine": {"command": "npx"}}}"#), true),
        (Some(r#"{"mcpServers": {"files": {"command": "docker"}}}"#), false),
        (Some(r#"{"mcpServers": {"files": {"command": "npx", "env": {"A": "1"}}}}"#), false),
        (Some(r#"{"mcpServers": {}}"#), false),
        (Some(r#"{"mcpServers": {"files": "#), false),
        (None, false),
    ] {
        assert_eq!(stands(content).await, wanted, "{content:?}");
    }
}

#[tokio::test]
async fn verifying_finds_damaged_and_missing_originals() {
    let scene = Scene::new().await;
    scene.put(Some(ORIGINAL));
    scene.touch(PlanAction::Connect, CONNECTED).await;
    let intact = async || {
        let kept = scene.backups.verify(Some("cursor")).await.unwrap();
        assert_eq!(kept.len(), 1);
        kept[0].intact
    };
    assert_eq!(intact().await, Some(true));
    assert!(scene.backups.verify(Some("zed")).await.unwrap().is_empty());

    let file = scene.backups.root().join("originals").join(digest(ORIGINAL.as_bytes()));
    std::fs::write(&file, b"obviously-fake").unwrap();
    assert_eq!(intact().await, Some(false));
    let damaged = scene.backups.restore(&scene.place, Some(CONNECTED.as_bytes()), None).await;
    let Err(BackupsError::Damaged { digest, .. }) = damaged else { panic!("was not seen") };
    assert_eq!(digest, super::digest(ORIGINAL.as_bytes()));
    std::fs::remove_file(&file).unwrap();
    assert_eq!(intact().await, Some(false));

    // Kept again, it is put right.
    scene.backups.keep(Some(ORIGINAL.as_bytes())).unwrap();
    assert_eq!(intact().await, Some(true));
}

#[tokio::test]
async fn pruning_drops_only_unneeded_originals() {
    let scene = Scene::new().await;
    scene.put(Some(ORIGINAL));
    for _ in 0..3 {
        scene.touch(PlanAction::Connect, CONNECTED).await;
        scene.touch(PlanAction::Disconnect, ORIGINAL).await;
    }
    scene.touch(PlanAction::Consolidate, CONSOLIDATED).await;
    scene.backups.keep(Some(b"of a process that was killed")).unwrap();

    // What was kept at that moment is not older.
    let pruned = scene.backups.prune(Timestamp(1)).await.unwrap();
    assert_eq!((pruned.dropped, pruned.bytes), (0, 28));
    let pruned = scene.backups.prune(Timestamp(2)).await.unwrap();
    assert_eq!((pruned.dropped, pruned.bytes), (6, CONNECTED.len() as u64));
    assert_eq!(restored(&scene).await.as_deref(), Some(ORIGINAL));
    // Closed now, but the newest stays.
    assert_eq!(scene.backups.prune(Timestamp(2)).await.unwrap().dropped, 1);
    assert_eq!(scene.backups.list(None).await.unwrap().len(), 1);
}

/// As a process leaves it that ends before it writes the file.
async fn begin(scene: &Scene, what: PlanAction, after: &str) {
    let file = scene.file();
    let held = scene.backups.hold().await.unwrap();
    let touch = NewFileEdit {
        client: "cursor",
        path: &file,
        what,
        before: scene.backups.keep(Some(ORIGINAL.as_bytes())).unwrap(),
        after: scene.backups.keep(Some(after.as_bytes())).unwrap(),
        bytes: ORIGINAL.len(),
        taken_at: Timestamp(1),
        mode_before: None,
    };
    scene.backups.begin(&held, &[touch]).await.unwrap();
}

#[tokio::test]
async fn begun_changes_are_settled_by_the_files_content() {
    for (there, rows) in [(ORIGINAL, 0), (CONNECTED, 1), ("{\"theirs\": 1}", 1)] {
        let scene = Scene::new().await;
        scene.put(Some(ORIGINAL));
        begin(&scene, PlanAction::Connect, CONNECTED).await;
        scene.put(Some(there));
        let looked = Backups::look(scene.backups.root()).await.unwrap().unwrap();
        assert_eq!(looked.undecided().await.unwrap(), [scene.file()]);
        let again = Backups::open(scene.backups.root()).await.unwrap();
        assert_eq!(again.list(None).await.unwrap().len(), rows);
        assert!(looked.undecided().await.unwrap().is_empty());
    }
}

/// What never happened is not taken back a second time.
#[tokio::test]
async fn a_begun_row_of_a_file_that_was_edited_does_no_harm() {
    let scene = Scene::new().await;
    scene.put(Some(ORIGINAL));
    begin(&scene, PlanAction::Consolidate, CONSOLIDATED).await;
    let edited = ORIGINAL.replace("dark", "light");
    scene.put(Some(&edited));
    assert_eq!(restored(&scene).await, Some(edited));
}

#[tokio::test]
async fn one_at_a_time() {
    let scene = Scene::new().await;
    scene.put(Some(ORIGINAL));
    let other = Backups::open(scene.backups.root()).await.unwrap();
    let held = other.hold().await.unwrap();
    // Looking needs no lock.
    Backups::open(scene.backups.root()).await.unwrap().list(None).await.unwrap();
    tokio::time::pause();
    let plan = scene.plan(PlanAction::Connect, CONNECTED);
    let busy = crate::apply::apply(&plan, None, &scene.backups, Timestamp(1), &mut |_| {}).await;
    assert!(matches!(busy, Err(crate::apply::ApplyError::Busy)));
    assert_eq!(scene.text().as_deref(), Some(ORIGINAL));
    drop(held);
}

#[tokio::test]
async fn half_written_originals_do_not_stay() {
    let scene = Scene::new().await;
    let left =
        scene.backups.root().join(format!("originals/.{}.agentport-4194305", "0".repeat(64)));
    std::fs::write(&left, "obviously-fake").unwrap();
    Backups::open(scene.backups.root()).await.unwrap();
    assert!(!left.exists());
}

#[tokio::test]
async fn looking_makes_nothing() {
    let dir = tempfile::tempdir().unwrap();
    assert!(Backups::look(dir.path()).await.unwrap().is_none());
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
}

#[tokio::test]
async fn a_journal_from_the_future_is_refused_and_stays() {
    let scene = Scene::new().await;
    let future = "INSERT INTO _sqlx_migrations VALUES (9999, 'x', 0, TRUE, x'00', 0)";
    sqlx::query(future).execute(&scene.backups.pool).await.unwrap();
    let refused = Backups::open(scene.backups.root()).await;
    assert!(matches!(refused, Err(BackupsError::Newer { .. })));
}

#[cfg(unix)]
#[tokio::test]
async fn everything_is_for_this_account_alone() {
    use std::os::unix::fs::PermissionsExt as _;

    let scene = Scene::new().await;
    scene.put(Some(ORIGINAL));
    scene.touch(PlanAction::Connect, CONNECTED).await;
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    let root = scene.backups.root();
    let mut looked_at = 0;
    for dir in [root.to_owned(), root.join("originals")] {
        assert_eq!(mode(&dir), 0o700, "{}", dir.display());
        for entry in std::fs::read_dir(&dir).unwrap() {
            let path = entry.unwrap().path();
            if path.is_file() {
                assert_eq!(mode(&path), 0o600, "{}", path.display());
                looked_at += 1;
            }
        }
    }
    // The lock, the journal with its two companions, two contents.
    assert_eq!(looked_at, 6);
}
