use std::collections::HashSet;

use agentport_api::{ConsentState, RedirectTarget};
use agentport_core::{Timestamp, tool::ToolEffect};

use super::*;
use crate::gateway::state::ArgumentExcerpt;

fn id<T: std::str::FromStr>(number: u32) -> T
where
    T::Err: std::fmt::Debug,
{
    format!("00000000-0000-0000-0000-{number:012}").parse().unwrap()
}

fn integration(id: &str, state: &'static str, trouble: bool) -> IntegrationEntry {
    IntegrationEntry { id: id.parse().unwrap(), name: id.to_uppercase(), state, trouble }
}

fn request(number: u32, agent: &str, tool: &str) -> PendingRequest {
    PendingRequest {
        id: id(number),
        agent_name: agent.into(),
        tool: tool.into(),
        tool_title: None,
        integration_name: "Demo".into(),
        account: None,
        summary: format!("{tool} in Demo"),
        arguments: ArgumentExcerpt::default(),
        additional_info: None,
        effect: ToolEffect::Changes,
        classified: false,
        once_only: false,
    }
}

fn consent(number: u32, client_name: &str) -> ConsentView {
    ConsentView {
        id: id(number),
        state: ConsentState::Waiting,
        code: "4731".into(),
        client_name: client_name.into(),
        client_uri: None,
        redirect: RedirectTarget::Loopback { port: 7777 },
        redirect_uri: "http://localhost:7777/callback".into(),
        remote: false,
        suggested_name: client_name.into(),
        known_as: None,
        created_at: Timestamp(0),
        expires_at: Timestamp(600_000),
    }
}

fn calls(calls: impl IntoIterator<Item = PendingRequest>) -> WaitingRequests {
    WaitingRequests { calls: calls.into_iter().collect(), ..WaitingRequests::default() }
}

fn agent(number: u32, name: &str, trusted_until: Option<&str>) -> AgentEntry {
    AgentEntry { id: id(number), name: name.into(), trusted_until: trusted_until.map(Into::into) }
}

fn client(id: &str, connection: ClientConnection) -> ClientEntry {
    ClientEntry { id: id.into(), name: id.to_uppercase(), connection }
}

/// The menu as text: a line for each row, submenus indented, `---` for separators.
fn written(view: &TrayView) -> String {
    fn lines(rows: &[MenuRow], indent: &str, out: &mut String) {
        for row in rows {
            let line = match &row.kind {
                RowKind::Item { label, action: Some(_) } => label.clone(),
                RowKind::Item { label, action: None } => format!("({label})"),
                RowKind::Menu { label, .. } => format!("{label} ▸"),
                RowKind::Separator => "---".to_owned(),
            };
            *out += &format!("{indent}{line}\n");
            if let RowKind::Menu { rows, .. } = &row.kind {
                lines(rows, &format!("{indent}  "), out);
            }
        }
    }
    let mut out = String::new();
    lines(&view.rows, "", &mut out);
    out
}

fn up(up: RunningState) -> TrayView {
    view(&TrayState {
        phase: GatewayPhase::Running(Box::new(RunningState { notifications: true, ..up })),
    })
}

/// What choosing the row with this key does.
fn action(view: &TrayView, key: &str) -> Option<TrayAction> {
    fn find<'a>(rows: &'a [MenuRow], key: &str) -> Option<&'a MenuRow> {
        rows.iter().find_map(|row| match &row.kind {
            _ if row.key == key => Some(row),
            RowKind::Menu { rows, .. } => find(rows, key),
            _ => None,
        })
    }
    match &find(&view.rows, key)?.kind {
        RowKind::Item { action, .. } => action.clone(),
        _ => None,
    }
}

fn keys(rows: &[MenuRow]) -> Vec<String> {
    let mut all = Vec::new();
    for row in rows {
        all.push(row.key.clone());
        if let RowKind::Menu { rows, .. } = &row.kind {
            all.extend(keys(rows));
        }
    }
    all
}

#[test]
fn the_whole_menu() {
    let view = up(RunningState {
        waiting: calls([request(1, "Claude", "add_note")]),
        integrations: vec![
            integration("demo", "ready", false),
            integration("linear", "needs a new token", true),
        ],
        popular: vec![PopularEntry { id: "github".parse().unwrap(), name: "GitHub".into() }],
        agents: vec![agent(1, "Claude", None), agent(2, "Cursor", Some("14:32"))],
        clients: vec![
            client("cursor", ClientConnection::Used),
            client("zed", ClientConnection::NotUsedYet),
            client("codex", ClientConnection::No),
        ],
        ..RunningState::default()
    });
    let expected = "\
1 request waits for you
LINEAR needs a new token
Claude wants to add note in Demo
Cursor works until 14:32 · Stop
---
Install integration ▸
  DEMO · ready
  LINEAR · needs a new token
  ---
  GitHub…
  ---
  Browse all…
Connect an agent ▸
  ✓ CURSOR · connected
  ✓ ZED · not used yet
  CODEX…
  ---
  All agents…
Copy MCP URL
---
Pause all agents
Let an agent work for 15 minutes ▸
  Claude
Silence notifications ▸
  For 15 minutes
  For 1 hour
  Until tomorrow
---
Activity
Settings
---
Quit AgentPort
";
    assert_eq!(written(&view), expected);
    assert_eq!(view.icon, TrayIconState::Pending(1));
    assert_eq!(view.tooltip, "1 request waits for you");
}

#[test]
fn before_there_is_anything() {
    let expected = "\
Nothing waits for you
---
Install integration ▸
  Browse all…
Connect an agent ▸
  All agents…
Copy MCP URL
---
Pause all agents
---
Activity
Settings
---
Quit AgentPort
";
    let state = TrayState { phase: GatewayPhase::Running(Box::default()) };
    assert_eq!(written(&view(&state)), expected, "without notifications there is none to silence");
}

#[test]
fn icon_and_status_say_how_it_stands() {
    let waiting = |count| (1..=count).map(|n| request(n, "a", "t")).collect::<Vec<_>>();
    let trouble = || vec![integration("x", "does not work", true)];
    for (state, icon, status) in [
        (RunningState::default(), TrayIconState::Normal, "Nothing waits for you"),
        (
            RunningState { waiting: calls(waiting(2)), ..RunningState::default() },
            TrayIconState::Pending(2),
            "2 requests wait for you",
        ),
        (
            RunningState { integrations: trouble(), ..RunningState::default() },
            TrayIconState::Trouble,
            "Nothing waits for you",
        ),
        (
            RunningState {
                integrations: trouble(),
                waiting: calls(waiting(1)),
                ..RunningState::default()
            },
            TrayIconState::Pending(1),
            "1 request waits for you",
        ),
        (
            RunningState { paused: true, ..RunningState::default() },
            TrayIconState::Paused,
            "All agents are paused",
        ),
        (
            RunningState {
                paused: true,
                waiting: calls(waiting(1)),
                integrations: trouble(),
                ..RunningState::default()
            },
            TrayIconState::Paused,
            "All agents are paused · 1 request waits for you",
        ),
    ] {
        let view = up(state.clone());
        assert_eq!((view.icon, view.tooltip.as_str()), (icon, status), "{state:?}");
    }
}

#[test]
fn without_a_gateway_it_says_why_and_what_can_be_done() {
    let down = view(&TrayState { phase: GatewayPhase::Failed("Port 4747 is taken.".into()) });
    assert_eq!(down.icon, TrayIconState::Trouble);
    let expected = "Port 4747 is taken.\n---\nTry again\nWhat to do…\n---\nQuit AgentPort\n";
    assert_eq!(written(&down), expected);
    assert_eq!(action(&down, "try-again"), Some(TrayAction::TryAgain));

    let starting = view(&TrayState { phase: GatewayPhase::Starting });
    assert_eq!(written(&starting), "(AgentPort is starting…)\n---\nQuit AgentPort\n");
    let stopping = view(&TrayState { phase: GatewayPhase::Stopping });
    assert_eq!(written(&stopping), "(AgentPort is quitting…)\n");
}

#[test]
fn rows_lead_to_their_pages() {
    let view = up(RunningState {
        waiting: calls([request(7, "Claude", "t")]),
        integrations: vec![integration("linear", "needs a new token", true)],
        popular: vec![PopularEntry { id: "github".parse().unwrap(), name: "GitHub".into() }],
        agents: vec![agent(1, "Claude", None)],
        clients: vec![
            client("cursor", ClientConnection::Used),
            client("codex", ClientConnection::No),
        ],
        silent_until: Some("15:00".into()),
        ..RunningState::default()
    });
    let page = |route: &str| Some(TrayAction::Open(route.to_owned()));
    for (key, expected) in [
        ("status", page("#/")),
        (
            "approval/00000000-0000-0000-0000-000000000007",
            Some(TrayAction::OpenRequest(RequestId::Call(id(7)))),
        ),
        ("trouble/linear", page("#/integrations/linear")),
        ("installed/linear", page("#/integrations/linear")),
        ("available/github", page("#/integrations/install/github")),
        ("browse", page("#/integrations/browse")),
        ("client/cursor", page("#/connect/cursor")),
        ("client/codex", page("#/connect/codex")),
        ("clients", page("#/connect")),
        ("copy", Some(TrayAction::CopyUrl)),
        ("pause", Some(TrayAction::Pause(true))),
        ("trust/00000000-0000-0000-0000-000000000001", Some(TrayAction::Trust(id(1), 15))),
        ("silence/15", Some(TrayAction::Silence(SilencePeriod::Minutes(15)))),
        ("silence/60", Some(TrayAction::Silence(SilencePeriod::Minutes(60)))),
        ("silence/tomorrow", Some(TrayAction::Silence(SilencePeriod::UntilTomorrow))),
        ("silence/show", Some(TrayAction::Silence(SilencePeriod::Off))),
        ("activity", page("#/activity")),
        ("settings", page("#/settings")),
        ("quit", Some(TrayAction::Quit)),
    ] {
        assert_eq!(action(&view, key), expected, "{key}");
    }
}

#[test]
fn pausing_and_going_on_are_two_rows() {
    let running = up(RunningState::default());
    let paused = up(RunningState { paused: true, ..RunningState::default() });
    assert_eq!(action(&running, "pause"), Some(TrayAction::Pause(true)));
    assert_eq!(action(&running, "resume"), None);
    assert_eq!(action(&paused, "resume"), Some(TrayAction::Pause(false)));
    assert_eq!(action(&paused, "pause"), None);
}

#[test]
fn agents_are_let_work() {
    let labels = |agents: Vec<AgentEntry>, second_factor| {
        let view = up(RunningState { agents, second_factor, ..RunningState::default() });
        let text = written(&view);
        let lines = text.lines().filter(|line| {
            line.contains("work") || line.starts_with("  Ann") || line.starts_with("  Bob")
        });
        let lines: Vec<String> = lines.map(str::to_owned).collect();
        (lines, action(&view, "trust/00000000-0000-0000-0000-000000000001"))
    };
    let trust = Some(TrayAction::Trust(id(1), 15));
    let page = Some(TrayAction::Open("#/agents".into()));
    for (agents, second_factor, lines, chosen) in [
        (vec![], false, vec![], None),
        (vec![agent(1, "Ann", None)], false, vec!["Let Ann work for 15 minutes"], trust.clone()),
        (vec![agent(1, "Ann", None)], true, vec!["Let Ann work for 15 minutes…"], page.clone()),
        (vec![agent(1, "Ann", Some("1:00"))], false, vec!["Ann works until 1:00 · Stop"], None),
        (
            vec![agent(1, "Ann", None), agent(2, "Bob", None)],
            false,
            vec!["Let an agent work for 15 minutes ▸", "  Ann", "  Bob"],
            trust.clone(),
        ),
        (
            vec![agent(1, "Ann", None), agent(2, "Bob", Some("2:00"))],
            true,
            vec!["Bob works until 2:00 · Stop", "Let an agent work for 15 minutes ▸", "  Ann…"],
            page,
        ),
    ] {
        assert_eq!(
            labels(agents.clone(), second_factor),
            (lines.into_iter().map(str::to_owned).collect(), chosen),
            "{agents:?}"
        );
    }
    let view = up(RunningState {
        agents: vec![agent(2, "Bob", Some("2:00"))],
        second_factor: true,
        ..RunningState::default()
    });
    let stop = action(&view, "stop/00000000-0000-0000-0000-000000000002");
    assert_eq!(stop, Some(TrayAction::Trust(id(2), 0)), "taking it back needs no code");
}

#[test]
fn silence_is_told() {
    let view = up(RunningState { silent_until: Some("15:00".into()), ..RunningState::default() });
    let text = written(&view);
    assert!(text.contains("Notifications are silent until 15:00 ▸\n"), "{text}");
    assert!(text.contains("  Show again\n"), "{text}");
}

#[test]
fn long_lists_end() {
    let waiting = calls((1..=12).map(|n| request(n, "a", "t")));
    let integrations = (1..=20).map(|n| integration(&format!("i{n}"), "ready", false)).collect();
    let agents = (1..=30).map(|n| agent(n, "A", None)).collect();
    let clients = (1..=30).map(|n| client(&format!("c{n}"), ClientConnection::No)).collect();
    let view =
        up(RunningState { waiting, integrations, agents, clients, ..RunningState::default() });
    let text = written(&view);
    assert_eq!(action(&view, "clients/more"), Some(TrayAction::Open("#/connect".into())));
    assert_eq!(text.matches("wants").count(), 9);
    for line in ["\n… and 3 more\n", "  … and 8 more\n", "  … and 18 more\n"] {
        assert!(text.contains(line), "{line:?} in {text}");
    }
    let troubled = (1..=9).map(|n| integration(&format!("i{n}"), "does not work", true)).collect();
    let view = up(RunningState { integrations: troubled, ..RunningState::default() });
    assert_eq!(view.rows.iter().filter(|row| row.key.starts_with("trouble/")).count(), 3);
}

#[test]
fn names_of_others_are_cleaned_and_cut() {
    let odd = "\u{202e}evil\n\u{1b}[31m & _x\u{200b}";
    let view = up(RunningState {
        waiting: calls([request(1, odd, &"t".repeat(300))]),
        ..RunningState::default()
    });
    let RowKind::Item { label, .. } = &view.rows[1].kind else { panic!("a request") };
    assert!(label.starts_with("evil & _x wants ttt"), "{label:?}");
    assert!(label.chars().count() <= MAX_ROW_CHARS, "{label:?}");
    assert!(label.ends_with(" in Demo"), "what is cut is the name, not the sentence: {label:?}");
    let odd = ClientEntry {
        name: format!("{odd}{}", "x".repeat(300)),
        ..client("c", ClientConnection::Used)
    };
    let text = written(&up(RunningState { clients: vec![odd], ..RunningState::default() }));
    let row = text.lines().find(|line| line.contains("evil")).expect("the client");
    assert!(row.starts_with("  ✓ evil & _xxx") && row.ends_with(" · connected"), "{row:?}");
    assert!(row.chars().count() <= MAX_NAME_CHARS + 20, "{row:?}");
}

#[test]
fn keys_are_unique() {
    let view = up(RunningState {
        paused: true,
        waiting: calls((1..=12).map(|n| request(n, "a", "t"))),
        integrations: (1..=20).map(|n| integration(&format!("i{n}"), "bad", true)).collect(),
        popular: vec![PopularEntry { id: "i1".parse().unwrap(), name: "I".into() }],
        agents: vec![agent(1, "A", None), agent(2, "B", Some("1:00"))],
        clients: (1..=20).map(|n| client(&format!("i{n}"), ClientConnection::No)).collect(),
        silent_until: Some("1:00".into()),
        ..RunningState::default()
    });
    let keys = keys(&view.rows);
    let unique: HashSet<_> = keys.iter().collect();
    assert_eq!(unique.len(), keys.len(), "{keys:?}");
}

#[test]
fn requests_for_one_tool_are_told_apart() {
    let waits = |number, text: &str| {
        let arguments = serde_json::json!({ "text": text });
        let arguments = ArgumentExcerpt::from_arguments(arguments.as_object().unwrap());
        PendingRequest { arguments, ..request(number, "Claude", "add_note") }
    };
    let waiting = calls([waits(1, "milk"), waits(2, &"bread ".repeat(30))]);
    let text = written(&up(RunningState { waiting, ..RunningState::default() }));
    assert!(text.contains("Claude wants to add note in Demo · text: milk\n"), "{text}");
    assert!(text.contains("Claude wants to add note in Demo · text: bread bread"), "{text}");
}

#[test]
fn missed_requests_are_shown_until_they_are_looked_at() {
    for (missed, row, icon) in [
        (0, None, TrayIconState::Normal),
        (1, Some("1 request was missed\n"), TrayIconState::Trouble),
        (2, Some("2 requests were missed\n"), TrayIconState::Trouble),
    ] {
        let view = up(RunningState { missed, ..RunningState::default() });
        assert_eq!(view.icon, icon, "{missed}");
        assert_eq!(row.is_some(), written(&view).contains("missed"), "{missed}");
        if let Some(row) = row {
            assert!(written(&view).contains(row), "{missed}");
            assert_eq!(
                action(&view, "missed"),
                Some(TrayAction::Open("#/approvals?tab=missed".into()))
            );
        }
    }
}

#[test]
fn an_agent_that_wants_in_has_a_row_above_the_calls_and_counts_as_waiting() {
    let consents = (1..=5).map(|n| consent(n, "Odd\u{202e}\nname")).collect();
    let calls = [request(7, "Claude", "add_note")].into();
    let view = up(RunningState {
        waiting: WaitingRequests { consents, calls },
        ..RunningState::default()
    });
    let text = written(&view);
    let rows = "6 requests wait for you\nOdd name wants in…\nOdd name wants in…\nOdd name wants in…\n… and 2 more\nClaude wants";
    assert!(text.starts_with(rows), "{text}");
    assert_eq!(view.icon, TrayIconState::Pending(6));
    let opens = TrayAction::OpenRequest(RequestId::Consent(id(2)));
    assert_eq!(action(&view, "consent/00000000-0000-0000-0000-000000000002"), Some(opens));
}
