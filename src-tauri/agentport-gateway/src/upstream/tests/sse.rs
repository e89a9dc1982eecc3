//! Servers that speak nothing but HTTP+SSE (MCP 2024-11-05).

use std::sync::{
    Arc,
    atomic::{AtomicU32, Ordering},
};

use agentport_api::Health;
use agentport_core::Secret;
use futures::{
    FutureExt as _,
    future::{BoxFuture, ready},
};
use http::HeaderValue;
use serde_json::json;

use super::{
    Bench, Told,
    agent::Agent,
    id,
    server::Era,
    spec,
    sse_server::{Beginning, SseServer},
    streams::HttpServer,
    tool,
};
use crate::{
    caller::Caller,
    upstream::{
        RemoteTransport, TokenRefusal, TokenSource, UpstreamError, UpstreamSpec, UpstreamTarget,
    },
};

#[tokio::test]
async fn an_old_server_is_found_at_any_address() {
    for path in ["/sse", "/mcp", "/events"] {
        let server = SseServer::start(path).await;
        let bench = Bench::new(server.target());
        assert_eq!(bench.tool("echo", json!({"text": "hi"})).await.unwrap(), "hi", "{path}");
        let listing = bench.until_listing().await;
        assert_eq!((listing.revision.as_str(), listing.tools.len()), ("2024-11-05", 1));
        assert_eq!(listing.transport, Some(RemoteTransport::Sse), "for the next start");
        for headers in [&server.state.get_headers, &server.state.post_headers] {
            let headers = headers.lock().clone();
            assert_eq!(headers["x-key"], "obviously-fake", "{path}");
            assert_eq!(headers["authorization"], "Basic dXNlcjpwYXNz", "{path}");
        }
        assert_eq!(server.state.get_headers.lock()["accept"], "text/event-stream");
        assert_eq!(server.streams(), 1, "{path}");
        bench.end().await;
    }
}

#[tokio::test]
async fn a_newer_server_at_an_old_address_is_found_too() {
    // It answers a GET without session with an error, as they do.
    let http = HttpServer::start(Era::Legacy, false).await;
    let mut target = http.target();
    for (last_transport, path) in [(None, "/mcp/sse"), (Some(RemoteTransport::Sse), "/mcp")] {
        let UpstreamTarget::Remote(remote) = &mut target else { unreachable!() };
        remote.url.set_path(path);
        let bench = Bench::empty();
        bench.upstreams.add(UpstreamSpec { last_transport, ..spec(target.clone()) });
        let called = bench.tool("echo", json!({"text": "new"})).await;
        match path {
            "/mcp" => {
                assert_eq!(called.unwrap(), "new");
                let listing = bench.until_listing().await;
                assert_eq!(listing.transport, Some(RemoteTransport::StreamableHttp));
            }
            // Neither transport: the likelier one is named.
            _ => assert!(
                called.unwrap_err().to_string().ends_with("/mcp/sse answered HTTP 404 Not Found")
            ),
        }
        bench.end().await;
    }
}

#[tokio::test]
async fn messages_of_the_server_reach_the_agent_that_called() {
    let server = SseServer::start("/sse").await;
    let bench = Bench::new(server.target());
    let mut agent = Agent::connect("anna").await;
    let caller = agent.caller();
    assert_eq!(bench.tool_for(&caller, "steps", json!({})).await.unwrap(), "stepped");
    bench.tool_for(&caller, "log", json!({})).await.unwrap();
    let mut heard = Vec::new();
    while heard.len() < 4 {
        heard.push(agent.heard.recv().await.unwrap());
    }
    let expected =
        ["progress \"mine\" 1", "progress \"mine\" 2", "progress \"mine\" 3", "log \"hot\""];
    assert_eq!(heard, expected);

    let answer = bench.tool_for(&caller, "ask", json!({})).await.unwrap();
    assert_eq!(answer, r#"{"action":"accept","content":{"name":"anna"}}"#);
    assert_eq!(agent.asked(), 1);
    assert_eq!(bench.tool("ping", json!({})).await.unwrap(), "{}");

    bench.tool("grow", json!({})).await.unwrap();
    while bench.until_listing().await.tools.len() < 2 {}
    let refused = bench.tool("no-such-tool", json!({})).await.unwrap_err();
    assert!(matches!(refused, UpstreamError::Refused(_)), "{refused:?}");
    bench.end().await;
}

#[tokio::test]
async fn an_answer_may_come_before_its_message_is_accepted() {
    let server = SseServer::start("/sse").await;
    let bench = Bench::new(server.target());
    for _ in 0..3 {
        assert_eq!(bench.tool("early", json!({})).await.unwrap(), "early");
    }
    let calls = (0..16).map(|number| bench.tool("echo", json!({"text": number.to_string()})));
    for (number, echo) in futures::future::join_all(calls).await.into_iter().enumerate() {
        assert_eq!(echo.unwrap(), number.to_string());
    }
    assert_eq!(server.streams(), 1);
    bench.end().await;
}

#[tokio::test]
async fn giving_up_is_posted_as_a_cancellation() {
    let server = SseServer::start("/sse").await;
    let bench = Bench::new(server.target());
    let caller = Caller::default();
    let slow = bench.tool_for(&caller, "slow", json!({}));
    let withdraw = async {
        server.state.begun.subscribe().wait_for(|begun| *begun == 1).await.unwrap();
        caller.cancelled.cancel();
    };
    let (slow, ()) = tokio::join!(slow, withdraw);
    assert!(matches!(slow, Err(UpstreamError::Cancelled)), "{slow:?}");
    server.state.cancelled.subscribe().wait_for(|cancelled| *cancelled == 1).await.unwrap();
    bench.end().await;
}

#[tokio::test]
async fn a_stream_lost_in_a_call_ends_the_call_and_the_next_one_reconnects() {
    let server = SseServer::start("/sse").await;
    let bench = Bench::new(server.target());
    let (dropped, other) = tokio::join!(bench.tool("slow", json!({})), async {
        server.state.begun.subscribe().wait_for(|begun| *begun == 1).await.unwrap();
        bench.tool("drop", json!({})).await
    });
    for lost in [dropped, other] {
        let error = lost.unwrap_err();
        assert!(matches!(error, UpstreamError::Closed { .. }), "{error:?}");
        let expected = "the server stopped during the call; its event stream ended";
        assert!(error.to_string().starts_with(expected), "{error}");
    }
    // At once, without a pause.
    assert_eq!(bench.tool("echo", json!({"text": "again"})).await.unwrap(), "again");
    assert_eq!(server.streams(), 2);
    bench.end().await;
}

#[tokio::test]
async fn a_stream_that_ends_between_calls_is_no_failure() {
    let server = SseServer::start("/sse").await;
    let bench = Bench::new(server.target());
    bench.tool("echo", json!({})).await.unwrap();
    server.end_streams();
    bench.until_health("idle").await;
    assert_eq!(bench.tool("echo", json!({"text": "again"})).await.unwrap(), "again");
    bench.end().await;
}

#[tokio::test]
async fn a_session_that_the_server_forgot_is_opened_again_once() {
    let server = SseServer::start("/sse").await;
    let bench = Bench::new(server.target());
    bench.tool("echo", json!({})).await.unwrap();
    server.forget_sessions();
    let calls = (0..4).map(|_| bench.tool("echo", json!({"text": "again"})));
    for echo in futures::future::join_all(calls).await {
        assert_eq!(echo.unwrap(), "again");
    }
    assert_eq!(server.streams(), 2, "one new stream for all");
    bench.end().await;
}

#[tokio::test]
async fn after_a_message_without_end_the_next_call_reconnects() {
    let server = SseServer::start("/sse").await;
    let bench = Bench::new(server.target());
    let error = bench.tool("huge", json!({})).await.unwrap_err();
    assert!(error.to_string().contains("a message longer than 32 MiB"), "{error}");
    assert_eq!(bench.tool("echo", json!({"text": "small"})).await.unwrap(), "small");
    bench.end().await;
}

#[tokio::test]
async fn an_endpoint_elsewhere_gets_nothing() {
    let elsewhere = SseServer::start("/sse").await;
    let server = SseServer::start("/sse").await;
    let mut foreign = elsewhere.url.clone();
    foreign.set_path("/messages");
    server.set(|faults| faults.beginning = Beginning::Named(foreign.to_string()));
    let bench = Bench::new(server.target());
    let error = bench.tool("echo", json!({})).await.unwrap_err().to_string();
    let port = foreign.port().unwrap();
    assert!(error.contains(&format!("names an endpoint on http://127.0.0.1:{port}")), "{error}");
    assert!(!error.contains("fake") && !error.contains("hidden"), "{error}");
    assert!(elsewhere.state.post_headers.lock().is_empty(), "the credential stays");
    bench.end().await;
}

#[tokio::test]
async fn streams_that_name_no_endpoint_are_reported() {
    for (beginning, expected) in [
        (Beginning::Text(": hello\n\n"), "named no endpoint for messages within 5 s"),
        (Beginning::Text("data: {}\n\n"), "does not begin with an endpoint for messages"),
        (Beginning::Endless, "begins with an event that does not end"),
        (Beginning::Named("https://[".to_owned()), "names an endpoint that is not an address"),
    ] {
        let server = SseServer::start("/sse").await;
        server.set(|faults| faults.beginning = beginning.clone());
        let bench = Bench::new(server.target());
        let error = bench.tool("echo", json!({})).await.unwrap_err().to_string();
        assert!(error.contains(expected), "{beginning:?}: {error}");
        bench.end().await;
    }
}

#[tokio::test]
async fn a_refused_credential_needs_auth_once() {
    for challenge in [true, false] {
        let server = SseServer::start("/sse").await;
        server.set(|faults| faults.refuse_get = Some((401, challenge)));
        let bench = Bench::new(server.target());
        for _ in 0..2 {
            let error = bench.tool("echo", json!({})).await.unwrap_err();
            let UpstreamError::NeedsAuth { message, scheme } = &error else { panic!("{error:?}") };
            assert!(message.contains("/sse refused the credential (HTTP 401)"), "{message}");
            assert_eq!(scheme.as_deref(), challenge.then_some("Bearer"));
        }
        assert_eq!(bench.history().await, ["starting", "needs auth"]);

        // With another credential it works, until that expires.
        server.set(|faults| faults.refuse_get = None);
        bench.upstreams.restart(&id()).await;
        bench.tool("echo", json!({})).await.unwrap();
        server.set(|faults| faults.refuse_post = Some((401, challenge)));
        let error = bench.tool("echo", json!({})).await.unwrap_err();
        assert!(matches!(error, UpstreamError::NeedsAuth { .. }), "{error:?}");
        let health = bench.until(|told| match told {
            Told::Health(Health::NeedsAuth { message }, ..) => Some(message),
            _ => None,
        });
        assert_eq!(health.await, error.to_string());
        bench.end().await;
    }
}

#[tokio::test]
async fn a_message_that_is_refused_leaves_the_stream_to_other_calls() {
    let server = SseServer::start("/sse").await;
    let bench = Bench::new(server.target());
    bench.tool("echo", json!({})).await.unwrap();
    for status in [413, 429, 503] {
        server.set(|faults| faults.refuse_post = Some((status, false)));
        let error = bench
            .operation(&Caller::default(), tool("echo", json!({})), super::EVENT_TIMEOUT)
            .await
            .unwrap_err();
        assert!(error.to_string().contains(&format!("answered HTTP {status}")), "{error}");
    }
    server.set(|faults| faults.refuse_post = None);
    bench.tool("echo", json!({})).await.unwrap();
    assert_eq!(server.streams(), 1);
    bench.end().await;
}

/// An account whose token is renewed whenever it is refused: `t0`, `t1` …
#[derive(Default)]
struct RenewedToken(AtomicU32);

impl RenewedToken {
    fn header(&self) -> HeaderValue {
        let number = self.0.load(Ordering::SeqCst);
        HeaderValue::from_str(&format!("Bearer t{number}")).unwrap()
    }
}

impl TokenSource for RenewedToken {
    fn fresh(&self) -> Option<HeaderValue> {
        Some(self.header())
    }

    fn authorization(&self) -> BoxFuture<'_, Result<HeaderValue, UpstreamError>> {
        ready(Ok(self.header())).boxed()
    }

    fn refused(&self, refusal: TokenRefusal) -> BoxFuture<'_, Result<HeaderValue, UpstreamError>> {
        assert_eq!((refusal.sent, refusal.challenge.as_str()), (Some(self.header()), "Bearer"));
        self.0.fetch_add(1, Ordering::SeqCst);
        ready(Ok(self.header())).boxed()
    }

    fn server_failed(&self, _: Option<HeaderValue>) -> BoxFuture<'_, ()> {
        ready(()).boxed()
    }

    fn secrets(&self) -> Vec<Secret> {
        Vec::new()
    }
}

#[tokio::test]
async fn a_refused_token_is_renewed_for_the_stream_and_for_a_message() {
    let server = SseServer::start("/sse").await;
    server.set(|faults| faults.wants = Some("Bearer t1"));
    let tokens = Arc::<RenewedToken>::default();
    let UpstreamTarget::Remote(mut remote) = server.target() else { unreachable!() };
    remote.tokens = Some(tokens.clone());
    let bench = Bench::new(UpstreamTarget::Remote(remote));
    assert_eq!(bench.tool("echo", json!({"text": "in"})).await.unwrap(), "in");
    assert_eq!(server.state.get_headers.lock()["authorization"], "Bearer t1");

    server.set(|faults| faults.wants = Some("Bearer t2"));
    assert_eq!(bench.tool("echo", json!({"text": "still in"})).await.unwrap(), "still in");
    assert_eq!(server.state.post_headers.lock()["authorization"], "Bearer t2");
    assert_eq!((server.streams(), tokens.0.load(Ordering::SeqCst)), (1, 2));
    bench.end().await;
}
