//! The owner's policy in force: a compiled snapshot of the rules, decisions by it, and removed rules for an undo.

mod grant_session;
mod rule_undo;

use std::sync::Arc;

use agentport_api::{Event, ToolCounts};
use agentport_core::{
    AgentId, Timestamp,
    arguments::ArgumentsHash,
    policy::{self, Decision, Mode, Reason, Rules},
};
use arc_swap::ArcSwap;
use tokio::sync::Notify;

use self::rule_undo::RuleUndo;
use crate::{
    catalogue::{AgentView, CatalogueEntry, PublishedTool},
    clock,
    events::Events,
    store::{self, Store},
};

/// The rules in force. Every change of a rule or of an integration's defaults ends in [`Self::reload`].
pub(crate) struct PolicyStore {
    store: Store,
    events: Events,
    rules: ArcSwap<Rules>,
    /// The rules were reloaded: open approvals have to be looked at again.
    reloaded: Notify,
    pub(crate) undo: RuleUndo,
}

impl PolicyStore {
    pub(crate) async fn load(store: Store, events: Events) -> store::Result<Self> {
        let policy = Self {
            store,
            events,
            rules: ArcSwap::default(),
            reloaded: Notify::new(),
            undo: RuleUndo::default(),
        };
        policy.reload().await?;
        Ok(policy)
    }

    /// Compiles the stored rules anew.
    pub(crate) async fn reload(&self) -> store::Result<()> {
        let rules = self.store.rules().await?;
        let integrations =
            self.store.integrations().await?.into_iter().map(|row| (row.id, row.policy)).collect();
        self.rules.store(Arc::new(Rules::new(rules, integrations)));
        self.reloaded.notify_one();
        self.events.send(Event::Policy);
        Ok(())
    }

    /// Waits for the next reload, or returns at once if one happened since the last wait.
    pub(crate) async fn reloaded(&self) {
        self.reloaded.notified().await;
    }

    /// The rules at this moment.
    pub(crate) fn rules(&self) -> Arc<Rules> {
        self.rules.load_full()
    }

    /// The decision for a call by any name.
    pub(crate) fn decide_call(&self, call: &policy::Call<'_>) -> Decision {
        policy::decide(&self.rules.load(), call)
    }

    /// The decision for a call of this tool. Tools that change what is installed always ask, whatever defaults and rules
    /// say.
    pub(crate) fn decide(
        &self,
        tool: &PublishedTool,
        agent: AgentId,
        arguments: Option<&ArgumentsHash>,
        now: Timestamp,
    ) -> Decision {
        if tool.manages() {
            return Decision { mode: Mode::RequireApproval, reason: Reason::NoRule };
        }
        self.decide_call(&tool.policy_call(agent, arguments, now))
    }

    /// The decision for `agent` and this tool, before the arguments are known.
    pub(crate) fn mode_for(&self, agent: AgentId, tool: &PublishedTool) -> Decision {
        self.decide_call(&tool.policy_call(agent, None, clock::now()))
    }

    pub(crate) fn counts_for(
        &self,
        agent: AgentId,
        view: &AgentView,
        entry: &CatalogueEntry,
    ) -> ToolCounts {
        let mut counts = ToolCounts::default();
        for tool in view.tools_of(entry) {
            counts.total += 1;
            match self.mode_for(agent, tool).mode {
                Mode::Allow => counts.allow += 1,
                Mode::RequireApproval => counts.require_approval += 1,
                Mode::Deny => counts.deny += 1,
            }
        }
        counts
    }
}
