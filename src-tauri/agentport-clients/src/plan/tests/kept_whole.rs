//! What an entry holds, and what it takes for one to be left where it is.

use super::*;

#[test]
fn a_local_server_keeps_everything() {
    let place = user_file("roo-code");
    let import = fate(
        &place,
        json!({
            "command": "npx", "args": ["-y", "x", "--token", "fake-arg-a", "postgres://me:fake-pw@h/x"],
            "env": { "API_KEY": "fake-env-a", "LOG": "debug" }, "cwd": "/srv", "disabled": true, "timeout": 90,
            "alwaysAllow": ["read"], "watchPaths": ["/x"], "notes": { "password": "fake-note-a", "at": 1 }
        }),
    )
    .unwrap();
    let ImportLaunch::Local { command, args, secret_args, env, secret_env, cwd } = &import.launch
    else {
        panic!("it is local")
    };
    assert_eq!(command, "npx");
    assert_eq!(args, &["-y", "x", "--token", "{token}", "postgres://me:{token1}@h/x"]);
    assert_eq!(secret_args, &[3, 4]);
    assert_eq!(env, &BTreeMap::from([("LOG".to_owned(), "debug".to_owned())]));
    assert_eq!(secret_env, &["API_KEY"]);
    assert_eq!(cwd.as_deref(), Some("/srv"));
    let secrets: Vec<(&str, &str)> =
        import.secrets.iter().map(|(name, secret)| (name.as_str(), secret.expose())).collect();
    assert_eq!(
        secrets,
        [("API_KEY", "fake-env-a"), ("token", "fake-arg-a"), ("token1", "fake-pw")]
    );
    assert_eq!(import.secret_words, ["env API_KEY", "argument 4", "argument 5"]);
    assert!(!import.enabled);
    assert_eq!(import.timeout_seconds, Some(90));
    assert_eq!(import.auto_approve, AutoApprove::Tools(vec!["read".to_owned()]));
    assert_eq!(import.extra["watchPaths"], json!(["/x"]));
    assert_eq!(import.extra["notes"]["at"], json!(1));
    assert!(!json!(import.extra).to_string().contains("fake"), "kept in clear, so without secrets");
}

#[test]
fn a_remote_server_keeps_everything() {
    let import = fate(
        &user_file("cursor"),
        json!({
            "url": "https://me:fake-pw@h.test/mcp?api_key=fake-a&mode=x",
            "headers": { "X-Api-Key": "fake-b", "X-Region": "eu", "Accept": "text/event-stream" }
        }),
    )
    .unwrap();
    let ImportLaunch::Remote { url, headers, .. } = &import.launch else { panic!("it is remote") };
    assert_eq!(url, "https://h.test/mcp?api_key={token}&mode=x");
    let headers: Vec<(&str, &str)> =
        headers.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
    assert_eq!(
        headers,
        [("Authorization", "Basic {token1}"), ("X-Api-Key", "{token2}"), ("X-Region", "eu")]
    );
    assert_eq!(
        import.secret_words,
        ["URL parameter api_key", "user in the URL", "header X-Api-Key"]
    );
    assert_eq!(import.extra["headers"], json!({ "Accept": "text/event-stream" }));
}

fn left(client: &str, server: Value, why: &str) {
    let got = fate(&user_file(client), server.clone()).err();
    assert!(got.as_ref().is_some_and(|got| got.contains(why)), "{server}: {got:?}");
}

#[test]
fn servers_only_the_client_can_run_stay() {
    left(
        "cursor",
        json!({ "command": "x", "url": "https://h.test" }),
        "It has both a command and a URL.",
    );
    left("cursor", json!(7), "It is not a set of fields.");
    left(
        "cursor",
        json!({ "command": "x", "env": { "A": "${env:B}" } }),
        "${env:B}, which only Cursor",
    );
    left(
        "cursor",
        json!({ "command": "x", "url": null, "args": ["${input:token}"] }),
        "${input:token}",
    );
    left(
        "cursor",
        json!({ "command": "x", "args": ["${workspaceFolder}/y"] }),
        "${workspaceFolder}",
    );
    left("cursor", json!({ "url": "https://h.test/$TENANT/mcp" }), "$TENANT");
    left(
        "cursor",
        json!({ "url": "https://h.test", "headers": { "X-A": "{{secret}}" } }),
        "{{secret}}",
    );
    left(
        "cursor",
        json!({ "url": "https://h.test", "auth": { "CLIENT_ID": "x" } }),
        "\"auth\", which only Cursor",
    );
    left(
        "cursor",
        json!({ "url": "https://h.test", "headers": { "Host": "x" } }),
        "AgentPort sets itself",
    );
    left("cursor", json!({ "url": "ws://h.test" }), "no absolute http");
    left("cursor", json!({ "command": "API_KEY=fake-a npx" }), "command itself holds a secret");
    left("cursor", json!({ "command": "./run" }), "depends on the folder");
    left("cursor", json!({ "command": "x", "env": { "A=B": "c" } }), "no program can be given");
}

#[test]
fn a_secret_is_found_in_every_field() {
    let server = json!({
        "command": "x", "args": ["--token=fake-value-a", "--pass", "fake-value-b"],
        "env": { "A_TOKEN": "fake-value-a", "PLAIN": "y" }
    });
    let import = fate(&user_file("cursor"), server.clone()).unwrap();
    let ImportLaunch::Local { args, secret_args, env, secret_env, .. } = &import.launch else {
        panic!("it is local")
    };
    assert_eq!(args, &["--token={token}", "--pass", "{token1}"]);
    assert_eq!(secret_args, &[0, 2]);
    assert_eq!(secret_env, &["A_TOKEN"]);
    assert_eq!(env.keys().collect::<Vec<_>>(), ["PLAIN"]);

    // Under a plain name it would have to be hidden, and any program may take its orders from there.
    let mut twice = server;
    twice["env"]["ENDPOINT"] = json!("host/fake-value-b/x");
    let why = fate(&user_file("cursor"), twice).unwrap_err();
    assert!(why.contains("the variable ENDPOINT"), "{why}");
}

#[test]
fn the_older_transport_is_taken_over_like_the_newer_one() {
    for server in [
        json!({ "url": "https://h.test/v1/sse/?x=1" }),
        json!({ "type": "sse", "url": "https://h.test/v1/sse/?x=1" }),
    ] {
        let import = fate(&user_file("cursor"), server.clone()).unwrap();
        let ImportLaunch::Remote { url, .. } = import.launch else { panic!("it is remote") };
        assert_eq!(url, "https://h.test/v1/sse/?x=1", "{server}");
    }
}

#[test]
fn servers_disabled_by_any_field_stay_disabled() {
    for (server, enabled) in [
        (json!({ "command": "x", "enabled": false }), false),
        (json!({ "command": "x", "disabled": true }), false),
        (json!({ "command": "x", "disabled": "no", "enabled": true }), true),
    ] {
        assert_eq!(fate(&user_file("cursor"), server).unwrap().enabled, enabled);
    }
}

#[test]
fn limits_of_the_client_are_noted() {
    let place = user_file("gemini-cli");
    let servers = json!({ "x": { "command": "x", "includeTools": ["a"] }, "y": { "command": "y", "excludeTools": [] } });
    let plan = take_over(&place, servers, &KnownGateway::default(), &ConsolidateWishes::default());
    assert_eq!(plan.notes.len(), 1);
    assert!(
        plan.notes[0].starts_with("x: Gemini CLI offers only some of its tools (includeTools)")
    );
    left("cursor", json!({ "command": "x", "sandboxEnabled": true }), "\"sandboxEnabled\"");
}

#[test]
fn defaults_of_references_are_not_shown() {
    let why = fate(
        &user_file("claude-code"),
        json!({ "command": "x", "env": { "A": "${B:-fake-default}" } }),
    );
    let why = why.err().unwrap();
    assert!(why.contains("${B}") && !why.contains("fake"), "{why}");
}

#[test]
fn a_program_may_resolve_its_own_variables() {
    let server = json!({
        "command": "npx", "args": ["a-bridge", "https://h.test/mcp", "--header", "Authorization:${AUTH}"],
        "env": { "AUTH": "Bearer fake-a" }
    });
    let import = fate(&user_file("claude-desktop"), server.clone()).unwrap();
    let ImportLaunch::Local { args, secret_args, secret_env, .. } = import.launch else {
        panic!("it is local")
    };
    assert_eq!(args[3], "Authorization:${AUTH}");
    assert!(secret_args.is_empty());
    assert_eq!(secret_env, ["AUTH"]);
    // Where the client resolves such texts itself, nobody knows with what.
    assert!(fate(&user_file("claude-code"), server).is_err());
}

#[test]
fn a_projects_folder_is_where_its_servers_start() {
    let place = project_file("cursor");
    let servers =
        json!({ "x": { "command": "node", "args": ["./server.js"] }, "y": { "command": "npx" } });
    let plan = take_over(&place, servers, &KnownGateway::default(), &ConsolidateWishes::default());
    let cwds: Vec<Option<&str>> = plan
        .imports
        .iter()
        .map(|import| match &import.launch {
            ImportLaunch::Local { cwd, .. } => cwd.as_deref(),
            ImportLaunch::Remote { .. } => None,
        })
        .collect();
    assert_eq!(cwds, [Some("/home/me/shop"), None]);
    assert!(
        plan.notes.iter().any(|note| note == "x: starts in /home/me/shop, as it does now."),
        "{:?}",
        plan.notes
    );
}

#[test]
fn braces_of_the_clients_are_no_placeholders() {
    let import = fate(
        &user_file("cursor"),
        json!({ "command": "x", "args": ["{token}", "--key", "fake-a"] }),
    )
    .unwrap();
    let ImportLaunch::Local { args, secret_args, .. } = &import.launch else {
        panic!("it is local")
    };
    assert_eq!((args[0].as_str(), secret_args.as_slice()), ("{token}", [2].as_slice()));
    let import = fate(
        &user_file("cursor"),
        json!({ "url": "https://h.test", "headers": { "X-T": "{token}" } }),
    )
    .unwrap();
    assert_eq!(import.secrets["token"].expose(), "{token}", "sent as it stood");
    assert!(fate(&user_file("cursor"), json!({ "url": "https://h.test/{token}" })).is_err());
}
