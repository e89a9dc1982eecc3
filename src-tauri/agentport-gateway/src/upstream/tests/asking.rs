//! What passes between an upstream and the agent while a call runs.

use std::time::Duration;

use rmcp::model::{CallToolResult, ServerResult};
use serde_json::json;

use super::{
    Bench,
    agent::{Agent, capabilities},
    server::{Era, child},
    streams::HttpServer,
    text, tool,
};
use crate::{
    caller::Caller,
    upstream::{UpstreamError, UpstreamTarget},
};

/// A target of every kind, with the server that must be kept.
async fn all() -> Vec<(&'static str, UpstreamTarget, Option<HttpServer>)> {
    let legacy = HttpServer::start(Era::Legacy, false).await;
    let modern = HttpServer::start(Era::Modern, false).await;
    vec![
        ("legacy stdio", child(Era::Legacy), None),
        ("modern stdio", child(Era::Modern), None),
        ("legacy http", legacy.target(), Some(legacy)),
        ("modern http", modern.target(), Some(modern)),
    ]
}

#[tokio::test]
async fn progress_comes_under_the_agents_token_in_order() {
    for (kind, target, _server) in all().await {
        let bench = Bench::new(target);
        let mut agent = Agent::connect("a").await;
        let answer = bench.tool_for(&agent.caller(), "steps", json!({})).await.unwrap();
        assert_eq!(answer, "token: true");
        let mut heard = Vec::new();
        while heard.len() < 3 {
            heard.push(agent.heard.recv().await.unwrap());
        }
        let expected = ["progress \"mine\" 1", "progress \"mine\" 2", "progress \"mine\" 3"];
        assert_eq!(heard, expected, "{kind}");

        let silent = Caller { progress_token: None, ..agent.caller() };
        let answer = bench.tool_for(&silent, "steps", json!({})).await.unwrap();
        assert_eq!(answer, "token: false", "{kind}: nobody wanted progress");
        bench.end().await;
    }
}

#[tokio::test]
async fn log_messages_come_from_the_level_the_agent_wants() {
    for (kind, target, _server) in all().await {
        let bench = Bench::new(target);
        let mut agent = Agent::connect("a").await;
        bench.tool_for(&agent.caller(), "log", json!({})).await.unwrap();
        assert_eq!(agent.heard.recv().await.unwrap(), "log \"warning\"", "{kind}");
        assert_eq!(agent.heard(), Vec::<String>::new());
        bench.end().await;
    }
}

#[tokio::test]
async fn meta_passes_without_protocol_fields() {
    for (kind, target, _server) in all().await {
        let bench = Bench::new(target);
        let agent = Agent::connect("a").await;
        let caller = Caller { progress_token: None, ..agent.caller() };
        let meta = bench.tool_for(&caller, "meta", json!({})).await.unwrap();
        let meta: serde_json::Value = serde_json::from_str(&meta).unwrap();
        assert_eq!(meta["traceparent"], "00-7", "{kind}");
        assert!(meta.get("progressToken").is_none(), "{kind}");
        if kind.starts_with("modern") {
            assert_eq!(meta["io.modelcontextprotocol/clientInfo"]["name"], "agentport");
            let declared = &meta["io.modelcontextprotocol/clientCapabilities"];
            assert_eq!(declared, &json!(capabilities()), "{kind}");
            assert_eq!(meta["io.modelcontextprotocol/logLevel"], "info");
        }
        bench.end().await;
    }
}

#[tokio::test]
async fn a_question_goes_to_the_agent_that_called() {
    let http = HttpServer::start(Era::Legacy, false).await;
    for target in [child(Era::Legacy), http.target()] {
        let bench = Bench::new(target);
        let agent = Agent::connect("anna").await;
        let answer = bench.tool_for(&agent.caller(), "ask", json!({})).await.unwrap();
        assert_eq!((answer.as_str(), agent.asked()), ("Accept {\"name\":\"anna\"}", 1));
        bench.end().await;
    }
}

#[tokio::test]
async fn with_two_agents_at_work_no_wrong_one_is_asked() {
    // Over stdio a question does not say which call it belongs to.
    let bench = Bench::new(child(Era::Legacy));
    let (anna, ben) = (Agent::connect("anna").await, Agent::connect("ben").await);
    let (busy, asking) = (ben.caller(), anna.caller());
    let slow = bench.tool_for(&busy, "slow", json!({}));
    let ask = async {
        bench.tool("begun", json!({})).await.unwrap();
        bench.tool_for(&asking, "ask", json!({})).await.unwrap()
    };
    tokio::select! {
        slow = slow => panic!("{slow:?}"),
        answer = ask => assert!(answer.contains("nobody was asked"), "{answer}"),
    }
    assert_eq!((anna.asked(), ben.asked()), (0, 0));
    bench.end().await;

    // Over HTTP it comes with the call's own answer.
    let http = HttpServer::start(Era::Legacy, false).await;
    let bench = Bench::new(http.target());
    let slow = bench.tool_for(&busy, "slow", json!({}));
    let ask = async {
        http.server.state.begun.subscribe().wait_for(|begun| *begun == 1).await.unwrap();
        bench.tool_for(&asking, "ask", json!({})).await.unwrap()
    };
    tokio::select! {
        slow = slow => panic!("{slow:?}"),
        answer = ask => assert_eq!(answer, "Accept {\"name\":\"anna\"}"),
    }
    assert_eq!((anna.asked(), ben.asked()), (1, 0));
    bench.end().await;
}

#[tokio::test]
async fn clients_without_the_capability_are_not_asked() {
    let http = HttpServer::start(Era::Legacy, false).await;
    let agent = Agent::connect("a").await;
    let unable = Caller { capabilities: Default::default(), ..agent.caller() };
    let modern = Caller { modern: true, ..agent.caller() };
    for target in [child(Era::Legacy), http.target()] {
        let bench = Bench::new(target);
        for caller in [&Caller::default(), &unable, &modern] {
            let answer = bench.tool_for(caller, "ask", json!({})).await.unwrap();
            assert!(answer.contains("cannot be asked"), "{answer}");
        }
        bench.end().await;
    }
    assert_eq!(agent.asked(), 0);
}

#[tokio::test]
async fn required_input_is_passed_on_or_fetched() {
    let http = HttpServer::start(Era::Modern, false).await;
    for target in [child(Era::Modern), http.target()] {
        let bench = Bench::new(target);
        let agent = Agent::connect("anna").await;

        // An agent of an older revision is asked.
        let answer = bench.tool_for(&agent.caller(), "input", json!({})).await.unwrap();
        assert_eq!(answer, r#"state-1 {"who":{"action":"accept","content":{"name":"anna"}}}"#);
        assert_eq!(agent.asked(), 1);

        // One of this revision answers by calling again.
        let mut modern = Caller { modern: true, ..agent.caller() };
        let first = bench.operation(&modern, tool("input", json!({})), super::EVENT_TIMEOUT).await;
        let Ok(ServerResult::InputRequiredResult(wanted)) = first else { panic!("{first:?}") };
        assert!(wanted.input_requests.unwrap().contains_key("who"));
        modern.request_state = wanted.request_state;
        modern.input_responses = Some([("who".to_owned(), json!({"action": "decline"}))].into());
        let answer = bench.tool_for(&modern, "input", json!({})).await.unwrap();
        assert_eq!(answer, r#"state-1 {"who":{"action":"decline"}}"#);

        // Nobody to ask, and no end to asking.
        let error = bench.tool("input", json!({})).await.unwrap_err();
        let expected = "the server needs input to go on, and did not get it: ";
        assert!(error.to_string().starts_with(expected), "{error}");
        let error = bench.tool("poll", json!({})).await.unwrap_err();
        assert!(error.to_string().contains("more than 10 times"), "{error}");
        bench.end().await;
    }
}

#[tokio::test]
async fn giving_up_reaches_the_upstream() {
    for (kind, target, _server) in all().await {
        let bench = Bench::new(target);
        // By the agent's wish,
        let agent = Agent::connect("a").await;
        let caller = agent.caller();
        let slow = bench.tool_for(&caller, "slow", json!({}));
        let withdraw = async {
            bench.tool("begun", json!({"n": 1})).await.unwrap();
            caller.cancelled.cancel();
        };
        let (slow, ()) = tokio::join!(slow, withdraw);
        assert!(matches!(slow, Err(UpstreamError::Cancelled)), "{kind}: {slow:?}");
        assert_eq!(bench.tool("cancelled", json!({"n": 1})).await.unwrap(), "1", "{kind}");

        // by its disappearance,
        let gone = tokio::time::timeout(Duration::from_millis(1), async {
            let slow = bench.tool("slow", json!({}));
            let begun = bench.tool("begun", json!({"n": 2}));
            tokio::select! { _ = slow => {}, _ = begun => {} }
        });
        let _ = gone.await;
        // (which may have come before the call was sent at all)
        let sent = async {
            let slow = bench.tool("slow", json!({}));
            let begun = bench.tool("begun", json!({"n": 2}));
            tokio::select! { slow = slow => panic!("{slow:?}"), begun = begun => begun.unwrap() }
        };
        sent.await;
        bench.tool("cancelled", json!({"n": 2})).await.unwrap();

        // or by the clock.
        let late = bench
            .operation(&Caller::default(), tool("slow", json!({})), Duration::from_millis(50))
            .await;
        assert!(matches!(late, Err(UpstreamError::TimedOut { .. })), "{kind}: {late:?}");
        bench.tool("cancelled", json!({"n": 3})).await.unwrap();
        bench.end().await;
    }
}

#[tokio::test]
async fn results_survive_whole() {
    let http = HttpServer::start(Era::Legacy, true).await;
    let bench = Bench::new(http.target());
    let result = bench
        .operation(&Caller::default(), tool("echo", json!({"text": "a\n✓"})), super::EVENT_TIMEOUT)
        .await
        .unwrap();
    assert_eq!(text(&result), "a\n✓");
    let ServerResult::CallToolResult(CallToolResult { is_error, .. }) = result else { panic!() };
    assert_eq!(is_error, Some(false));
    let error = bench.tool("no-such-tool", json!({})).await.unwrap_err();
    let UpstreamError::Refused(error) = error else { panic!("{error}") };
    assert_eq!(error.data, Some(json!({"name": "no-such-tool"})));
    bench.end().await;
}
