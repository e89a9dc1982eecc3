use std::collections::HashMap;

use agentport_core::{AgentId, Timestamp, key::KeyHash};
use uuid::Uuid;

use super::{AgentRow, InsertError, MAX_NAMES_PER_QUERY};
use crate::store::{
    StoreError, Transition,
    testing::{agent, store},
};

#[tokio::test]
async fn comes_back_as_it_was_stored() {
    let store = store().await;
    let plain = agent("plain");
    let full = AgentRow {
        profile: Some("work".into()),
        expires_at: Some(Timestamp(5)),
        revoked_at: Some(Timestamp(6)),
        last_used_at: Some(Timestamp(7)),
        client: Some("a client".into()),
        ..agent("full")
    };
    store.insert_agent(&plain, KeyHash([1; 32])).await.unwrap();
    store.insert_agent(&full, KeyHash([2; 32])).await.unwrap();

    assert_eq!(store.agents().await.unwrap(), [plain.clone(), full.clone()]);
    assert_eq!(store.agent(full.id).await.unwrap(), Some(full));
    assert_eq!(store.agent(AgentId(Uuid::nil())).await.unwrap(), None);
    assert_eq!(store.agent_hashes().await.unwrap(), [(KeyHash([1; 32]), plain)]);
}

#[tokio::test]
async fn a_name_is_free_again_after_revocation() {
    let store = store().await;
    let first = agent("laptop");
    store.insert_agent(&first, KeyHash([1; 32])).await.unwrap();
    let taken = store.insert_agent(&agent("laptop"), KeyHash([2; 32])).await;
    assert!(matches!(taken, Err(InsertError::NameTaken(name)) if name == "laptop"));

    assert_eq!(store.revoke_agent(first.id, Timestamp(9)).await.unwrap(), Transition::Applied);
    assert_eq!(
        store.revoke_agent(first.id, Timestamp(10)).await.unwrap(),
        Transition::LostRace,
        "revoked before"
    );
    store.insert_agent(&agent("laptop"), KeyHash([2; 32])).await.unwrap();
    assert_eq!(store.agent(first.id).await.unwrap().unwrap().revoked_at, Some(Timestamp(9)));
}

#[tokio::test]
async fn a_key_can_be_stored_once() {
    let store = store().await;
    store.insert_agent(&agent("a"), KeyHash([1; 32])).await.unwrap();
    let again = store.insert_agent(&agent("b"), KeyHash([1; 32])).await;
    assert!(matches!(again, Err(InsertError::Store(StoreError::Database { .. }))));
}

#[tokio::test]
async fn being_seen_only_moves_forward() {
    let store = store().await;
    let id = store.add_agent("a").await;
    let client = Some("inspector 1.0".to_owned());
    store.touch_agents(&[(id, Timestamp(50), client.clone())]).await.unwrap();
    store.touch_agents(&[(id, Timestamp(40), None)]).await.unwrap();
    let row = store.agent(id).await.unwrap().unwrap();
    assert_eq!((row.last_used_at, row.client), (Some(Timestamp(50)), client));
}

#[tokio::test]
async fn changes_its_profile() {
    let store = store().await;
    let id = store.add_agent("a").await;
    assert_eq!(store.set_agent_profile(id, Some("p")).await.unwrap(), Transition::Applied);
    assert_eq!(store.agent(id).await.unwrap().unwrap().profile.as_deref(), Some("p"));
    assert_eq!(store.set_agent_profile(id, None).await.unwrap(), Transition::Applied);
    assert_eq!(store.agent(id).await.unwrap().unwrap().profile, None);
    assert!(!store.set_agent_profile(AgentId(Uuid::nil()), None).await.unwrap().is_applied());
}

/// Any row read beside those of the two agents would be the corrupt one.
#[tokio::test]
async fn names_are_looked_up_for_the_wanted_agents_only() {
    let store = store().await;
    let (a, b) = (store.add_agent("a").await, store.add_agent("b").await);
    assert!(store.revoke_agent(b, Timestamp(9)).await.unwrap().is_applied());
    store.add_agent("another").await;
    store.tamper("UPDATE agents SET id = x'0102' WHERE name = 'another'").await;
    let names = store.agent_names([a, b, a, AgentId(Uuid::nil())]).await.unwrap();
    assert_eq!(names, HashMap::from([(a, "a".to_owned()), (b, "b".to_owned())]));
    assert_eq!(store.agent_names([]).await.unwrap(), HashMap::new());
}

/// More than one query reads.
#[tokio::test]
async fn names_of_many_agents_are_all_found() {
    let store = store().await;
    let mut ids = Vec::new();
    for n in 0..=MAX_NAMES_PER_QUERY {
        ids.push(store.add_agent(&format!("agent {n}")).await);
    }
    assert_eq!(store.agent_names(ids).await.unwrap().len(), MAX_NAMES_PER_QUERY + 1);
}

#[tokio::test]
async fn a_row_that_is_no_agent_is_corrupt() {
    let store = store().await;
    store.add_agent("a").await;
    store.tamper("UPDATE agents SET id = x'0102'").await;
    let error = store.agents().await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "row 0102 of the table agents is corrupt: id: not an id of 16 bytes"
    );
}
