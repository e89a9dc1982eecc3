use agentport_api::Connection;
use agentport_core::{AccountId, Timestamp, policy::IntegrationPolicy};
use uuid::Uuid;

use super::{AccountAuth, AccountRow};
use crate::store::{
    IntegrationRow, Store, Transition,
    testing::{TestStore, integration, store},
};

fn account(label: &str, at: i64) -> AccountRow {
    AccountRow {
        id: AccountId(Uuid::now_v7()),
        integration: integration("x"),
        label: label.to_owned(),
        is_default: false,
        auth_method: AccountAuth::Oauth,
        sealed: vec![1, 2, 3],
        sign_in_needed: None,
        created_at: Timestamp(at),
    }
}

async fn store_with_integration() -> TestStore {
    let store = store().await;
    let row = IntegrationRow {
        id: integration("x"),
        name: "X".to_owned(),
        connection: Connection::Builtin { name: "demo".to_owned() },
        tags: vec![],
        policy: IntegrationPolicy::default(),
        resources: false,
        enabled: true,
        auth_method: "oauth".to_owned(),
        added_at: Timestamp(1),
        imported: None,
    };
    assert!(store.insert_integration(&row, &[]).await.unwrap().is_applied());
    store
}

/// Label and whether it is the default, of each.
async fn defaults(store: &Store) -> Vec<(String, bool)> {
    let all = store.accounts().await.unwrap();
    all.into_iter().map(|account| (account.label, account.is_default)).collect()
}

fn labels(pairs: &[(&str, bool)]) -> Vec<(String, bool)> {
    pairs.iter().map(|(label, is_default)| ((*label).to_owned(), *is_default)).collect()
}

#[tokio::test]
async fn the_first_account_is_the_default_until_another_is_chosen() {
    let store = store_with_integration().await;
    let (work, home) = (account("work", 1), account("home", 2));
    for account in [&work, &home] {
        assert_eq!(store.insert_account(account).await.unwrap(), Transition::Applied);
    }
    let want = AccountRow { is_default: true, ..work.clone() };
    assert_eq!(store.accounts().await.unwrap(), [want, home.clone()]);

    assert!(store.make_default_account(home.id).await.unwrap().is_applied());
    assert_eq!(defaults(&store).await, labels(&[("work", false), ("home", true)]));
    assert!(store.delete_account(home.id).await.unwrap().is_applied());
    assert_eq!(defaults(&store).await, labels(&[("work", true)]), "one of them is the default");
    assert_eq!(store.delete_account(home.id).await.unwrap(), Transition::LostRace);
    assert_eq!(store.make_default_account(home.id).await.unwrap(), Transition::LostRace);
    assert_eq!(defaults(&store).await, labels(&[("work", true)]));
}

#[tokio::test]
async fn labels_are_unique_and_records_are_replaced() {
    let store = store_with_integration().await;
    let (work, home) = (account("work", 1), account("home", 2));
    assert!(store.insert_account(&work).await.unwrap().is_applied());
    assert!(store.insert_account(&home).await.unwrap().is_applied());
    assert_eq!(store.insert_account(&account("work", 3)).await.unwrap(), Transition::LostRace);
    assert_eq!(store.rename_account(home.id, "work").await.unwrap(), Transition::LostRace);
    assert!(store.rename_account(home.id, "play").await.unwrap().is_applied());

    let replaced = store.update_account_record(home.id, &[9], Some("refused")).await.unwrap();
    assert!(replaced.is_applied());
    let read = store.accounts().await.unwrap();
    let want = AccountRow {
        label: "play".to_owned(),
        sealed: vec![9],
        sign_in_needed: Some("refused".to_owned()),
        ..home
    };
    assert_eq!(read[1], want);
}

#[tokio::test]
async fn accounts_go_with_their_integration() {
    let store = store_with_integration().await;
    assert!(store.insert_account(&account("work", 1)).await.unwrap().is_applied());
    assert!(store.delete_integration(&integration("x")).await.unwrap().is_applied());
    assert_eq!(store.accounts().await.unwrap(), []);
    assert_eq!(
        store.insert_account(&account("late", 2)).await.unwrap(),
        Transition::LostRace,
        "its integration was removed meanwhile"
    );
}
