use agentport_core::{AgentId, Timestamp, oauth_token::TokenHash};
use serde_json::json;
use uuid::Uuid;

use super::{Audience, GrantId, GrantRow, NewTokens, OAuthClientRow};
use crate::store::{
    Store, Transition,
    testing::{TestStore, agent, store},
};

fn client(number: u8) -> OAuthClientRow {
    let metadata = json!({ "client_name": format!("client {number}") });
    OAuthClientRow {
        client_id: format!("client-{number}"),
        digest: [number; 32],
        metadata: metadata.as_object().unwrap().clone(),
        created_at: Timestamp(number.into()),
        used_at: None,
    }
}

fn grant(number: u128, agent: AgentId) -> GrantRow {
    GrantRow {
        id: GrantId(Uuid::from_u128(number)),
        agent,
        client_id: "client-1".to_owned(),
        redirect_uri: "http://localhost/cb".to_owned(),
        audience: Audience::Loopback,
        granted_at: Timestamp(10),
        refreshed_at: None,
        ended_at: None,
        expires_at: None,
    }
}

/// The hash of the refresh token of this number.
fn refresh(number: u8) -> TokenHash {
    let mut hash = [number; 32];
    hash[31] = 255;
    TokenHash(hash)
}

fn tokens(number: u8, issued_at: i64) -> NewTokens {
    NewTokens {
        access: TokenHash([number; 32]),
        access_expires_at: Timestamp(issued_at + 100),
        refresh: Some((refresh(number), Timestamp(issued_at + 1_000))),
        issued_at: Timestamp(issued_at),
    }
}

/// A store with a client, and an agent that it signed in as.
async fn signed_in() -> (TestStore, GrantRow) {
    let store = store().await;
    store.put_oauth_client(client(1)).await.unwrap();
    let agent = agent("by oauth");
    let grant = grant(1, agent.id);
    store.insert_oauth_grant(&grant, Some(&agent), &tokens(1, 10)).await.unwrap();
    (store, grant)
}

async fn live(store: &Store, now: i64) -> Vec<TokenHash> {
    let rows = store.live_oauth_tokens(Timestamp(now)).await.unwrap();
    rows.into_iter().filter_map(|row| row.access).collect()
}

#[tokio::test]
async fn the_same_metadata_is_one_client() {
    let store = store().await;
    let first = store.put_oauth_client(client(1)).await.unwrap();
    let again = OAuthClientRow { client_id: "another".to_owned(), ..client(1) };
    assert_eq!(store.put_oauth_client(again).await.unwrap(), first);
    assert_eq!(store.oauth_client_with([1; 32]).await.unwrap(), Some(first.clone()));
    assert_eq!(store.oauth_client("client-1").await.unwrap(), Some(first));
    assert_eq!(store.oauth_client("another").await.unwrap(), None);
    // A metadata document that changed keeps its client.
    let changed = OAuthClientRow { digest: [9; 32], ..client(1) };
    assert_eq!(store.put_oauth_client(changed).await.unwrap().digest, [9; 32]);
}

#[tokio::test]
async fn a_client_that_got_a_token_is_kept() {
    let (store, _) = signed_in().await;
    for number in 2..=5 {
        store.put_oauth_client(client(number)).await.unwrap();
    }
    assert_eq!(store.delete_unused_oauth_clients(Timestamp(0), 2).await.unwrap(), 2);
    assert!(store.oauth_client("client-2").await.unwrap().is_none(), "the oldest go");
    assert_eq!(store.delete_unused_oauth_clients(Timestamp(100), 2).await.unwrap(), 2);
    assert_eq!(store.oauth_client("client-1").await.unwrap().unwrap().used_at, Some(Timestamp(10)));
}

#[tokio::test]
async fn a_token_lets_in_until_it_expires_or_its_grant_ends() {
    let (store, grant) = signed_in().await;
    assert_eq!(live(&store, 109).await, [TokenHash([1; 32])]);
    assert!(live(&store, 110).await.is_empty());
    assert_eq!(store.live_oauth_tokens(Timestamp(110)).await.unwrap().len(), 1, "it can refresh");
    assert_eq!(store.end_oauth_grant(grant.id, Timestamp(50)).await.unwrap(), Transition::Applied);
    assert_eq!(store.end_oauth_grant(grant.id, Timestamp(51)).await.unwrap(), Transition::LostRace);
    assert!(store.live_oauth_tokens(Timestamp(50)).await.unwrap().is_empty());
    assert!(store.oauth_refresh_token(refresh(1)).await.unwrap().unwrap().ended);
}

#[tokio::test]
async fn a_revoked_agent_has_no_token() {
    let (store, grant) = signed_in().await;
    assert!(store.revoke_agent(grant.agent, Timestamp(20)).await.unwrap().is_applied());
    assert!(store.live_oauth_tokens(Timestamp(20)).await.unwrap().is_empty());
    assert!(store.oauth_refresh_token(refresh(1)).await.unwrap().unwrap().ended);
}

#[tokio::test]
async fn the_first_use_of_a_refresh_token_is_noted() {
    let (store, grant) = signed_in().await;
    let used = refresh(1);
    store.rotate_oauth_tokens(used, grant.id, &tokens(2, 20)).await.unwrap();
    store.rotate_oauth_tokens(used, grant.id, &tokens(3, 30)).await.unwrap();
    let row = store.oauth_refresh_token(used).await.unwrap().unwrap();
    assert_eq!(row.rotated_at, Some(Timestamp(20)));
    assert_eq!(live(&store, 40).await.len(), 3);
    let grants = store.oauth_grants().await.unwrap();
    assert_eq!(grants[0].refreshed_at, Some(Timestamp(30)));
    assert_eq!(grants[0].expires_at, Some(Timestamp(1_030)));
}

#[tokio::test]
async fn a_grant_has_so_many_tokens() {
    let (store, grant) = signed_in().await;
    for number in 0..120 {
        let issued_at = 20 + i64::from(number);
        store
            .rotate_oauth_tokens(refresh(1), grant.id, &tokens(number + 2, issued_at))
            .await
            .unwrap();
    }
    // The one that was used is kept beside them.
    let used = store.oauth_refresh_token(refresh(1)).await.unwrap().unwrap();
    assert_eq!(used.rotated_at, Some(Timestamp(20)));
    assert_eq!(store.live_oauth_tokens(Timestamp(100)).await.unwrap().len(), 161);
}

#[tokio::test]
async fn the_oldest_sign_ins_of_an_agent_end() {
    let (store, first) = signed_in().await;
    let second = GrantRow { granted_at: Timestamp(20), ..grant(2, first.agent) };
    store.insert_oauth_grant(&second, None, &tokens(50, 20)).await.unwrap();
    assert_eq!(store.end_oldest_oauth_grants(first.agent, 1, Timestamp(30)).await.unwrap(), 1);
    assert_eq!(live(&store, 40).await, [TokenHash([50; 32])]);
    assert_eq!(store.delete_old_oauth_grants(Timestamp(100)).await.unwrap(), 1);
    store.delete_expired_oauth_tokens(Timestamp(10_000)).await.unwrap();
    assert_eq!(
        store.delete_old_oauth_grants(Timestamp(10_000)).await.unwrap(),
        0,
        "the newest stays"
    );
}
