use std::{collections::BTreeMap, time::Duration};

use serde_json::{Map, Value, json};

use super::client;
use crate::{
    entry::read,
    mcp_server::{AutoApprove, Launch, McpServer},
};

fn texts(texts: &[(&str, &str)]) -> BTreeMap<String, String> {
    texts.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

fn local(command: &str, args: &[&str], env: &[(&str, &str)], cwd: Option<&str>) -> Launch {
    Launch::Local {
        command: command.to_owned(),
        args: args.iter().map(|arg| (*arg).to_owned()).collect(),
        env: texts(env),
        cwd: cwd.map(str::to_owned),
    }
}

fn remote(url: &str, headers: &[(&str, &str)], sse: bool) -> Launch {
    Launch::Remote { url: url.to_owned(), headers: texts(headers), sse }
}

fn check(id: &str, entry: Value, want: Launch) -> McpServer {
    let server = read(client(id), "x", &entry);
    assert!(server.launch == want, "{id}: {entry} is {}", shown(&server.launch));
    server
}

fn unclear(id: &str, entry: Value, part: &str) {
    let server = read(client(id), "x", &entry);
    let Launch::Unclear(why) = &server.launch else {
        panic!("{id}: {entry} is {}", shown(&server.launch));
    };
    assert!(why.contains(part), "{id}: {entry}: {why}");
    let fields = entry.as_object().cloned().unwrap_or_default();
    assert_eq!(server.extra, fields, "{id}: an entry that is unclear keeps its fields");
}

fn shown(launch: &Launch) -> String {
    match launch {
        Launch::Local { command, args, env, cwd } => format!("{command} {args:?} {env:?} {cwd:?}"),
        Launch::Remote { url, headers, sse } => format!("{url} {headers:?} {sse}"),
        Launch::Unclear(why) => why.clone(),
    }
}

#[test]
fn each_clients_names_are_understood() {
    let usual = json!({"command": "npx", "args": ["-y", "a"], "env": {"K": "v"}});
    for id in ["claude-desktop", "claude-code", "cursor", "vscode", "windsurf", "zed", "cline"] {
        check(id, usual.clone(), local("npx", &["-y", "a"], &[("K", "v")], None));
    }
    for (id, field) in [("vscode", "cwd"), ("codex", "cwd"), ("warp", "working_directory")] {
        check(id, json!({"command": "a", field: "/w"}), local("a", &[], &[], Some("/w")));
    }
    check(
        "opencode",
        json!({"type": "local", "command": ["npx", "a"], "environment": {"K": "v"}, "cwd": "/w"}),
        local("npx", &["a"], &[("K", "v")], Some("/w")),
    );
    check(
        "goose",
        json!({"type": "stdio", "cmd": "npx", "args": ["a"], "envs": {"K": "v"}}),
        local("npx", &["a"], &[("K", "v")], None),
    );
    let server = check(
        "opencode",
        json!({"type": "local", "command": ["a"], "args": ["b"]}),
        local("a", &[], &[], None),
    );
    assert_eq!(Value::Object(server.extra), json!({"args": ["b"]}), "it has no such field");
    let url = "https://h.test/mcp";
    let header = [("A", "b")];
    for (id, entry) in [
        ("claude-code", json!({"type": "http", "url": url, "headers": {"A": "b"}})),
        ("cursor", json!({"url": url, "headers": {"A": "b"}})),
        ("vscode", json!({"type": "http", "url": url, "headers": {"A": "b"}})),
        ("codex", json!({"url": url, "http_headers": {"A": "b"}})),
        ("gemini-cli", json!({"httpUrl": url, "headers": {"A": "b"}})),
        ("gemini-cli", json!({"url": url, "type": "http", "headers": {"A": "b"}})),
        ("windsurf", json!({"serverUrl": url, "headers": {"A": "b"}})),
        ("windsurf", json!({"url": url, "headers": {"A": "b"}})),
        ("zed", json!({"url": url, "headers": {"A": "b"}})),
        ("cline", json!({"type": "streamableHttp", "url": url, "headers": {"A": "b"}})),
        ("cline", json!({"transportType": "http", "url": url, "headers": {"A": "b"}})),
        ("roo-code", json!({"type": "streamable-http", "url": url, "headers": {"A": "b"}})),
        ("continue", json!({"url": url, "requestOptions": {"headers": {"A": "b"}}})),
        ("junie", json!({"url": url, "headers": {"A": "b"}})),
        ("opencode", json!({"type": "remote", "url": url, "headers": {"A": "b"}})),
        ("goose", json!({"type": "streamable_http", "uri": url, "headers": {"A": "b"}})),
        ("warp", json!({"serverUrl": url, "headers": {"A": "b"}})),
        ("amp", json!({"url": url, "headers": {"A": "b"}})),
    ] {
        let server = check(id, entry, remote(url, &header, false));
        assert_eq!(server.extra, Map::new(), "{id}");
    }
    for (id, entry) in [
        ("claude-code", json!({"type": "sse", "url": url})),
        ("cline", json!({"url": url})),
        ("gemini-cli", json!({"url": url})),
        ("continue", json!({"type": "sse", "url": url})),
        ("goose", json!({"type": "sse", "uri": url})),
    ] {
        check(id, entry, remote(url, &[], true));
    }
}

#[test]
fn nested_fields_are_read() {
    let server = check(
        "cline",
        json!({"transport": {"type": "streamableHttp", "url": "https://h.test"}, "oauth": {"a": 1}}),
        remote("https://h.test", &[], false),
    );
    assert_eq!(Value::Object(server.extra), json!({"oauth": {"a": 1}}));
    let server = check(
        "zed",
        json!({"source": "custom", "command": {"path": "a", "args": ["b"], "env": {"K": "v"}}}),
        local("a", &["b"], &[("K", "v")], None),
    );
    assert_eq!(Value::Object(server.extra), json!({"source": "custom"}));
    let server = check(
        "continue",
        json!({"url": "https://h.test", "requestOptions": {"headers": {"A": "b"}, "timeout": 1}}),
        remote("https://h.test", &[("A", "b")], false),
    );
    assert_eq!(Value::Object(server.extra), json!({"requestOptions": {"timeout": 1}}));
}

#[test]
fn variables_a_client_passes_on_are_references() {
    check(
        "codex",
        json!({"url": "https://h.test", "bearer_token_env_var": "T",
               "env_http_headers": {"A": "VAR"}, "http_headers": {"B": "c"}}),
        remote(
            "https://h.test",
            &[("Authorization", "Bearer ${T}"), ("A", "${VAR}"), ("B", "c")],
            false,
        ),
    );
    check(
        "codex",
        json!({"command": "a", "env": {"K": "v"}, "env_vars": ["K", "SSH_AUTH_SOCK"]}),
        local("a", &[], &[("K", "v"), ("SSH_AUTH_SOCK", "${SSH_AUTH_SOCK}")], None),
    );
    check(
        "goose",
        json!({"type": "stdio", "cmd": "a", "env_keys": ["TOKEN"], "envs": {}}),
        local("a", &[], &[("TOKEN", "${TOKEN}")], None),
    );
    check(
        "continue",
        json!({"url": "https://h.test", "apiKey": "fake-key-0001"}),
        remote("https://h.test", &[("Authorization", "Bearer fake-key-0001")], false),
    );
    unclear(
        "codex",
        json!({"command": "a", "env_vars": [{"name": "A", "source": "remote"}]}),
        "text",
    );
}

#[test]
fn ambiguous_entries_are_unclear() {
    for (id, entry, part) in [
        ("cursor", json!([]), "fields"),
        ("cursor", json!(null), "fields"),
        ("cursor", json!({}), "neither"),
        ("cursor", json!({"command": null, "url": null}), "neither"),
        ("cursor", json!({"command": "a", "url": "https://h.test"}), "both"),
        ("cursor", json!({"command": ["a"]}), "command"),
        ("cursor", json!({"command": "  "}), "empty"),
        ("cursor", json!({"url": ""}), "empty"),
        ("cursor", json!({"url": 1}), "text"),
        ("cursor", json!({"command": "a", "args": "b c"}), "list"),
        ("cursor", json!({"command": "a", "args": ["b", 1]}), "text"),
        ("cursor", json!({"command": "a", "env": {"K": null}}), "K"),
        ("cursor", json!({"command": "a", "env": ["K=v"]}), "named"),
        ("cursor", json!({"url": "https://h.test", "headers": {"A": {}}}), "A"),
        ("cursor", json!({"command": "a", "envFile": ".env"}), "envFile"),
        ("vscode", json!({"command": "a", "sandboxEnabled": true}), "sandboxEnabled"),
        ("zed", json!({"command": "a", "remote": true}), "remote"),
        ("vscode", json!({"type": "carrier-pigeon", "command": "a"}), "carrier-pigeon"),
        ("vscode", json!({"type": 1, "command": "a"}), "text"),
        ("vscode", json!({"type": "stdio", "url": "https://h.test"}), "no command"),
        ("vscode", json!({"type": "http", "command": "a"}), "no URL"),
        ("vscode", json!({"command": "a", "cwd": 1}), "directory"),
        ("claude-desktop", json!({"url": "https://h.test"}), "neither"),
        (
            "claude-code",
            json!({"type": "http", "url": "https://h.test", "headersHelper": "x"}),
            "headersHelper",
        ),
        (
            "gemini-cli",
            json!({"httpUrl": "https://h.test", "authProviderType": "x"}),
            "authProviderType",
        ),
        ("goose", json!({"type": "builtin", "name": "developer"}), "builtin"),
        ("opencode", json!({"type": "local", "command": "a b"}), "command"),
        ("opencode", json!({"type": "local", "command": []}), "empty"),
        (
            "codex",
            json!({"url": "https://h.test", "bearer_token_env_var": "T",
                   "http_headers": {"authorization": "Basic x"}}),
            "twice",
        ),
        ("cline", json!({"type": "sse", "transport": {"type": "stdio", "command": "a"}}), "twice"),
        ("opencode", json!({"enabled": true}), "neither"),
        ("zed", json!({"settings": {"key": "fake-key-0001"}}), "neither"),
    ] {
        let fields = entry.as_object().map(|fields| {
            // Flags are read from unclear entries too.
            fields.keys().any(|field| field == "enabled")
        });
        if fields == Some(true) {
            assert!(matches!(read(client(id), "x", &entry).launch, Launch::Unclear(_)), "{entry}");
        } else {
            unclear(id, entry, part);
        }
    }
    let server = check("zed", json!({"command": "a", "remote": false}), local("a", &[], &[], None));
    assert_eq!(Value::Object(server.extra), json!({"remote": false}));
    // A type says which of the two counts.
    let server = check(
        "claude-code",
        json!({"type": "stdio", "command": "a", "url": "https://h.test"}),
        local("a", &[], &[], None),
    );
    assert_eq!(Value::Object(server.extra), json!({"url": "https://h.test"}));
}

#[test]
fn numbers_are_the_text_they_end_as() {
    check(
        "vscode",
        json!({"command": "a", "env": {"PORT": 8080, "ON": true, "HALF": 0.5}}),
        local("a", &[], &[("HALF", "0.5"), ("ON", "true"), ("PORT", "8080")], None),
    );
}

#[test]
fn switches_are_read_either_way() {
    for (id, on, off) in [
        ("windsurf", json!({"disabled": false}), json!({"disabled": true})),
        ("cline", json!({"disabled": false}), json!({"disabled": true})),
        ("codex", json!({"enabled": true}), json!({"enabled": false})),
        ("goose", json!({"enabled": true}), json!({"enabled": false})),
        ("zed", json!({"enabled": true}), json!({"enabled": false})),
        ("opencode", json!({"enabled": true}), json!({"enabled": false})),
        ("opencode", json!({"disabled": false}), json!({"disabled": true})),
        ("amp", json!({}), json!({"disabled": true})),
    ] {
        for (entry, disabled) in [(on, false), (off, true)] {
            let server = read(client(id), "x", &entry);
            assert_eq!(server.disabled, disabled, "{id}: {entry}");
            assert_eq!(server.extra, Map::new(), "{id}: {entry}");
        }
    }
    // A word of another sort is none of ours.
    let server = read(client("cline"), "x", &json!({"command": "a", "disabled": "no"}));
    assert!(!server.disabled);
    assert_eq!(Value::Object(server.extra), json!({"disabled": "no"}));
}

#[test]
fn timeouts_have_each_clients_unit() {
    for (id, entry, want) in [
        ("cline", json!({"timeout": 60}), Some(60_000)),
        ("roo-code", json!({"timeout": 3600}), Some(3_600_000)),
        ("zed", json!({"timeout": 120}), Some(120_000)),
        ("goose", json!({"timeout": 300}), Some(300_000)),
        ("codex", json!({"tool_timeout_sec": 90.5}), Some(90_500)),
        ("gemini-cli", json!({"timeout": 30000}), Some(30_000)),
        ("claude-code", json!({"timeout": 1500}), Some(1_500)),
        // It is for listing tools there, not for calls.
        ("opencode", json!({"timeout": 5000}), None),
        ("cline", json!({"timeout": "60"}), None),
        ("cline", json!({"timeout": -1}), None),
        ("cline", json!({"timeout": 1e300}), None),
    ] {
        let server = read(client(id), "x", &entry);
        assert_eq!(server.timeout, want.map(Duration::from_millis), "{id}: {entry}");
        assert_eq!(server.extra.is_empty(), want.is_some(), "{id}: {entry}");
    }
}

#[test]
fn the_time_a_start_may_take_is_read() {
    for (id, entry, want) in [
        ("codex", json!({"startup_timeout_sec": 45}), Some(45_000)),
        ("codex", json!({"startup_timeout_sec": 0.5}), Some(500)),
        ("codex", json!({"startup_timeout_ms": 20_000}), Some(20_000)),
        ("codex", json!({"startup_timeout_sec": "45"}), None),
        ("cursor", json!({"startup_timeout_sec": 45}), None),
    ] {
        let server = read(client(id), "x", &entry);
        assert_eq!(server.startup_timeout, want.map(Duration::from_millis), "{id}: {entry}");
        assert_eq!(server.extra.is_empty(), want.is_some(), "{id}: {entry}");
    }
}

#[test]
fn auto_approved_tools_are_read() {
    let tools =
        |tools: &[&str]| AutoApprove::Tools(tools.iter().map(|tool| (*tool).to_owned()).collect());
    for (id, entry, want, left) in [
        ("cline", json!({"autoApprove": ["a", "b"]}), tools(&["a", "b"]), json!({})),
        ("cline", json!({"autoApprove": []}), AutoApprove::Nothing, json!({})),
        ("cline", json!({"autoApprove": [1]}), AutoApprove::Nothing, json!({"autoApprove": [1]})),
        ("roo-code", json!({"alwaysAllow": ["a"]}), tools(&["a"]), json!({})),
        (
            "roo-code",
            json!({"alwaysAllow": ["a", "*"]}),
            AutoApprove::Everything,
            json!({"alwaysAllow": ["a", "*"]}),
        ),
        ("gemini-cli", json!({"trust": true}), AutoApprove::Everything, json!({})),
        ("gemini-cli", json!({"trust": false}), AutoApprove::Nothing, json!({})),
        (
            "codex",
            json!({"default_tools_approval_mode": "approve", "tools": {"a": {"approval_mode": "prompt"}}}),
            AutoApprove::Everything,
            json!({"tools": {"a": {"approval_mode": "prompt"}}}),
        ),
        (
            "codex",
            json!({"default_tools_approval_mode": "prompt",
                   "tools": {"a": {"approval_mode": "approve"}, "b": {"approval_mode": "prompt"}}}),
            tools(&["a"]),
            json!({"default_tools_approval_mode": "prompt", "tools": {"b": {"approval_mode": "prompt"}}}),
        ),
        (
            "cursor",
            json!({"autoApprove": ["a"]}),
            AutoApprove::Nothing,
            json!({"autoApprove": ["a"]}),
        ),
    ] {
        let server = read(client(id), "x", &entry);
        assert_eq!(server.auto_approve, want, "{id}: {entry}");
        assert_eq!(Value::Object(server.extra), left, "{id}: {entry}");
    }
}
