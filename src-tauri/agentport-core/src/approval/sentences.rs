//! What agents and the owner read about an approval: one place for MCP, REST and the command line.
//!
//! `ui/src/format/approvals.ts` holds the same words for the windows. Agents' skills and scripts know *Still pending* and
//! *denied by the human*; those words stay.

use super::{State, WithdrawnBecause};
use crate::Timestamp;

/// To the agent: the owner has not decided. What to do next differs by API and follows.
pub const STILL_PENDING: &str = "Still pending: nobody has decided yet.";

/// To the owner, of an approved call: the agent has not repeated or awaited it.
pub const NOT_PICKED_UP_YET: &str = "approved, and the agent has not come back for it yet";

/// To the agent: why a request ended without running the call, and what to do next. `None` for states that may still
/// come to a run, or have.
pub fn ended_for_agent(state: &State) -> Option<String> {
    Some(match state {
        State::Pending | State::Approved { .. } | State::Running { .. } | State::Done { .. } => {
            return None;
        }
        State::Denied { reason: None, .. } => {
            "The call was denied by the human. Do not try to reach the same in another way."
                .to_owned()
        }
        State::Denied { reason: Some(reason), .. } => format!(
            "The call was denied by the human, who gave this reason: {reason}\nDo not try to reach the same in another \
             way."
        ),
        State::Expired { approved_at: None, .. } => {
            "The request expired before anybody decided. Call the tool again to ask anew."
                .to_owned()
        }
        State::Expired { approved_at: Some(_), .. } => {
            "The approval expired before the call was made. Call the tool again to ask anew."
                .to_owned()
        }
        State::Withdrawn { because, .. } => {
            let why = match because {
                WithdrawnBecause::AgentRevoked => "the owner shut you out",
                WithdrawnBecause::IntegrationRemoved => "the owner removed the integration",
                WithdrawnBecause::ToolGone => "the integration no longer has this tool",
                WithdrawnBecause::DefinitionChanged => {
                    "the definition of the tool changed. Call the tool again to ask about the new one"
                }
            };
            format!("The request was withdrawn: {why}.")
        }
    })
}

/// To the agent: the approved call ran, and its result is not kept; `interrupted`: the gateway stopped while it ran.
pub fn result_gone(interrupted: bool) -> &'static str {
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

/// To the agent: the owner denied the tool several times, so this call is denied without asking until then.
pub fn denied_at_once(until: Timestamp) -> String {
    format!(
        "The owner has denied this tool to you several times. It is denied by the human at once for 15 minutes, until \
         {until}; do not try to reach the same in another way."
    )
}

/// To the owner: what became of a request, as the rest of a line. `when` writes a moment, such as `3 min ago`.
pub fn state_for_owner(state: &State, when: impl Fn(Timestamp) -> String) -> String {
    match state {
        State::Pending => "waiting for you".to_owned(),
        State::Approved { at, .. } => format!("approved {}, not yet run", when(*at)),
        State::Running { started_at, .. } => format!("running since {}", when(*started_at)),
        State::Done { finished_at, outcome, .. } => {
            format!("approved, ran {}: {}", when(*finished_at), outcome.as_str())
        }
        State::Denied { at, reason: None } => format!("denied {}", when(*at)),
        State::Denied { at, reason: Some(reason) } => format!("denied {}: {reason}", when(*at)),
        State::Expired { at, approved_at: None } => {
            format!("missed {}: not decided in time, so it did not run", when(*at))
        }
        State::Expired { approved_at: Some(at), .. } => format!(
            "approved {}, not picked up: the agent did not come back for it in time, so it did not run",
            when(*at)
        ),
        State::Withdrawn { at, because } => {
            format!("withdrawn {}: {}", when(*at), withdrawn_for_owner(*because))
        }
    }
}

/// To the owner: why a request was withdrawn.
pub fn withdrawn_for_owner(because: WithdrawnBecause) -> &'static str {
    match because {
        WithdrawnBecause::AgentRevoked => "the agent was shut out",
        WithdrawnBecause::IntegrationRemoved => "the integration was removed",
        WithdrawnBecause::ToolGone => "the tool no longer exists",
        WithdrawnBecause::DefinitionChanged => "the tool changed since it was asked for",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::approval::{Audience, Grant};

    const AT: Timestamp = Timestamp(0);

    /// Contract §3: skills and scripts key on these words.
    #[test]
    fn agents_read_the_words_of_the_contract() {
        assert!(STILL_PENDING.contains("Still pending"));
        let read = |state: State| ended_for_agent(&state).expect("ended");
        for reason in [None, Some("not now".to_owned())] {
            let text = read(State::Denied { at: AT, reason: reason.clone() });
            assert!(text.contains("denied by the human"), "{text}");
            assert!(reason.is_none_or(|reason| text.contains(&reason)), "{text}");
        }
        assert!(denied_at_once(AT).contains("denied by the human"));
        for approved_at in [None, Some(AT)] {
            let text = read(State::Expired { at: AT, approved_at });
            assert!(text.contains("expired") && text.contains("Call the tool again"), "{text}");
            assert!(!text.contains("Still pending"), "{text}");
        }
    }

    #[test]
    fn a_request_that_may_run_or_ran_has_not_ended_without_running() {
        let (grant, audience) = (Grant::Once, Audience::ThisAgent);
        for state in [
            State::Pending,
            State::Approved { at: AT, grant, audience },
            State::Running { at: AT, grant, audience, started_at: AT },
        ] {
            assert_eq!(ended_for_agent(&state), None);
        }
    }

    #[test]
    fn the_owner_reads_whether_a_request_was_missed_or_not_picked_up() {
        let read = |approved_at| {
            state_for_owner(&State::Expired { at: AT, approved_at }, |_| "just now".to_owned())
        };
        assert_eq!(read(None), "missed just now: not decided in time, so it did not run");
        assert_eq!(
            read(Some(AT)),
            "approved just now, not picked up: the agent did not come back for it in time, so it did not run"
        );
    }
}
