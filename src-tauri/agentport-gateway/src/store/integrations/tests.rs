use std::collections::BTreeMap;

use agentport_api::{Connection, Imported};
use agentport_core::{
    RuleId, Timestamp,
    policy::{IntegrationPolicy, Mode, Origin, Rule, Scope},
};
use uuid::Uuid;

use super::IntegrationRow;
use crate::store::{
    ListingRow, Store, Transition,
    testing::{integration, store},
};

fn row(id: &str) -> IntegrationRow {
    IntegrationRow {
        id: integration(id),
        name: id.to_uppercase(),
        connection: Connection::Builtin { name: "demo".into() },
        tags: vec![],
        policy: IntegrationPolicy::default(),
        resources: false,
        enabled: true,
        auth_method: "none".into(),
        added_at: Timestamp(1),
        imported: None,
    }
}

fn secret(name: &str, byte: u8) -> (String, Vec<u8>) {
    (name.to_owned(), vec![byte; 3])
}

async fn add_rule(store: &Store, scope: Scope) -> RuleId {
    let id = RuleId(Uuid::now_v7());
    let rule = Rule {
        id,
        scope,
        mode: Mode::Deny,
        agent: None,
        conditions: vec![],
        digest: None,
        expires_at: None,
        session: false,
        origin: Origin::Owner,
        created_at: Timestamp(1),
    };
    store.insert_rule(&rule).await.unwrap();
    id
}

#[tokio::test]
async fn comes_back_as_it_was_stored() {
    let store = store().await;
    let local = IntegrationRow {
        connection: Connection::LocalMcp {
            command: "npx".into(),
            args: vec!["-y".into(), "server".into()],
            env: BTreeMap::from([("A".into(), "1".into())]),
            secret_env: vec!["TOKEN".into()],
            cwd: Some("/srv".into()),
            secret_args: vec![1],
            timeout_seconds: Some(60),
            startup_timeout_seconds: None,
        },
        tags: vec!["work".into()],
        policy: IntegrationPolicy { default_mode: Some(Mode::Deny), read_only_may_run: true },
        resources: true,
        enabled: false,
        auth_method: "token".into(),
        imported: Some(Imported {
            from: "Cline".into(),
            auto_approve: vec!["read".into()],
            auto_approve_all: false,
            extra: serde_json::json!({ "order": 3 }),
        }),
        ..row("local")
    };
    let secrets = [secret("A", 1), secret("TOKEN", 2)];
    assert_eq!(store.insert_integration(&local, &secrets).await.unwrap(), Transition::Applied);
    assert_eq!(store.integrations().await.unwrap(), std::slice::from_ref(&local));
    assert_eq!(store.credentials(&local.id).await.unwrap(), secrets);

    let changed = IntegrationRow { name: "Other".into(), enabled: true, imported: None, ..local };
    assert_eq!(store.update_integration(&changed).await.unwrap(), Transition::Applied);
    assert_eq!(store.integrations().await.unwrap(), [changed]);
    assert_eq!(store.update_integration(&row("unknown")).await.unwrap(), Transition::LostRace);
}

/// Rows from before there were secret arguments, timeouts and takeovers.
#[tokio::test]
async fn old_rows_read_as_they_did() {
    let store = store().await;
    assert_eq!(store.insert_integration(&row("x"), &[]).await.unwrap(), Transition::Applied);
    store
        .tamper(
            r#"UPDATE integrations SET imported = NULL,
               connection = '{"type":"local_mcp","command":"npx","args":["{token}"],"env":{},"secret_env":[],"cwd":null}'"#,
        )
        .await;
    let [old] = <[IntegrationRow; 1]>::try_from(store.integrations().await.unwrap()).unwrap();
    let connection = Connection::LocalMcp {
        command: "npx".into(),
        args: vec!["{token}".into()],
        env: BTreeMap::new(),
        secret_env: vec![],
        cwd: None,
        secret_args: vec![],
        timeout_seconds: None,
        startup_timeout_seconds: None,
    };
    assert_eq!((old.connection, old.imported), (connection, None));
}

#[tokio::test]
async fn a_taken_id_stores_nothing() {
    let store = store().await;
    assert_eq!(
        store.insert_integration(&row("x"), &[secret("old", 1)]).await.unwrap(),
        Transition::Applied
    );
    let other = IntegrationRow { name: "Other".into(), ..row("x") };
    assert_eq!(
        store.insert_integration(&other, &[secret("new", 2)]).await.unwrap(),
        Transition::LostRace
    );
    assert_eq!(store.integrations().await.unwrap(), [row("x")]);
    assert_eq!(store.credentials(&row("x").id).await.unwrap(), [secret("old", 1)]);
}

#[tokio::test]
async fn half_of_it_is_never_stored() {
    let store = store().await;
    let twice = [secret("same", 1), secret("same", 2)];
    store.insert_integration(&row("x"), &twice).await.unwrap_err();
    assert_eq!(store.integrations().await.unwrap(), []);
    assert_eq!(store.credentials(&row("x").id).await.unwrap(), []);
}

#[tokio::test]
async fn takes_everything_with_it() {
    let store = store().await;
    for id in ["x", "y"] {
        assert!(store.insert_integration(&row(id), &[secret("s", 1)]).await.unwrap().is_applied());
        let listing = ListingRow {
            integration: integration(id),
            json: "{}".into(),
            fetched_at: Timestamp(1),
        };
        store.put_listing(&listing).await.unwrap();
    }
    let x = integration("x");
    add_rule(&store, Scope::Tool { integration: x.clone(), tool: "t".into() }).await;
    add_rule(&store, Scope::Integration { integration: x.clone() }).await;
    let general = add_rule(&store, Scope::Everything).await;

    assert_eq!(store.delete_integration(&x).await.unwrap(), Transition::Applied);
    assert_eq!(store.delete_integration(&x).await.unwrap(), Transition::LostRace);
    assert_eq!(store.integrations().await.unwrap(), [row("y")]);
    assert_eq!(store.credentials(&x).await.unwrap(), []);
    assert_eq!(store.listings().await.unwrap().len(), 1);
    let left: Vec<_> = store.rules().await.unwrap().into_iter().map(|rule| rule.id).collect();
    assert_eq!(left, [general]);
}

#[tokio::test]
async fn credentials_and_lists_need_their_integration() {
    let store = store().await;
    let gone = integration("gone");
    store.put_credential(&gone, "s", &[1]).await.unwrap_err();
    let late = ListingRow { integration: gone, json: "{}".into(), fetched_at: Timestamp(1) };
    store.put_listing(&late).await.unwrap();
    assert_eq!(store.listings().await.unwrap(), []);
}

#[tokio::test]
async fn credentials_and_lists_are_replaced() {
    let store = store().await;
    let id = integration("x");
    assert!(store.insert_integration(&row("x"), &[secret("s", 1)]).await.unwrap().is_applied());
    store.put_credential(&id, "s", &[2, 2, 2]).await.unwrap();
    assert_eq!(store.credentials(&id).await.unwrap(), [secret("s", 2)]);

    let first = ListingRow { integration: id, json: "1".into(), fetched_at: Timestamp(1) };
    let second = ListingRow { json: "2".into(), fetched_at: Timestamp(2), ..first.clone() };
    store.put_listing(&first).await.unwrap();
    store.put_listing(&second).await.unwrap();
    assert_eq!(store.listings().await.unwrap(), [second]);
}

#[tokio::test]
async fn what_is_stored_is_not_quoted_when_it_is_corrupt() {
    let store = store().await;
    assert!(store.insert_integration(&row("x"), &[]).await.unwrap().is_applied());
    store.tamper(r#"UPDATE integrations SET connection = '{"type":"obviously-fake"}'"#).await;
    let error = store.integrations().await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "row x of the table integrations is corrupt: connection: not the JSON that belongs there"
    );
}
