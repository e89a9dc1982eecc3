use serde_json::json;

use super::*;
use crate::store::testing::{TestStore, store};

fn state() -> SessionState {
    let initialize = json!({
        "protocolVersion": "2025-11-25",
        "capabilities": {},
        "clientInfo": { "name": "test", "version": "1" },
    });
    SessionState::new(serde_json::from_value(initialize).unwrap())
}

fn sessions(store: &TestStore) -> Arc<Sessions> {
    Sessions::new(store.store.clone(), Arc::default())
}

async fn used_at(store: &TestStore, id: &str) -> Option<i64> {
    store.session(id).await.unwrap().map(|row| row.used_at.0)
}

impl Sessions {
    fn use_at(&self, id: &str, at: i64) {
        self.live.lock().get_mut(id).expect("it is live").used_at = Timestamp(at);
    }

    fn is_live(&self, id: &str) -> bool {
        self.live.lock().contains_key(id)
    }
}

#[tokio::test]
async fn use_reaches_the_database() {
    let store = store().await;
    let agent = store.add_agent("a").await;
    let sessions = sessions(&store);
    sessions.keep("s", agent, &state()).await.unwrap();
    sessions.flush().await.unwrap();
    let later = used_at(&store, "s").await.unwrap() + 60_000;
    sessions.use_at("s", later);
    sessions.flush().await.unwrap();
    assert_eq!(used_at(&store, "s").await, Some(later));
    sessions.use_at("s", later + 1);
    sessions.flush().await.unwrap();
    assert_eq!(used_at(&store, "s").await, Some(later + 1));
}

#[tokio::test]
async fn an_agent_pushes_out_its_own_first() {
    let store = store().await;
    let quiet = store.add_agent("quiet").await;
    let busy = store.add_agent("busy").await;
    let sessions = sessions(&store);
    sessions.keep("quiet", quiet, &state()).await.unwrap();
    sessions.use_at("quiet", 1);
    for number in 0..LIVE_OF_AGENT {
        sessions.keep(&number.to_string(), busy, &state()).await.unwrap();
    }
    let late = used_at(&store, "7").await.unwrap() + 60_000;
    for number in 0..LIVE_OF_AGENT {
        sessions.use_at(&number.to_string(), late + (number != 7) as i64);
    }
    sessions.keep("one more", busy, &state()).await.unwrap();
    assert!(sessions.is_live("quiet") && sessions.is_live("one more") && !sessions.is_live("7"));
    assert_eq!(used_at(&store, "7").await, Some(late), "what is put away keeps its moment");
    assert!(sessions.belongs("7", busy).await.unwrap(), "and comes back");
    assert!(!sessions.belongs("7", quiet).await.unwrap());
}

#[tokio::test]
async fn all_sessions_together_are_bounded() {
    let mut live = HashMap::new();
    let agents: Vec<AgentId> =
        (0..9_u128).map(|number| AgentId(uuid::Uuid::from_u128(number))).collect();
    let mut out = Vec::new();
    for number in 0..=LIVE {
        let agent = agents[number % agents.len()];
        let moment = Timestamp(1_000 - number as i64);
        let session = LiveSession::new(agent, SessionTransport::StreamableHttp, moment);
        live.insert(number.to_string(), session);
        out.extend(make_room(&mut live, &number.to_string(), agent));
    }
    // The newest has the oldest moment, and stays all the same.
    assert_eq!(out, [((LIVE - 1).to_string(), Timestamp(1_001 - LIVE as i64))]);
    assert_eq!(live.len(), LIVE);
}

#[tokio::test]
async fn rows_of_live_sessions_stay() {
    let store = store().await;
    let agent = store.add_agent("a").await;
    let sessions = sessions(&store);
    sessions.keep("live", agent, &state()).await.unwrap();
    let now = used_at(&store, "live").await.unwrap();
    for number in 0..STORED_OF_AGENT {
        let used_at = Timestamp(now + 60_000 + i64::from(number));
        let row = SessionRow {
            id: number.to_string(),
            agent,
            state_json: "{}".to_owned(),
            created_at: used_at,
            used_at,
        };
        store.put_session(&row).await.unwrap();
    }
    sessions.keep("new", agent, &state()).await.unwrap();
    let rows = store.sessions().await.unwrap();
    assert_eq!(rows.len(), STORED_OF_AGENT as usize);
    for id in ["live", "new"] {
        assert!(rows.iter().any(|row| row.id == id), "{id}");
    }
    assert!(rows.iter().all(|row| row.id != "0" && row.id != "1"), "these were used longest ago");
}

#[tokio::test]
async fn a_stranger_does_not_keep_a_session_alive() {
    let store = store().await;
    let agent = store.add_agent("a").await;
    let stranger = store.add_agent("b").await;
    let sessions = sessions(&store);
    sessions.keep("s", agent, &state()).await.unwrap();
    sessions.use_at("s", 1);
    assert!(!sessions.belongs("s", stranger).await.unwrap());
    assert_eq!(sessions.live.lock()["s"].used_at, Timestamp(1));
}

fn stream() -> Arc<StreamSession> {
    StreamSession::alone()
}

#[tokio::test]
async fn event_streams_are_bounded_and_their_places_come_back() {
    let store = store().await;
    let agent = store.add_agent("a").await;
    let other = store.add_agent("b").await;
    let sessions = sessions(&store);
    let mut places: Vec<StreamPlace> = Vec::new();
    let full = loop {
        match sessions.open_stream(agent, stream()) {
            Ok(place) => places.push(place),
            Err(full) => break full,
        }
    };
    assert_eq!((full, places.len()), (TooManyStreams::OfAgent, streams::MAX_STREAMS_OF_AGENT));
    let id = places[0].id().to_owned();
    assert!(sessions.stream(&id, agent).is_some());
    assert!(sessions.stream(&id, other).is_none(), "another agent's");
    assert!(!sessions.belongs(&id, agent).await.unwrap(), "no session of /mcp");
    let _others = sessions.open_stream(other, stream()).map_err(|full| full.to_string()).unwrap();
    drop(places.pop());
    places.push(sessions.open_stream(agent, stream()).map_err(|full| full.to_string()).unwrap());
    drop(places);
    assert!(sessions.stream(&id, agent).is_none());
}

#[tokio::test]
async fn event_streams_of_all_agents_are_bounded() {
    let store = store().await;
    let sessions = sessions(&store);
    let mut places = Vec::new();
    for number in 0..streams::MAX_STREAMS {
        let agent = AgentId(uuid::Uuid::from_u128((number / 4) as u128));
        places
            .push(sessions.open_stream(agent, stream()).map_err(|full| full.to_string()).unwrap());
    }
    let last = sessions.open_stream(AgentId(uuid::Uuid::from_u128(9_999)), stream());
    assert_eq!(last.err(), Some(TooManyStreams::Overall));
}

#[tokio::test]
async fn event_streams_push_out_no_session_and_end_with_the_key() {
    let store = store().await;
    let agent = store.add_agent("a").await;
    let sessions = sessions(&store);
    let stream = stream();
    let place =
        sessions.open_stream(agent, stream.clone()).map_err(|full| full.to_string()).unwrap();
    for number in 0..=LIVE_OF_AGENT {
        sessions.keep(&number.to_string(), agent, &state()).await.unwrap();
    }
    assert!(sessions.stream(place.id(), agent).is_some(), "nor are they pushed out");
    assert_eq!(sessions.live.lock().len(), LIVE_OF_AGENT + 1);
    sessions.close_of(agent).await.unwrap();
    assert!(stream.is_closed());
}
