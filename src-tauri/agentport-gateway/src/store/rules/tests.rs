use agentport_core::{
    AgentId, ApprovalId, RuleId, Timestamp,
    arguments::ArgumentsHash,
    policy::{Condition, Mode, Origin, Rule, Scope},
    tool::DefinitionDigest,
};
use uuid::Uuid;

use crate::store::{
    Transition,
    testing::{integration, store},
};

fn rule(scope: Scope) -> Rule {
    Rule {
        id: RuleId(Uuid::now_v7()),
        scope,
        mode: Mode::Allow,
        agent: None,
        conditions: vec![],
        digest: None,
        expires_at: None,
        session: false,
        origin: Origin::Owner,
        created_at: Timestamp(1),
    }
}

fn tool(name: &str) -> Scope {
    Scope::Tool { integration: integration("x"), tool: name.into() }
}

#[tokio::test]
async fn each_kind_comes_back_as_it_was_stored() {
    let store = store().await;
    let x = || integration("x");
    let full = Rule {
        mode: Mode::RequireApproval,
        agent: Some(AgentId(Uuid::now_v7())),
        conditions: vec![Condition::ArgumentsAre { hash: ArgumentsHash([3; 32]) }],
        digest: Some(DefinitionDigest([4; 32])),
        expires_at: Some(Timestamp(9)),
        session: true,
        origin: Origin::Approval { id: ApprovalId(Uuid::now_v7()) },
        ..rule(tool("t"))
    };
    let rules = [
        rule(tool("t")),
        full,
        Rule {
            mode: Mode::Deny,
            ..rule(Scope::Category { integration: x(), category: "c".into() })
        },
        rule(Scope::ReadOnly { integration: x() }),
        Rule { origin: Origin::Builtin, ..rule(Scope::Integration { integration: x() }) },
        rule(Scope::NonDestructive),
        rule(Scope::Everything),
    ];
    for rule in &rules {
        store.insert_rule(rule).await.unwrap();
    }
    assert_eq!(store.rules().await.unwrap(), rules);
    assert_eq!(store.delete_rule(rules[0].id).await.unwrap(), Transition::Applied);
    assert_eq!(store.delete_rule(rules[0].id).await.unwrap(), Transition::LostRace);
    assert_eq!(store.rules().await.unwrap(), rules[1..]);
}

#[tokio::test]
async fn replaces_what_says_the_same() {
    let store = store().await;
    let agent = Some(AgentId(Uuid::now_v7()));
    let conditions = vec![Condition::ArgumentsAre { hash: ArgumentsHash([3; 32]) }];
    let stays = [
        rule(tool("u")),
        Rule { agent, ..rule(tool("t")) },
        Rule { conditions, ..rule(tool("t")) },
        rule(Scope::Integration { integration: integration("x") }),
    ];
    let goes = [
        rule(tool("t")),
        Rule { origin: Origin::Builtin, ..rule(tool("t")) },
        Rule { origin: Origin::Approval { id: ApprovalId(Uuid::now_v7()) }, ..rule(tool("t")) },
    ];
    for rule in stays.iter().chain(&goes) {
        store.insert_rule(rule).await.unwrap();
    }
    let new = Rule { mode: Mode::Deny, created_at: Timestamp(2), ..rule(tool("t")) };
    store.replace_tool_rule(&new).await.unwrap();
    assert_eq!(store.rules().await.unwrap(), [&stays[..], &[new]].concat());
}

#[tokio::test]
async fn a_category_has_one_rule_for_every_agent_or_none() {
    let store = store().await;
    let scope = |category: &str| Scope::Category {
        integration: integration("x"),
        category: category.into(),
    };
    let other = Scope::Category { integration: integration("y"), category: "c".into() };
    let bound = Rule { agent: Some(AgentId(Uuid::now_v7())), ..rule(scope("c")) };
    let stays = [rule(scope("d")), rule(other), bound, rule(tool("t"))];
    for rule in stays.iter().chain(&[rule(scope("c")), rule(scope("c"))]) {
        store.insert_rule(rule).await.unwrap();
    }
    let new = Rule { mode: Mode::Deny, created_at: Timestamp(2), ..rule(scope("c")) };
    for _ in 0..2 {
        store.replace_category_rule(&scope("c"), Some(&new)).await.unwrap();
        let want = [&stays[..], std::slice::from_ref(&new)].concat();
        assert_eq!(store.rules().await.unwrap(), want);
    }
    for _ in 0..2 {
        store.replace_category_rule(&scope("c"), None).await.unwrap();
        assert_eq!(store.rules().await.unwrap(), stays);
    }
}

#[tokio::test]
async fn some_end_with_their_time_or_session() {
    let store = store().await;
    let ends_at = |at| Rule { expires_at: Some(Timestamp(at)), ..rule(tool("t")) };
    let rules =
        [ends_at(10), ends_at(11), Rule { session: true, ..rule(tool("t")) }, rule(tool("t"))];
    for rule in &rules {
        store.insert_rule(rule).await.unwrap();
    }
    assert_eq!(store.delete_expired_rules(Timestamp(10)).await.unwrap(), 1);
    assert_eq!(store.rules().await.unwrap(), rules[1..]);
    assert_eq!(store.delete_session_rules().await.unwrap(), 1);
    assert_eq!(store.rules().await.unwrap(), [rules[1].clone(), rules[3].clone()]);
}

#[tokio::test]
async fn a_row_that_is_no_rule_is_corrupt() {
    for (change, what) in [
        ("UPDATE rules SET scope = 'most'", "scope: unknown word \"most\""),
        ("UPDATE rules SET tool = NULL", "tool: missing"),
        ("UPDATE rules SET integration = 'Not An Id'", "integration: unknown word \"Not An Id\""),
        ("UPDATE rules SET origin = 'approval'", "origin_approval: missing"),
        ("UPDATE rules SET conditions = '[{\"kind\":\"sometimes\"}]'", "conditions: not the JSON"),
        ("UPDATE rules SET digest = x'00'", "digest: not a digest of 32 bytes"),
        ("UPDATE rules SET session = 2", "session: 2 is neither 0 nor 1"),
    ] {
        let store = store().await;
        let rule = rule(tool("t"));
        store.insert_rule(&rule).await.unwrap();
        store.tamper(change).await;
        let error = store.rules().await.unwrap_err().to_string();
        let start = format!("row {} of the table rules is corrupt: {what}", rule.id);
        assert!(error.starts_with(&start), "{error}");
    }
}
