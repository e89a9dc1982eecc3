//! Approvals and decisions.

use std::{
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use agentport_api::GrantChoice;
use agentport_core::{
    approval::{State, StateName},
    policy::Mode,
};
use agentport_tests::{external_program::ExternalProgram, programs, within};
use http::StatusCode;
use serde_json::json;

use crate::scene::Scene;

/// Much more than any of this takes, and much less than an await sits out.
const LIMIT: Duration = Duration::from_secs(20);

/// The owner's approval makes a rule, which takes longer the more rules there are. Meanwhile the agent comes for its
/// call; when all is done, the call is an allowed one like others.
#[tokio::test]
async fn a_call_taken_up_while_the_owner_approves_is_not_kept_for_ever() {
    let scene = Scene::new().await;
    let tools = scene.owner.tools("fx").await;
    let others = tools.iter().filter(|tool| tool.name != "slow").take(30);
    let mut set = 0;
    for tool in others {
        scene.owner.set_policy("fx", &tool.name, Mode::RequireApproval).await;
        set += 1;
    }
    assert_eq!(set, 30);
    for ms in 0..8 {
        let before = scene.runs("slow");
        let arguments = json!({"ms": ms});
        let id = scene.call("slow", arguments.clone()).await.request();
        let text = id.to_string();
        let exact = json!({"grant": {"kind": "exact"}});
        let decided = AtomicBool::new(false);
        let polls = (0..4).map(|_| async {
            while !decided.load(Ordering::Relaxed) {
                // Comes, does not wait long, comes again.
                let await_it = scene.wire.await_approval(&text);
                let _ = tokio::time::timeout(Duration::from_millis(5), await_it).await;
            }
        });
        let approve = async {
            let reply = scene.owner.try_approve(id, exact).await;
            decided.store(true, Ordering::Relaxed);
            reply
        };
        let (_, reply) = tokio::join!(futures::future::join_all(polls), approve);
        assert_eq!(reply.status, StatusCode::OK, "{}", reply.text);
        let result = within(LIMIT, "the call's result", scene.wire.await_approval(&text)).await;
        assert_eq!(result.ran().text, "finished");
        // Each run writes that it has started and that it has finished.
        assert_eq!(scene.runs("slow") - before, 2, "it runs once");
        scene.call("slow", arguments).await.ran();
        assert_eq!(scene.runs("slow") - before, 4, "a repeat under the grant runs again");
    }
    scene.stop().await;
}

/// Whenever an agent drops its await, an approved call has either not begun or goes on.
#[tokio::test]
async fn an_agent_that_leaves_as_its_call_begins_finds_the_result_later() {
    let scene = Scene::new().await;
    for round in 0..60_u64 {
        let number = json!({"text": round.to_string()});
        let id = scene.call("echo", number).await.request();
        scene.owner.approve(id, GrantChoice::Once).await;
        let text = id.to_string();
        let moment = Duration::from_micros(500 + 100 * round);
        let _ = tokio::time::timeout(moment, scene.wire.await_approval(&text)).await;
        let again = tokio::time::timeout(LIMIT, scene.wire.await_approval(&text)).await;
        let Ok(result) = again else {
            let state = scene.owner.approval(id).await.state;
            panic!("round {round}: no result, and the request is {state:?}");
        };
        assert_eq!(result.ran().text, round.to_string());
    }
    scene.stop().await;
}

#[tokio::test]
async fn uninstalling_cannot_be_granted_for_good() {
    let scene = Scene::open().await;
    let arguments = json!({"integration_id": "fx"});
    let asked = scene.wire.tool("agentport__uninstall_integration", arguments).await;
    let id = asked.request();
    for grant in ["always", "session", "exact"] {
        let reply = scene.owner.try_approve(id, json!({"grant": {"kind": grant}})).await;
        assert_eq!(reply.status, StatusCode::UNPROCESSABLE_ENTITY, "{grant}: {}", reply.text);
    }
    assert_eq!(scene.owner.approval(id).await.state, State::Pending);
    assert_eq!(scene.owner.integration("fx").await.id.as_str(), "fx");
    scene.stop().await;
}

#[tokio::test]
async fn a_hostile_note_is_cleaned_on_a_repeat_too() {
    let scene = Scene::new().await;
    let ask = async |note: Option<String>| {
        let mut arguments =
            json!({"integration_id": "fx", "tool_name": "echo", "arguments": {"text": "x"}});
        if let Some(note) = note {
            arguments["additional_info"] = json!(note);
        }
        scene.wire.tool("agentport__call_tool", arguments).await.request()
    };
    let id = ask(None).await;
    let hostile = format!("please\u{202e}gnp.exe\u{1b}[2J {}", "y".repeat(200_000));
    assert_eq!(ask(Some(hostile)).await, id);
    let note = scene.owner.approval(id).await.additional_info.expect("the note");
    assert!(note.starts_with("please"), "{:?}", note.get(..80));
    assert!(!note.contains(['\u{202e}', '\u{1b}']), "{:?}", note.get(..80));
    assert!(note.chars().count() <= 2_001, "{} characters", note.chars().count());
    scene.stop().await;
}

#[tokio::test]
async fn a_session_is_one_agents() {
    let scene = Scene::new().await;
    let id = scene.call("counter", json!({})).await.request();
    let body = json!({"grant": {"kind": "session"}, "audience": "every_agent"});
    let reply = scene.owner.try_approve(id, body).await;
    assert_eq!(reply.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", reply.text);
    assert_eq!(scene.owner.approval(id).await.state, State::Pending);
    assert_eq!(scene.call("counter", json!({})).await.request(), id, "it still waits");
    scene.stop().await;
}

#[tokio::test]
async fn a_missed_request_and_its_twin_run_once() {
    let scene = Scene::new().await;
    let missed = scene.call("counter", json!({})).await.request();
    let Scene { gateway, owner: _, key, wire } = scene;
    let port = gateway.port();
    let setup = gateway.stop().await;
    let script = "import sqlite3, sys\n\
        db = sqlite3.connect(sys.argv[1])\n\
        assert db.execute('UPDATE approvals SET expires_at = created_at + 1').rowcount == 1\n\
        db.commit()";
    let database = setup.place.home().join("agentport.sqlite");
    ExternalProgram::new(&programs::python())
        .args(["-c", script])
        .args([&database])
        .run()
        .await
        .ok();
    let setup = agentport_tests::gateway::Setup { port, ..setup };
    let gateway = setup.start().await;
    let owner = gateway.owner().await;
    let scene = Scene { gateway, owner, key, wire };
    scene.owner.approval_until(missed, StateName::Expired).await;

    let twin = scene.call("counter", json!({})).await.request();
    assert_ne!(twin, missed);
    let reply = scene.owner.try_approve(missed, json!({"grant": {"kind": "once"}})).await;
    assert_eq!(reply.status, StatusCode::OK, "{}", reply.text);
    assert!(scene.owner.approvals("pending").await.is_empty(), "none is left to decide");
    assert_eq!(scene.call("counter", json!({})).await.ran().text, "counted");
    for id in [missed, twin] {
        scene.wire.await_approval(&id.to_string()).await;
    }
    assert_eq!(scene.runs("counter"), 1, "one yes, one run");
    let next = scene.call("counter", json!({})).await.request();
    assert!(next != twin && next != missed);
    scene.stop().await;
}

#[tokio::test]
async fn a_new_rule_decides_pending_requests() {
    let scene = Scene::new().await;
    let id = scene.call("counter", json!({})).await.request().to_string();
    let waiting = within(LIMIT, "the rule's yes", scene.wire.await_approval(&id));
    let (answer, _) = tokio::join!(waiting, scene.owner.set_policy("fx", "counter", Mode::Allow));
    assert_eq!(answer.ran().text, "counted");
    assert_eq!(scene.runs("counter"), 1);

    let id = scene.call("destroy", json!({"what": "it"})).await.request().to_string();
    let waiting = within(LIMIT, "the rule's no", scene.wire.await_approval(&id));
    let (answer, _) = tokio::join!(waiting, scene.owner.set_policy("fx", "destroy", Mode::Deny));
    assert!(answer.refused().contains("denied"), "{}", answer.text);
    scene.stop().await;
}

#[tokio::test]
async fn a_request_too_large_to_review_is_refused() {
    let scene = Scene::new().await;
    let large = json!({"text": "z".repeat(300 * 1024)});
    for _ in 0..5 {
        let answer = scene.call("echo", large.clone()).await;
        assert!(answer.refused().contains("256 KiB"), "{}", answer.text);
    }
    assert!(scene.owner.approvals("all").await.is_empty());
    let quick = Duration::from_secs(3);
    assert!(!within(quick, "the status", scene.owner.status()).await.paused);
    scene.owner.set_policy("fx", "echo", Mode::Allow).await;
    let answer = scene.call("echo", large).await.ran();
    assert_eq!(answer.text.len(), 300 * 1024, "what needs nobody may be larger");
    scene.stop().await;
}
