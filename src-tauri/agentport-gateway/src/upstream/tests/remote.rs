//! Servers over HTTP: eras, credentials, addresses that lead nowhere, sessions that are forgotten.

use agentport_api::Health;
use agentport_core::Secret;
use http::HeaderName;
use serde_json::json;

use super::{
    Bench, Told, id,
    server::{Era, TOOLS},
    streams::{HttpServer, breaking_server},
};
use crate::{
    call::permit::Operation,
    caller::Caller,
    upstream::{RemoteTarget, UpstreamError, UpstreamTarget},
};

#[tokio::test]
async fn speaks_both_eras_and_both_kinds_of_answer() {
    for (era, revision) in [(Era::Legacy, "2025-11-25"), (Era::Modern, "2026-07-28")] {
        for json_answers in [false, true] {
            let http = HttpServer::start(era, json_answers).await;
            let bench = Bench::new(http.target());
            assert_eq!(bench.tool("echo", json!({"text": "hi"})).await.unwrap(), "hi");
            let listing = bench.until_listing().await;
            assert_eq!((listing.revision.as_str(), listing.tools.len()), (revision, TOOLS));
            assert_eq!(http.seen("x-key").as_deref(), Some("obviously-fake"));
            assert_eq!(http.seen("authorization").as_deref(), Some("Basic dXNlcjpwYXNz"));
            assert_eq!(http.seen("mcp-protocol-version").as_deref(), Some(revision));
            let method = http.seen("mcp-method");
            assert_eq!(method.is_some(), era == Era::Modern, "{method:?}");
            bench.end().await;
        }
    }
}

#[tokio::test]
async fn sixteen_calls_at_once() {
    let http = HttpServer::start(Era::Modern, false).await;
    let bench = Bench::new(http.target());
    let calls = (0..16).map(|number| bench.tool("echo", json!({"text": number.to_string()})));
    for (number, echo) in futures::future::join_all(calls).await.into_iter().enumerate() {
        assert_eq!(echo.unwrap(), number.to_string());
    }
    bench.end().await;
}

#[tokio::test]
async fn a_refused_credential_is_reported_once_and_not_retried() {
    for challenge in [true, false] {
        let http = HttpServer::start(Era::Modern, false).await;
        http.refuse(Some((401, challenge)));
        let bench = Bench::new(http.target());
        let error = bench.tool("echo", json!({})).await.unwrap_err();
        let UpstreamError::NeedsAuth { message, .. } = &error else { panic!("{error:?}") };
        assert!(message.contains("/mcp refused the credential (HTTP 401)"), "{message}");
        assert!(
            !message.contains("fake") && !message.contains("hidden") && !message.contains("pass"),
            "{message}"
        );
        let asked = http.requests();
        for _ in 0..3 {
            let again = bench.tool("echo", json!({})).await.unwrap_err();
            assert!(matches!(again, UpstreamError::NeedsAuth { .. }), "{again:?}");
        }
        bench.upstreams.wake(&id());
        assert_eq!(http.requests(), asked, "nobody knocks again");
        assert_eq!(bench.history().await, ["starting", "needs auth"]);

        http.refuse(None);
        bench.upstreams.restart(&id()).await;
        bench.tool("echo", json!({})).await.unwrap();
        bench.end().await;
    }
}

#[tokio::test]
async fn a_credential_that_expires_is_noticed_by_the_call() {
    for era in [Era::Legacy, Era::Modern] {
        let http = HttpServer::start(era, false).await;
        let bench = Bench::new(http.target());
        bench.tool("echo", json!({})).await.unwrap();
        http.refuse(Some((401, true)));
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
async fn an_unreachable_server_is_named_without_secrets() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);
    let target = UpstreamTarget::Remote(RemoteTarget {
        url: format!("http://user:pass@127.0.0.1:{port}/mcp?key=hidden").parse().unwrap(),
        headers: vec![(HeaderName::from_static("x-key"), Secret::new("obviously-fake"))],
        secrets: Vec::new(),
        tokens: None,
    });
    let printed = format!("{target:?}");
    assert_eq!(printed, format!("Remote {{ url: \"http://127.0.0.1:{port}/mcp\", .. }}"));
    let bench = Bench::new(target);
    let error = bench.tool("echo", json!({})).await.unwrap_err();
    let expected = format!("http://127.0.0.1:{port}/mcp cannot be reached (Connection refused");
    assert!(error.to_string().starts_with(&expected), "{error}");
    assert!(matches!(bench.tool("echo", json!({})).await, Err(UpstreamError::Resting { .. })));
    bench.end().await;
}

#[tokio::test]
async fn servers_that_speak_no_mcp_are_reported() {
    let http = HttpServer::start(Era::Modern, false).await;
    for (status, expected) in [
        (200, "/mcp does not answer like an MCP server"),
        (404, "/mcp answered HTTP 404 Not Found"),
        (503, "/mcp answered HTTP 503"),
        (403, "/mcp answered HTTP 403 Forbidden"),
    ] {
        http.refuse(Some((status, false)));
        let bench = Bench::new(http.target());
        let error = bench.tool("echo", json!({})).await.unwrap_err().to_string();
        assert!(error.ends_with(expected), "{error}");
        bench.end().await;
    }
}

#[tokio::test]
async fn a_call_that_is_refused_does_not_end_the_connection() {
    let http = HttpServer::start(Era::Modern, false).await;
    let bench = Bench::new(http.target());
    bench.tool("echo", json!({})).await.unwrap();
    http.refuse(Some((503, false)));
    let error = bench.tool("echo", json!({})).await.unwrap_err().to_string();
    assert!(error.ends_with("/mcp answered HTTP 503 Service Unavailable"), "{error}");
    http.refuse(None);
    bench.tool("echo", json!({})).await.unwrap();
    bench.end().await;
}

#[tokio::test]
async fn a_forgotten_session_is_opened_again_once() {
    for loosely in [false, true] {
        let http = HttpServer::start(Era::Legacy, false).await;
        let bench = Bench::new(http.target());
        bench.tool("echo", json!({})).await.unwrap();
        let first = http.seen("mcp-session-id").unwrap();
        http.forget_the_session(loosely);
        let calls = (0..4).map(|_| bench.tool("echo", json!({"text": "again"})));
        for echo in futures::future::join_all(calls).await {
            assert_eq!(echo.unwrap(), "again");
        }
        assert_ne!(http.seen("mcp-session-id").unwrap(), first);
        let starts = bench.history().await.into_iter().filter(|told| *told == "starting").count();
        assert_eq!(starts, 2, "one new session for all");
        bench.end().await;
    }
}

#[tokio::test]
async fn marked_arguments_travel_as_headers_too() {
    // The server refuses a call whose headers do not repeat what it marked.
    let http = HttpServer::start(Era::Modern, false).await;
    let bench = Bench::new(http.target());
    let arguments = json!({"region": "süd", "text": "hi"});
    assert_eq!(bench.tool("marked", arguments).await.unwrap(), "süd");
    assert_eq!(http.seen("mcp-param-region").as_deref(), Some("=?base64?c8O8ZA==?="));
    assert_eq!(http.seen("mcp-name").as_deref(), Some("marked"));
    bench.end().await;
}

#[tokio::test]
async fn a_broken_stream_is_taken_up_where_it_broke() {
    let (url, _stop) = breaking_server().await;
    let bench = Bench::new(UpstreamTarget::Remote(RemoteTarget {
        url,
        headers: Vec::new(),
        secrets: Vec::new(),
        tokens: None,
    }));
    assert_eq!(bench.tool("echo", json!({})).await.unwrap(), "resumed after 7");
    bench.end().await;
}

#[tokio::test]
async fn list_and_resource_changes_are_published() {
    for era in [Era::Legacy, Era::Modern] {
        let http = HttpServer::start(era, false).await;
        let bench = Bench::new(http.target());
        let subscribe = Operation::Subscribe { uri: "note://1".to_owned() };
        let caller = Caller::default();
        bench.operation(&caller, subscribe, super::EVENT_TIMEOUT).await.unwrap();
        // Until the gateway listens, the server tells nobody: it is told again and again.
        let updated = bench.until_updated();
        let touch = async {
            loop {
                bench.tool("touch", json!({"uri": "note://1"})).await.unwrap();
            }
        };
        tokio::select! {
            uri = updated => assert_eq!(uri, "note://1", "{era:?}"),
            () = touch => {}
        }
        bench.tool("grow", json!({})).await.unwrap();
        while bench.until_listing().await.tools.len() <= TOOLS {}
        bench.end().await;
    }
}
