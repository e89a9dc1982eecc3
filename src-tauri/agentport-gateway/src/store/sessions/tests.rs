use agentport_core::{AgentId, Timestamp};

use super::SessionRow;
use crate::store::testing::store;

fn session(agent: AgentId, id: &str, used: i64) -> SessionRow {
    SessionRow {
        id: id.into(),
        agent,
        state_json: "{}".into(),
        created_at: Timestamp(1),
        used_at: Timestamp(used),
    }
}

#[tokio::test]
async fn comes_back_as_it_was_stored_last() {
    let store = store().await;
    let agent = store.add_agent("a").await;
    store.put_session(&session(agent, "s", 1)).await.unwrap();
    let later = SessionRow { state_json: r#"{"n":1}"#.into(), ..session(agent, "s", 2) };
    store.put_session(&later).await.unwrap();
    assert_eq!(store.session("s").await.unwrap(), Some(later.clone()));

    store.touch_session("s", Timestamp(7)).await.unwrap();
    store.touch_session("s", Timestamp(6)).await.unwrap();
    let touched = SessionRow { used_at: Timestamp(7), ..later };
    assert_eq!(store.sessions().await.unwrap(), [touched]);

    assert!(store.delete_session("s").await.unwrap());
    assert!(!store.delete_session("s").await.unwrap());
    assert_eq!(store.session("s").await.unwrap(), None);
}

#[tokio::test]
async fn the_longest_unused_go_first() {
    let store = store().await;
    let agent = store.add_agent("a").await;
    for (id, used) in [("old", 1), ("new", 3), ("middle", 2)] {
        store.put_session(&session(agent, id, used)).await.unwrap();
    }
    assert_eq!(store.delete_sessions_beyond(2).await.unwrap(), 1);
    let left: Vec<_> = store.sessions().await.unwrap().into_iter().map(|row| row.id).collect();
    assert_eq!(left, ["new", "middle"]);
    assert_eq!(store.delete_sessions_beyond(2).await.unwrap(), 0);
}
