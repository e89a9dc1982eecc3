//! Everything the doors share. One per running gateway, behind an `Arc`.

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use agentport_api::{Event, Settings};
use agentport_core::{ErrorChain, IntegrationId, Secret, policy::Rules};
use arc_swap::ArcSwap;
use serde_json::Value;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    agents::Agents,
    approvals::Approvals,
    audit::Audit,
    call::{continuations::Continuations, limits::Limits},
    catalogue::Catalogue,
    directory::PendingTokens,
    events::Events,
    integrations::{PendingAdds, timeout_seconds},
    journal::Journal,
    past_rules::PastRules,
    store::{self, Store},
    upstream::UpstreamRegistry,
    vault::Vault,
};

/// The setting under which the pause is kept, so that it survives a restart.
const PAUSED: &str = "paused";

pub(crate) struct Engine {
    pub(crate) store: Store,
    pub(crate) vault: Vault,
    pub(crate) journal: Journal,
    pub(crate) audit: Audit,
    pub(crate) events: Events,
    pub(crate) agents: Agents,
    pub(crate) catalogue: Arc<Catalogue>,
    pub(crate) upstreams: UpstreamRegistry,
    pub(crate) approvals: Approvals,
    /// Integrations that are being tried before they are added.
    pub(crate) pending_adds: PendingAdds,
    /// Tokens that came with requests to install something.
    pub(crate) pending_tokens: PendingTokens,
    pub(crate) rules: ArcSwap<Rules>,
    pub(crate) past_rules: PastRules,
    pub(crate) settings: ArcSwap<Settings>,
    pub(crate) limits: Limits,
    pub(crate) continuations: Continuations,
    /// Each integration's own secrets, to be taken out of what it echoes.
    pub(crate) secrets: ArcSwap<HashMap<IntegrationId, Arc<Vec<Secret>>>>,
    /// URIs of resources that upstreams said have changed.
    pub(crate) resource_updates: tokio::sync::broadcast::Sender<String>,
    paused: AtomicBool,
    pub(crate) address: Address,
    pub(crate) tasks: TaskTracker,
    /// Stop taking calls.
    pub(crate) soft_stop: CancellationToken,
    /// End the calls that still run.
    pub(crate) hard_stop: CancellationToken,
    /// Counts the calls that run.
    pub(crate) running: TaskTracker,
}

/// Under which names the gateway is reached.
#[derive(Debug, Clone)]
pub(crate) struct Address {
    pub(crate) port: u16,
}

impl Address {
    pub(crate) fn origin(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// The page that shows what an approval is about. It has no power.
    pub(crate) fn approval_url(&self, id: agentport_core::ApprovalId) -> String {
        format!("{}/approve/{id}", self.origin())
    }
}

/// What an engine is made of; the rest it makes itself.
pub(crate) struct Parts {
    pub(crate) store: Store,
    pub(crate) vault: Vault,
    pub(crate) journal: Journal,
    pub(crate) audit: Audit,
    pub(crate) events: Events,
    pub(crate) agents: Agents,
    pub(crate) catalogue: Arc<Catalogue>,
    pub(crate) upstreams: UpstreamRegistry,
    pub(crate) settings: Settings,
    pub(crate) resource_updates: tokio::sync::broadcast::Sender<String>,
    pub(crate) address: Address,
    pub(crate) tasks: TaskTracker,
    pub(crate) soft_stop: CancellationToken,
}

impl Engine {
    pub(crate) async fn new(parts: Parts) -> store::Result<Self> {
        let paused = parts.store.value(PAUSED).await?.is_some();
        let pending_tokens = PendingTokens::new(parts.vault.derive("tokens handed in"));
        let engine = Self {
            store: parts.store,
            vault: parts.vault,
            journal: parts.journal,
            audit: parts.audit,
            events: parts.events,
            agents: parts.agents,
            catalogue: parts.catalogue,
            upstreams: parts.upstreams,
            approvals: Approvals::default(),
            pending_adds: PendingAdds::default(),
            pending_tokens,
            rules: ArcSwap::default(),
            past_rules: PastRules::default(),
            settings: ArcSwap::from_pointee(parts.settings),
            limits: Limits::default(),
            continuations: Continuations::default(),
            secrets: ArcSwap::default(),
            resource_updates: parts.resource_updates,
            paused: AtomicBool::new(paused),
            address: parts.address,
            tasks: parts.tasks,
            soft_stop: parts.soft_stop,
            hard_stop: CancellationToken::new(),
            running: TaskTracker::new(),
        };
        engine.reload_rules().await?;
        Ok(engine)
    }

    /// Compiles the policy anew. Every change of a rule or of an integration's defaults ends here.
    pub(crate) async fn reload_rules(&self) -> store::Result<()> {
        let rules = self.store.rules().await?;
        let integrations =
            self.store.integrations().await?.into_iter().map(|row| (row.id, row.policy)).collect();
        self.rules.store(Arc::new(Rules::new(rules, integrations)));
        self.approvals.rules_changed();
        self.events.send(Event::Policy);
        Ok(())
    }

    pub(crate) fn paused(&self) -> bool {
        self.paused.load(Ordering::Acquire)
    }

    /// Stops every call from running, allowed ones too, or lets them run again.
    pub(crate) async fn set_paused(&self, paused: bool) -> store::Result<()> {
        if paused {
            // In memory first: from here on nothing runs, whatever the database says.
            self.paused.store(true, Ordering::Release);
            self.store.put_value(PAUSED, "1").await?;
        } else {
            self.store.delete_value(PAUSED).await?;
            self.paused.store(false, Ordering::Release);
        }
        self.events.send(Event::Paused { paused });
        self.note(
            "owner",
            if paused { "calls.paused" } else { "calls.resumed" },
            "all",
            Value::Null,
        )
        .await;
        Ok(())
    }

    /// Writes an audit row. That it can't be written is logged: what it tells of has happened already.
    pub(crate) async fn note(&self, actor: &str, action: &str, subject: &str, detail: Value) {
        if let Err(error) = self.audit.record(actor, action, subject, detail).await {
            tracing::error!(action, subject, error = %ErrorChain(&error), "an audit row could not be written");
        }
    }

    /// Does `work` to its end, even if whoever waits for it goes away: a change that is half done in the database and
    /// not known in memory helps nobody.
    pub(crate) async fn to_the_end<T: Send + 'static>(
        &self,
        work: impl Future<Output = T> + Send + 'static,
    ) -> T {
        match self.tasks.spawn(work).await {
            Ok(done) => done,
            Err(error) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
            // The runtime is going down, and takes this with it.
            Err(_) => std::future::pending().await,
        }
    }

    /// How long a call to this integration may take.
    pub(crate) fn call_timeout(&self, id: &IntegrationId) -> Duration {
        let entry = self.catalogue.get(id);
        let its_own = entry.and_then(|entry| timeout_seconds(&entry.row.connection));
        let seconds = its_own.unwrap_or_else(|| self.settings.load().call_timeout_seconds);
        Duration::from_secs(seconds.into())
    }
}
