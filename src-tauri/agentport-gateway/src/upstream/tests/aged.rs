//! Definitions that change without an announcement.

use std::{path::Path, time::Duration};

use serde_json::{Value, json};

use super::{Bench, EVENT_TIMEOUT, id, local::shell, tool};
use crate::{
    caller::Caller,
    upstream::{UpstreamError, call, definition_digest},
};

/// A server that reads its list from `file` each time, and announces nothing.
fn silent(file: &Path) -> String {
    let introduction = json!({
        "protocolVersion": "2025-06-18",
        "capabilities": { "tools": {} },
        "serverInfo": { "name": "silent", "version": "1" },
    });
    format!(
        r#"say() {{ printf '{{"jsonrpc":"2.0","id":%s,"result":%s}}\n' "$id" "$1"; }}
        while read -r line; do
            id=$(printf '%s' "$line" | sed -n 's/.*"id":\([0-9]*\).*/\1/p')
            case "$line" in
            *'"initialize"'*) say '{introduction}' ;;
            *'"tools/list"'*) say "{{\"tools\":$(cat '{}')}}" ;;
            *'"tools/call"'*) say '{{"content":[]}}' ;;
            *'"server/discover"'*) exit 7 ;;
            esac
        done"#,
        file.display()
    )
}

fn described(text: &str) -> Value {
    json!([{ "name": "send", "description": text, "inputSchema": { "type": "object" } }])
}

#[tokio::test]
async fn a_definition_changed_in_silence_is_noticed_while_it_is_in_use() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("tools");
    let write = |text: &str| std::fs::write(&file, described(text).to_string()).unwrap();
    write("first");
    let bench = Bench::new(shell(&silent(&file)));
    bench.upstreams.wake(&id());
    let first = definition_digest(&bench.until_listing().await.tools[0]);
    let integration = bench.upstreams.find(&id()).unwrap();
    let lists = integration.session().await.unwrap().lists.clone();
    let send = async |judged| {
        let operation = tool("send", json!({}));
        call::run(&integration, operation, Some(judged), EVENT_TIMEOUT, &Caller::default()).await
    };
    send(first).await.unwrap();

    // A list that is young is taken as it is.
    write("second");
    send(first).await.unwrap();
    // An older one is read again beside the call.
    lists.age_by(Duration::from_secs(25));
    let _ = send(first).await;
    let second = definition_digest(&bench.until_listing().await.tools[0]);
    assert_ne!(first, second);
    assert!(matches!(send(first).await, Err(UpstreamError::DefinitionChanged)));
    send(second).await.unwrap();

    // Past its bound it is read before the call.
    write("third");
    lists.age_by(Duration::from_secs(61));
    assert!(matches!(send(second).await, Err(UpstreamError::DefinitionChanged)));
    bench.end().await;
}
