//! The services that the APIs for agents (MCP and REST) use.

use std::sync::Arc;

use tokio::sync::broadcast;

use crate::{
    address::GatewayAddress,
    approvals::Approvals,
    auth::Authenticator,
    call::CallPipeline,
    catalogue::Catalogue,
    events::Events,
    policy::PolicyStore,
    settings::{CallSwitch, SettingsStore},
    shutdown::StopSignals,
    sign_ins::SignIns,
    store::Store,
};

/// Shared by every request of an agent.
pub(crate) struct AgentApi {
    pub(crate) address: GatewayAddress,
    pub(crate) auth: Authenticator,
    pub(crate) events: Events,
    pub(crate) calls: Arc<CallPipeline>,
    pub(crate) approvals: Arc<Approvals>,
    pub(crate) catalogue: Arc<Catalogue>,
    pub(crate) policy: Arc<PolicyStore>,
    pub(crate) sign_ins: Arc<SignIns>,
    pub(crate) settings: Arc<SettingsStore>,
    pub(crate) switch: Arc<CallSwitch>,
    /// Profiles, and MCP sessions across restarts.
    pub(crate) store: Store,
    /// URIs of changed resources, as upstreams notify them.
    pub(crate) resource_updates: broadcast::Sender<String>,
    pub(crate) stop: StopSignals,
}
