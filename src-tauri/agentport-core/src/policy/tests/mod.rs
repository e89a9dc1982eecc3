mod defaults;
mod properties;

use Mode::{Allow, Deny, RequireApproval as Ask};
use uuid::Uuid;

use super::*;
use crate::ApprovalId;

const NOW: Timestamp = Timestamp(1_000_000);
const READS: ToolEffect = ToolEffect::Reads;
const ADDS: ToolEffect = ToolEffect::Changes;
const SILENT: ToolEffect = ToolEffect::Undeclared;
const DESTROYS: ToolEffect = ToolEffect::Destroys;

fn id(text: &str) -> IntegrationId {
    IntegrationId::new(text).unwrap()
}

fn agent(n: u128) -> AgentId {
    AgentId(Uuid::from_u128(n))
}

fn hash(n: u8) -> ArgumentsHash {
    ArgumentsHash([n; 32])
}

fn digest(n: u8) -> DefinitionDigest {
    DefinitionDigest([n; 32])
}

fn tool(name: &str) -> Scope {
    Scope::Tool { integration: id("files"), tool: name.into() }
}

fn category(name: &str) -> Scope {
    Scope::Category { integration: id("files"), category: name.into() }
}

fn read_only() -> Scope {
    Scope::ReadOnly { integration: id("files") }
}

fn whole(name: &str) -> Scope {
    Scope::Integration { integration: id(name) }
}

/// A rule of the owner's for every agent, for the definition `call` runs under. [`check`] numbers rules from 1.
fn rule(mode: Mode, scope: Scope) -> Rule {
    let names_tool = matches!(scope, Scope::Tool { .. });
    Rule {
        id: RuleId(Uuid::nil()),
        scope,
        mode,
        agent: None,
        conditions: vec![],
        digest: (mode == Allow && names_tool).then(|| digest(1)),
        expires_at: None,
        session: false,
        origin: Origin::Owner,
        created_at: Timestamp(0),
    }
}

impl Rule {
    fn of(self, n: u128) -> Self {
        Self { agent: Some(agent(n)), ..self }
    }

    fn with(self, arguments: u8) -> Self {
        Self { conditions: vec![Condition::ArgumentsAre { hash: hash(arguments) }], ..self }
    }

    fn seen(self, definition: u8) -> Self {
        Self { digest: Some(digest(definition)), ..self }
    }

    fn until(self, ms: i64) -> Self {
        Self { expires_at: Some(Timestamp(ms)), ..self }
    }

    fn numbered(self, n: usize) -> Self {
        Self { id: RuleId(Uuid::from_u128(n as u128)), ..self }
    }
}

/// How a call differs from: agent 1 calls `files/write_file`, which says nothing of itself and is in the category
/// `write`, with arguments 1, under definition 1.
#[derive(Clone, Copy, Default)]
struct Asked {
    effect: Option<ToolEffect>,
    arguments_unknown: bool,
    by: Option<u128>,
}

/// A default and a switch for `files`.
fn set(default_mode: Option<Mode>, read_only_may_run: bool) -> IntegrationPolicy {
    IntegrationPolicy { default_mode, read_only_may_run }
}

fn by(n: u128) -> Reason {
    Reason::Rule { id: RuleId(Uuid::from_u128(n)) }
}

fn changed(n: u128) -> Reason {
    Reason::DefinitionChanged { id: RuleId(Uuid::from_u128(n)) }
}

/// Decides with the rules in the order given and the other way round.
fn check_call(
    name: &str,
    asked: Asked,
    policy: IntegrationPolicy,
    rules: impl IntoIterator<Item = Rule>,
    mode: Mode,
    reason: Reason,
) {
    let rules: Vec<Rule> =
        rules.into_iter().enumerate().map(|(at, rule)| rule.numbered(at + 1)).collect();
    let files = id("files");
    let arguments = hash(1);
    let call = Call {
        agent: agent(asked.by.unwrap_or(1)),
        integration: &files,
        tool: "write_file",
        category: Some("write"),
        effect: asked.effect.unwrap_or(SILENT),
        digest: digest(1),
        arguments: (!asked.arguments_unknown).then_some(&arguments),
        now: NOW,
    };
    let policies = HashMap::from([(id("files"), policy), (id("mail"), set(Some(Allow), true))]);
    let forward = Rules::new(rules.clone(), policies.clone());
    let backward = Rules::new(rules.into_iter().rev(), policies);
    assert_eq!(decide(&forward, &call), Decision { mode, reason }, "{name}");
    assert_eq!(decide(&backward, &call), Decision { mode, reason }, "{name}, in reverse");
}

fn check(name: &str, rules: impl IntoIterator<Item = Rule>, mode: Mode, reason: Reason) {
    check_call(name, Asked::default(), IntegrationPolicy::default(), rules, mode, reason);
}

#[test]
fn nothing_matching_asks() {
    check("no rules", [], Ask, Reason::NoRule);
    for (name, other) in [
        ("another tool", rule(Allow, tool("read_file"))),
        ("a tool whose name only begins so", rule(Allow, tool("write"))),
        ("another case", rule(Allow, tool("Write_File"))),
        (
            "the tool of another integration",
            rule(Allow, Scope::Tool { integration: id("mail"), tool: "write_file".into() }),
        ),
        ("another category", rule(Allow, category("read"))),
        (
            "the category of another integration",
            rule(Allow, Scope::Category { integration: id("mail"), category: "write".into() }),
        ),
        ("tools that only read", rule(Allow, read_only())),
        ("another integration", rule(Allow, whole("mail"))),
        ("what is not destructive", rule(Allow, Scope::NonDestructive)),
        ("another agent", rule(Allow, tool("write_file")).of(2)),
        ("other arguments", rule(Allow, tool("write_file")).with(2)),
        ("expired", rule(Allow, tool("write_file")).until(NOW.0 - 1)),
        ("expired this moment", rule(Allow, tool("write_file")).until(NOW.0)),
    ] {
        check(name, [other], Ask, Reason::NoRule);
    }
}

#[test]
fn each_scope_matches() {
    for scope in [tool("write_file"), category("write"), whole("files"), Scope::Everything] {
        for mode in [Allow, Ask, Deny] {
            check(&format!("{mode:?} {scope:?}"), [rule(mode, scope.clone())], mode, by(1));
            check("its agent", [rule(mode, scope.clone()).of(1)], mode, by(1));
            check("its arguments", [rule(mode, scope.clone()).with(1)], mode, by(1));
            check("not expired", [rule(mode, scope.clone()).until(NOW.0 + 1)], mode, by(1));
            let session = Rule { session: true, ..rule(mode, scope.clone()) };
            check("while the session lasts", [session], mode, by(1));
        }
    }
}

#[test]
fn scopes_by_what_a_tool_says_of_itself() {
    for (effect, scope, matches) in [
        (READS, read_only(), true),
        (ADDS, read_only(), false),
        (SILENT, read_only(), false),
        (READS, Scope::NonDestructive, true),
        (ADDS, Scope::NonDestructive, true),
        (SILENT, Scope::NonDestructive, false),
        (DESTROYS, Scope::NonDestructive, false),
        (DESTROYS, read_only(), false),
    ] {
        let asked = Asked { effect: Some(effect), ..Asked::default() };
        let reason = if matches { by(1) } else { Reason::NoRule };
        let mode = if matches { Allow } else { Ask };
        let name = format!("{scope:?} {effect:?}");
        check_call(&name, asked, IntegrationPolicy::default(), [rule(Allow, scope)], mode, reason);
    }
}

#[test]
fn deny_always_wins() {
    for (name, denied) in [
        ("tool", rule(Deny, tool("write_file"))),
        ("category", rule(Deny, category("write"))),
        ("integration", rule(Deny, whole("files"))),
        ("everything", rule(Deny, Scope::Everything)),
        ("for this agent", rule(Deny, Scope::Everything).of(1)),
        ("for a while", rule(Deny, Scope::Everything).until(NOW.0 + 1)),
        ("these arguments", rule(Deny, Scope::Everything).with(1)),
    ] {
        let nearest = rule(Allow, tool("write_file")).of(1).with(1);
        check(name, [nearest, denied], Deny, by(2));
    }
    check(
        "of several the nearest is named, of equal ones the oldest",
        [
            rule(Deny, Scope::Everything),
            rule(Deny, tool("write_file")),
            rule(Deny, tool("write_file")),
            rule(Deny, whole("files")),
        ],
        Deny,
        by(2),
    );
    check(
        "but only one that matches",
        [rule(Allow, tool("write_file")), rule(Deny, tool("write_file")).with(2)],
        Allow,
        by(1),
    );
}

#[test]
fn the_nearest_speaks() {
    let ladder = |mode| {
        [
            rule(mode, Scope::Everything),
            rule(mode, whole("files")),
            rule(mode, category("write")),
            rule(mode, tool("write_file")),
            rule(mode, tool("write_file")).of(1),
            rule(mode, tool("write_file")).with(1),
        ]
    };
    for near in 1..6 {
        for far in 0..near {
            for (mode, other) in [(Allow, Ask), (Ask, Allow)] {
                let rules = [ladder(other)[far].clone(), ladder(mode)[near].clone()];
                check(&format!("{mode:?} at {near}, {other:?} at {far}"), rules, mode, by(2));
            }
        }
    }
    check(
        "conditions on a wide rule are nearer than agent and tool",
        [rule(Ask, Scope::Everything).with(1), rule(Allow, tool("write_file")).of(1)],
        Ask,
        by(1),
    );
    check(
        "an agent alone makes a wide rule no nearer",
        [rule(Allow, whole("files")).of(1), rule(Ask, tool("write_file"))],
        Ask,
        by(2),
    );
}

#[test]
fn a_tie_goes_to_the_stricter() {
    for scope in [tool("write_file"), category("write"), whole("files"), Scope::Everything] {
        let rules = [rule(Allow, scope.clone()), rule(Ask, scope.clone())];
        check(&format!("{scope:?}"), rules, Ask, by(2));
    }
    let of_agent = [rule(Allow, whole("files")).of(1), rule(Ask, whole("files"))];
    check("agent's own rule for an integration", of_agent, Ask, by(2));
    let same = [rule(Allow, tool("write_file")), rule(Allow, tool("write_file"))];
    check("equal rules: the oldest is named", same, Allow, by(1));
}

#[test]
fn everything_but_destructive_tools_for_an_agent() {
    let trusted = || rule(Allow, Scope::NonDestructive).of(1).until(NOW.0 + 900_000);
    let adds = |by| Asked { effect: Some(ADDS), by: Some(by), ..Asked::default() };
    let none = IntegrationPolicy::default();
    for (name, asked, policy, other, mode, reason) in [
        ("beats a tool's rule", adds(1), none, rule(Ask, tool("write_file")), Allow, by(1)),
        (
            "beats a default",
            adds(1),
            set(Some(Ask), false),
            rule(Ask, whole("files")),
            Allow,
            by(1),
        ),
        (
            "not one for agent and tool",
            adds(1),
            none,
            rule(Ask, tool("write_file")).of(1),
            Ask,
            by(2),
        ),
        ("not one with arguments", adds(1), none, rule(Ask, whole("files")).with(1), Ask, by(2)),
        ("not a deny", adds(1), none, rule(Deny, Scope::Everything), Deny, by(2)),
        ("is for its agent", adds(2), none, rule(Ask, tool("write_file")), Ask, by(2)),
        (
            "not for destructive tools",
            Asked { by: Some(1), ..Asked::default() },
            none,
            rule(Ask, tool("write_file")),
            Ask,
            by(2),
        ),
    ] {
        check_call(name, asked, policy, [trusted(), other], mode, reason);
    }
    let general = [rule(Allow, Scope::NonDestructive), rule(Ask, tool("write_file"))];
    check_call("for every agent it is the widest rule", adds(1), none, general, Ask, by(2));
}

#[test]
fn an_allow_is_for_the_definition_the_owner_saw() {
    let old = || rule(Allow, tool("write_file")).seen(2);
    let new = || rule(Allow, tool("write_file")).seen(1);
    check("another definition", [old()], Ask, changed(1));
    check("for an agent", [old().of(1)], Ask, changed(1));
    check("with arguments", [old().with(1)], Ask, changed(1));
    check("hides a wider allow", [old(), rule(Allow, whole("files"))], Ask, changed(1));
    check("stays behind a nearer rule", [old(), rule(Allow, whole("files")).with(1)], Allow, by(2));
    check(
        "is silent where it does not match",
        [old().of(2), rule(Allow, whole("files"))],
        Allow,
        by(2),
    );
    let asked = Asked::default();
    check_call("hides a default", asked, set(Some(Allow), false), [old()], Ask, changed(1));
    let reads = Asked { effect: Some(READS), ..asked };
    check_call("hides the switch", reads, set(None, true), [old()], Ask, changed(1));

    check("answered since, by a rule alike", [old().with(1), new().with(1)], Allow, by(2));
    check("answered since, by a wider rule", [old().with(1), new()], Allow, by(2));
    check(
        "answered since, but the owner asks",
        [old().with(1), new(), rule(Ask, tool("write_file"))],
        Ask,
        by(3),
    );
    check("answered for another agent", [old(), new().of(2)], Ask, changed(1));
    check("answered for a while that is over", [old(), new().until(NOW.0)], Ask, changed(1));

    for mode in [Ask, Deny] {
        check(
            "other modes hold for every definition",
            [rule(mode, tool("write_file")).seen(2)],
            mode,
            by(1),
        );
    }
    let lost = Rule { digest: None, ..new() };
    check("no definition at all", [lost.clone()], Ask, changed(1));
    check("but ours", [Rule { origin: Origin::Builtin, ..lost }], Allow, by(1));
    check("names no tool", [rule(Allow, whole("files"))], Allow, by(1));
}

#[test]
fn unknown_arguments_meet_no_condition() {
    let unknown = Asked { arguments_unknown: true, ..Asked::default() };
    let none = IntegrationPolicy::default();
    for mode in [Allow, Ask, Deny] {
        let rules = [rule(mode, tool("write_file")).with(1)];
        check_call("alone", unknown, none, rules, Ask, Reason::NoRule);
    }
    let rules = [rule(Ask, tool("write_file")).with(1), rule(Allow, tool("write_file"))];
    check_call("the rest counts", unknown, none, rules, Allow, by(2));
    let both = Rule {
        conditions: vec![
            Condition::ArgumentsAre { hash: hash(1) },
            Condition::ArgumentsAre { hash: hash(2) },
        ],
        ..rule(Allow, tool("write_file"))
    };
    check("every condition must hold", [both], Ask, Reason::NoRule);
}

#[test]
fn modes_have_words() {
    for mode in [Allow, Ask, Deny] {
        assert_eq!(Mode::parse(mode.as_str()), Some(mode));
        assert_eq!(serde_json::to_value(mode).unwrap(), mode.as_str());
    }
    assert_eq!(Mode::parse("Allow"), None);
    assert!(Allow < Ask && Ask < Deny);
}

#[test]
fn a_grant_that_ends_outranks_the_rules_it_was_given_beside() {
    let granted = |mode| Rule {
        origin: Origin::Approval { id: ApprovalId(Uuid::nil()) },
        ..rule(mode, tool("write_file")).of(1)
    };
    let asks = || rule(Ask, tool("write_file")).of(1);
    check("for a time", [asks(), granted(Allow).until(NOW.0 + 1)], Allow, by(2));
    check("it is over", [asks(), granted(Allow).until(NOW.0)], Ask, by(1));
    let session = Rule { session: true, ..granted(Allow) };
    check("for the session", [asks(), session.clone()], Allow, by(2));
    check("every agent's", [asks(), Rule { agent: None, ..session.clone() }], Ask, by(1));
    check("a lasting one does not", [asks(), granted(Allow)], Ask, by(1));
    check(
        "nor does the owner's own",
        [asks(), rule(Allow, tool("write_file")).of(1).until(NOW.0 + 1)],
        Ask,
        by(1),
    );
    check("a deny wins", [rule(Deny, whole("files")), session.clone()], Deny, by(1));
    check("arguments are nearer", [session, rule(Ask, tool("write_file")).with(1)], Ask, by(2));
}
