use std::{fs, path::Path};

use super::*;
use crate::KEY_PLACEHOLDER;
use crate::backups::testing::{Scene, change};
use crate::types::PlanAction;

fn quiet(_: ApplyStep) {}

#[tokio::test]
async fn tells_each_step_and_gives_the_files() {
    let scene = Scene::new().await;
    scene.put(Some("{}"));
    let plan = scene.plan(PlanAction::Connect, r#"{"mcpServers": {}}"#);
    let mut steps = Vec::new();
    let written = apply(&plan, None, &scene.backups, Timestamp(1), &mut |step| steps.push(step))
        .await
        .unwrap();
    assert_eq!(written, [scene.file()]);
    assert_eq!(
        steps,
        [
            ApplyStep::Checked,
            ApplyStep::Kept,
            ApplyStep::Journalled,
            ApplyStep::Written,
            ApplyStep::Finished
        ]
    );
    assert_eq!(scene.text().as_deref(), Some(r#"{"mcpServers": {}}"#));
}

#[tokio::test]
async fn a_plan_that_changes_nothing_leaves_no_trace() {
    let scene = Scene::new().await;
    scene.put(Some("{}"));
    let plan = scene.plan(PlanAction::Connect, "{}");
    let written =
        apply(&plan, None, &scene.backups, Timestamp(1), &mut |_| panic!("no step")).await.unwrap();
    assert!(written.is_empty());
    assert!(scene.backups.list(None).await.unwrap().is_empty());
}

#[tokio::test]
async fn puts_the_key_in_and_keeps_it_out_of_errors() {
    let scene = Scene::new().await;
    let after = format!(r#"{{"a": "{KEY_PLACEHOLDER}"}}"#);
    let plan = Plan { takes_key: true, ..scene.plan(PlanAction::Connect, &after) };
    let refused = apply(&plan, None, &scene.backups, Timestamp(1), &mut quiet).await.unwrap_err();
    assert!(matches!(refused, ApplyError::NoKey));
    assert!(scene.text().is_none());

    let key = Secret::new("ap_fake");
    apply(&plan, Some(&key), &scene.backups, Timestamp(1), &mut quiet).await.unwrap();
    assert_eq!(scene.text().as_deref(), Some(r#"{"a": "ap_fake"}"#));
}

#[tokio::test]
async fn the_key_placeholder_elsewhere_is_the_owners_text() {
    let scene = Scene::new().await;
    let key = Secret::new("ap_fake");
    let after = format!(r#"{{"a": "{KEY_PLACEHOLDER}", "b": "{KEY_PLACEHOLDER}"}}"#);
    let plan = Plan { takes_key: true, ..scene.plan(PlanAction::Connect, &after) };
    let refused = apply(&plan, Some(&key), &scene.backups, Timestamp(1), &mut quiet).await;
    assert!(matches!(refused, Err(ApplyError::NoPlace { .. })), "which of them?");
    assert!(scene.text().is_none());

    for key in [None, Some(&key)] {
        for what in [PlanAction::Connect, PlanAction::Disconnect, PlanAction::Restore] {
            scene.put(Some("{}"));
            let plan = scene.plan(what, &after);
            apply(&plan, key, &scene.backups, Timestamp(1), &mut quiet).await.unwrap();
            assert_eq!(scene.text().as_deref(), Some(&*after), "{what:?}");
        }
    }
}

#[tokio::test]
async fn a_file_that_changed_is_left_alone() {
    let scene = Scene::new().await;
    scene.put(Some("{}"));
    let plan = scene.plan(PlanAction::Connect, r#"{"mcpServers": {}}"#);
    for theirs in [Some("{\"theirs\": 1}"), None] {
        scene.put(theirs);
        let refused =
            apply(&plan, None, &scene.backups, Timestamp(1), &mut quiet).await.unwrap_err();
        assert!(matches!(refused, ApplyError::Changed { .. }), "{refused}");
        assert_eq!(scene.text().as_deref(), theirs);
        assert!(scene.backups.list(None).await.unwrap().is_empty());
    }
}

/// What was shown is one file, what would be written another.
#[cfg(unix)]
#[tokio::test]
async fn a_link_that_leads_elsewhere_by_now_is_left_alone() {
    for moment in [None, Some(ApplyStep::Checked), Some(ApplyStep::Journalled)] {
        let mut scene = Scene::new().await;
        let root = fs::canonicalize(scene.dir()).unwrap();
        for real in ["one.json", "other.json"] {
            fs::write(root.join(real), "{}").unwrap();
        }
        let lead = |to: &str| {
            let _ = fs::remove_file(root.join("mcp.json"));
            std::os::unix::fs::symlink(to, root.join("mcp.json")).unwrap();
        };
        lead("one.json");
        scene.place.target = root.join("one.json");
        let plan = scene.plan(PlanAction::Connect, r#"{"mcpServers": {}}"#);
        let mut turn = |step| {
            if moment == Some(step) {
                lead("other.json");
            }
        };
        if moment.is_none() {
            lead("other.json");
        }
        let refused =
            apply(&plan, None, &scene.backups, Timestamp(1), &mut turn).await.unwrap_err();
        assert!(matches!(refused, ApplyError::Changed { .. }), "{refused}");
        for real in ["one.json", "other.json"] {
            assert_eq!(fs::read(root.join(real)).unwrap(), b"{}", "{moment:?}");
        }
        lead("one.json");
        apply(&plan, None, &scene.backups, Timestamp(1), &mut quiet).await.unwrap();
        assert_eq!(fs::read(root.join("one.json")).unwrap(), br#"{"mcpServers": {}}"#);
    }
}

/// The client writes between our look and our rename.
#[tokio::test]
async fn a_file_that_changes_at_the_last_moment_is_left_alone() {
    for moment in [ApplyStep::Checked, ApplyStep::Kept, ApplyStep::Journalled] {
        let scene = Scene::new().await;
        scene.put(Some("{}"));
        let plan = scene.plan(PlanAction::Connect, r#"{"mcpServers": {}}"#);
        let file = scene.file();
        let mut client = |step| {
            if step == moment {
                fs::write(&file, "{\"theirs\": 1}").unwrap();
            }
        };
        let refused =
            apply(&plan, None, &scene.backups, Timestamp(1), &mut client).await.unwrap_err();
        assert!(matches!(refused, ApplyError::Changed { .. }), "{refused}");
        assert_eq!(scene.text().as_deref(), Some("{\"theirs\": 1}"));
        assert!(scene.backups.list(None).await.unwrap().is_empty());
    }
}

#[tokio::test]
async fn conflicts_have_to_be_settled_first() {
    let scene = Scene::new().await;
    scene.put(Some("{}"));
    let mut plan = scene.plan(PlanAction::Restore, "{ }");
    plan.conflicts
        .push(crate::types::ConflictView::Lines { path: String::new(), text: String::new() });
    let refused = apply(&plan, None, &scene.backups, Timestamp(1), &mut quiet).await.unwrap_err();
    assert!(matches!(refused, ApplyError::Undecided));
    assert_eq!(scene.text().as_deref(), Some("{}"));
}

#[tokio::test]
async fn all_files_or_none() {
    let scene = Scene::new().await;
    scene.put(Some("{}"));
    let second = scene.dir().join("second.json");
    fs::create_dir(&second).unwrap();
    let mut plan = scene.plan(PlanAction::Connect, r#"{"mcpServers": {}}"#);
    plan.files.push(change(&second, None, Some("{}")));
    fs::remove_dir(&second).unwrap();
    // Becomes a directory after it was looked at.
    let block = |path: &Path| fs::create_dir(path).unwrap();
    let mut at = |step| {
        if step == ApplyStep::Journalled {
            block(&second);
        }
    };
    let refused = apply(&plan, None, &scene.backups, Timestamp(1), &mut at).await.unwrap_err();
    assert!(matches!(refused, ApplyError::Write { .. }), "{refused}");
    assert_eq!(scene.text().as_deref(), Some("{}"));
    assert!(scene.backups.list(None).await.unwrap().is_empty());
    assert!(!scene.backups.can_restore(&scene.file(), Some(b"{}")).await.unwrap());
}

#[tokio::test]
async fn a_read_only_file_says_what_to_do() {
    let scene = Scene::new().await;
    scene.put(Some("{}"));
    let mut permissions = fs::metadata(scene.file()).unwrap().permissions();
    permissions.set_readonly(true);
    fs::set_permissions(scene.file(), permissions).unwrap();
    let plan = scene.plan(PlanAction::Connect, r#"{"mcpServers": {}}"#);
    let refused = apply(&plan, None, &scene.backups, Timestamp(1), &mut quiet).await.unwrap_err();
    let ApplyError::Write { source, .. } = refused else { panic!("{refused}") };
    assert!(source.to_string().contains("make it writable"), "{source}");
    assert_eq!(scene.text().as_deref(), Some("{}"));
    assert!(scene.backups.list(None).await.unwrap().is_empty());
}
