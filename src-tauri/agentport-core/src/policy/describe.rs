//! A rule as the owner reads it.

use super::{Condition, Mode, Rule, Scope};
use crate::{IntegrationId, Timestamp, sanitize::display_name_within};

/// Characters of a name.
const MAX_NAME: usize = 60;

/// The rule as one plain sentence without a full stop, such as
/// `Claude may use read_file in Files with exactly the approved arguments`.
///
/// `agent_name` is that of the rule's agent; `None` for a rule that names one says that the agent is gone.
/// `integration_name` gives the name the owner knows an integration by. Names are cut to 60 characters, hidden and
/// look-alike characters in them escaped.
/// The moment a rule ends at is told in UTC, to the minute.
pub fn describe_rule(
    rule: &Rule,
    agent_name: Option<&str>,
    integration_name: impl Fn(&IntegrationId) -> String,
) -> String {
    let who = match (rule.agent, agent_name) {
        (None, _) if rule.mode == Mode::Deny => "No agent".to_owned(),
        (None, _) => "Every agent".to_owned(),
        (Some(_), Some(name)) => shown(name),
        (Some(_), None) => "An agent that is gone".to_owned(),
    };
    let verb = match rule.mode {
        Mode::Allow => "may use",
        Mode::RequireApproval => "must ask before",
        Mode::Deny if rule.agent.is_none() => "may use",
        Mode::Deny => "may not use",
    };
    let mut sentence = format!("{who} {verb} {}", what(rule, integration_name));
    for condition in &rule.conditions {
        let Condition::ArgumentsAre { .. } = condition;
        sentence.push_str(match rule.mode {
            Mode::Allow => " with exactly the approved arguments",
            Mode::RequireApproval | Mode::Deny => " with exactly the given arguments",
        });
    }
    if let Some(end) = rule.expires_at {
        sentence.push_str(", until ");
        sentence.push_str(&to_the_minute(end));
    }
    if rule.session {
        sentence.push_str(", while its session lasts");
    }
    sentence
}

fn shown(name: &str) -> String {
    display_name_within(name, MAX_NAME).to_string()
}

fn what(rule: &Rule, integration_name: impl Fn(&IntegrationId) -> String) -> String {
    let in_integration = |id| format!("in {}", shown(&integration_name(id)));
    // "May use every tool", but "may not use any tool" and "must ask before any tool".
    let every = if rule.mode == Mode::Allow { "every" } else { "any" };
    match &rule.scope {
        Scope::Tool { integration, tool } => {
            format!("{} {}", shown(tool), in_integration(integration))
        }
        Scope::Category { integration, category } => {
            let category = shown(category);
            format!("{every} tool of the category {category} {}", in_integration(integration))
        }
        Scope::ReadOnly { integration } => {
            format!("{every} tool {} that says it only reads", in_integration(integration))
        }
        Scope::Integration { integration } => {
            format!("{every} tool {}", in_integration(integration))
        }
        Scope::NonDestructive => format!("{every} tool that is not destructive"),
        Scope::Everything => format!("{every} tool"),
    }
}

/// `2026-01-31 12:00 UTC`, out of the RFC 3339 text of the moment.
fn to_the_minute(moment: Timestamp) -> String {
    let text = moment.to_string();
    match (text.get(..10), text.get(11..16)) {
        (Some(date), Some(time)) => format!("{date} {time} UTC"),
        _ => text,
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use crate::policy::describe::*;
    use crate::{AgentId, RuleId, arguments::ArgumentsHash, policy::Origin};

    fn files() -> IntegrationId {
        IntegrationId::new("files").unwrap()
    }

    fn rule(mode: Mode, scope: Scope) -> Rule {
        Rule {
            id: RuleId(Uuid::nil()),
            scope,
            mode,
            agent: None,
            conditions: vec![],
            digest: None,
            expires_at: None,
            session: false,
            origin: Origin::Owner,
            created_at: Timestamp(0),
        }
    }

    fn check(rule: &Rule, agent_name: Option<&str>, want: &str) {
        let name =
            |id: &IntegrationId| if *id == files() { "Files".to_owned() } else { id.to_string() };
        assert_eq!(describe_rule(rule, agent_name, name), want);
    }

    #[test]
    fn every_scope_in_every_mode() {
        let tool = Scope::Tool { integration: files(), tool: "read_file".into() };
        let category = Scope::Category { integration: files(), category: "search".into() };
        use Mode::{Allow, Deny, RequireApproval as Ask};
        for (mode, scope, want) in [
            (Allow, tool.clone(), "Every agent may use read_file in Files"),
            (Ask, tool.clone(), "Every agent must ask before read_file in Files"),
            (Deny, tool, "No agent may use read_file in Files"),
            (Allow, category, "Every agent may use every tool of the category search in Files"),
            (
                Ask,
                Scope::ReadOnly { integration: files() },
                "Every agent must ask before any tool in Files that says it only reads",
            ),
            (
                Allow,
                Scope::Integration { integration: files() },
                "Every agent may use every tool in Files",
            ),
            (
                Deny,
                Scope::Integration { integration: files() },
                "No agent may use any tool in Files",
            ),
            (
                Allow,
                Scope::NonDestructive,
                "Every agent may use every tool that is not destructive",
            ),
            (Deny, Scope::Everything, "No agent may use any tool"),
        ] {
            check(&rule(mode, scope), None, want);
        }
    }

    #[test]
    fn who_with_what_and_how_long() {
        let scope = Scope::Tool { integration: files(), tool: "read\u{202e}_file".into() };
        let mut rule = rule(Mode::Allow, scope);
        rule.agent = Some(AgentId(Uuid::nil()));
        check(
            &rule,
            Some("Claude\n"),
            "Claude\\u{a} (look-alike name) may use read\\u{202e}_file (look-alike name) in Files",
        );
        check(
            &rule,
            None,
            "An agent that is gone may use read\\u{202e}_file (look-alike name) in Files",
        );
        rule.conditions = vec![Condition::ArgumentsAre { hash: ArgumentsHash([0; 32]) }];
        check(
            &rule,
            Some("Claude"),
            "Claude may use read\\u{202e}_file (look-alike name) in Files with exactly the approved arguments",
        );
        rule.expires_at = Some(Timestamp(1_790_000_000_123));
        rule.session = true;
        rule.mode = Mode::Deny;
        check(
            &rule,
            Some("Claude"),
            "Claude may not use read\\u{202e}_file (look-alike name) in Files with exactly the given arguments, \
             until 2026-09-21 14:13 UTC, while its session lasts",
        );
    }
}
