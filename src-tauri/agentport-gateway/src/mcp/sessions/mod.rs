//! Sessions of the revisions before 2026-07-28: each belongs to the agent that opened it.
//!
//! Those of Streamable HTTP survive a restart. In memory there are at most [`LIVE`], of one agent at most
//! [`LIVE_OF_AGENT`]; the one unused for longest makes room and comes back from the database with its next request.
//! The database keeps more of them, bounded likewise, and always those that are live. Those of HTTP+SSE last as long as
//! their stream ([`streams`]).

mod streams;

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use agentport_core::{AgentId, ErrorChain, Timestamp};
use parking_lot::Mutex;
use rmcp::{
    Peer, RoleServer,
    transport::streamable_http_server::session::{
        SessionManager as _, SessionState, SessionStore, SessionStoreError,
        local::LocalSessionManager,
    },
};

pub(crate) use self::streams::{StreamPlace, TooManyStreams};
use crate::auth::PRINCIPAL;
use crate::mcp::{http_sse::StreamSession, list_changed::ViewFingerprint};
use crate::{
    caller::LogLevel,
    catalogue::ViewKey,
    clock,
    store::{self, SessionRow, Store},
};

/// Most sessions in memory.
const LIVE: usize = 200;
/// Most sessions of one agent in memory; beyond that its own oldest are dropped first.
const LIVE_OF_AGENT: usize = 50;
/// Most sessions in the database.
const STORED: u32 = 1_000;
const STORED_OF_AGENT: u32 = 200;

/// The id of the session a request belongs to, as an extension of the request.
#[derive(Debug, Clone)]
pub(crate) struct RequestSession(pub(crate) Arc<str>);

/// By which transport a session is reached.
#[derive(Debug)]
enum SessionTransport {
    /// The protocol library's own session, which comes back from the database.
    StreamableHttp,
    HttpSse(Arc<StreamSession>),
}

/// A session in memory.
#[derive(Debug)]
struct LiveSession {
    transport: SessionTransport,
    agent: AgentId,
    used_at: Timestamp,
    /// The `used_at` that the database knows.
    noted_at: Timestamp,
    level: Option<LogLevel>,
    /// Its client can be asked nothing: it declared neither elicitation, nor sampling, nor roots.
    plain: bool,
    listener: Option<SessionPeer>,
    /// Resources whose updates it wants.
    subscriptions: HashSet<String>,
}

impl LiveSession {
    fn new(agent: AgentId, transport: SessionTransport, now: Timestamp) -> Self {
        Self {
            transport,
            agent,
            used_at: now,
            noted_at: now,
            level: None,
            plain: false,
            listener: None,
            subscriptions: HashSet::new(),
        }
    }

    fn is_streamable_http(&self) -> bool {
        matches!(self.transport, SessionTransport::StreamableHttp)
    }
}

/// The client of a session, and the lists it has seen.
#[derive(Debug, Clone)]
pub(crate) struct SessionPeer {
    pub(crate) peer: Peer<RoleServer>,
    pub(crate) key: Arc<ViewKey>,
    pub(crate) seen: ViewFingerprint,
}

/// All live sessions.
pub(crate) struct Sessions {
    store: Store,
    manager: Arc<LocalSessionManager>,
    live: Mutex<HashMap<String, LiveSession>>,
}

impl Sessions {
    pub(crate) fn new(store: Store, manager: Arc<LocalSessionManager>) -> Arc<Self> {
        Arc::new(Self { store, manager, live: Mutex::default() })
    }

    /// Is this session of `/mcp` the agent's? Unknown sessions belong to no agent.
    pub(crate) async fn belongs(&self, id: &str, agent: AgentId) -> store::Result<bool> {
        let now = clock::now();
        if let Some(session) = self.live.lock().get_mut(id) {
            let owned = session.agent == agent && session.is_streamable_http();
            if owned {
                session.used_at = now;
            }
            return Ok(owned);
        }
        match self.store.session(id).await? {
            Some(row) if row.agent == agent => {
                let state = serde_json::from_str::<SessionState>(&row.state_json);
                self.open(id, agent, state.is_ok_and(|state| is_plain(&state)), now).await;
                // Its row may have been dropped before it was in memory, to make room.
                let kept = self.store.touch_session(id, now).await?.is_applied();
                if !kept {
                    self.forget(id);
                }
                Ok(kept)
            }
            _ => Ok(false),
        }
    }

    /// Stores when sessions in memory were last used. Otherwise a restart would take sessions in use for the ones unused
    /// for longest.
    pub(crate) async fn flush(&self) -> store::Result<()> {
        let used: Vec<(String, Timestamp)> = self
            .live
            .lock()
            .iter()
            .filter(|(_, session)| session.is_streamable_http())
            .filter(|(_, session)| session.used_at > session.noted_at)
            .map(|(id, session)| (id.clone(), session.used_at))
            .collect();
        if used.is_empty() {
            return Ok(());
        }
        self.store.touch_sessions(&used).await?;
        let mut live = self.live.lock();
        for (id, at) in used {
            if let Some(session) = live.get_mut(&id) {
                session.noted_at = at;
            }
        }
        Ok(())
    }

    /// Adds a session to those in memory, and makes room for it.
    async fn open(&self, id: &str, agent: AgentId, plain: bool, now: Timestamp) {
        let session =
            LiveSession { plain, ..LiveSession::new(agent, SessionTransport::StreamableHttp, now) };
        let out = {
            let mut live = self.live.lock();
            // Two concurrent requests may restore it.
            live.entry(id.to_owned()).or_insert(session);
            make_room(&mut live, id, agent)
        };
        if out.is_empty() {
            return;
        }
        if let Err(error) = self.store.touch_sessions(&out).await {
            tracing::warn!(error = %ErrorChain(&error), "when old sessions were used could not be noted");
        }
        for (id, _) in out {
            if let Err(error) = self.manager.close_session(&id.into()).await {
                tracing::debug!(%error, "an old session could not be closed");
            }
        }
    }

    /// Stores a new session, and deletes stored ones beyond the limit.
    async fn keep(
        &self,
        id: &str,
        agent: AgentId,
        state: &SessionState,
    ) -> Result<(), SessionStoreError> {
        let now = clock::now();
        let row = SessionRow {
            id: id.to_owned(),
            agent,
            state_json: serde_json::to_string(state)?,
            created_at: now,
            used_at: now,
        };
        self.store.put_session(&row).await?;
        self.open(id, agent, is_plain(state), now).await;
        let live: Vec<String> = self.live.lock().keys().cloned().collect();
        self.store.delete_sessions_beyond(STORED_OF_AGENT, Some(agent), &live).await?;
        self.store.delete_sessions_beyond(STORED, None, &live).await?;
        Ok(())
    }

    /// Sets the client that listens to a session, and the lists it has seen.
    pub(crate) fn set_listener(
        &self,
        id: &str,
        peer: Peer<RoleServer>,
        key: Arc<ViewKey>,
        seen: ViewFingerprint,
    ) {
        if let Some(session) = self.live.lock().get_mut(id) {
            session.listener = Some(SessionPeer { peer, key, seen });
        }
    }

    pub(crate) fn subscribe(&self, id: &str, uri: String) {
        if let Some(session) = self.live.lock().get_mut(id) {
            session.subscriptions.insert(uri);
        }
    }

    pub(crate) fn unsubscribe(&self, id: &str, uri: &str) {
        if let Some(session) = self.live.lock().get_mut(id) {
            session.subscriptions.remove(uri);
        }
    }

    /// Clients that subscribed to this resource.
    pub(crate) fn subscribed(&self, uri: &str) -> Vec<SessionPeer> {
        let live = self.live.lock();
        let wanting = live.values().filter(|session| session.subscriptions.contains(uri));
        wanting.filter_map(|session| session.listener.clone()).collect()
    }

    pub(crate) fn set_level(&self, id: &str, level: LogLevel) {
        if let Some(session) = self.live.lock().get_mut(id) {
            session.level = Some(level);
        }
    }

    /// May calls of this session take the fast path, which cannot send the client anything while they run?
    pub(crate) fn is_plain(&self, id: &str) -> bool {
        self.live.lock().get(id).is_some_and(|session| session.plain && session.level.is_none())
    }

    pub(crate) fn level(&self, id: &str) -> Option<LogLevel> {
        self.live.lock().get(id).and_then(|session| session.level)
    }

    /// Every listening client, with its session.
    pub(crate) fn listeners(&self) -> Vec<(String, SessionPeer)> {
        self.live
            .lock()
            .iter()
            .filter_map(|(id, session)| Some((id.clone(), session.listener.clone()?)))
            .filter(|(_, listener)| !listener.peer.is_transport_closed())
            .collect()
    }

    /// The client was notified of the lists with this fingerprint.
    pub(crate) fn set_seen(&self, id: &str, seen: ViewFingerprint) {
        if let Some(session) = self.live.lock().get_mut(id)
            && let Some(listener) = &mut session.listener
        {
            listener.seen = seen;
        }
    }

    /// Ends the sessions of an agent whose key is no longer valid.
    pub(crate) async fn close_of(&self, agent: AgentId) -> store::Result<()> {
        let ended: Vec<(String, LiveSession)> = {
            let mut live = self.live.lock();
            live.extract_if(|_, session| session.agent == agent).collect()
        };
        for (id, session) in ended {
            if let SessionTransport::HttpSse(stream) = session.transport {
                stream.close();
            } else if let Err(error) = self.manager.close_session(&id.into()).await {
                tracing::debug!(%error, "a session could not be closed");
            }
        }
        for row in self.store.sessions().await? {
            if row.agent == agent {
                // Its client may have ended it meanwhile.
                let _ = self.store.delete_session(&row.id).await?;
            }
        }
        Ok(())
    }

    pub(crate) fn forget(&self, id: &str) {
        self.live.lock().remove(id);
    }
}

/// Takes out sessions of Streamable HTTP until there are no more than there may be, unused for longest first, and tells
/// when each was used. The `new` one, of `agent`, stays; if the agent has too many, it is its own that go.
fn make_room(
    live: &mut HashMap<String, LiveSession>,
    new: &str,
    agent: AgentId,
) -> Vec<(String, Timestamp)> {
    let mut out = Vec::new();
    loop {
        let stored = || live.iter().filter(|(_, session)| session.is_streamable_http());
        let own = stored().filter(|(_, session)| session.agent == agent).count() > LIVE_OF_AGENT;
        if !own && stored().count() <= LIVE {
            return out;
        }
        let oldest = stored()
            .filter(|(id, session)| *id != new && (!own || session.agent == agent))
            .min_by_key(|(_, session)| session.used_at)
            .map(|(id, session)| (id.clone(), session.used_at));
        let Some((id, used_at)) = oldest else { return out };
        live.remove(&id);
        out.push((id, used_at));
    }
}

fn is_plain(state: &SessionState) -> bool {
    let can = &state.initialize_params.capabilities;
    can.elicitation.is_none() && can.sampling.is_none() && can.roots.is_none()
}

/// How the protocol library keeps what it needs to bring a session back.
#[async_trait::async_trait]
impl SessionStore for Sessions {
    async fn load(&self, session_id: &str) -> Result<Option<SessionState>, SessionStoreError> {
        let Some(row) = self.store.session(session_id).await? else { return Ok(None) };
        Ok(Some(serde_json::from_str(&row.state_json)?))
    }

    async fn store(&self, session_id: &str, state: &SessionState) -> Result<(), SessionStoreError> {
        let agent = PRINCIPAL.try_with(|principal| principal.agent.id)?;
        self.keep(session_id, agent, state).await
    }

    async fn delete(&self, session_id: &str) -> Result<(), SessionStoreError> {
        self.forget(session_id);
        // Dropped meanwhile to make room, it is gone as well.
        let _ = self.store.delete_session(session_id).await?;
        Ok(())
    }
}

#[cfg(test)]
mod tests;
