//! Results of upstreams arrive unchanged, in both eras and over both transports.

use agentport_tests::{Era, HttpFixture};
use rmcp::{
    ServiceExt as _,
    model::{CallToolRequestParams, JsonObject},
    transport::StreamableHttpClientTransport,
};
use serde_json::{Value, json};

use crate::{
    definitions::{ScriptedServer, described},
    scene::Scene,
};

/// The same call, made directly.
async fn directly(fixture: &HttpFixture, tool: &'static str) -> Value {
    let url = fixture.url.clone();
    let transport = StreamableHttpClientTransport::with_client(
        agentport_tests::http_client(),
        rmcp::transport::streamable_http_client::StreamableHttpClientTransportConfig::with_uri(url),
    );
    let client = ().serve(transport).await.expect("a direct connection");
    let params = CallToolRequestParams::new(tool).with_arguments(JsonObject::new());
    let result = client.call_tool(params).await.expect("a direct call");
    client.cancel().await.expect("the client ends");
    serde_json::to_value(result).expect("a result is JSON")
}

#[tokio::test]
async fn results_are_lossless() {
    let scene = Scene::new().await;
    let fixture = HttpFixture::start(&[]).await;
    scene.owner.add_remote("remote", &fixture.url).await;
    scene.owner.allow_all("fx").await;
    scene.owner.allow_all("remote").await;
    let plain = |mut value: Value| {
        // Says which revision's form the result has, not what is in it.
        if let Some(result) = value.as_object_mut() {
            result.remove("resultType");
            let own_name = result.get_mut("_meta").and_then(Value::as_object_mut);
            own_name.map(|meta| meta.remove("io.modelcontextprotocol/serverInfo"));
        }
        value
    };
    for tool in [
        "image",
        "fail",
        "test_multiple_content_types",
        "test_audio_content",
        "test_embedded_resource",
    ] {
        let expected = plain(directly(&fixture, tool).await);
        for era in [Era::Legacy, Era::Modern] {
            let agent = scene.agent(era).await;
            for integration in ["fx", "remote"] {
                let answer = agent.call_tool(integration, tool, json!({})).await;
                assert_eq!(plain(answer.raw), expected, "{tool} {era:?} {integration}");
            }
            agent.leave().await;
        }
    }
    scene.stop().await;
}

#[tokio::test]
async fn content_of_unknown_types_arrives_as_it_came() {
    let scene = Scene::empty().await;
    let tools = json!([described("hologram", "Shows a hologram.")]);
    let local = ScriptedServer::local(&scene, &tools);
    let remote = ScriptedServer::remote(&scene, &tools, "--http").await;
    let want = json!([
        {"type": "text", "text": "seen"}, {"type": "hologram", "depth": [1, null], "x": 1.5},
    ]);
    let session = scene.wire.open_session().await;
    for (id, server) in [("near", &local), ("far", &remote)] {
        scene.owner.add(json!({"id": id, "connection": server.connection()})).await;
        scene.owner.allow_all(id).await;
        let arguments = json!({"integration_id": id, "tool_name": "hologram", "arguments": {}});
        // With progress it is answered by the protocol library, without by the fast path.
        for meta in [json!({}), json!({"progressToken": 7})] {
            let params =
                json!({"name": "agentport__call_tool", "arguments": arguments, "_meta": meta});
            let call = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params});
            let wire = scene.wire.clone().with("mcp-session-id", &session);
            let reply = wire.post_mcp("/mcp", call.to_string()).await;
            let result = reply.json()["result"].clone();
            assert_eq!(result["content"], want, "{id}: {}", reply.text);
            assert!(!reply.text.contains("unknown_content"), "{}", reply.text);
        }
        let body = json!({"tool_name": "hologram", "args": {}});
        let reply = scene.wire.post(&format!("/api/tools/{id}/call"), &body).await;
        assert_eq!(reply.json()["content"], want, "{}", reply.text);
    }
    scene.stop().await;
}

#[tokio::test]
async fn errors_keep_their_meaning() {
    let scene = Scene::open().await;
    let failed = scene.call("fail", json!({})).await;
    assert_eq!(failed.refused(), "the fixture failed on purpose");
    assert_eq!(failed.structured, Some(json!({"reason": "on purpose"})));
    let refused = scene.call("rpc_error", json!({})).await;
    assert!(refused.refused().contains("the fixture refused on purpose"), "{}", refused.text);
    scene.stop().await;
}

#[tokio::test]
async fn numbers_arrive_as_they_were_written() {
    let scene = Scene::open().await;
    for number in ["1", "1.0", "9007199254740993", "-0.5", "18446744073709551615"] {
        // Built from text, so that the test's own JSON library cannot round it.
        let body = format!(
            r#"{{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{{"name":"agentport__call_tool","arguments":{{"integration_id":"fx","tool_name":"inspect","arguments":{{"n":{number}}}}}}}}}"#
        );
        let session = scene.wire.open_session().await;
        let reply =
            scene.wire.clone().with("mcp-session-id", &session).post_mcp("/mcp", body).await;
        let expected = format!(r#"\"n\":{number}"#);
        assert!(reply.text.contains(&expected), "{number}: {}", reply.text);
    }
    scene.stop().await;
}

#[tokio::test]
async fn an_upstream_can_ask_an_agent_through_us() {
    for server in ["legacy", "both"] {
        let scene = Scene::empty().await;
        scene.owner.add_fixture("fx", &["--era", server]).await;
        scene.owner.allow_all("fx").await;
        let agent = scene.agent(Era::Legacy).await;
        let sampled =
            agent.call_tool("fx", "test_sampling", json!({"prompt": "capital?"})).await.ran();
        assert_eq!(sampled.text, "LLM response: Paris", "{server}");
        let elicited =
            agent.call_tool("fx", "test_elicitation", json!({"message": "who?"})).await.ran();
        assert!(
            elicited.text.contains("accept") && elicited.text.contains("someone"),
            "{}",
            elicited.text
        );
        assert_eq!(agent.heard_so_far().asked, ["sampling/createMessage", "elicitation/create"]);
        agent.leave().await;
        scene.stop().await;
    }
}

#[tokio::test]
async fn input_required_reaches_modern_agents_and_is_asked_of_legacy_ones() {
    let scene = Scene::empty().await;
    scene.owner.add_fixture("fx", &["--era", "modern"]).await;
    scene.owner.allow_all("fx").await;
    for era in [Era::Modern, Era::Legacy] {
        let agent = scene.agent(era).await;
        for tool in ["elicitation", "sampling", "multi_round", "request_state"] {
            let name = format!("test_input_required_result_{tool}");
            let answer = agent.call_tool("fx", &name, json!({})).await.ran();
            assert!(answer.text.contains("state-ok"), "{era:?} {tool}: {}", answer.text);
        }
        agent.leave().await;
    }
    scene.stop().await;
}

#[tokio::test]
async fn meta_of_the_caller_passes_and_ours_does_not() {
    let scene = Scene::open().await;
    let params = json!({
        "name": "agentport__call_tool",
        "arguments": {"integration_id": "fx", "tool_name": "inspect", "arguments": {"x": 1}},
    });
    let mut request: Value =
        json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params});
    request["params"]["_meta"] =
        json!({"traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"});
    let session = scene.wire.open_session().await;
    let reply = scene
        .wire
        .clone()
        .with("mcp-session-id", &session)
        .post_mcp("/mcp", request.to_string())
        .await;
    let seen = reply.json()["result"]["structuredContent"].clone();
    assert_eq!(seen["arguments"], json!({"x": 1}));
    assert_eq!(
        seen["meta"]["traceparent"],
        "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    );
    assert_ne!(seen["client"]["name"], "wire", "the upstream talks to us");
    scene.stop().await;
}
