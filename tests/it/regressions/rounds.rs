//! Calls with `InputRequiredResult`: the approved call continues, once.

use agentport_core::policy::Mode;
use agentport_tests::{Answer, Wire};
use http::Method;
use serde_json::{Value, json};

use crate::scene::Scene;

/// Asks once, and shows in the end which arguments it has.
const ASKS: &str = "test_input_required_result_request_state";

/// `tools/call` of an agent that can be asked, and what it answers to `asked`.
async fn send(wire: &Wire, name: &str, arguments: Value, asked: Option<&Value>) -> Value {
    let mut params = json!({
        "name": name,
        "arguments": arguments,
        "_meta": {"io.modelcontextprotocol/clientCapabilities": {"elicitation": {}}},
    });
    if let Some(asked) = asked {
        params["requestState"] = asked["requestState"].clone();
        params["inputResponses"] =
            json!({"confirm": {"action": "accept", "content": {"ok": true}}});
    }
    wire.rpc("tools/call", params).await
}

async fn call(wire: &Wire, text: &str, asked: Option<&Value>) -> Value {
    let arguments = json!({"integration_id": "fx", "tool_name": ASKS, "arguments": {"text": text}});
    send(wire, "agentport__call_tool", arguments, asked).await
}

#[track_caller]
fn asks(result: &Value) {
    assert_eq!(result["resultType"], "input_required", "{result}");
    assert!(result["requestState"].is_string(), "{result}");
}

#[tokio::test]
async fn a_continuation_keeps_the_owners_edits() {
    let scene = Scene::new().await;
    let id = Answer::from_json(call(&scene.wire, "raw", None).await).request();
    let edited = json!({"grant": {"kind": "once"}, "arguments": {"text": "cooked"}});
    let reply = scene.owner.try_approve(id, edited).await;
    assert_eq!(reply.status, 200, "{}", reply.text);
    let asked =
        send(&scene.wire, "agentport__await_approval", json!({"request_id": id}), None).await;
    asks(&asked);

    let answer = Answer::from_json(call(&scene.wire, "raw", Some(&asked)).await).ran();
    assert!(answer.text.contains("state-ok"), "{}", answer.text);
    assert!(answer.text.contains("cooked") && !answer.text.contains("raw"), "{}", answer.text);

    let replayed = Answer::from_json(call(&scene.wire, "raw", Some(&asked)).await);
    assert_ne!(replayed.request(), id, "a state is good once");
    scene.stop().await;
}

#[tokio::test]
async fn a_continuation_is_bound_to_its_call() {
    let scene = Scene::new().await;
    let id = Answer::from_json(call(&scene.wire, "mine", None).await).request();
    scene.owner.approve(id, agentport_api::GrantChoice::Once).await;
    let asked =
        send(&scene.wire, "agentport__await_approval", json!({"request_id": id}), None).await;
    asks(&asked);
    let other = scene.another().await;
    Answer::from_json(call(&other, "mine", Some(&asked)).await).request();
    Answer::from_json(call(&scene.wire, "another", Some(&asked)).await).request();
    Answer::from_json(call(&scene.wire, "mine", Some(&asked)).await).ran();
    scene.stop().await;
}

#[tokio::test]
async fn a_rule_has_to_allow_every_round() {
    let scene = Scene::new().await;
    let rule = scene.owner.set_policy("fx", ASKS, Mode::Allow).await.rule;
    let asked = call(&scene.wire, "x", None).await;
    asks(&asked);
    Answer::from_json(call(&scene.wire, "x", Some(&asked)).await).ran();

    let asked = call(&scene.wire, "x", None).await;
    asks(&asked);
    let path = format!("/control/policy/{}", rule.id);
    assert_eq!(scene.owner.send(Method::DELETE, &path, None).await.status, 204);
    Answer::from_json(call(&scene.wire, "x", Some(&asked)).await).request();
    scene.stop().await;
}

/// An SDK answers the question by sending again what was asked: here, the awaiting.
#[tokio::test]
async fn an_sdk_that_awaits_can_answer() {
    let scene = Scene::new().await;
    let agent = scene.agent(agentport_tests::Era::Modern).await;
    let id = agent.call_tool("fx", ASKS, json!({"text": "x"})).await.request();
    scene.owner.approve(id, agentport_api::GrantChoice::Once).await;
    let answer = agent.await_approval(id).await.ran();
    assert!(answer.text.contains("state-ok"), "{}", answer.text);
    agent.leave().await;
    scene.stop().await;
}
