//! Invalid, oversized and very many lines.

use std::collections::BTreeSet;

use agentport_tests::{StdioClient, process::alive};
use serde_json::{Value, json};

use super::{
    eras::legacy,
    fake::{Fake, event_pieces},
};
use crate::scene::Scene;

const MESSAGES: usize = 10_000;

#[tokio::test]
async fn invalid_lines_are_answered_and_dropped() {
    let scene = Scene::empty().await;
    let mut client = legacy(&scene).await;
    for (line, code, id) in [
        ("nonsense", -32700, Value::Null),
        (r#"{"jsonrpc":"2.0","id":1,"method":"#, -32700, Value::Null),
        ("3", -32600, Value::Null),
        (r#"{"jsonrpc":"2.0","id":null,"method":"ping"}"#, -32600, Value::Null),
        (r#"{"jsonrpc":"2.0","id":"x"}"#, -32600, json!("x")),
        (r#"[{"jsonrpc":"2.0","id":1,"method":"ping"}]"#, -32600, Value::Null),
    ] {
        client.write(format!("{line}\n").as_bytes()).await;
        let answer = client.hear().await;
        assert_eq!((&answer["error"]["code"], &answer["id"]), (&json!(code), &id), "{line}");
    }
    client.write(b"\n \r\n\xff\xfe\n").await;
    assert_eq!(client.hear().await["error"]["code"], -32700, "not UTF-8");
    assert_eq!(client.ask("ping", json!({})).await, json!({}));

    // Revision 2025-03-26 has batches.
    let mut client = StdioClient::bridge_to(&scene.gateway, &scene.key.key);
    client.open("2025-03-26", json!({})).await;
    let ping = |id: &str| json!({"jsonrpc": "2.0", "id": id, "method": "ping"});
    client.say(&json!([ping("a"), ping("b"), 5])).await;
    assert_eq!(client.answer(&json!("a")).await["result"], json!({}));
    assert_eq!(client.answer(&json!("b")).await["result"], json!({}));
    assert_eq!(client.answer(&Value::Null).await["error"]["code"], -32600);
    scene.stop().await;
}

/// Resident memory, in MiB.
fn resident(client: &StdioClient) -> usize {
    assert!(alive(client.pid()));
    let status = std::fs::read_to_string(format!("/proc/{}/status", client.pid())).expect("status");
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("a figure");
    peak.trim().trim_end_matches(" kB").parse::<usize>().expect("a number") / 1024
}

#[tokio::test]
async fn a_line_of_16_mib() {
    let scene = Scene::empty().await;
    let mut client = legacy(&scene).await;
    client.ask("tools/list", json!({})).await;
    let before = resident(&client);
    let padding = "x".repeat(16 * 1024 * 1024);
    for line in [
        format!(
            r#"{{"jsonrpc":"2.0","id":"long","method":"ping","params":{{"id":1,"p":"{padding}"}}}}"#
        ),
        format!(
            r#"{{"method":"ping","params":{{"id":1,"p":"{padding}"}},"jsonrpc":"2.0","id":"long"}}"#
        ),
    ] {
        client.write(line.as_bytes()).await;
        client.write(b"\n").await;
        let answer = client.hear().await;
        assert_eq!(answer["id"], "long");
        let told = answer["error"]["message"].as_str().expect("a message");
        assert!(told.contains("4 MiB"), "{told}");
        assert_eq!(client.ask("ping", json!({})).await, json!({}), "it lives on");
    }
    let grown = resident(&client) - before;
    assert!(grown <= 14, "two lines of 16 MiB took {grown} MiB");
    // The largest that passes.
    let params = "x".repeat(4 * 1024 * 1024 - 200);
    let answer = client.ask("ping", json!({"_meta": {"padding": params}})).await;
    assert_eq!(answer, json!({}));
    let (status, _) = client.leave().await;
    assert!(status.success());
    scene.stop().await;
}

#[tokio::test]
async fn ten_thousand_messages_of_a_client_in_order() {
    let fake = Fake::start(|_| None).await;
    let mut client = fake.client().await;
    let message = |number: usize| match number % 3 {
        0 => json!({"jsonrpc": "2.0", "id": number, "method": "ping"}),
        1 => {
            json!({"jsonrpc": "2.0", "method": "notifications/progress", "params": {"progress": number}})
        }
        _ => json!({"jsonrpc": "2.0", "id": number, "result": {}}),
    };
    // All at once: nothing is waited for.
    let all: String = (0..MESSAGES).map(|number| format!("{}\n", message(number))).collect();
    client.write(all.as_bytes()).await;
    for number in (0..MESSAGES).step_by(3) {
        assert_eq!(client.hear().await["id"], number);
    }
    let last = message(MESSAGES - 1);
    fake.asked("the last message", |asked| asked.body == last).await;
    let sent = fake.all(|asked| asked.method == "POST");
    let own: Vec<_> = sent.iter().skip(2).map(|asked| asked.body.clone()).collect();
    assert_eq!(own.len(), MESSAGES);
    for (number, body) in own.into_iter().enumerate() {
        assert_eq!(body, message(number));
    }
}

#[tokio::test]
async fn ten_thousand_messages_of_a_server_in_order() {
    let progress = |number: usize| json!({"jsonrpc": "2.0", "method": "notifications/progress", "params": {"progress": number}});
    let fake = Fake::start(move |asked| {
        asked.calls("tools/call").then(|| {
            let answer = json!({"jsonrpc": "2.0", "id": asked.body["id"], "result": {}});
            let told = (0..MESSAGES).map(progress).chain([answer]);
            event_pieces(futures::stream::iter(told.map(|message| format!("data: {message}\n\n"))))
        })
    })
    .await;
    let mut client = fake.client().await;
    let id = client.send("tools/call", json!({"name": "any"})).await;
    for number in 0..MESSAGES {
        assert_eq!(client.hear().await, progress(number));
    }
    assert_eq!(client.hear().await["id"], id, "the answer comes last");
}

/// Requests run beside each other, so their answers come as they come, but every one comes, once.
#[tokio::test]
async fn ten_thousand_requests_at_once() {
    let fake = Fake::start(|_| None).await;
    let mut client = fake.client().await;
    let ping = |id: usize| format!("{}\n", json!({"jsonrpc": "2.0", "id": id, "method": "ping"}));
    let all: String = (0..MESSAGES).map(ping).collect();
    client.write(all.as_bytes()).await;
    let mut answered = BTreeSet::new();
    for _ in 0..MESSAGES {
        let answer = client.hear().await;
        assert_eq!(answer["result"], json!({}), "{answer}");
        assert!(answered.insert(answer["id"].as_u64()), "{answer} came twice");
    }
    assert_eq!(fake.all(|asked| asked.calls("ping")).len(), MESSAGES);
}
