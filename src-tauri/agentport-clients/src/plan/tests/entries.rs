//! Our own entry.

use super::*;

#[test]
fn a_file_is_made_where_there_is_none() {
    let place = user_file("cursor");
    let plan = connect(&place, None, None, &target()).unwrap();
    assert_eq!(plan.files[0].before, None);
    assert_eq!(names(&place, &after(&plan)), ["agentport"]);
    let key = WantsKey {
        agent: "Cursor".to_owned(),
        via: ConnectionMethod::OAuth,
        key_name: "a-client".to_owned(),
    };
    assert_eq!(plan.key, Some(key));
}

#[test]
fn connected_twice_is_connected() {
    let place = user_file("cursor");
    for via in [
        ConnectionMethod::OAuth,
        ConnectionMethod::Http,
        ConnectionMethod::HttpEnvironment,
        ConnectionMethod::Bridge,
    ] {
        let plan = connect(&place, None, Some(via), &target()).unwrap();
        let there = after(&plan);
        for asked in [None, Some(via)] {
            let again = connect(&place, Some(&there), asked, &target()).unwrap();
            assert!(again.is_empty() && again.key.is_none() && !again.notes.is_empty(), "{via:?}");
        }
        // For a key that is no longer in force.
        let anew = reconnect(&place, Some(&there), None, &target()).unwrap();
        assert_eq!(anew.key.map(|key| key.via), Some(via));
        let other = if via == ConnectionMethod::Bridge {
            ConnectionMethod::Http
        } else {
            ConnectionMethod::Bridge
        };
        let changed = connect(&place, Some(&there), Some(other), &target()).unwrap();
        assert_eq!(changed.key.as_ref().map(|key| key.via), Some(other));
        assert_eq!(names(&place, &after(&changed)), ["agentport"], "one entry, not two");
    }
}

#[test]
fn an_entry_that_leads_elsewhere_is_replaced_in_its_place() {
    let place = user_file("cursor");
    let elsewhere = EntryTarget { mcp_url: "http://127.0.0.1:4848/mcp".to_owned(), ..target() };
    let there = after(
        &connect(&place, Some(&file(json!({ "x": {"command": "x"} }))), None, &elsewhere).unwrap(),
    );
    let plan = connect(&place, Some(&there), None, &target()).unwrap();
    assert!(plan.notes[0].contains("http://127.0.0.1:4848/mcp"), "{:?}", plan.notes);
    assert_eq!(names(&place, &after(&plan)), ["x", "agentport"]);

    let home = EntryTarget { home: Some("/srv/other".into()), ..target() };
    let there = after(&connect(&place, None, Some(ConnectionMethod::Bridge), &home).unwrap());
    let plan = connect(&place, Some(&there), None, &target()).unwrap();
    assert!(plan.notes[0].contains("/srv/other"), "{:?}", plan.notes);
    assert_eq!(plan.key.unwrap().via, ConnectionMethod::Bridge, "the way it was chosen stays");
    // The program has moved.
    let moved = EntryTarget { program: "/opt/new/agentport".into(), ..target() };
    let there = after(&connect(&place, None, Some(ConnectionMethod::Bridge), &target()).unwrap());
    assert!(!connect(&place, Some(&there), None, &moved).unwrap().is_empty());
}

#[test]
fn an_entry_that_is_switched_off_is_no_connection() {
    let place = user_file("windsurf");
    let there = after(&connect(&place, None, None, &target()).unwrap());
    assert!(connect(&place, Some(&there), None, &target()).unwrap().is_empty());
    let (name, mut entry) = servers(&place, &there).swap_remove(0);
    entry["disabled"] = json!(true);
    let plan = connect(&place, Some(&file(json!({ name: entry }))), None, &target()).unwrap();
    assert!(plan.notes[0].contains("switched off"), "{:?}", plan.notes);
    assert!(servers(&place, &after(&plan))[0].1.get("disabled").is_none());
}

#[test]
fn an_entry_of_another_name_is_ours_too() {
    let place = user_file("claude-desktop");
    let there = file(
        json!({ "gate": { "command": "/usr/bin/agentport", "args": ["bridge", "--client", "x"] }, "y": { "command": "y" } }),
    );
    let plan = connect(&place, Some(&there), None, &target()).unwrap();
    assert_eq!(names(&place, &after(&plan)), ["gate", "y"]);
    let gone = disconnect(&place, Some(&there)).unwrap();
    assert_eq!(names(&place, &after(&gone)), ["y"]);
    let plan = consolidate(
        &place,
        Some(&there),
        &target(),
        &KnownGateway::default(),
        &ConsolidateWishes::default(),
    )
    .unwrap();
    assert_eq!(plan.imports.len(), 1);
    assert_eq!(names(&place, &after(&plan)), ["gate"]);
}

#[test]
fn one_entry_is_ours_and_no_other_passes_for_it() {
    let place = user_file("claude-desktop");
    let bridge = |command: &str| json!({ "command": command, "args": ["bridge", "--client", "x"] });
    let strangers = ["./evil/agentport", "/tmp/evil/agentport", "evil/ap", "/tmp/ap.exe"];
    for ours in [Some("/opt/agentport"), Some("/moved/since/agentport"), None] {
        for stranger in strangers {
            let mut servers = json!({ "docs": bridge(stranger) });
            if let Some(ours) = ours {
                servers["agentport"] = bridge(ours);
            }
            let plan = take_over(
                &place,
                servers.clone(),
                &KnownGateway::default(),
                &ConsolidateWishes::default(),
            );
            let [left] = &plan.left[..] else { panic!("{stranger}: {:?}", plan.left) };
            assert!(left.server == "docs" && left.why.contains("called as AgentPort's own"));
            assert!(plan.imports.is_empty() && plan.conflicts.is_empty());
            let plan = disconnect(&place, Some(&file(servers))).unwrap();
            assert_eq!(plan.is_empty(), ours.is_none(), "alone it is no connection");
            let gone = plan.files.first().map(|_| names(&place, &after(&plan)));
            assert!(gone.is_none_or(|names| names == ["docs"]), "{stranger}");
        }
    }
    let two = json!({ "gate": bridge("agentport"), "agentport": bridge("/opt/agentport") });
    let plan =
        take_over(&place, two.clone(), &KnownGateway::default(), &ConsolidateWishes::default());
    assert_eq!((plan.left.len(), plan.left[0].server.as_str()), (1, "gate"));
    assert!(plan.left[0].why.contains("another entry"), "{}", plan.left[0].why);
    let gone = disconnect(&place, Some(&file(two))).unwrap();
    assert_eq!(names(&place, &after(&gone)), [""; 0]);
    // By our name, but not from the root: nobody's to overwrite.
    let there = file(json!({ "agentport": bridge("./evil/agentport") }));
    let refused = connect(&place, Some(&there), None, &target()).err();
    assert!(matches!(refused, Some(PlanError::NameTaken { .. })));
}

#[test]
fn an_existing_placeholder_gets_no_key() {
    let url = format!("https://d.example/mcp?k={KEY_PLACEHOLDER}");
    let there = file(json!({ "d": { "type": "http", "url": url } }));
    for place in [user_file("claude-code"), project_file("claude-code")] {
        let refused = connect(&place, Some(&there), Some(ConnectionMethod::Http), &target()).err();
        assert!(matches!(refused, Some(PlanError::HoldsPlaceholder { .. })));
        for via in [ConnectionMethod::Bridge, ConnectionMethod::HttpEnvironment] {
            let plan = connect(&place, Some(&there), Some(via), &target()).unwrap();
            assert!(!plan.takes_key, "{via:?}");
            let gone = disconnect(&place, plan.files[0].after.as_deref()).unwrap();
            assert!(!gone.takes_key && gone.files[0].after.as_deref() == Some(&*there));
        }
        let plan = connect(&place, None, Some(ConnectionMethod::Http), &target()).unwrap();
        assert!(plan.takes_key);
    }
}

#[test]
fn a_stranger_of_our_name_is_not_overwritten() {
    let place = user_file("cursor");
    let there = json!({ "agentport": { "command": "something-else" } });
    let refused = connect(&place, Some(&file(there.clone())), None, &target()).err();
    assert!(matches!(refused, Some(PlanError::NameTaken { .. })));

    // Taken over, it makes room.
    let plan =
        take_over(&place, there.clone(), &KnownGateway::default(), &ConsolidateWishes::default());
    assert_eq!(plan.imports[0].id, id("mcp-agentport"));
    assert_eq!(names(&place, &after(&plan)), ["agentport"]);
    let keep =
        ConsolidateWishes { keep: ["agentport".to_owned()].into(), ..ConsolidateWishes::default() };
    let refused =
        consolidate(&place, Some(&file(there)), &target(), &KnownGateway::default(), &keep).err();
    assert!(matches!(refused, Some(PlanError::NameTaken { .. })));
}

#[test]
fn some_ways_are_not_every_clients() {
    let refused =
        connect(&user_file("claude-desktop"), None, Some(ConnectionMethod::Http), &target()).err();
    assert!(matches!(refused, Some(PlanError::NoSuchWay { .. })));
}

#[test]
fn a_projects_agent_is_called_by_its_folder() {
    let place = project_file("cursor");
    let plan = connect(&place, None, None, &target()).unwrap();
    let key = plan.key.unwrap();
    assert_eq!((key.agent.as_str(), key.via), ("Cursor (shop)", ConnectionMethod::Bridge));
    assert!(plan.notes.is_empty());
    let plan = connect(&place, None, Some(ConnectionMethod::Http), &target()).unwrap();
    assert!(plan.notes[0].contains("file of the project"), "{:?}", plan.notes);
}

#[test]
fn nothing_to_take_out_is_no_mistake() {
    let there = file(json!({ "x": { "command": "x" } }));
    let plan = disconnect(&user_file("cursor"), Some(&there)).unwrap();
    assert!(plan.is_empty() && !plan.notes.is_empty());
    assert!(disconnect(&user_file("cursor"), None).unwrap().is_empty());
}

#[test]
fn a_broken_file_is_reported_by_line_and_column() {
    let place = user_file("cursor");
    let Some(PlanError::Parse { source, .. }) =
        connect(&place, Some(b"{\n  oops"), None, &target()).err()
    else {
        panic!("it does not parse")
    };
    assert_eq!(source.line, 2);
    let not_servers = br#"{ "mcpServers": [1] }"#;
    let refused = consolidate(
        &place,
        Some(not_servers),
        &target(),
        &KnownGateway::default(),
        &ConsolidateWishes::default(),
    )
    .err();
    assert!(matches!(refused, Some(PlanError::Edit { .. })));
}
