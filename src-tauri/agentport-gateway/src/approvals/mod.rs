//! Approvals: requests for the owner's decision, from the agent's call to the end of the approved call.
//!
//! The database holds the truth; memory holds, for each open approval, a channel that its waiting calls listen to. What
//! always holds: an approval is stored before it is announced; identical open calls are one approval; an approved call
//! is claimed at most once ([`ApprovedCall`]), however many calls repeat or await it.
//!
//! Deliberately absent: running anything. `call` runs what [`Approvals::claim`] hands out.

mod claim;
mod create;
mod decide;
mod denials;
mod expire;
mod open;
mod results;
mod review;
mod wait;

use std::sync::Arc;

use agentport_core::{
    AgentId, ApprovalId, IntegrationId,
    approval::{Approval, StateName},
    arguments::ArgumentsHash,
};
use tokio::sync::watch;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

pub(crate) use claim::ApprovedCall;
pub(crate) use create::{Created, NewApproval};
pub(crate) use decide::DecideError;
pub(crate) use results::StoredResult;

pub(crate) use open::{PendingApprovals, PendingRequest};

use self::{create::clean_info, open::OpenApprovals};
use crate::{
    audit::Audit,
    catalogue::{Catalogue, PublishedTool},
    directory::PendingTokens,
    events::Events,
    journal::Journal,
    policy::PolicyStore,
    settings::SettingsStore,
    store::{Store, StoreError},
    vault::Vault,
};

/// What makes two calls the same call.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct CallKey {
    agent: AgentId,
    integration: IntegrationId,
    tool: String,
    hash: ArgumentsHash,
}

impl CallKey {
    pub(crate) fn new(agent: AgentId, tool: &PublishedTool, hash: ArgumentsHash) -> Self {
        Self { agent, integration: tool.integration.clone(), tool: tool.name().to_owned(), hash }
    }

    pub(crate) fn from_approval(approval: &Approval) -> Self {
        Self {
            agent: approval.agent,
            integration: approval.integration.clone(),
            tool: approval.tool.clone(),
            hash: approval.asked_hash,
        }
    }
}

/// What [`Approvals`] works with.
pub(crate) struct ApprovalServices {
    pub(crate) store: Store,
    pub(crate) journal: Arc<Journal>,
    pub(crate) vault: Arc<Vault>,
    pub(crate) events: Events,
    pub(crate) audit: Audit,
    pub(crate) settings: Arc<SettingsStore>,
    pub(crate) policy: Arc<PolicyStore>,
    pub(crate) catalogue: Arc<Catalogue>,
    pub(crate) tokens: Arc<PendingTokens>,
    pub(crate) tasks: TaskTracker,
    /// Waiting for a decision ends when this is cancelled.
    pub(crate) soft_stop: CancellationToken,
}

/// Creates, decides, expires and hands out approvals.
pub(crate) struct Approvals {
    services: ApprovalServices,
    open: Arc<OpenApprovals>,
    /// Held while an approval is created, so that two identical calls become one approval.
    creating: tokio::sync::Mutex<()>,
}

impl Approvals {
    pub(crate) fn new(services: ApprovalServices) -> Self {
        Self { services, open: Arc::default(), creating: tokio::sync::Mutex::default() }
    }

    /// The open approval for this very call, if there is one.
    pub(crate) fn open_for(&self, key: &CallKey) -> Option<ApprovalId> {
        self.open.open_for(key)
    }

    /// Has this agent an open approval for the tool, whatever its arguments?
    pub(crate) fn has_open(&self, agent: AgentId, integration: &IntegrationId, tool: &str) -> bool {
        self.open.has_open(agent, integration, tool)
    }

    /// Follows the state of an open approval; `None` if it is not open.
    pub(crate) fn watch(&self, id: ApprovalId) -> Option<watch::Receiver<StateName>> {
        self.open.get(id).map(|open| open.state.subscribe())
    }

    /// The pending approvals by agent and tool.
    pub(crate) fn pending(&self) -> PendingApprovals {
        self.open.pending()
    }

    /// The pending approvals of one agent, the one that expires first at the beginning.
    pub(crate) fn pending_of(&self, agent: AgentId) -> Vec<PendingRequest> {
        self.open.pending_of(agent)
    }

    pub(crate) async fn get(&self, id: ApprovalId) -> Result<Option<Approval>, StoreError> {
        self.services.store.approval(id).await
    }
}
