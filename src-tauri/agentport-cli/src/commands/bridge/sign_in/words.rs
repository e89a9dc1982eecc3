//! What agents and the person at the terminal are told of a bridge's sign-in. Each sentence says what to do next.

use super::AskState;

/// For the agent, while it is not let in.
pub(super) fn for_agent(name: &str, ask: &AskState) -> String {
    match ask {
        AskState::Idle => format!(
            "AgentPort does not let {name} in. Call agentport__status: it asks to be let in, and tells what to do."
        ),
        AskState::Asking { code: Some(code), again } => {
            let why = match again {
                true => format!("The sign-in of {name} was ended in AgentPort, so it asked again."),
                false => format!("{name} has asked AgentPort to be let in."),
            };
            format!(
                "{why} Tell the person you work for: AgentPort shows a request with the number {code}; let it in there, or \
                 with `agentport agents approve {code}`. Then try again."
            )
        }
        AskState::Asking { code: None, .. } => format!(
            "{name} is asking AgentPort to be let in. Tell the person you work for to let it in there, then try again."
        ),
        AskState::Denied => format!(
            "The owner did not let {name} in. Start it again to ask once more, or connect it in AgentPort under Connect."
        ),
        AskState::Expired => format!(
            "Nobody let {name} in within ten minutes. Call agentport__status to ask again, and have the person you work for \
             decide in AgentPort."
        ),
        AskState::TooMany => {
            "Too many agents wait to be let in. Decide about those in AgentPort, then try again."
                .to_owned()
        }
        AskState::Unsupported => format!(
            "This AgentPort cannot let {name} in without a key. Update AgentPort, or store a key with `agentport auth login`."
        ),
    }
}

/// For stderr, once for each change; `None` where there is nothing to do or to know.
pub(super) fn for_person(name: &str, ask: &AskState) -> Option<String> {
    match ask {
        AskState::Asking { code: Some(code), again } => Some(format!(
            "{}Let {name} in: AgentPort shows a request with the number {code}.",
            if *again { "The sign-in was ended in AgentPort. " } else { "" }
        )),
        AskState::Denied => Some(format!("The owner did not let {name} in.")),
        AskState::Expired => Some(format!("Nobody let {name} in within ten minutes.")),
        AskState::Idle | AskState::Asking { code: None, .. } => None,
        AskState::TooMany | AskState::Unsupported => Some(for_agent(name, ask)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_number_is_told_to_both() {
        let ask = AskState::Asking { code: Some("0042".to_owned()), again: false };
        let agent = for_agent("Cursor", &ask);
        assert!(agent.contains("number 0042") && agent.contains("approve 0042"), "{agent}");
        assert_eq!(
            for_person("Cursor", &ask).as_deref(),
            Some("Let Cursor in: AgentPort shows a request with the number 0042.")
        );
        let again = AskState::Asking { code: Some("0042".to_owned()), again: true };
        assert!(for_agent("Cursor", &again).contains("ended in AgentPort"));
    }
}
