//! Which requests are safe to retry. A request whose answer was lost may have been carried out, so only one that changes
//! nothing, or that is idempotent, is sent again.

use super::message::ClientRequest;

/// The gateway's own tools that only read. `await_approval` runs an approved call once and returns the stored result
/// from then on (`src-tauri/docs/contract.md` §3).
const READ_ONLY_TOOLS: [&str; 8] = [
    "agentport__list_available_integrations",
    "agentport__get_integration",
    "agentport__list_installed_integrations",
    "agentport__get_auth_status",
    "agentport__list_integration_tools",
    "agentport__describe_tool",
    "agentport__await_approval",
    "agentport__whoami",
];

/// May the request be sent again, although it may have been carried out?
pub(super) fn is_safe_to_retry(request: &ClientRequest) -> bool {
    match &*request.method {
        "initialize"
        | "server/discover"
        | "ping"
        | "tools/list"
        | "prompts/list"
        | "prompts/get"
        | "resources/list"
        | "resources/templates/list"
        | "resources/read"
        | "resources/subscribe"
        | "resources/unsubscribe"
        | "completion/complete"
        | "logging/setLevel"
        | "subscriptions/listen"
        | "tasks/get" => true,
        "tools/call" => request.name.as_deref().is_some_and(|name| READ_ONLY_TOOLS.contains(&name)),
        _ => false,
    }
}

/// The result of a call whose answer was lost.
pub(super) const RESULT_LOST: &str = "AgentPort's gateway went away while this call was under way, so its result is lost. \
                               Whether it took effect is not known: the owner sees it in AgentPort under Activity. If \
                               the call was still waiting for the owner's approval it has not run, and its request is \
                               still open: the same call, repeated with the same arguments, goes on waiting. \
                               Otherwise check before you repeat it.";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_have_run_is_not_repeated() {
        let check = |method: &str, name: Option<&str>, want: bool| {
            let request = ClientRequest {
                id: "1".into(),
                method: method.into(),
                modern: None,
                name: name.map(Into::into),
            };
            assert_eq!(is_safe_to_retry(&request), want, "{method} {name:?}");
        };
        check("tools/list", None, true);
        check("tools/call", Some("agentport__await_approval"), true);
        check("tools/call", Some("agentport__call_tool"), false);
        check("tools/call", Some("agentport__install_integration"), false);
        check("tools/call", Some("files__read"), false);
        check("tools/call", None, false);
        check("tasks/cancel", None, false);
        check("anything/else", None, false);
    }
}
