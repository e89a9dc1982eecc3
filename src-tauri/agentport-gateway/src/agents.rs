//! The agents that are let in: looked up on every request by the hash of their key or access token.

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicI64, AtomicU32, Ordering},
    },
    time::Duration,
};

use agentport_core::{
    AgentId, Timestamp,
    key::{Key, KeyHash},
    oauth_token::{OAuthToken, TokenHash},
    profile::{ListMode, Naming, Profile},
    sanitize::display_name,
};
use arc_swap::ArcSwap;
use parking_lot::Mutex;
use tokio_util::sync::CancellationToken;

use crate::{
    clock,
    store::{self, AgentRow, Audience, GrantId, LiveTokenRow, Store},
};

/// An agent silent for longer than this begins a new session.
pub(crate) const SESSION_SILENCE: Duration = Duration::from_secs(30 * 60);

/// An agent that is not revoked.
#[derive(Debug)]
pub(crate) struct Agent {
    pub(crate) id: AgentId,
    pub(crate) name: String,
    pub(crate) profile: Arc<Profile>,
    pub(crate) expires_at: Option<Timestamp>,
    /// Cancelled when the agent is revoked.
    pub(crate) revoked: CancellationToken,
    seen: Arc<Seen>,
}

/// State of an agent that survives a reload.
#[derive(Debug)]
struct Seen {
    /// Milliseconds since the epoch; 0 if never since the start.
    at: AtomicI64,
    flushed: AtomicI64,
    client: Mutex<Option<String>>,
    /// Tools in its last `tools/list`; 0 if it has not listed any since the start.
    tools_listed: AtomicU32,
}

/// How a request relates to the agent's earlier ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum AgentContact {
    /// The first since the gateway started.
    First,
    /// It was silent for so long that a new session begins.
    NewSession,
    Continued,
}

/// What lets a request in: a key, or a grant whose access token was shown.
#[derive(Debug)]
pub(crate) struct Login {
    pub(crate) agent: Arc<Agent>,
    pub(crate) by: LoginKind,
    /// Cancelled when the agent is revoked or the grant ends: closes open streams.
    pub(crate) ended: CancellationToken,
}

/// How an agent was let in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LoginKind {
    Key,
    OAuth { grant: GrantId, audience: Audience },
}

/// An access token that is accepted.
struct AccessToken {
    login: Arc<Login>,
    audience: Audience,
    expires_at: Timestamp,
}

/// The agents that are let in, found by what they show and by id.
#[derive(Default)]
struct AgentIndex {
    by_key: HashMap<KeyHash, Arc<Login>>,
    by_token: HashMap<TokenHash, AccessToken>,
    by_grant: HashMap<GrantId, Arc<Login>>,
    by_id: HashMap<AgentId, Arc<Agent>>,
}

/// All agents, as one immutable snapshot.
pub(crate) struct Agents {
    store: Store,
    snapshot: ArcSwap<AgentIndex>,
    /// Held while the times agents were last seen are stored.
    flushing: tokio::sync::Mutex<()>,
    /// Held while the snapshot is made anew, so that an older one never replaces a newer one.
    reloading: tokio::sync::Mutex<()>,
}

/// The profile of an agent that was given none: it sees everything.
pub(crate) fn everything() -> Profile {
    Profile {
        name: String::new(),
        integrations: None,
        tags: Vec::new(),
        hidden_tools: Vec::new(),
        mode: ListMode::Meta,
        naming: Naming::Prefixed,
    }
}

impl Agents {
    pub(crate) async fn load(store: Store) -> store::Result<Self> {
        let agents = Self {
            store,
            snapshot: ArcSwap::default(),
            flushing: tokio::sync::Mutex::default(),
            reloading: tokio::sync::Mutex::default(),
        };
        agents.reload().await?;
        Ok(agents)
    }

    /// Reads keys, access tokens and profiles again. Agents and grants that are gone have their streams closed.
    pub(crate) async fn reload(&self) -> store::Result<()> {
        let _alone = self.reloading.lock().await;
        let profiles: HashMap<String, Arc<Profile>> = self
            .store
            .profiles()
            .await?
            .into_iter()
            .map(|profile| (profile.name.clone(), Arc::new(profile)))
            .collect();
        let general = Arc::new(everything());
        // An agent whose profile is missing sees nothing rather than everything.
        let nothing = Arc::new(Profile { integrations: Some(Vec::new()), ..everything() });
        let before = self.snapshot.load_full();
        let mut next = AgentIndex::default();
        for (hash, row) in self.store.agent_hashes().await? {
            let profile = match &row.profile {
                None => general.clone(),
                Some(name) => profiles.get(name).unwrap_or(&nothing).clone(),
            };
            let known = before.by_key.get(&hash).map(|login| &*login.agent);
            let agent = Arc::new(Agent::new(row, profile, known));
            next.by_id.insert(agent.id, agent.clone());
            let ended = agent.revoked.clone();
            next.by_key.insert(hash, Arc::new(Login { agent, by: LoginKind::Key, ended }));
        }
        for token in self.store.live_oauth_tokens(clock::now()).await? {
            next.add_token(&token, &before);
        }
        next.end_what_is_gone(&before);
        self.snapshot.store(Arc::new(next));
        Ok(())
    }

    /// What this key lets in, unless it is unknown, revoked or expired.
    pub(crate) fn authenticate(&self, key: &Key, now: Timestamp) -> Option<Arc<Login>> {
        let login = self.snapshot.load().by_key.get(&key.hash())?.clone();
        login.agent.expires_at.is_none_or(|end| now < end).then_some(login)
    }

    /// What this access token lets in, unless it is unknown, ended, expired or of another audience.
    pub(crate) fn authenticate_token(
        &self,
        token: &OAuthToken,
        audience: Audience,
        now: Timestamp,
    ) -> Option<Arc<Login>> {
        let index = self.snapshot.load();
        let found = index.by_token.get(&token.hash())?;
        let lasts = found.login.agent.expires_at.is_none_or(|end| now < end);
        let fits = lasts && found.audience == audience && now < found.expires_at;
        fits.then(|| found.login.clone())
    }

    /// The agent in its present state, if its key is still valid.
    pub(crate) fn let_in(&self, id: AgentId, now: Timestamp) -> Option<Arc<Agent>> {
        self.get(id).filter(|agent| agent.expires_at.is_none_or(|end| now < end))
    }

    pub(crate) fn get(&self, id: AgentId) -> Option<Arc<Agent>> {
        self.snapshot.load().by_id.get(&id).cloned()
    }

    pub(crate) fn count(&self) -> usize {
        self.snapshot.load().by_key.len()
    }

    /// Stores when agents were last seen. Called periodically, before that is read, and at the stop. A concurrent call
    /// waits until the first has stored it.
    pub(crate) async fn flush(&self) -> store::Result<()> {
        let _alone = self.flushing.lock().await;
        let snapshot = self.snapshot.load_full();
        let mut touched = Vec::new();
        let mut rows = Vec::new();
        for agent in snapshot.by_id.values() {
            let at = agent.seen.at.load(Ordering::Relaxed);
            if agent.seen.flushed.swap(at, Ordering::Relaxed) != at {
                rows.push((agent.id, Timestamp(at), agent.client()));
                touched.push(agent);
            }
        }
        if rows.is_empty() {
            return Ok(());
        }
        let written = self.store.touch_agents(&rows).await;
        if written.is_err() {
            for agent in touched {
                agent.seen.flushed.store(0, Ordering::Relaxed);
            }
        }
        written
    }

    /// When this agent was last seen since the start.
    pub(crate) fn last_seen(&self, id: AgentId) -> Option<Timestamp> {
        self.get(id).and_then(|agent| agent.last_seen())
    }
}

impl AgentIndex {
    /// Adds a token of an agent that is there, and its grant.
    fn add_token(&mut self, token: &LiveTokenRow, before: &Self) {
        let Some(agent) = self.by_id.get(&token.agent) else { return };
        let grant = token.grant;
        let login = self.by_grant.entry(grant).or_insert_with(|| {
            let known = before.by_grant.get(&grant).filter(|login| !login.ended.is_cancelled());
            Arc::new(Login {
                agent: agent.clone(),
                by: LoginKind::OAuth { grant, audience: token.audience },
                ended: known
                    .map_or_else(|| agent.revoked.child_token(), |login| login.ended.clone()),
            })
        });
        if let Some(hash) = token.access {
            let (login, audience, expires_at) = (login.clone(), token.audience, token.expires_at);
            self.by_token.insert(hash, AccessToken { login, audience, expires_at });
        }
    }

    fn end_what_is_gone(&self, before: &Self) {
        let keys = before.by_key.iter().filter(|(hash, _)| !self.by_key.contains_key(*hash));
        keys.for_each(|(_, login)| login.agent.revoked.cancel());
        let grants = before.by_grant.iter().filter(|(id, _)| !self.by_grant.contains_key(*id));
        grants.for_each(|(_, login)| login.ended.cancel());
    }
}

impl Agent {
    fn new(row: AgentRow, profile: Arc<Profile>, before: Option<&Self>) -> Self {
        let seen = before.map_or_else(
            || {
                Arc::new(Seen {
                    at: AtomicI64::new(0),
                    flushed: AtomicI64::new(0),
                    client: Mutex::new(row.client.clone()),
                    tools_listed: AtomicU32::new(0),
                })
            },
            |agent| agent.seen.clone(),
        );
        Self {
            id: row.id,
            name: row.name,
            profile,
            expires_at: row.expires_at,
            revoked: before.map_or_else(CancellationToken::new, |agent| agent.revoked.clone()),
            seen,
        }
    }

    /// Records that the agent is here.
    pub(crate) fn touch(&self, now: Timestamp) -> AgentContact {
        match self.seen.at.swap(now.0, Ordering::Relaxed) {
            0 => AgentContact::First,
            before if now.since(Timestamp(before)) > SESSION_SILENCE => AgentContact::NewSession,
            _ => AgentContact::Continued,
        }
    }

    /// Records how many tools the agent was listed. `true`: the number is another than before.
    pub(crate) fn set_tools_listed(&self, count: usize) -> bool {
        let count = u32::try_from(count).unwrap_or(u32::MAX);
        self.seen.tools_listed.swap(count, Ordering::Relaxed) != count
    }

    /// How many tools it was listed last, since the gateway started.
    pub(crate) fn tools_listed(&self) -> Option<u32> {
        Some(self.seen.tools_listed.load(Ordering::Relaxed)).filter(|count| *count != 0)
    }

    pub(crate) fn last_seen(&self) -> Option<Timestamp> {
        let at = self.seen.at.load(Ordering::Relaxed);
        (at != 0).then_some(Timestamp(at))
    }

    /// Sets the name the client gives itself. Shown as unverified, and used for nothing else.
    pub(crate) fn set_client_info(&self, name: &str, version: &str) {
        let mut client = self.seen.client.lock();
        let said = display_name(format!("{name} {version}").trim()).to_string();
        if client.as_ref() != Some(&said) {
            *client = Some(said);
            // A new name has to be stored even if the time already was.
            self.seen.flushed.store(0, Ordering::Relaxed);
        }
    }

    fn client(&self) -> Option<String> {
        self.seen.client.lock().clone()
    }
}

#[cfg(test)]
mod tests {
    use std::pin::pin;

    use futures::poll;

    use super::*;
    use crate::store::testing::{agent, store};

    async fn known(store: &Store) -> (Agents, Key) {
        let key = Key::from_random([7; 24]);
        store.insert_agent(&agent("laptop"), key.hash()).await.unwrap();
        (Agents::load(store.clone()).await.unwrap(), key)
    }

    async fn last_used(store: &Store) -> Option<Timestamp> {
        store.agents().await.unwrap()[0].last_used_at
    }

    /// Housekeeping may be at it when the owner asks.
    #[tokio::test]
    async fn readers_wait_for_a_running_flush() {
        let store = store().await;
        let (agents, key) = known(&store).await;
        agents.authenticate(&key, Timestamp(5)).unwrap().agent.touch(Timestamp(5));
        let busy = store.transaction().await.unwrap();
        let (mut one, mut other) = (pin!(agents.flush()), pin!(agents.flush()));
        assert!(poll!(&mut one).is_pending());
        assert!(poll!(&mut other).is_pending(), "it was not written down yet");
        drop(busy);
        tokio::try_join!(one, other).unwrap();
        assert_eq!(last_used(&store).await, Some(Timestamp(5)));
    }

    #[tokio::test]
    async fn a_failed_flush_is_repeated() {
        let store = store().await;
        let (agents, key) = known(&store).await;
        agents.authenticate(&key, Timestamp(5)).unwrap().agent.touch(Timestamp(5));
        store.tamper("ALTER TABLE agents RENAME TO elsewhere").await;
        agents.flush().await.unwrap_err();
        store.tamper("ALTER TABLE elsewhere RENAME TO agents").await;
        agents.flush().await.unwrap();
        assert_eq!(last_used(&store).await, Some(Timestamp(5)));
    }
}
