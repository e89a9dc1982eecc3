//! Single decisions: approve, deny, edit, expire.

use std::time::{Duration, Instant};

use agentport_api::GrantChoice;
use agentport_core::approval::{State, StateName};
use agentport_tests::{Era, soon};
use serde_json::json;

use crate::scene::Scene;

#[tokio::test]
async fn a_call_waits_for_the_owner_and_runs_once() {
    let scene = Scene::new().await;
    let asked = scene.call("counter", json!({})).await;
    let id = asked.request();
    let url = format!("{}/approve/{id}", scene.gateway.base());
    assert!(asked.text.contains(&url), "the full URL: {}", asked.text);
    assert!(asked.text.contains(&format!("agentport__await_approval(request_id=\"{id}\")")));
    assert!(asked.text.contains("without waiting"), "{}", asked.text);

    let seen = scene.owner.one_pending().await;
    assert_eq!((seen.id, seen.tool.as_str(), seen.agent_name.as_str()), (id, "counter", "tester"));
    assert_eq!(seen.integration.as_str(), "fx");
    assert!(!seen.summary.is_empty() && !seen.why.is_empty());
    assert_eq!(scene.runs("counter"), 0, "nothing runs before the decision");

    let approved = scene.owner.approve(id, GrantChoice::Once).await;
    assert_eq!(approved.state.name(), StateName::Approved);
    assert_eq!(scene.runs("counter"), 0, "nothing runs while nobody listens");

    assert_eq!(scene.wire.await_approval(&id.to_string()).await.ran().text, "counted");
    assert_eq!(scene.runs("counter"), 1);
    assert_eq!(scene.owner.approval_until(id, StateName::Done).await.state.name(), StateName::Done);

    assert_eq!(scene.wire.await_approval(&id.to_string()).await.ran().text, "counted");
    assert_eq!(scene.runs("counter"), 1, "awaiting again gives the stored result");
    scene.stop().await;
}

#[tokio::test]
async fn awaiting_ends_as_soon_as_the_owner_decides() {
    let scene = Scene::new().await;
    let id = scene.call("echo", json!({"text": "now"})).await.request();
    let begun = Instant::now();
    let text = id.to_string();
    let decide = async {
        // The event shows that the request is known; the await may begin before or after the decision.
        scene.owner.one_pending().await;
        scene.owner.approve(id, GrantChoice::Once).await
    };
    let (answer, _) = tokio::join!(scene.wire.await_approval(&text), decide);
    assert_eq!(answer.ran().text, "now");
    assert!(begun.elapsed() < Duration::from_secs(30), "it must not sit out its 45 seconds");
    scene.stop().await;
}

#[tokio::test]
async fn a_repeat_while_pending_is_the_same_request() {
    let scene = Scene::new().await;
    scene.owner.settings(json!({"pending_per_agent": 50})).await;
    let ask = async |text: &str| {
        let arguments = serde_json::from_str(text).expect("JSON");
        scene.call("inspect", arguments).await.request()
    };
    let first = ask(r#"{"a": 1, "b": {"x": 1, "y": 2}}"#).await;
    assert_eq!(ask(r#"{"b": {"y": 2, "x": 1}, "a": 1}"#).await, first, "key order is free");
    for other in [
        r#"{"a": 1.0, "b": {"x": 1, "y": 2}}"#,
        r#"{"a": 1, "b": {"x": 1, "y": 2}, "c": null}"#,
        r#"{"a": "1", "b": {"x": 1, "y": 2}}"#,
    ] {
        assert_ne!(ask(other).await, first, "{other} is another call");
    }
    let distinct = ["9007199254740992", "9007199254740993", "18446744073709551615", "100", "100.0"];
    let mut seen = std::collections::HashMap::new();
    for number in distinct {
        let id = ask(&format!(r#"{{"n": {number}}}"#)).await;
        if let Some(same) = seen.insert(id, number) {
            panic!("{same} and {number} count as one call");
        }
    }
    scene.stop().await;
}

/// Numbers that would change on the way are refused, so that no two different calls are taken for the same.
#[tokio::test]
async fn numbers_beyond_64_bits_are_refused_and_others_stay_apart() {
    let scene = Scene::new().await;
    let session = scene.wire.open_session().await;
    let wire = scene.wire.clone().with("mcp-session-id", &session);
    let call = async |number: &str| {
        let arguments = format!(
            r#"{{"integration_id":"fx","tool_name":"inspect","arguments":{{"n":{number}}}}}"#
        );
        let body = format!(
            r#"{{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{{"name":"agentport__call_tool","arguments":{arguments}}}}}"#
        );
        wire.post_mcp("/mcp", body).await.json()
    };
    for number in ["18446744073709551617", "-9223372036854775809"] {
        let error = call(number).await["error"]["message"].to_string();
        assert!(error.contains(number) && error.contains("as a string"), "{error}");
    }
    assert!(scene.owner.approvals("pending").await.is_empty());
    scene.owner.settings(json!({"pending_per_agent": 50})).await;
    let ask = async |number: &str| {
        agentport_tests::Answer::from_json(call(number).await["result"].take()).request()
    };
    for (one, other) in [
        ("18446744073709551614", "18446744073709551615"),
        ("1", "1.0"),
        ("9007199254740992", "9007199254740993"),
    ] {
        assert_ne!(ask(one).await, ask(other).await, "{one} and {other} count as one call");
    }
    scene.stop().await;
}

#[tokio::test]
async fn a_later_note_fills_an_empty_one() {
    let scene = Scene::new().await;
    let ask = async |note: Option<&str>| {
        let mut arguments =
            json!({"integration_id": "fx", "tool_name": "echo", "arguments": {"text": "x"}});
        if let Some(note) = note {
            arguments["additional_info"] = json!(note);
        }
        scene.wire.tool("agentport__call_tool", arguments).await.request()
    };
    let id = ask(None).await;
    assert_eq!(scene.owner.approval(id).await.additional_info, None);
    assert_eq!(ask(Some("because")).await, id);
    assert_eq!(scene.owner.approval(id).await.additional_info.as_deref(), Some("because"));
    assert_eq!(ask(Some("another story")).await, id);
    assert_eq!(scene.owner.approval(id).await.additional_info.as_deref(), Some("because"));
    scene.stop().await;
}

#[tokio::test]
async fn a_repeat_takes_up_an_approval_and_uses_it_up() {
    let scene = Scene::new().await;
    let id = scene.call("counter", json!({})).await.request();
    scene.owner.approve(id, GrantChoice::Once).await;
    assert_eq!(scene.call("counter", json!({})).await.ran().text, "counted");
    assert_eq!(scene.wire.await_approval(&id.to_string()).await.ran().text, "counted");
    assert_eq!(scene.runs("counter"), 1, "the repeat was the run");
    let next = scene.call("counter", json!({})).await.request();
    assert_ne!(next, id, "once is once");
    assert_eq!(scene.runs("counter"), 1);
    scene.stop().await;
}

#[tokio::test]
async fn a_denial_reaches_the_agent_with_its_reason() {
    let scene = Scene::new().await;
    let id = scene.call("destroy", json!({"what": "everything"})).await.request();
    assert!(scene.owner.approval(id).await.destructive);
    let denied = scene.owner.deny(id, Some("not on a Friday")).await;
    assert!(matches!(denied.state, State::Denied { .. }));
    let answer = scene.wire.await_approval(&id.to_string()).await;
    assert!(answer.refused().contains("denied by the human"), "{}", answer.text);
    assert!(answer.text.contains("not on a Friday"), "{}", answer.text);
    let again = scene.call("destroy", json!({"what": "everything"})).await.request();
    assert_ne!(again, id, "a repeat after a denial is a new request");
    scene.stop().await;
}

#[tokio::test]
async fn the_edited_arguments_run() {
    let scene = Scene::new().await;
    let id = scene.call("echo", json!({"text": "raw"})).await.request();
    let before = scene.owner.approval(id).await;

    let wrong = scene
        .owner
        .try_approve(id, json!({"grant": {"kind": "once"}, "arguments": {"text": 7}}))
        .await;
    assert!(wrong.status.is_client_error(), "arguments that do not fit the schema: {}", wrong.text);
    assert_eq!(scene.owner.approval(id).await.state, State::Pending);

    let body = json!({"grant": {"kind": "once"}, "arguments": {"text": "cooked"}});
    let reply = scene.owner.try_approve(id, body).await;
    assert_eq!(reply.status, 200, "{}", reply.text);
    assert_eq!(scene.wire.await_approval(&id.to_string()).await.ran().text, "cooked");

    let after = scene.owner.approval(id).await;
    assert!(after.edited);
    assert_ne!(after.arguments_hash, before.arguments_hash);
    let rows = scene.owner.activity("tool=echo").await.items;
    let ran = rows
        .iter()
        .find(|row| row.approval == Some(id) && row.arguments_hash == Some(after.arguments_hash));
    assert_eq!(ran.expect("a row of the edited call").arguments, json!({"text": "cooked"}));
    scene.stop().await;
}

#[tokio::test]
async fn unknown_and_foreign_requests_are_not_found_alike() {
    let scene = Scene::new().await;
    let id = scene.call("counter", json!({})).await.request().to_string();
    let other = scene.another().await;
    let unknown = uuid::Uuid::new_v4().to_string();
    let foreign = other.await_approval(&id).await;
    let nothing = other.await_approval(&unknown).await;
    assert!(foreign.refused().contains("not found"), "{}", foreign.text);
    assert_eq!(foreign.text.replace(&id, "ID"), nothing.refused().replace(&unknown, "ID"));
    scene.stop().await;
}

/// Two of the contract's times in one test, as they run side by side: an await without a progress token ends after 45
/// seconds, one with a token goes on and hears of progress; then the request expires, and stays as missed.
#[tokio::test]
async fn time_runs_out() {
    let scene = Scene::new().await;
    scene.owner.settings(json!({"approval_expiry_minutes": 1})).await;
    let mut agent = scene.agent(Era::Legacy).await;
    let id = scene.call("counter", json!({})).await.request();
    let text = id.to_string();

    let without_token = async {
        let begun = Instant::now();
        let answer = scene.wire.await_approval(&text).await;
        assert!(!answer.is_error && answer.text.contains("Still pending"), "{}", answer.text);
        assert!(answer.text.contains(&format!("agentport__await_approval(request_id=\"{text}\")")));
        assert!(begun.elapsed() < Duration::from_secs(50), "{:?}", begun.elapsed());
    };
    let with_token = async {
        let answer = agent.await_approval(id).await;
        assert!(answer.refused().contains("expired"), "{}", answer.text);
        assert!(!answer.text.contains("Still pending"));
    };
    let expiry = scene.owner.approval_within(Duration::from_secs(120), id, StateName::Expired);
    let ((), (), missed) = tokio::join!(without_token, with_token, expiry);
    assert!(matches!(missed.state, State::Expired { .. }));
    let heard = agent.heard("progress while waiting", |heard| heard.progress.len() >= 4).await;
    let steps: Vec<_> = heard.progress.iter().map(|step| step.progress).collect();
    assert!(steps.is_sorted_by(|before, after| before < after), "progress rises: {steps:?}");

    let answer = scene.wire.await_approval(&text).await;
    assert!(answer.refused().contains("expired"), "{}", answer.text);
    assert_eq!(scene.runs("counter"), 0);
    let listed = scene.owner.approvals("missed").await;
    assert_eq!(listed.iter().map(|view| view.id).collect::<Vec<_>>(), [id]);

    scene.owner.approve(id, GrantChoice::Once).await;
    assert_eq!(
        scene.call("counter", json!({})).await.ran().text,
        "counted",
        "the next identical call runs"
    );
    assert_eq!(scene.runs("counter"), 1);
    scene.call("counter", json!({})).await.request();
    soon("the agent leaves", agent.leave()).await;
    scene.stop().await;
}
