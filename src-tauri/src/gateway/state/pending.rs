//! A request that waits for the owner, as the tray and the notifications show it.

use agentport_core::ApprovalId;
use serde::Deserialize;

/// Read from an [`agentport_api::ApprovalView`], without the arguments and all else that is not shown here: hundreds
/// may wait.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(crate) struct PendingRequest {
    pub id: ApprovalId,
    /// The owner's name of the agent.
    pub agent_name: String,
    pub integration_name: String,
    pub tool: String,
    /// One sentence, computed by the gateway from the arguments.
    pub summary: String,
    /// The agent's own words.
    pub additional_info: Option<String>,
    pub destructive: bool,
    /// Changes what is installed: no wider grant is taken, and a token may have to be entered.
    pub once_only: bool,
}
