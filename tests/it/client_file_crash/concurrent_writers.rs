//! Another process writes at the same time.

use std::fs;

use agentport_tests::soon;

use crate::client_file_crash::scene::Scene;

/// Two of ours, with plans made of the same file: one wins, the other changes nothing.
#[tokio::test]
async fn two_of_ours() {
    for _ in 0..10 {
        let scene = Scene::new();
        let other = String::from_utf8(scene.new.clone()).unwrap().replace("4747", "4848");
        let mut processes =
            [scene.connecting(&["--ready"]), scene.connecting_to(other.as_bytes(), &["--ready"])];
        for process in &mut processes {
            assert_eq!(process.line().await.as_deref(), Some("ready"));
        }
        for process in &mut processes {
            process.close_stdin();
        }
        let mut ends = Vec::new();
        for mut process in processes {
            ends.push(soon("an end", process.rest()).await);
        }
        let won: Vec<bool> = ends.iter().map(|end| end.ends_with("done\n")).collect();
        assert!(won == [true, false] || won == [false, true], "{ends:?}");
        let lost = &ends[usize::from(won[0])];
        assert!(lost.contains("has changed since the plan was made"), "{lost}");
        let expected = if won[0] { scene.new.as_slice() } else { other.as_bytes() };
        assert!(scene.content().as_deref() == Some(expected));
        assert_eq!(scene.backups().await.list(None).await.unwrap().len(), 1);
        scene.restores().await;
    }
}

/// A home that nobody has used yet, opened by several at once.
#[tokio::test]
async fn the_first_ones() {
    let scene = Scene::new();
    let mut processes: Vec<_> = (0..6).map(|_| scene.connecting(&["--ready"])).collect();
    for process in &mut processes {
        assert_eq!(process.line().await.as_deref(), Some("ready"));
    }
    let mut done = 0;
    for process in processes {
        done += usize::from(scene.said(process).await.ends_with("done\n"));
    }
    // The rest find the file as they wanted it, or changed; nobody breaks.
    assert!(done >= 1);
    assert!(scene.is_new());
    scene.restores().await;
}

/// The client writes its own file between our look and our rename.
#[tokio::test]
async fn the_client_itself() {
    let theirs = b"{ \"mcpServers\": { \"theirs\": {} } }";
    for moment in ["checked", "kept", "journalled"] {
        let scene = Scene::new();
        // Stopped for good, so the second run meets a file that changed and rows that were begun.
        let mut process = scene.connecting(&["--stop-at", moment]);
        while !process.line().await.unwrap().eq_ignore_ascii_case(moment) {}
        fs::write(&scene.file, theirs).unwrap();
        process.kill().await;
        assert_eq!(scene.content().as_deref(), Some(&theirs[..]));
        // Whether our file was ever in place is not to be known, once the row says that it was about to be. So a restore
        // merges: theirs stays, and nothing of ours is in it.
        let can_restore = {
            let backups = scene.backups().await;
            backups.can_restore(&scene.file, scene.content().as_deref()).await.unwrap()
        };
        assert_eq!(can_restore, moment == "journalled");
        if can_restore {
            let said = scene.said(scene.restoring(&[])).await;
            assert!(said.ends_with("done\n"), "{said}");
            let text = String::from_utf8(scene.content().unwrap()).unwrap();
            assert!(text.contains("theirs") && !text.contains("agentport"), "{text}");
        }
    }
}
