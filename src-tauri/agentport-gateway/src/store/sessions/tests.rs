use agentport_core::{AgentId, Timestamp};

use super::SessionRow;
use crate::store::{Transition, testing::store};

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

    assert_eq!(store.touch_session("s", Timestamp(7)).await.unwrap(), Transition::Applied);
    assert_eq!(store.touch_session("s", Timestamp(6)).await.unwrap(), Transition::Applied);
    assert_eq!(store.touch_session("other", Timestamp(6)).await.unwrap(), Transition::LostRace);
    let touched = SessionRow { used_at: Timestamp(7), ..later };
    assert_eq!(store.sessions().await.unwrap(), [touched]);

    assert_eq!(store.delete_session("s").await.unwrap(), Transition::Applied);
    assert_eq!(store.delete_session("s").await.unwrap(), Transition::LostRace);
    assert_eq!(store.session("s").await.unwrap(), None);
}

#[tokio::test]
async fn the_longest_unused_go_first() {
    let store = store().await;
    let agent = store.add_agent("a").await;
    for (id, used) in [("old", 1), ("new", 3), ("middle", 2)] {
        store.put_session(&session(agent, id, used)).await.unwrap();
    }
    assert_eq!(store.delete_sessions_beyond(2, None, &[]).await.unwrap(), 1);
    let left: Vec<_> = store.sessions().await.unwrap().into_iter().map(|row| row.id).collect();
    assert_eq!(left, ["new", "middle"]);
    assert_eq!(store.delete_sessions_beyond(2, None, &[]).await.unwrap(), 0);
}

#[tokio::test]
async fn of_one_agent_only_and_never_live_ones() {
    let check = async |keep: u32, one: bool, live: &[&str], want: &[&str]| {
        let store = store().await;
        let agent = store.add_agent("a").await;
        let other = store.add_agent("b").await;
        for (agent, id, used) in [(agent, "a1", 2), (agent, "a2", 3), (agent, "a3", 4)] {
            store.put_session(&session(agent, id, used)).await.unwrap();
        }
        store.put_session(&session(other, "b1", 1)).await.unwrap();
        let live: Vec<String> = live.iter().map(|id| (*id).to_owned()).collect();
        let of = one.then_some(agent);
        store.delete_sessions_beyond(keep, of, &live).await.unwrap();
        let left: Vec<_> = store.sessions().await.unwrap().into_iter().map(|row| row.id).collect();
        assert_eq!(left, want, "{keep} {one} {live:?}");
    };
    check(1, true, &[], &["a3", "b1"]).await;
    check(1, false, &[], &["a3"]).await;
    check(1, true, &["a1"], &["a1", "b1"]).await;
    check(2, true, &["a1"], &["a3", "a1", "b1"]).await;
    check(1, true, &["a1", "a2", "gone"], &["a2", "a1", "b1"]).await;
    check(1, false, &["b1"], &["b1"]).await;
}

#[tokio::test]
async fn many_are_touched_at_once() {
    let store = store().await;
    let agent = store.add_agent("a").await;
    for id in ["x", "y"] {
        store.put_session(&session(agent, id, 5)).await.unwrap();
    }
    let used = [("x", 9), ("gone", 9), ("y", 1)].map(|(id, at)| (id.to_owned(), Timestamp(at)));
    store.touch_sessions(&used).await.unwrap();
    assert_eq!(store.sessions().await.unwrap(), [session(agent, "x", 9), session(agent, "y", 5)]);
}
