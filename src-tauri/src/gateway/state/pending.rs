//! A request that waits for the owner, as the tray and the notifications show it.

use agentport_core::{ApprovalId, sanitize, summary, tool::ToolEffect};
use serde::Deserialize;
use serde_json::{Map, Value};

/// Arguments shown, each on a line.
const MAX_ARGUMENT_LINES: usize = 6;
/// Characters of an argument's name, and of its value.
const MAX_ARGUMENT_NAME_CHARS: usize = 30;
const MAX_ARGUMENT_CHARS: usize = 80;

/// Read from an [`agentport_api::ApprovalView`], without what is not shown here: hundreds may wait.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(from = "ApprovalFields")]
pub(crate) struct PendingRequest {
    pub id: ApprovalId,
    /// The owner's name of the agent.
    pub agent_name: String,
    pub integration_name: String,
    /// The label of the account it uses, where the gateway names one.
    pub account: Option<String>,
    pub tool: String,
    pub tool_title: Option<String>,
    /// One sentence, computed by the gateway from the arguments.
    pub summary: String,
    pub arguments: ArgumentExcerpt,
    /// The agent's own words.
    pub additional_info: Option<String>,
    /// As the tool says, or as the owner classified it.
    pub effect: ToolEffect,
    /// The owner classified it.
    pub classified: bool,
    /// Changes what is installed: no wider grant is taken, and a token may have to be entered.
    pub once_only: bool,
}

impl PendingRequest {
    /// The end of "… wants", such as `to add a note`. Foreign text.
    pub(crate) fn wish(&self) -> String {
        summary::wish(&self.tool, self.tool_title.as_deref())
    }
}

/// The beginning of every argument.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct ArgumentExcerpt {
    /// `name: value`, sanitised and cut.
    pub lines: Vec<String>,
    pub shown_characters: usize,
    /// Characters of values that the lines leave out.
    pub hidden_characters: usize,
}

impl ArgumentExcerpt {
    pub(crate) fn from_arguments(arguments: &Map<String, Value>) -> Self {
        let mut excerpt = Self::default();
        for (number, (name, value)) in arguments.iter().enumerate() {
            let text = match value {
                Value::String(text) => text.clone(),
                other => other.to_string(),
            };
            let length = text.chars().count();
            if number < MAX_ARGUMENT_LINES {
                let name = sanitize::sanitize_line(name, MAX_ARGUMENT_NAME_CHARS);
                let value = sanitize::sanitize_line(&text, MAX_ARGUMENT_CHARS);
                excerpt.lines.push(format!("{name}: {value}"));
                excerpt.shown_characters += length.min(MAX_ARGUMENT_CHARS);
                excerpt.hidden_characters += length.saturating_sub(MAX_ARGUMENT_CHARS);
            } else {
                excerpt.hidden_characters += length;
            }
        }
        excerpt
    }

    /// More is left out than shown.
    pub(crate) fn hides_most(&self) -> bool {
        self.hidden_characters > self.shown_characters
    }
}

#[derive(Deserialize)]
struct ApprovalFields {
    id: ApprovalId,
    agent_name: String,
    integration_name: String,
    #[serde(default)]
    account: Option<String>,
    tool: String,
    tool_title: Option<String>,
    summary: String,
    arguments: Value,
    additional_info: Option<String>,
    effect: ToolEffect,
    classified: bool,
    once_only: bool,
}

impl From<ApprovalFields> for PendingRequest {
    fn from(fields: ApprovalFields) -> Self {
        let arguments =
            fields.arguments.as_object().map(ArgumentExcerpt::from_arguments).unwrap_or_default();
        Self {
            id: fields.id,
            agent_name: fields.agent_name,
            integration_name: fields.integration_name,
            account: fields.account,
            tool: fields.tool,
            tool_title: fields.tool_title,
            summary: fields.summary,
            arguments,
            additional_info: fields.additional_info,
            effect: fields.effect,
            classified: fields.classified,
            once_only: fields.once_only,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn excerpt(arguments: Value) -> ArgumentExcerpt {
        ArgumentExcerpt::from_arguments(arguments.as_object().unwrap())
    }

    #[test]
    fn every_argument_is_begun_and_the_rest_is_counted() {
        let long = excerpt(json!({ "path": "/tmp/a\nb", "text": "x".repeat(386), "n": 3 }));
        let cut = format!("text: {}…", "x".repeat(MAX_ARGUMENT_CHARS - 1));
        for line in ["path: /tmp/a b", &cut, "n: 3"] {
            assert!(long.lines.iter().any(|one| one == line), "{line:?} in {long:?}");
        }
        assert_eq!((long.shown_characters, long.hidden_characters), (8 + 80 + 1, 306));
        assert!(long.hides_most());
        assert!(!excerpt(json!({ "text": "x".repeat(160) })).hides_most());
        assert!(excerpt(json!({ "text": "x".repeat(161) })).hides_most());
        let many: Map<String, Value> =
            (0..20).map(|n| (format!("a{n}"), Value::from("xx"))).collect();
        let many = ArgumentExcerpt::from_arguments(&many);
        assert_eq!((many.lines.len(), many.hidden_characters), (MAX_ARGUMENT_LINES, 28));
        assert!(many.hides_most());
    }
}
