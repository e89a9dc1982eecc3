//! Refusals of a call that come from the owner's policy: an approval is needed, or the call is denied.

use serde::Deserialize;

use crate::{client::HttpReply, exit::ExitStatus, output};

/// The body of a 403 of the REST API.
#[derive(Deserialize)]
#[serde(tag = "error", rename_all = "snake_case")]
pub(in crate::commands) enum RefusalBody {
    ApprovalRequired { approval_request_id: String, approval_url: String },
    Denied { message: String },
}

impl RefusalBody {
    /// `None` if the reply is something else.
    pub(in crate::commands) fn of(reply: &HttpReply) -> Option<Self> {
        if reply.status.is_success() { None } else { reply.read() }
    }

    /// Prints it on stderr, in the words of `src-tauri/docs/contract.md` §7.
    pub(in crate::commands) fn say(&self) -> ExitStatus {
        match self {
            Self::ApprovalRequired { approval_url, .. } => {
                output::note(&format!("Approval required: {approval_url}"));
                ExitStatus::ApprovalPending
            }
            Self::Denied { message } => {
                output::note(&format!("Denied: {message}"));
                ExitStatus::Failed
            }
        }
    }
}
