//! Categories that older backups know by another name.

use agentport_core::{
    RuleId,
    policy::{Rule, Scope},
    tool::ToolEffect,
};
use uuid::Uuid;

/// The category of tools that destroy and of tools that do not say, before they were told apart.
const MAY_DESTROY: &str = "May destroy";

/// The rules, with one for [`MAY_DESTROY`] as a rule for each of the two categories it stood for.
pub(super) fn with_present_categories(rules: &[Rule]) -> Vec<Rule> {
    let mut present = Vec::with_capacity(rules.len());
    for rule in rules {
        match &rule.scope {
            Scope::Category { integration, category } if category == MAY_DESTROY => {
                let of = |effect: ToolEffect| Scope::Category {
                    integration: integration.clone(),
                    category: effect.category().to_owned(),
                };
                present.push(Rule { scope: of(ToolEffect::Destroys), ..rule.clone() });
                // The last bits of an id (UUID version 7) are random. Restoring twice has to give the same id.
                let id = RuleId(Uuid::from_u128(rule.id.0.as_u128() ^ 1));
                present.push(Rule { id, scope: of(ToolEffect::Undeclared), ..rule.clone() });
            }
            _ => present.push(rule.clone()),
        }
    }
    present
}

#[cfg(test)]
mod tests {
    use agentport_core::{
        IntegrationId, Timestamp,
        policy::{Mode, Origin},
    };

    use super::*;

    #[test]
    fn a_rule_for_what_may_destroy_is_a_rule_for_both_categories() {
        let integration = IntegrationId::new("files").unwrap();
        let rule = |id, category: &str| Rule {
            id: RuleId(Uuid::from_u128(id)),
            scope: Scope::Category { integration: integration.clone(), category: category.into() },
            mode: Mode::Deny,
            agent: None,
            conditions: Vec::new(),
            digest: None,
            expires_at: None,
            session: false,
            origin: Origin::Owner,
            created_at: Timestamp(1),
        };
        let old = [rule(2, "Reads"), rule(4, MAY_DESTROY)];
        let want = [rule(2, "Reads"), rule(4, "Destroys"), rule(5, "Doesn't say")];
        assert_eq!(with_present_categories(&old), want);
        assert_eq!(with_present_categories(&want), want);
    }
}
