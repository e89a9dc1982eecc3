use std::{collections::BTreeMap, path::PathBuf};

use agentport_core::key::SHOWN_CHARS;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::client;
use crate::{
    KEY_PLACEHOLDER,
    client::{Client, Machine, Os},
    document::Document,
    entry::{ENTRY_NAME, EntryTarget, OwnEntry, as_own_entry, best_via, own_entry, read},
    types::{ConnectionMethod, FileScope},
};

fn target(home: Option<&str>) -> EntryTarget {
    EntryTarget {
        mcp_url: "http://127.0.0.1:4747/mcp".to_owned(),
        program: PathBuf::from("/opt/AgentPort/bin/agentport"),
        home: home.map(PathBuf::from),
        key_name: "some-client-1a2b3c4d".to_owned(),
        variable: "AGENTPORT_KEY".to_owned(),
    }
}

#[test]
fn our_entry_is_known_again_in_every_client() {
    for client in Client::all() {
        for home in [None, Some("/srv/agent port")] {
            for via in [
                ConnectionMethod::Bridge,
                ConnectionMethod::OAuth,
                ConnectionMethod::Http,
                ConnectionMethod::HttpEnvironment,
            ] {
                let target = target(home);
                let Some(entry) = own_entry(client, via, &target) else {
                    assert!(
                        via != ConnectionMethod::Bridge,
                        "{}: everybody can start a program",
                        client.id
                    );
                    assert!(
                        via != ConnectionMethod::Http || !client.speaks_http(),
                        "{}",
                        client.id
                    );
                    assert!(
                        via != ConnectionMethod::OAuth || client.sign_in().is_none(),
                        "{}",
                        client.id
                    );
                    continue;
                };
                assert!(client.speaks_http() || via == ConnectionMethod::Bridge, "{}", client.id);
                let server = read(client, ENTRY_NAME, &entry);
                let want = OwnEntry {
                    via,
                    mcp_url: (via != ConnectionMethod::Bridge).then(|| target.mcp_url.clone()),
                    home: target.home.filter(|_| via == ConnectionMethod::Bridge),
                    key_prefix: (via == ConnectionMethod::Http)
                        .then(|| KEY_PLACEHOLDER[..SHOWN_CHARS].to_owned()),
                    key_name: (via == ConnectionMethod::Bridge).then_some(target.key_name),
                };
                assert_eq!(as_own_entry(&server), Some(want), "{} {via:?}: {entry}", client.id);
                assert!(!server.disabled, "{} {via:?}", client.id);
                let key = entry.to_string().matches(KEY_PLACEHOLDER).count();
                assert_eq!(
                    key,
                    usize::from(via == ConnectionMethod::Http),
                    "{} {via:?}: {entry}",
                    client.id
                );
            }
        }
    }
}

#[test]
fn our_entry_fits_each_client() {
    let key = KEY_PLACEHOLDER;
    let url = "http://127.0.0.1:4747/mcp";
    let bearer = json!({"Authorization": format!("Bearer {key}")});
    let program = "/opt/AgentPort/bin/agentport";
    let args = json!(["bridge", "--client", "some-client-1a2b3c4d"]);
    for (id, via, want) in [
        ("claude-desktop", ConnectionMethod::Bridge, json!({"command": program, "args": args})),
        ("claude-code", ConnectionMethod::OAuth, json!({"type": "http", "url": url})),
        ("cursor", ConnectionMethod::OAuth, json!({"url": url})),
        ("vscode", ConnectionMethod::OAuth, json!({"type": "http", "url": url})),
        ("codex", ConnectionMethod::OAuth, json!({"url": url})),
        ("gemini-cli", ConnectionMethod::OAuth, json!({"httpUrl": url})),
        ("zed", ConnectionMethod::OAuth, json!({"url": url})),
        ("opencode", ConnectionMethod::OAuth, json!({"type": "remote", "url": url})),
        (
            "claude-code",
            ConnectionMethod::Http,
            json!({"type": "http", "url": url, "headers": bearer}),
        ),
        (
            "claude-code",
            ConnectionMethod::Bridge,
            json!({"type": "stdio", "command": program, "args": args}),
        ),
        (
            "claude-code",
            ConnectionMethod::HttpEnvironment,
            json!({"type": "http", "url": url, "headers": {"Authorization": "Bearer ${AGENTPORT_KEY}"}}),
        ),
        ("cursor", ConnectionMethod::Http, json!({"url": url, "headers": bearer})),
        (
            "cursor",
            ConnectionMethod::HttpEnvironment,
            json!({"url": url, "headers": {"Authorization": "Bearer ${env:AGENTPORT_KEY}"}}),
        ),
        ("vscode", ConnectionMethod::Http, json!({"type": "http", "url": url, "headers": bearer})),
        ("codex", ConnectionMethod::Http, json!({"url": url, "http_headers": bearer})),
        (
            "codex",
            ConnectionMethod::HttpEnvironment,
            json!({"url": url, "bearer_token_env_var": "AGENTPORT_KEY"}),
        ),
        ("gemini-cli", ConnectionMethod::Http, json!({"httpUrl": url, "headers": bearer})),
        ("windsurf", ConnectionMethod::Http, json!({"serverUrl": url, "headers": bearer})),
        ("zed", ConnectionMethod::Http, json!({"url": url, "headers": bearer})),
        ("zed", ConnectionMethod::Bridge, json!({"command": program, "args": args})),
        (
            "cline",
            ConnectionMethod::Http,
            json!({"type": "streamableHttp", "url": url, "headers": bearer}),
        ),
        (
            "roo-code",
            ConnectionMethod::Http,
            json!({"type": "streamable-http", "url": url, "headers": bearer}),
        ),
        (
            "continue",
            ConnectionMethod::Http,
            json!({"type": "streamable-http", "url": url, "requestOptions": {"headers": bearer}}),
        ),
        (
            "opencode",
            ConnectionMethod::Http,
            json!({"type": "remote", "url": url, "headers": bearer, "oauth": false}),
        ),
        (
            "opencode",
            ConnectionMethod::Bridge,
            json!({"type": "local", "command": [program, "bridge", "--client", "some-client-1a2b3c4d"]}),
        ),
        (
            "goose",
            ConnectionMethod::Bridge,
            json!({"enabled": true, "name": "agentport", "description": "AgentPort", "type": "stdio",
                   "cmd": program, "args": args, "timeout": 300}),
        ),
        (
            "goose",
            ConnectionMethod::Http,
            json!({"enabled": true, "name": "agentport", "description": "AgentPort",
                   "type": "streamable_http", "uri": url, "headers": bearer, "timeout": 300}),
        ),
    ] {
        let entry = own_entry(client(id), via, &target(None)).expect(id);
        // As text: the order of the fields is what the owner reads.
        assert_eq!(entry.to_string(), want.to_string(), "{id} {via:?}");
    }
    assert_eq!(own_entry(client("claude-desktop"), ConnectionMethod::Http, &target(None)), None);
    assert_eq!(own_entry(client("windsurf"), ConnectionMethod::OAuth, &target(None)), None);
    assert_eq!(own_entry(client("zed"), ConnectionMethod::HttpEnvironment, &target(None)), None);
}

#[test]
fn others_entries_are_not_ours() {
    let as_own_entry =
        |name: &str, entry: Value| as_own_entry(&read(client("cursor"), name, &entry));
    for (name, entry, is_ours) in [
        ("agentport", json!({"url": "http://127.0.0.1:4747/mcp"}), true),
        ("agentport", json!({"url": "http://localhost:9/mcp/"}), true),
        ("agentport", json!({"url": "http://[::1]:4747/mcp"}), true),
        ("agentport", json!({"url": "http://127.0.0.1:4747/sse"}), true),
        ("agentport", json!({"url": "http://127.0.0.1:4747/messages"}), false),
        ("figma", json!({"url": "http://127.0.0.1:3845/sse"}), false),
        ("agentport", json!({"url": "http://localhost.example.com/mcp"}), false),
        ("agentport", json!({"url": "https://agentport.example.com/mcp"}), false),
        ("figma", json!({"url": "http://127.0.0.1:3845/mcp"}), false),
        ("agentport", json!({"url": "127.0.0.1:4747/mcp"}), false),
        ("any", json!({"command": "agentport", "args": ["bridge"]}), true),
        ("any", json!({"command": "/usr/bin/ap", "args": ["bridge", "--client=x"]}), true),
        (
            "any",
            json!({"command": "C:\\Program Files\\AgentPort\\agentport.exe", "args": ["bridge"]}),
            true,
        ),
        ("any", json!({"command": "agentport.EXE", "args": ["bridge"]}), true),
        ("any", json!({"command": "/opt/agentport", "args": ["bridge", "--client", "x"]}), false),
        (
            "agentport",
            json!({"command": "/opt/agentport", "args": ["bridge", "--client", "x"]}),
            true,
        ),
        (
            "agentport",
            json!({"command": "D:\\Apps\\agentport.exe", "args": ["bridge", "--client=x-01ab"]}),
            true,
        ),
        ("agentport", json!({"command": "/opt/agentport", "args": ["bridge"]}), false),
        (
            "agentport",
            json!({"command": "/opt/agentport", "args": ["bridge", "--client", "../x"]}),
            false,
        ),
        ("agentport", json!({"command": "/opt/ap", "args": ["bridge", "--client", "x"]}), false),
        (
            "agentport",
            json!({"command": "./agentport", "args": ["bridge", "--client", "x"]}),
            false,
        ),
        ("any", json!({"command": "/tmp/usr/bin/agentport", "args": ["bridge"]}), false),
        ("any", json!({"command": "bin/ap", "args": ["bridge", "--client", "x"]}), false),
        ("agentport", json!({"command": "agentport", "args": ["serve"]}), false),
        ("agentport", json!({"command": "agentport"}), false),
        ("agentport", json!({"command": "my-agentport", "args": ["bridge"]}), false),
        ("agentport", json!({"command": "agentport.sh", "args": ["bridge"]}), false),
        ("agentport", json!({"command": "npx", "args": ["-y", "agentport", "bridge"]}), false),
        ("agentport", json!({}), false),
    ] {
        assert_eq!(as_own_entry(name, entry.clone()).is_some(), is_ours, "{name}: {entry}");
    }
    let equals = json!({"command": "ap", "args": ["bridge", "--home=/h", "--client=k"]});
    let ours = as_own_entry("x", equals).expect("ours");
    assert_eq!((ours.home, ours.key_name), (Some(PathBuf::from("/h")), Some("k".to_owned())));
    let key = json!({"url": "http://127.0.0.1:4747/mcp",
                     "headers": {"authorization": "Bearer ap_abcdefghijklmnop"}});
    let ours = as_own_entry("agentport", key).expect("ours");
    assert_eq!(
        (ours.via, ours.key_prefix.as_deref()),
        (ConnectionMethod::Http, Some("ap_abcdefghi"))
    );
}

#[test]
fn keys_stay_out_of_shared_files() {
    for client in Client::all() {
        assert_eq!(best_via(client, FileScope::Project), ConnectionMethod::Bridge, "{}", client.id);
        let best = best_via(client, FileScope::User);
        assert_eq!(best == ConnectionMethod::OAuth, client.sign_in().is_some(), "{}", client.id);
        assert_eq!(best != ConnectionMethod::Bridge, client.speaks_http(), "{}", client.id);
        assert!(own_entry(client, best, &target(None)).is_some(), "{}", client.id);
    }
}

/// A path or a name with what formats and command lines are awkward about.
fn awkward() -> impl Strategy<Value = String> {
    proptest::collection::vec(
        prop_oneof![
            "[a-z]{1,8}",
            Just(" ".to_owned()),
            Just("=".to_owned()),
            Just("--home".to_owned()),
            Just("\"'".to_owned()),
            Just("\\".to_owned()),
            Just("# ".to_owned()),
            Just(": ".to_owned()),
            Just("ü\u{1f680}".to_owned()),
            Just("\t\n".to_owned()),
            Just("${X}".to_owned()),
        ],
        1..6,
    )
    .prop_map(|parts| parts.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Through the file and back: what an entry of ours says is what it was made to say.
    #[test]
    fn our_entry_says_what_went_in(
        folder in awkward(),
        home in proptest::option::of(awkward()),
        key_name in "[a-z][a-z-]{0,20}(-[0-9a-f]{8})?",
        port in 1_u16..,
    ) {
        let target = EntryTarget {
            mcp_url: format!("http://127.0.0.1:{port}/mcp"),
            program: PathBuf::from(format!("/{folder}/agentport")),
            home: home.map(|home| PathBuf::from(format!("/{home}"))),
            key_name,
            variable: "AGENTPORT_KEY".to_owned(),
        };
        let machine = Machine {
            os: Os::Linux,
            home: PathBuf::from("/nowhere"),
            variables: BTreeMap::new(),
        };
        for client in Client::all() {
            let place = client.places(&machine, None).remove(0);
            for via in [
                ConnectionMethod::Bridge,
                ConnectionMethod::OAuth,
                ConnectionMethod::Http,
                ConnectionMethod::HttpEnvironment,
            ] {
                let Some(entry) = own_entry(client, via, &target) else { continue };
                let mut document = Document::parse(&place, None).expect("nothing parses");
                document.set(ENTRY_NAME, &entry).expect(&client.id);
                let servers = document.servers().expect(&client.id);
                let [(name, written)] = &servers[..] else { panic!("{servers:?}") };
                prop_assert_eq!(written, &entry, "{}", &client.id);
                let said = as_own_entry(&read(client, name, written)).expect("ours");
                prop_assert_eq!(said.via, via, "{}", &client.id);
                if via == ConnectionMethod::Bridge {
                    prop_assert_eq!(said.home.as_ref(), target.home.as_ref(), "{}", &client.id);
                    prop_assert_eq!(said.key_name.as_ref(), Some(&target.key_name), "{}", &client.id);
                } else {
                    prop_assert_eq!(said.mcp_url.as_ref(), Some(&target.mcp_url), "{}", &client.id);
                }
            }
        }
    }
}

#[test]
fn wrappers_around_our_program_are_recognised() {
    for (entry, want) in [
        (
            json!({ "command": "env", "args": ["A=b", "agentport", "bridge", "--client", "cursor"] }),
            true,
        ),
        (json!({ "command": "/usr/bin/env", "args": ["agentport", "bridge"] }), true),
        (json!({ "command": "cmd", "args": ["/c", "agentport", "bridge"] }), true),
        (json!({ "command": "env", "args": ["-i", "agentport", "bridge"] }), false),
        (json!({ "command": "env", "args": ["A=b"] }), false),
        (json!({ "command": "env", "args": ["other", "agentport", "bridge"] }), false),
    ] {
        let server = read(client("cursor"), "x", &entry);
        assert_eq!(as_own_entry(&server).is_some(), want, "{entry}");
    }
}
