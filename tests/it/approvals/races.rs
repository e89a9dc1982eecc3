//! Concurrent decisions and repeated calls.

use agentport_api::GrantChoice;
use agentport_core::approval::StateName;
use agentport_tests::Latch;
use serde_json::json;

use crate::scene::Scene;

#[tokio::test]
async fn two_awaiters_and_a_repeat_at_once_run_once() {
    let scene = Scene::new().await;
    let latch = Latch::new().await;
    let id = scene.call("hold", latch.arguments()).await.request();
    scene.owner.approve(id, GrantChoice::Once).await;
    let text = id.to_string();
    let release = async {
        let held = latch.begun().await;
        scene.owner.approval_until(id, StateName::Running).await;
        held.let_go().await;
    };
    let (one, two, repeat, ()) = tokio::join!(
        scene.wire.await_approval(&text),
        scene.wire.await_approval(&text),
        scene.call("hold", latch.arguments()),
        release,
    );
    assert_eq!(one.ran().text, "let go");
    assert_eq!(two.ran().text, "let go");
    // The repeat was either taken for the approved request or, coming after it was used up, asks anew.
    assert!(repeat.needs_approval() || repeat.clone().ran().text == "let go", "{}", repeat.text);
    assert_eq!(scene.runs("hold"), 1);
    assert!(!latch.another_has_begun());
    scene.stop().await;
}

#[tokio::test]
async fn of_two_decisions_at_once_one_wins() {
    let scene = Scene::new().await;
    for number in 0..5 {
        let id = scene.call("echo", json!({"text": number.to_string()})).await.request();
        let once = json!({"grant": {"kind": "once"}});
        let (a, b, c, d) = tokio::join!(
            scene.owner.try_approve(id, once.clone()),
            scene.owner.try_deny(id, None),
            scene.owner.try_approve(id, once),
            scene.owner.try_deny(id, Some("no")),
        );
        let mut statuses = [a.status, b.status, c.status, d.status].map(|status| status.as_u16());
        statuses.sort_unstable();
        assert_eq!(statuses, [200, 409, 409, 409]);
        // Leaves nothing pending, and no three denials of one tool behind.
        let after = scene.owner.approval(id).await.state.name();
        assert!(matches!(after, StateName::Approved | StateName::Denied), "{after}");
        if after == StateName::Denied && number >= 1 {
            break;
        }
    }
    scene.stop().await;
}

#[tokio::test]
async fn sixteen_callers_of_one_call_make_one_request() {
    let scene = Scene::new().await;
    let calls = (0..16).map(|_| scene.call("counter", json!({})));
    let answers = futures::future::join_all(calls).await;
    let mut ids: Vec<_> = answers.iter().map(agentport_tests::Answer::request).collect();
    ids.dedup();
    assert_eq!(ids.len(), 1);
    assert_eq!(scene.owner.one_pending().await.id, ids[0]);
    scene.owner.approve(ids[0], GrantChoice::Once).await;
    let repeats =
        futures::future::join_all((0..16).map(|_| scene.call("counter", json!({})))).await;
    assert!(repeats.iter().any(|answer| answer.text == "counted"));
    assert_eq!(scene.runs("counter"), 1, "one approval, one run");
    scene.stop().await;
}
