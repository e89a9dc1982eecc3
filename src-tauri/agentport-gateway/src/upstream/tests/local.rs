//! Child processes: started on first use, owned as a tree, with a clean environment.

use std::{collections::BTreeMap, time::Duration};

use serde_json::json;

use super::{
    Bench, EVENT_TIMEOUT, id,
    server::{Era, TOOLS, child},
    spec,
};
use crate::upstream::{
    LocalTarget, UpstreamError, UpstreamSpec, UpstreamTarget,
    connector::{FIRST_START_TIMEOUT, START_TIMEOUT},
};

/// A server written in shell.
pub(super) fn shell(script: &str) -> UpstreamTarget {
    UpstreamTarget::Local(LocalTarget {
        command: "sh".to_owned(),
        args: vec!["-c".to_owned(), script.to_owned()],
        env: [].into(),
        secret_env: Vec::new(),
        secret_args: [].into(),
        cwd: None,
        startup_timeout: None,
        secrets: Vec::new(),
    })
}

/// Shell that answers `initialize` and `tools/list` in a revision before 2026-07-28, and nothing else.
pub(super) fn introduce(tools: &str) -> String {
    format!(
        r#"while read -r line; do
            id=$(printf '%s' "$line" | sed -n 's/.*"id":\([0-9]*\).*/\1/p')
            case "$line" in
            *'"initialize"'*) printf '%s\n' '{{"jsonrpc":"2.0","id":'$id',"result":{{"protocolVersion":"2025-06-18","capabilities":{{"tools":{{}}}},"serverInfo":{{"name":"shell","version":"1"}}}}}}' ;;
            *'"tools/list"'*) printf '%s\n' '{{"jsonrpc":"2.0","id":'$id',"result":{{"tools":{tools}}}}}' ;;
            *'"server/discover"'*) echo "I do not know server/discover" >&2; exit 7 ;;
            esac
        done"#
    )
}

/// Does the process run? One that has ended and was not yet taken note of does not.
fn runs(pid: &str) -> bool {
    let status = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    status.rsplit(')').next().is_some_and(|rest| !rest.is_empty() && !rest.starts_with(" Z"))
}

#[tokio::test]
async fn starts_on_first_use_and_once_for_all() {
    for era in [Era::Legacy, Era::Modern] {
        let bench = Bench::new(child(era));
        assert_eq!(bench.history().await, Vec::<&str>::new(), "nothing starts by itself");
        let calls = (0..8).map(|number| bench.tool("echo", json!({"text": number.to_string()})));
        let echoes = futures::future::join_all(calls).await;
        let echoes: Vec<String> = echoes.into_iter().map(Result::unwrap).collect();
        assert_eq!(echoes, ["0", "1", "2", "3", "4", "5", "6", "7"]);
        assert_eq!(bench.history().await, ["starting", "listing", "ready"]);
        bench.end().await;
    }
}

#[tokio::test]
async fn a_probe_lists_tools_and_leaves_no_process() {
    for (era, revision) in [(Era::Legacy, "2025-11-25"), (Era::Modern, "2026-07-28")] {
        let bench = Bench::empty();
        let listing = bench.upstreams.probe(spec(child(era))).await.unwrap();
        assert_eq!(listing.revision, revision);
        assert_eq!(listing.tools.len(), TOOLS, "both pages");
        assert_eq!(listing.instructions.as_deref(), Some("Be kind."));
        let kept: super::Listing =
            serde_json::from_str(&serde_json::to_string(&listing).unwrap()).unwrap();
        assert_eq!(kept, listing);
        assert_eq!(bench.history().await, Vec::<&str>::new(), "a probe is nobody's news");
        bench.end().await;
    }
}

#[tokio::test]
#[cfg(target_os = "linux")]
async fn no_process_is_left_however_it_ends() {
    let ways = ["stop", "remove", "restart", "idle", "crash", "replace"];
    futures::future::join_all(ways.map(nothing_is_left_after)).await;
}

#[cfg(target_os = "linux")]
async fn nothing_is_left_after(way: &str) {
    let bench = Bench::new(child(Era::Legacy));
    let server = bench.tool("pid", json!({})).await.unwrap();
    let grandchild = bench.tool("child", json!({})).await.unwrap();
    assert!(runs(&server) && runs(&grandchild), "{server} {grandchild}");
    match way {
        "stop" => bench.upstreams.stop(EVENT_TIMEOUT).await,
        "remove" => bench.upstreams.remove(&id()).await,
        "restart" => bench.upstreams.restart(&id()).await,
        "idle" => {
            bench.upstreams.set_idle_stop(Duration::from_millis(1));
            bench.until_health("idle").await;
        }
        "crash" => {
            let crash = bench.tool("crash", json!({})).await.unwrap_err();
            assert!(matches!(crash, UpstreamError::Closed { .. }), "{crash}");
        }
        _ => {
            let replaced = bench.upstreams.find(&id()).unwrap();
            bench.upstreams.add(spec(child(Era::Legacy)));
            replaced.gone.cancelled().await;
        }
    }
    assert!(!runs(&server) && !runs(&grandchild), "{way}");
    bench.end().await;
}

#[tokio::test]
#[cfg(target_os = "linux")]
async fn a_stubborn_server_is_ended_by_force() {
    let bench = Bench::new(shell(&format!(
        "trap '' TERM; echo $$ >&2; {}; exec sleep 1000",
        introduce("[]")
    )));
    bench.upstreams.wake(&id());
    bench.until_ready().await;
    let pid = bench.upstreams.log(&id()).pop().unwrap().text;
    assert!(runs(&pid));
    bench.upstreams.stop(Duration::from_millis(50)).await;
    assert!(!runs(&pid));
    bench.end().await;
}

#[tokio::test]
async fn sees_a_clean_environment() {
    let bench = Bench::new(child(Era::Legacy));
    let environment = bench.tool("env", json!({})).await.unwrap();
    let environment: BTreeMap<String, String> = serde_json::from_str(&environment).unwrap();
    assert!(environment.contains_key("PATH"));
    assert_eq!(environment.get("MODE").map(String::as_str), Some("test"));
    assert_eq!(environment.get("API_KEY").map(String::as_str), Some("obviously-fake"));
    let allowed = |name: &str| {
        let ours = ["API_KEY", "MODE", "UPSTREAM_TEST_SERVER"];
        let known =
            ["HOME", "LANG", "LANGUAGE", "LOGNAME", "PATH", "SHELL", "TERM", "TMPDIR", "TZ"];
        ours.contains(&name)
            || known.contains(&name)
            || ["USER", "LC_", "XDG_"].iter().any(|start| name.starts_with(start))
    };
    assert!(environment.keys().all(|name| allowed(name)), "{:?}", environment.keys());
    bench.end().await;
}

#[tokio::test]
async fn keeps_standard_error_without_secrets() {
    let bench = Bench::new(child(Era::Legacy));
    bench.tool("echo", json!({})).await.unwrap();
    let lines: Vec<String> = bench.upstreams.log(&id()).into_iter().map(|line| line.text).collect();
    // It was started twice: this server knows `server/discover`, and yet wants `initialize`.
    let line = format!("started with {}", agentport_core::redact::SCRUBBED);
    assert_eq!(lines, [line.clone(), line]);
    bench.end().await;
}

#[tokio::test]
async fn says_why_it_did_not_start() {
    for (target, expected) in [
        (
            UpstreamTarget::Local(LocalTarget {
                command: "no-such-command".to_owned(),
                args: vec!["secret-argument".to_owned()],
                env: [].into(),
                secret_env: Vec::new(),
                secret_args: [].into(),
                cwd: None,
                startup_timeout: None,
                secrets: Vec::new(),
            }),
            "the command \"no-such-command\" was not found; looked in /",
        ),
        (
            shell("echo 'API_KEY is not set' >&2; exit 3"),
            "the command \"sh\" ended before it had introduced itself; its last words: \"API_KEY is not set\" (exit status: 3)",
        ),
        (
            shell("echo 'Welcome!'"),
            "the command \"sh\" ended before it had introduced itself; on its output it wrote what is no JSON: \"Welcome!\" (exit status: 0)",
        ),
        (shell(&introduce("7")), "the server sent an invalid list of tools: "),
    ] {
        let bench = Bench::empty();
        let error = bench.upstreams.probe(spec(target)).await.unwrap_err().to_string();
        assert!(error.starts_with(expected), "{error}");
        assert!(!error.contains("secret-argument"));
        bench.end().await;
    }
}

#[tokio::test]
async fn a_server_that_breaks_on_discover_is_met_with_initialize() {
    let bench = Bench::empty();
    let listing = bench.upstreams.probe(spec(shell(&introduce("[]")))).await.unwrap();
    assert_eq!((listing.revision.as_str(), listing.server.name.as_str()), ("2025-06-18", "shell"));
    bench.end().await;
}

/// Nobody waits five minutes here: the clock jumps to whatever comes next.
#[tokio::test(start_paused = true)]
async fn a_new_server_has_the_time_to_be_downloaded() {
    let known = Some("2025-11-25".to_owned());
    for (last_revision, limit) in [(None, FIRST_START_TIMEOUT), (known, START_TIMEOUT)] {
        let bench = Bench::empty();
        let began = tokio::time::Instant::now();
        let spec = UpstreamSpec { last_revision, ..spec(shell("sleep 1000")) };
        let error = bench.upstreams.probe(spec).await.unwrap_err().to_string();
        assert!(error.contains(&format!("within {} s", limit.as_secs())), "{error}");
        let took = began.elapsed();
        assert!(took >= limit && took < limit + Duration::from_secs(25), "{took:?}");
        bench.end().await;
    }
}

#[tokio::test]
async fn an_unknown_integration_is_said_to_be_unknown() {
    let bench = Bench::empty();
    assert!(bench.upstreams.find(&id()).is_none());
    assert!(bench.upstreams.log(&id()).is_empty());
    bench.upstreams.remove(&id()).await;
    bench.upstreams.restart(&id()).await;
    bench.upstreams.wake(&id());
    let UpstreamSpec { id, .. } = spec(shell(""));
    assert_eq!(UpstreamError::Unknown(id).to_string(), "no integration \"x\" is connected");
    bench.end().await;
}
