//! Crashes, back-off, restarts, and lists that change.

use std::time::Duration;

use agentport_api::Health;
use serde_json::json;

use super::{
    Bench, Told, id,
    local::{introduce, shell},
    server::{Era, TOOLS, child},
};
use crate::upstream::UpstreamError;

#[tokio::test]
async fn a_crash_is_reported_with_the_last_output_and_repaired() {
    let bench = Bench::new(child(Era::Legacy));
    let first = bench.tool("pid", json!({})).await.unwrap();
    let (crash, other) =
        tokio::join!(bench.tool("crash", json!({})), bench.tool("slow", json!({})));
    for error in [crash.unwrap_err(), other.unwrap_err()] {
        assert_eq!(
            error.to_string(),
            "the server stopped during the call; its last words: \"the disk is full\" (exit status: 3)"
        );
    }
    let (message, retry_at, last_error) = bench
        .until(|told| match told {
            Told::Health(Health::Failed { message, retry_at }, None, last) => {
                Some((message, retry_at.unwrap(), last.unwrap()))
            }
            _ => None,
        })
        .await;
    assert!(message.starts_with("the server stopped; its last words"), "{message}");
    assert_eq!(last_error.message, message);

    let resting = bench.tool("echo", json!({})).await.unwrap_err();
    let UpstreamError::Resting { retry_at: again_at, .. } = &resting else { panic!("{resting:?}") };
    assert_eq!(*again_at, retry_at);
    assert!(resting.to_string().ends_with(&format!("it is tried again at {retry_at}")));

    bench.until_ready().await;
    assert_ne!(bench.tool("pid", json!({})).await.unwrap(), first);
    bench.end().await;
}

#[tokio::test]
async fn failing_again_and_again_waits_longer() {
    let bench = Bench::new(shell("exit 1"));
    let mut waits = Vec::new();
    bench.upstreams.wake(&id());
    for _ in 0..2 {
        let wait = bench
            .until(|told| match told {
                Told::Health(Health::Failed { retry_at, .. }, ..) => {
                    Some(retry_at.unwrap().since(crate::clock::now()))
                }
                _ => None,
            })
            .await;
        waits.push(wait.as_millis());
    }
    assert!((500..=1000).contains(&waits[0]) && (1200..=2000).contains(&waits[1]), "{waits:?}");
    bench.end().await;
}

#[tokio::test]
async fn the_owner_need_not_wait() {
    let bench = Bench::new(child(Era::Legacy));
    bench.tool("crash", json!({})).await.unwrap_err();
    bench.upstreams.restart(&id()).await;
    bench.tool("echo", json!({})).await.unwrap();
    bench.end().await;
}

#[tokio::test]
async fn an_idle_server_is_stopped_and_started_again() {
    let bench = Bench::new(child(Era::Modern));
    let first = bench.tool("pid", json!({})).await.unwrap();
    bench.upstreams.set_idle_stop(Duration::from_millis(1));
    bench.until_health("idle").await;
    bench.upstreams.set_idle_stop(Duration::from_secs(60));
    assert_ne!(bench.tool("pid", json!({})).await.unwrap(), first);
    bench.end().await;
}

#[tokio::test]
async fn a_busy_server_is_not_idle() {
    let bench = Bench::new(child(Era::Legacy));
    bench.tool("echo", json!({})).await.unwrap();
    let napping = bench.tool("nap", json!({"n": 300}));
    let impatient = async { bench.upstreams.set_idle_stop(Duration::from_millis(1)) };
    let (napped, ()) = tokio::join!(napping, impatient);
    assert_eq!(napped.unwrap(), "rested");
    bench.until_health("idle").await;
    bench.end().await;
}

#[tokio::test]
async fn a_changed_list_is_read_again() {
    for era in [Era::Legacy, Era::Modern] {
        let bench = Bench::new(child(era));
        bench.upstreams.wake(&id());
        assert_eq!(bench.until_listing().await.tools.len(), TOOLS);
        bench.tool("grow", json!({})).await.unwrap();
        let listing = loop {
            let listing = bench.until_listing().await;
            // A modern server is listened to only a moment after it was connected.
            if listing.tools.len() > TOOLS {
                break listing;
            }
        };
        assert!(listing.tools.iter().any(|tool| tool.name == "grown"), "{era:?}");
        bench.end().await;
    }
}

#[tokio::test]
async fn an_invalid_list_is_reported_and_keeps_the_connection() {
    // The list is good the first time only.
    let script = introduce("'$list'").replacen(
        "while read -r line; do",
        r#"list='[]'; while read -r line; do
        case "$line" in *'"tools/call"'*) list='7'; printf '%s\n' '{"jsonrpc":"2.0","method":"notifications/tools/list_changed"}' ;; esac"#,
        1,
    );
    let bench = Bench::new(shell(&script));
    bench.upstreams.wake(&id());
    bench.until_ready().await;
    let call = bench.tool("any", json!({}));
    let told = bench.until(|told| match told {
        Told::Health(Health::Failed { message, retry_at }, Some(_), _) => Some((message, retry_at)),
        _ => None,
    });
    tokio::select! {
        call = call => panic!("{call:?}"),
        (message, retry_at) = told => {
            let expected = "the server sent an invalid list of tools: \"tools\" is not an array";
            assert_eq!((message.as_str(), retry_at), (expected, None));
        }
    }
    bench.end().await;
}

#[tokio::test]
async fn nothing_starts_after_the_end() {
    let bench = Bench::new(child(Era::Legacy));
    bench.upstreams.stop(super::EVENT_TIMEOUT).await;
    assert!(bench.upstreams.find(&id()).is_none());
    bench.upstreams.add(super::spec(child(Era::Legacy)));
    let error = bench.tool("echo", json!({})).await.unwrap_err();
    assert!(matches!(error, UpstreamError::Cancelled), "{error}");
    bench.end().await;
}
