use agentport_core::{
    profile::{ListMode, Naming, Profile},
    tool::DefinitionDigest,
};
use serde_json::json;
use uuid::Uuid;

use super::*;

const NOW: Timestamp = Timestamp(1_000_000);

fn id(text: &str) -> IntegrationId {
    IntegrationId::new(text).unwrap()
}

fn agent(number: u128, name: &str) -> AgentRow {
    AgentRow {
        id: AgentId(Uuid::from_u128(number)),
        name: name.to_owned(),
        key_prefix: "ap_123456789".to_owned(),
        profile: None,
        created_at: Timestamp(1),
        expires_at: None,
        revoked_at: None,
        last_used_at: None,
        client: None,
    }
}

fn integration(name: &str, connection: Connection) -> IntegrationRow {
    IntegrationRow {
        id: id(name),
        name: name.to_owned(),
        connection,
        tags: vec!["work".to_owned()],
        policy: IntegrationPolicy::default(),
        resources: false,
        enabled: true,
        auth_method: "none".to_owned(),
        added_at: Timestamp(5),
        imported: None,
    }
}

fn remote(url: &str, token: bool) -> Connection {
    let header = token.then(|| ("Authorization".to_owned(), "Bearer {token}".to_owned()));
    Connection::RemoteMcp {
        url: url.to_owned(),
        headers: header.into_iter().collect(),
        oauth: None,
        timeout_seconds: None,
    }
}

fn rule(number: u128, mode: Mode, tool: &str) -> Rule {
    Rule {
        id: RuleId(Uuid::from_u128(number)),
        scope: Scope::Tool { integration: id("mail"), tool: tool.to_owned() },
        mode,
        agent: Some(AgentId(Uuid::from_u128(1))),
        conditions: Vec::new(),
        digest: (mode == Mode::Allow).then_some(DefinitionDigest([7; 32])),
        expires_at: None,
        session: false,
        origin: Origin::Owner,
        created_at: Timestamp(9),
    }
}

fn profile(name: &str) -> Profile {
    Profile {
        name: name.to_owned(),
        integrations: Some(vec![id("mail")]),
        tags: Vec::new(),
        hidden_tools: vec!["mail/send*".to_owned()],
        mode: ListMode::Direct,
        naming: Naming::Prefixed,
    }
}

/// A home in use.
fn full() -> Here {
    Here {
        settings: Settings {
            port: 5_000,
            notifications_silent_until: Some(NOW),
            ..Settings::default()
        },
        profiles: vec![profile("work")],
        agents: vec![
            AgentRow { profile: Some("work".to_owned()), ..agent(1, "claude") },
            AgentRow { revoked_at: Some(Timestamp(3)), ..agent(2, "old") },
            AgentRow { expires_at: Some(Timestamp(4)), ..agent(3, "over") },
        ],
        integrations: vec![
            integration("mail", remote("https://mail.example/mcp", true)),
            integration("plain", remote("https://plain.example/mcp", false)),
        ],
        rules: vec![
            rule(1, Mode::Allow, "send"),
            rule(2, Mode::Deny, "delete"),
            Rule { session: true, ..rule(3, Mode::Allow, "read") },
            Rule { expires_at: Some(Timestamp(i64::MAX)), ..rule(4, Mode::Allow, "read") },
            Rule { agent: Some(AgentId(Uuid::from_u128(2))), ..rule(5, Mode::Allow, "read") },
        ],
    }
}

fn fresh() -> Here {
    Here {
        settings: Settings::default(),
        profiles: Vec::new(),
        agents: Vec::new(),
        integrations: Vec::new(),
        rules: Vec::new(),
    }
}

fn backup() -> Backup {
    document::document(full(), NOW)
}

fn refused(change: impl FnOnce(&mut Backup)) -> (String, String) {
    let mut backup = backup();
    change(&mut backup);
    plan(&backup, full(), NOW).expect_err("it is refused").said()
}

#[test]
fn into_where_it_came_from_it_changes_nothing() {
    let plan = plan(&backup(), full(), NOW).unwrap();
    assert!(plan.is_nothing() && plan.changes.is_empty(), "{:?}", plan.changes);
    assert!(plan.needs_secrets.is_empty());
}

#[test]
fn a_fresh_data_directory_gets_everything() {
    let plan = plan(&backup(), fresh(), NOW).unwrap();
    assert_eq!(plan.needs_secrets, [id("mail")]);
    let Restored { settings, profiles, integrations, reconnected, rules, .. } = &plan.stored;
    let settings = settings.as_ref().unwrap();
    assert_eq!((settings.port, settings.notifications_silent_until), (5_000, None));
    assert_eq!(*profiles, [profile("work")]);
    assert_eq!(*rules, [rule(1, Mode::Allow, "send"), rule(2, Mode::Deny, "delete")]);
    assert_eq!(integrations.len(), 2);
    assert!(integrations.iter().all(|row| row.added_at == NOW) && reconnected.is_empty());
    let [claude] = plan.new_agents.as_slice() else { panic!("{:?}", plan.new_agents) };
    assert_eq!((claude.id.0.as_u128(), claude.name.as_str()), (1, "claude"));
    assert_eq!(
        plan.changes,
        [
            "Sets port to 5000, which is 4747 now.",
            "Adds the integration \"mail\" (mail), which is at https://mail.example/mcp.",
            "Adds the integration \"plain\" (plain), which is at https://plain.example/mcp.",
            "Adds the profile \"work\".",
            "Adds the agent \"claude\" with a new key.",
            "Adds the rule: claude may use send in mail.",
            "Adds the rule: claude may not use delete in mail.",
        ]
    );
}

#[test]
fn the_same_rule_under_another_name_is_there_already() {
    let mut here = full();
    for rule in &mut here.rules {
        rule.id = RuleId(Uuid::from_u128(rule.id.0.as_u128() + 100));
        rule.created_at = NOW;
    }
    assert!(plan(&backup(), here, NOW).unwrap().is_nothing());
}

#[test]
fn differences_are_set_and_revoked_keys_stay_revoked() {
    let mut here = full();
    here.rules[0].mode = Mode::Deny;
    here.agents[0].profile = None;
    here.integrations[1].tags.clear();
    let plan = plan(&backup(), here, NOW).unwrap();
    assert_eq!(plan.stored.rules, [rule(1, Mode::Allow, "send")]);
    assert_eq!(plan.stored.agents[0].profile.as_deref(), Some("work"));
    assert_eq!(plan.stored.integrations[0].tags, ["work"]);
    assert!(plan.stored.reconnected.is_empty());

    let mut here = full();
    here.agents[0].revoked_at = Some(NOW);
    here.rules.clear();
    let plan = super::plan(&backup(), here, NOW).unwrap();
    assert_eq!(plan.changes, ["Leaves out the agent \"claude\": its key was revoked here."]);
    assert!(plan.is_nothing(), "nor do rules for it come back");
}

#[test]
fn secrets_go_nowhere_else() {
    let mut here = full();
    here.integrations[0].connection = remote("https://other.example/mcp", true);
    let plan = plan(&backup(), here, NOW).unwrap();
    assert_eq!(plan.stored.reconnected, [id("mail")]);
    assert_eq!(plan.needs_secrets, [id("mail")]);
    assert!(plan.changes[0].contains("which is at https://mail.example/mcp"), "{:?}", plan.changes);
}

#[test]
fn nothing_that_lets_agents_do_more_goes_unsaid() {
    let mut backup = backup();
    backup.agents[0].profile = None;
    let mail = &mut backup.integrations[0];
    mail.default_mode = Some(Mode::Allow);
    mail.read_only_may_run = true;
    mail.resources = true;
    let plain = &mut backup.integrations[1];
    plain.default_mode = Some(Mode::Allow);
    let padded = format!("{}\u{200b}-evil", "x".repeat(3_000));
    plain.connection = serde_json::from_value(json!({
        "type": "local_mcp", "command": "node", "args": [padded, "two words"],
        "env": { "NODE_OPTIONS": "--require /tmp/evil.js" }, "cwd": "/tmp/evil",
    }))
    .unwrap();
    let changes = plan(&backup, full(), NOW).unwrap().changes;
    for part in [
        "Sets that tools of \"mail\" (mail) without a rule may be used without asking.",
        "Lets tools of \"mail\" (mail) that say they only read run without asking.",
        "Lets agents read what \"mail\" (mail) offers beside its tools.",
        "Sets that tools of \"plain\" (plain) without a rule may be used without asking.",
        "\"NODE_OPTIONS=--require /tmp/evil.js\" node \"xxx",
        "\\u{200b}-evil\" \"two words\" in the folder /tmp/evil.",
        "Changes the agent \"claude\": it sees everything, and its key has no end.",
    ] {
        assert!(changes.iter().any(|change| change.contains(part)), "{part}: {changes:#?}");
    }
    let fresh = plan(&backup, fresh(), NOW).unwrap().changes;
    let asks_not = "Sets that tools of \"mail\" (mail) without a rule may be used without asking.";
    assert!(fresh.iter().any(|change| change == asks_not), "{fresh:#?}");
}

#[test]
fn values_missing_in_the_document_are_kept() {
    let local = |env: serde_json::Value, args: &[&str]| -> Connection {
        let connection = json!({ "type": "local_mcp", "command": "x", "args": args, "env": env });
        serde_json::from_value(connection).unwrap()
    };
    let mut here = full();
    here.integrations.push(integration("one", local(json!({ "API_KEY": "obviously-fake" }), &[])));
    here.integrations.push(integration("two", local(json!({}), &["--token", "obviously-fake"])));
    let backup =
        document::document(Here { integrations: here.integrations.clone(), ..full() }, NOW);
    assert!(!serde_json::to_string(&backup).unwrap().contains("fake"));
    assert!(plan(&backup, here, NOW).unwrap().is_nothing());
    let plan = plan(&backup, fresh(), NOW).unwrap();
    assert_eq!(plan.needs_secrets, [id("mail"), id("one")]);
    let two = plan.stored.integrations.last().unwrap();
    assert!(!two.enabled);
    assert!(plan.changes.iter().any(|change| change.contains("left out: remove it")));
}

#[test]
fn errors_name_their_position() {
    type Change = fn(&mut Backup);
    let changes: [(Change, &str); 21] = [
        (|b| b.format = 2, "format"),
        (|b| b.settings.port = 80, "settings.port"),
        (|b| b.profiles[0].name = "a/b".to_owned(), "profiles[0].name"),
        (|b| b.profiles[0].integrations = Some(vec![id("gone")]), "profiles[0].integrations"),
        (|b| b.profiles.push(profile("work")), "profiles[1].id"),
        (|b| b.agents[0].name = "x".repeat(65), "agents[0].name"),
        (|b| b.agents[0].name = "renamed".to_owned(), "agents[0].name"),
        (|b| b.agents[0].id = AgentId(Uuid::from_u128(77)), "agents[0].name"),
        (|b| b.agents[0].id = AgentId(Uuid::nil()), "agents[0].id"),
        (|b| b.agents[0].profile = Some("none".to_owned()), "agents[0].profile"),
        (|b| b.integrations[1].name = "a\u{202e}b".to_owned(), "integrations[1].name"),
        (|b| b.integrations[1].name = "x".repeat(65), "integrations[1].name"),
        (|b| b.integrations[1].tags = vec!["a,b".to_owned()], "integrations[1].tags"),
        (|b| b.integrations[1].connection = remote("ftp://x", false), "integrations[1].connection"),
        (
            |b| b.integrations[1].connection = remote("https://x/?key=fake", false),
            "integrations[1].connection",
        ),
        (
            |b| b.integrations[1].connection = Connection::Builtin { name: "demo".to_owned() },
            "integrations[1].connection",
        ),
        (|b| b.integrations[1].id = builtin::demo::id(), "integrations[1].connection"),
        (|b| b.rules[0].digest = None, "rules[0].digest"),
        (|b| b.rules[1].session = true, "rules[1].expires_at"),
        (|b| b.rules[1].origin = Origin::Builtin, "rules[1].origin"),
        (|b| b.rules[1].scope = Scope::Integration { integration: id("gone") }, "rules[1].scope"),
    ];
    for (change, place) in changes {
        let (field, detail) = refused(change);
        assert_eq!(field, place, "{detail}");
        let first = place.split('.').next().unwrap();
        assert!(place == "format" || detail.to_lowercase().starts_with(first), "{detail}");
        assert!(!detail.contains("fake"), "{detail}");
    }
}

fn imported(extra: serde_json::Value) -> Imported {
    Imported {
        from: "Cursor".to_owned(),
        auto_approve: vec!["send".to_owned()],
        auto_approve_all: false,
        extra,
    }
}

#[test]
fn imported_fields_are_restored() {
    let kept = imported(json!({ "token": "[redacted: 14 characters]", "order": 3 }));
    let backup = document::document(full_with(kept.clone()), NOW);
    assert_eq!(backup.integrations[0].imported.as_ref(), Some(&kept));
    assert!(plan(&backup, full_with(kept.clone()), NOW).unwrap().is_nothing());
    let fresh = plan(&backup, fresh(), NOW).unwrap();
    assert_eq!(fresh.stored.integrations[0].imported.as_ref(), Some(&kept));

    // A document from before says nothing of it, and takes nothing away.
    let old: Backup = {
        let mut old = serde_json::to_value(&backup).unwrap();
        old["integrations"][0].as_object_mut().unwrap().remove("imported");
        serde_json::from_value(old).unwrap()
    };
    assert!(plan(&old, full_with(kept), NOW).unwrap().is_nothing());
}

fn full_with(imported: Imported) -> Here {
    let mut here = full();
    here.integrations[0].imported = Some(imported);
    here
}

#[test]
fn imported_fields_are_bounded() {
    let (field, detail) = refused(|backup| {
        let extra = json!({ "notes": "x".repeat(70_000) });
        backup.integrations[0].imported = Some(imported(extra));
    });
    assert_eq!(field, "integrations[0].imported");
    assert!(detail.contains("65536"), "{detail}");
    let mut backup = backup();
    backup.integrations[0].imported = Some(imported(json!({ "api_key": "obviously-fake" })));
    let plan = plan(&backup, full(), NOW).unwrap();
    let stored = format!("{:?}", plan.stored.integrations);
    assert!(stored.contains("api_key") && !stored.contains("fake"), "{stored}");
}

#[test]
fn another_time_for_calls_is_no_other_server() {
    let timed = |seconds| {
        let mut here = full();
        let row = &mut here.integrations[0];
        row.connection = with_timeout(row.connection.clone(), seconds);
        here
    };
    // From before there were such times.
    assert!(plan(&backup(), timed(Some(60)), NOW).unwrap().is_nothing());
    let later = document::document(timed(Some(90)), NOW);
    for seconds in [None, Some(60)] {
        let plan = plan(&later, timed(seconds), NOW).unwrap();
        assert_eq!(plan.changes, ["Changes the integration \"mail\" (mail)."]);
        assert_eq!(plan.stored.integrations[0].connection.timeout_seconds(), Some(90));
        assert!(plan.stored.reconnected.is_empty() && plan.needs_secrets.is_empty());
    }
    let (field, detail) = refused(|backup| {
        let connection = &mut backup.integrations[0].connection;
        *connection = with_timeout(connection.clone(), Some(0));
    });
    assert!(field.starts_with("integrations[0]") && detail.contains("3600"), "{field} {detail}");
}
