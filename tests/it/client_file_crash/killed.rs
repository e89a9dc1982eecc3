//! The process is killed at every step.

use agentport_tests::soon;

use crate::client_file_crash::scene::Scene;

const STEPS: [(&str, &str); 5] = [
    ("checked", "Checked"),
    ("kept", "Kept"),
    ("journalled", "Journalled"),
    ("written", "Written"),
    ("finished", "Finished"),
];

#[tokio::test]
async fn at_each_step() {
    for (number, (option, line)) in STEPS.into_iter().enumerate() {
        let scene = Scene::new();
        let mut process = scene.connecting(&["--stop-at", option]);
        while process.line().await.unwrap() != line {}
        process.kill().await;
        // The file is put in place between the third and the fourth.
        assert!(if number < 3 { scene.is_old() } else { scene.is_new() }, "{line}");
        scene.settles().await;
    }
}

#[tokio::test]
async fn at_each_step_of_a_restore() {
    for (number, (option, line)) in STEPS.into_iter().enumerate() {
        let scene = Scene::new();
        scene.connect().await;
        let mut process = scene.restoring(&["--stop-at", option]);
        while process.line().await.unwrap() != line {}
        process.kill().await;
        assert!(if number < 3 { scene.is_new() } else { scene.is_old() }, "{line}");
        scene.settles().await;
    }
}

/// Half of the new file lies beside the old one. The next run knows it for what it is.
#[tokio::test]
async fn in_the_middle_of_writing() {
    let scene = Scene::new();
    let said = scene.said(scene.connecting(&["--die-writing"])).await;
    assert!(said.ends_with("Journalled\n"), "{said}");
    assert!(scene.is_old());
    let left = agentport_clients::atomic_write::left_over(&scene.file).unwrap();
    assert_eq!(left.len(), 1);
    assert_eq!(std::fs::metadata(&left[0]).unwrap().len(), 1_000);
    scene.settles().await;

    // And where nobody opened the kept originals in between, the next to write clears it away.
    let scene = Scene::new();
    scene.said(scene.connecting(&["--die-writing"])).await;
    scene.connect().await;
    assert!(scene.is_new());
    scene.nothing_left();
    scene.restores().await;
}

/// Wherever it happens to be: connecting, restoring, in the middle of a system call.
#[tokio::test]
async fn at_any_moment() {
    let scene = Scene::new();
    let mut lines = 1;
    for round in 0..40 {
        let mut process = scene.connecting(&["--rounds"]);
        // From a moment in the first few rounds, that is another one each time.
        lines = (lines * 7 + round) % 23;
        for _ in 0..=lines {
            assert!(process.line().await.is_some());
        }
        process.kill().await;
        assert!(scene.is_old() || scene.is_new(), "neither old nor new, in round {round}");
        soon("settling", scene.settles()).await;
    }
}
