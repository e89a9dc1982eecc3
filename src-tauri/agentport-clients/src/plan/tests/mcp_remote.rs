//! Entries of `mcp-remote`, as they stand in READMEs and in people's files.

use super::*;
use crate::types::McpRemoteFate;

/// What an entry of Claude Desktop becomes: the server, or the program.
fn plan(server: &Value, as_program: bool) -> Plan {
    let as_program = as_program.then(|| "x".to_owned()).into_iter().collect();
    let wishes = ConsolidateWishes { as_program, ..ConsolidateWishes::default() };
    let place = user_file("claude-desktop");
    take_over(&place, json!({ "x": server }), &KnownGateway::default(), &wishes)
}

/// Command and arguments as a list.
fn entry(words: &[&str], env: Value) -> Value {
    json!({ "command": words[0], "args": words[1..], "env": env })
}

fn is_server(words: &[&str], env: Value, url: &str, headers: &[(&str, &str)], secrets: &[&str]) {
    let server = entry(words, env);
    let plan = plan(&server, false);
    let import = plan.imports.first().unwrap_or_else(|| panic!("{words:?}: {:?}", plan.left));
    let ImportLaunch::Remote { url: got, headers: sent, .. } = &import.launch else {
        panic!("{words:?} stays a program: {:?}", plan.notes)
    };
    assert_eq!(got, url, "{words:?}");
    let sent: Vec<(&str, &str)> = sent.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
    assert_eq!(sent, headers, "{words:?}");
    let held: Vec<&str> = import.secrets.values().map(Secret::expose).collect();
    assert_eq!(held, secrets, "{words:?}");
    assert_eq!(import.mcp_remote, Some(McpRemoteFate::Server));
    let shown = serde_json::to_string(&plan.view("1".to_owned())).unwrap();
    assert!(!shown.contains("fake"), "{shown}");
}

#[test]
fn every_spelling_becomes_the_server() {
    let url = "https://mcp.example.com/sse";
    let none = json!({});
    for words in [
        &["npx", "mcp-remote", url][..],
        &["npx", "-y", "mcp-remote@latest", url],
        &["npx", "-y", "mcp-remote@0.1.38", url, "--transport", "sse-only"],
        &["npx", "--yes", "--package", "mcp-remote@latest", "mcp-remote", url],
        &["npx", "-y", "--package=mcp-remote", "--", "mcp-remote", url],
        &["npx", "-y", "--registry", "https://registry.npmjs.org", "mcp-remote@^0.1", url],
        &["/opt/homebrew/bin/npx", "-y", "mcp-remote", url, "--debug", "--silent"],
        &["C:\\Program Files\\nodejs\\npx.cmd", "-y", "mcp-remote", url],
        &["cmd", "/c", "npx", "-y", "mcp-remote", url],
        &["cmd.exe", "/d", "/s", "/C", "npx -y mcp-remote@latest https://mcp.example.com/sse"],
        &["bunx", "mcp-remote@latest", url, "--transport", "http-first"],
        &["bunx", "--bun", "mcp-remote", url],
        &["bun", "x", "mcp-remote", url],
        &["pnpm", "dlx", "mcp-remote@latest", url],
        &["pnpx", "mcp-remote", url],
        &["yarn", "dlx", "-q", "mcp-remote", url],
        &["npm", "exec", "-y", "--", "mcp-remote@latest", url],
        &["npm", "exec", "--yes", "mcp-remote", "--", url],
        &["deno", "run", "-A", "npm:mcp-remote@latest", url],
        &["mcp-remote", url, "--keep-alive", "--ping-interval", "30"],
        &["node", "/usr/lib/node_modules/mcp-remote/dist/proxy.js", url],
        &["docker", "run", "-i", "--rm", "node:22-alpine", "npx", "-y", "mcp-remote", url],
        &["docker", "run", "--rm", "-i", "--name=x", "oven/bun", "bunx", "mcp-remote", url],
        &["npx", "-y", "mcp-remote", url, "3334", "--host", "localhost"],
        &["npx", "-y", "mcp-remote", url, "--auth-timeout", "60", "--protocol", "auto"],
    ] {
        is_server(words, none.clone(), url, &[], &[]);
    }
}

#[test]
fn headers_come_along_with_their_secrets_in_the_vault() {
    let url = "https://mcp.example.com/mcp";
    let bearer: &[(&str, &str)] = &[("Authorization", "Bearer {token}")];
    for line in ["Authorization: Bearer fake-a", "Authorization:Bearer fake-a"] {
        is_server(
            &["npx", "-y", "mcp-remote", url, "--header", line],
            json!({}),
            url,
            bearer,
            &["fake-a"],
        );
    }
    // Before the address, and the later of two counts.
    is_server(
        &[
            "npx",
            "mcp-remote",
            "--header",
            "authorization: Bearer fake-old",
            url,
            "--header",
            "Authorization: Bearer fake-a",
        ],
        json!({}),
        url,
        bearer,
        &["fake-a"],
    );
    // Blanks in arguments were once broken on Windows, so the value goes by a variable.
    is_server(
        &["npx", "mcp-remote", url, "--header", "Authorization:${AUTH_HEADER}"],
        json!({ "AUTH_HEADER": "Bearer fake-a" }),
        url,
        bearer,
        &["fake-a"],
    );
    is_server(
        &["npx", "mcp-remote", url, "--header", "Authorization: Bearer ${TOKEN}"],
        json!({ "TOKEN": "fake-a" }),
        url,
        bearer,
        &["fake-a"],
    );
    // A secret variable makes any header one; a plain variable does not.
    is_server(
        &[
            "npx",
            "mcp-remote",
            url,
            "--header",
            "X-Mine: ${MY_API_KEY}",
            "--header",
            "X-Team:${TEAM}",
        ],
        json!({ "MY_API_KEY": "fake-a", "TEAM": "blue" }),
        url,
        &[("X-Mine", "{token}"), ("X-Team", "blue")],
        &["fake-a"],
    );
    is_server(
        &["npx", "mcp-remote", "https://mcp.example.com/mcp?api_key=fake-a"],
        json!({}),
        "https://mcp.example.com/mcp?api_key={token}",
        &[],
        &["fake-a"],
    );
    is_server(
        &[
            "docker",
            "run",
            "-i",
            "--rm",
            "-e",
            "AUTH",
            "--env=REGION",
            "node",
            "npx",
            "mcp-remote",
            url,
            "--header",
            "Authorization:${AUTH}",
            "--header",
            "X-Region:${REGION}",
        ],
        json!({ "AUTH": "Bearer fake-a", "REGION": "eu", "OTHER": "unseen" }),
        url,
        &[("Authorization", "Bearer {token}"), ("X-Region", "eu")],
        &["fake-a"],
    );
    is_server(
        &["npx", "mcp-remote", "http://10.0.0.7:8000/mcp", "--allow-http"],
        json!({}),
        "http://10.0.0.7:8000/mcp",
        &[],
        &[],
    );
}

#[test]
fn what_cannot_be_kept_to_stays_a_program_with_the_reason() {
    let url = "https://mcp.example.com/mcp";
    for (words, why) in [
        (&["npx", "mcp-remote", url, "--header-file", "/etc/h"][..], "its option --header-file"),
        (&["npx", "mcp-remote", url, "--host", "0.0.0.0"], "its option --host"),
        (&["npx", "mcp-remote", url, "--use-id-token"], "its option --use-id-token"),
        (&["npx", "mcp-remote", url, "--device-code"], "its option --device-code"),
        (&["npx", "mcp-remote", url, "--new-thing=1"], "its option --new-thing"),
        (&["npx", "mcp-remote", url, "--resource", "https://other.example/"], "--resource"),
        (&["npx", "mcp-remote", url, "--static-oauth-client-info", "@/c.json"], "client-info"),
        (
            &[
                "npx",
                "mcp-remote",
                url,
                "--static-oauth-client-info",
                r#"{"client_id":"a","client_secret":"fake-a"}"#,
            ],
            "client-info",
        ),
        (&["npx", "mcp-remote", "--debug", url], "its address does not come first"),
        (&["npx", "mcp-remote", "${X}/mcp"], "its address does not come first"),
        (&["npx", "mcp-remote"], "it is given no address"),
        (&["npx", "mcp-remote", "http://10.0.0.7/mcp"], "not encrypted"),
        (&["npx", "mcp-remote", url, "3334", "what"], "an argument that is not understood"),
        (&["npx", "mcp-remote", url, "--transport"], "lacks a value"),
        (
            &["docker", "run", "-i", "-v", "/a:/b", "node", "npx", "mcp-remote", url],
            "its container",
        ),
        (
            &["docker", "run", "-i", "node", "npx", "mcp-remote", "http://localhost:1/mcp"],
            "inside its container",
        ),
        (&["cmd", "/c", "npx", "mcp-remote", "https://h.test/?a=1&b=2"], "cmd acts on"),
        (
            &["npx", "mcp-remote", "https://h.test/{token}"],
            "in a place where AgentPort cannot keep one",
        ),
    ] {
        let plan = plan(&entry(words, json!({ "X": "y" })), false);
        let import = plan.imports.first().unwrap_or_else(|| panic!("{words:?}: {:?}", plan.left));
        assert!(matches!(import.launch, ImportLaunch::Local { .. }), "{words:?}");
        assert_eq!(import.mcp_remote, None, "{words:?}: there is nothing to choose");
        let note = plan.notes.iter().find(|note| note.starts_with("x: mcp-remote stays a program"));
        let note = note.unwrap_or_else(|| panic!("{words:?}: {:?}", plan.notes));
        assert!(note.contains(why), "{words:?}: {note}");
        let shown = serde_json::to_string(&plan.view("1".to_owned())).unwrap();
        assert!(!shown.contains("fake"), "{shown}");
    }
    let node = entry(&["npx", "mcp-remote", url], json!({ "NODE_TLS_REJECT_UNAUTHORIZED": "0" }));
    assert!(plan(&node, false).notes[0].contains("NODE_TLS_REJECT_UNAUTHORIZED"));
}

#[test]
fn other_programs_are_left_alone() {
    let url = "https://mcp.example.com/mcp";
    for words in [
        &["npx", "-y", "@evil/mcp-remote", url][..],
        &["npx", "-y", "mcp-remote-client", url],
        &["npx", "-y", "mcp-remote@npm:evil", url],
        &["npx", "-y", "mcp-remote@https://evil.example/x.tgz", url],
        &["npx", "-p", "evil", "mcp-remote", url],
        &["npx", "-p", "mcp-remote", "mcp-remote-client", url],
        &["npx", "--node-options", "--require=./x", "mcp-remote", url],
        &["npx", "-y", "supergateway", "--sse", url, "mcp-remote"],
        &["npm", "exec", "mcp-remote", url],
        &["sh", "-c", "npx mcp-remote https://mcp.example.com/mcp"],
        &["docker", "run", "-i", "evil/image", "npx", "mcp-remote", url],
        &["node", "/tmp/proxy.js", url],
        &["echo", "mcp-remote", url],
    ] {
        let plan = plan(&entry(words, json!({})), false);
        let is_program = |import: &PlannedImport| {
            matches!(import.launch, ImportLaunch::Local { .. }) && import.mcp_remote.is_none()
        };
        assert!(plan.imports.iter().all(is_program), "{words:?}");
        let said = plan.notes.iter().any(|note| note.contains("mcp-remote stays"));
        assert!(!said, "{words:?}: {:?}", plan.notes);
    }
}

#[test]
fn the_owner_may_keep_the_program() {
    let server = entry(
        &["npx", "-y", "mcp-remote", "https://h.test/mcp", "--header", "Authorization:${AUTH}"],
        json!({ "AUTH": "Bearer fake-a" }),
    );
    let plan = plan(&server, true);
    let import = &plan.imports[0];
    let ImportLaunch::Local { args, secret_env, .. } = &import.launch else { panic!("a program") };
    assert_eq!(
        (args[4].as_str(), secret_env.as_slice()),
        ("Authorization:${AUTH}", &["AUTH".to_owned()][..])
    );
    assert_eq!(import.mcp_remote, Some(McpRemoteFate::Program));
    assert!(plan.notes.contains(&"x: mcp-remote stays a program, as you chose.".to_owned()));
    // Both are the same entry: whichever was taken over, a restore finds its server in the file again.
    let place = user_file("claude-desktop");
    let before = file(json!({ "x": server }));
    let of = |programs| imports(&place, Some(&before), programs).unwrap()[0].fingerprint();
    assert_eq!(import.fingerprint(), of(McpRemotePrograms::All));
    assert_ne!(import.fingerprint(), of(McpRemotePrograms::None));
}

#[test]
fn its_own_client_becomes_the_settings_of_signing_in() {
    let client = r#"{"client_id":"${CLIENT}","redirect_uris":[]}"#;
    let server = entry(
        &[
            "npx",
            "mcp-remote",
            "https://h.test/mcp",
            "8080",
            "--static-oauth-client-info",
            client,
            "--callback-path",
            "/cb",
            "--static-oauth-client-metadata",
            r#"{"scope":"read write"}"#,
            "--authorize-param",
            "audience=api",
            "--disable-resource-parameter",
        ],
        json!({ "CLIENT": "an-id" }),
    );
    let plan = plan(&server, false);
    let ImportLaunch::Remote { oauth: Some(oauth), .. } = &plan.imports[0].launch else {
        panic!("it signs in: {:?}", plan.notes)
    };
    assert_eq!(oauth.client_id.as_deref(), Some("an-id"));
    assert_eq!(oauth.redirect.uri(8080), "http://localhost:8080/cb");
    assert_eq!(oauth.redirect.port, Some(8080));
    assert_eq!(oauth.scopes.as_deref(), Some(&["read".to_owned(), "write".to_owned()][..]));
    assert_eq!(oauth.authorize_params["audience"], "api");
    assert!(!oauth.send_resource);
    // Without one, the callback is AgentPort's own affair.
    let plain = entry(&["npx", "mcp-remote", "https://h.test/mcp", "8080"], json!({}));
    let plan = self::plan(&plain, false);
    assert!(matches!(&plan.imports[0].launch, ImportLaunch::Remote { oauth: None, .. }));
}

#[test]
fn what_changes_with_it_is_said() {
    let server = entry(
        &["npx", "mcp-remote", "https://h.test/mcp", "--ignore-tool", "delete*"],
        json!({ "LOG": "1" }),
    );
    let notes = plan(&server, false).notes;
    for want in [
        "x: mcp-remote may be signed in there; if so, sign in from AgentPort afterwards.",
        "x: mcp-remote leaves some of its tools out (delete*); in AgentPort your rules decide about each.",
        "x: the variables of mcp-remote are not needed any more (LOG).",
    ] {
        assert!(notes.contains(&want.to_owned()), "{want}: {notes:?}");
    }
}
