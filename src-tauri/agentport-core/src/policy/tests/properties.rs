//! What holds for any rules and any call. The worlds are small so that much matches.

use proptest::{
    collection::vec,
    option,
    prelude::*,
    sample::{Index, select},
};

use super::*;

fn any_mode() -> impl Strategy<Value = Mode> {
    select(vec![Allow, Ask, Deny])
}

fn any_scope() -> impl Strategy<Value = Scope> {
    select(vec![
        tool("write_file"),
        tool("read_file"),
        category("write"),
        category("read"),
        read_only(),
        whole("files"),
        whole("mail"),
        Scope::NonDestructive,
        Scope::Everything,
    ])
}

fn any_rule() -> impl Strategy<Value = Rule> {
    let condition = (1u8..3).prop_map(|n| Condition::ArgumentsAre { hash: hash(n) });
    (
        (any_mode(), any_scope(), option::of((1u128..3).prop_map(agent))),
        vec(condition, 0..2),
        option::of((1u8..3).prop_map(digest)),
        option::of((NOW.0 - 1..NOW.0 + 2).prop_map(Timestamp)),
        any::<bool>(),
        select(vec![Origin::Owner, Origin::Builtin]),
    )
        .prop_map(|((mode, scope, agent), conditions, digest, expires_at, session, origin)| {
            Rule { agent, conditions, digest, expires_at, session, origin, ..rule(mode, scope) }
        })
}

fn any_rules() -> impl Strategy<Value = Vec<Rule>> {
    vec(any_rule(), 0..8).prop_map(|rules| {
        rules.into_iter().enumerate().map(|(at, rule)| rule.numbered(at + 1)).collect()
    })
}

fn any_policies() -> impl Strategy<Value = HashMap<IntegrationId, IntegrationPolicy>> {
    (option::of(any_mode()), any::<bool>())
        .prop_map(|(default, switch)| HashMap::from([(id("files"), set(default, switch))]))
}

/// What a call is made of, owned.
#[derive(Debug, Clone)]
struct Given {
    agent: AgentId,
    integration: IntegrationId,
    tool: &'static str,
    category: Option<&'static str>,
    effect: ToolEffect,
    digest: DefinitionDigest,
    arguments: Option<ArgumentsHash>,
}

impl Given {
    fn call(&self) -> Call<'_> {
        Call {
            agent: self.agent,
            integration: &self.integration,
            tool: self.tool,
            category: self.category,
            effect: self.effect,
            digest: self.digest,
            arguments: self.arguments.as_ref(),
            now: NOW,
        }
    }
}

prop_compose! {
    fn any_call()(
        by in 1u128..3,
        integration in select(vec!["files", "mail"]),
        tool in select(vec!["write_file", "read_file"]),
        category in select(vec![None, Some("write"), Some("read")]),
        effect in select(vec![READS, ADDS, SILENT, DESTROYS]),
        definition in 1u8..3,
        arguments in option::of(1u8..3),
    ) -> Given {
        Given {
            agent: agent(by), integration: id(integration), tool, category, effect,
            digest: digest(definition), arguments: arguments.map(hash),
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn any_matching_deny_denies(
        mut rules in any_rules(), policies in any_policies(), given in any_call(),
        denied in any_rule(), at in any::<Index>(),
    ) {
        let denied = Rule { mode: Deny, ..denied.numbered(99) };
        let matches = denied.matches(&given.call());
        rules.insert(at.index(rules.len() + 1), denied);
        let decision = decide(&Rules::new(rules, policies), &given.call());
        prop_assert!(!matches || decision.mode == Deny, "{decision:?}");
    }

    #[test]
    fn the_order_of_rules_never_matters(
        (rules, shuffled) in any_rules().prop_flat_map(|rules| (Just(rules.clone()), Just(rules).prop_shuffle())),
        policies in any_policies(), given in any_call(),
    ) {
        let one = decide(&Rules::new(rules, policies.clone()), &given.call());
        let other = decide(&Rules::new(shuffled, policies), &given.call());
        prop_assert_eq!(one, other);
    }

    #[test]
    fn an_allow_is_never_for_another_definition(
        rules in any_rules(), policies in any_policies(), given in any_call(),
    ) {
        let decision = decide(&Rules::new(rules.clone(), policies), &given.call());
        if decision.mode == Allow && let Some(id) = decision.reason.rule() {
            let rule = rules.iter().find(|rule| rule.id == id).unwrap();
            prop_assert_eq!(rule.mode, Allow);
            prop_assert!(rule.matches(&given.call()));
            prop_assert!(rule.digest.is_none_or(|seen| seen == given.digest));
        }
    }

    #[test]
    fn outdated_allows_alone_never_allow(rules in any_rules(), given in any_call()) {
        let outdated = rules.into_iter().filter(|rule| {
            rule.mode != Allow || rule.digest.is_some_and(|seen| seen != given.digest)
        });
        let decision = decide(&Rules::new(outdated, HashMap::new()), &given.call());
        prop_assert_ne!(decision.mode, Allow);
    }

    #[test]
    fn an_outdated_allow_never_makes_it_more_lenient(
        mut rules in any_rules(), policies in any_policies(), given in any_call(), outdated in any_rule(),
    ) {
        let before = decide(&Rules::new(rules.clone(), policies.clone()), &given.call());
        let other = if given.digest == digest(1) { 2 } else { 1 };
        rules.push(Rule { mode: Allow, ..outdated.numbered(99).seen(other) });
        let after = decide(&Rules::new(rules, policies), &given.call());
        // A default of deny yields to any nearer rule, to one that asks as well.
        let yields = before.reason == Reason::IntegrationDefault && after.mode == Ask;
        prop_assert!(yields || after.mode >= before.mode, "{before:?} became {after:?}");
    }

    #[test]
    fn rules_that_do_not_match_change_nothing(
        rules in any_rules(), policies in any_policies(), given in any_call(),
    ) {
        let matching = rules.iter().filter(|rule| rule.matches(&given.call())).cloned();
        let few = decide(&Rules::new(matching, policies.clone()), &given.call());
        prop_assert_eq!(decide(&Rules::new(rules, policies), &given.call()), few);
    }
}
