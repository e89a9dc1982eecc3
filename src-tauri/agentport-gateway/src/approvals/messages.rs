//! Sentences for agents about approvals that ended, the same over MCP and REST.

use agentport_core::approval::WithdrawnBecause;

/// The owner denied it.
pub(crate) fn denied(reason: Option<&str>) -> String {
    match reason {
        Some(reason) => format!(
            "The call was denied by the human, who gave this reason: {reason}\nDo not try to reach the same in another way."
        ),
        None => "The call was denied by the human. Do not try to reach the same in another way."
            .to_owned(),
    }
}

/// It expired; `approved`: after the owner had approved it, before its call was made.
pub(crate) fn expired(approved: bool) -> &'static str {
    match approved {
        true => "The approval expired before the call was made. Call the tool again to ask anew.",
        false => "The request expired before anybody decided. Call the tool again to ask anew.",
    }
}

/// The gateway withdrew it.
pub(crate) fn withdrawn(because: WithdrawnBecause) -> String {
    let because = match because {
        WithdrawnBecause::AgentRevoked => "your key was revoked",
        WithdrawnBecause::IntegrationRemoved => "the owner removed the integration",
        WithdrawnBecause::ToolGone => "the integration no longer has this tool",
        WithdrawnBecause::DefinitionChanged => {
            "the definition of the tool changed. Call the tool again to ask about the new one"
        }
    };
    format!("The request was withdrawn: {because}.")
}

/// Its call ran, and the result is not stored; `interrupted`: the gateway stopped while it ran.
pub(crate) fn result_gone(interrupted: bool) -> &'static str {
    match interrupted {
        true => {
            "AgentPort stopped while the approved call was running; whether it took effect is not known. Check before \
             you call the tool again."
        }
        false => {
            "The call ran, and its result is no longer kept (results are kept for 15 minutes). Call the tool again if \
             you need it."
        }
    }
}
