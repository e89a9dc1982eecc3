//! The file changed between making the plan and applying it.

use std::fs;

use agentport_tests::soon;

use crate::client_file_crash::scene::Scene;

/// Replaced, taken away, or made where there was none: refused, and left as it is.
#[tokio::test]
async fn replaced_between_plan_and_apply() {
    let theirs: &[u8] = b"{ \"mcpServers\": {} }";
    for (there, later) in [(true, Some(theirs)), (true, None), (false, Some(theirs))] {
        let scene = Scene::new();
        if !there {
            fs::remove_file(&scene.file).unwrap();
        }
        let mut process = scene.connecting(&["--ready"]);
        assert_eq!(process.line().await.as_deref(), Some("ready"));
        match later {
            // As editors do it: another file in its place.
            Some(content) => {
                let beside = scene.dir().join("beside");
                fs::write(&beside, content).unwrap();
                fs::rename(&beside, &scene.file).unwrap();
            }
            None => fs::remove_file(&scene.file).unwrap(),
        }
        process.close_stdin();
        let said = soon("the end", process.rest()).await;
        assert!(said.contains("has changed since the plan was made; make a new one"), "{said}");
        assert_eq!(scene.content().as_deref(), later);
        scene.nothing_left();
        assert!(scene.backups().await.list(None).await.unwrap().is_empty());
    }
}

/// The folder is another one by now.
#[tokio::test]
async fn the_folder_was_moved_away() {
    let scene = Scene::new();
    let mut process = scene.connecting(&["--ready"]);
    assert_eq!(process.line().await.as_deref(), Some("ready"));
    fs::rename(scene.folder(), scene.dir().join("moved")).unwrap();
    process.close_stdin();
    let said = soon("the end", process.rest()).await;
    assert!(said.contains("has changed since the plan was made"), "{said}");
    assert!(!scene.folder().exists());
}
