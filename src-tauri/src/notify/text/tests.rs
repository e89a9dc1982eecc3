use agentport_api::KnownAgent;
use agentport_core::AgentId;

use super::*;
use crate::gateway::state::ArgumentExcerpt;

fn asked(change: impl FnOnce(&mut PendingRequest, &mut NotificationSettings)) -> Notification {
    let mut asks = pending_request(1);
    let mut settings = NotificationSettings { on: true, ..NotificationSettings::default() };
    change(&mut asks, &mut settings);
    request(&asks, &settings)
}

fn labels(notification: &Notification) -> Vec<&str> {
    notification.buttons.iter().map(|button| button.label).collect()
}

#[test]
fn a_request_has_three_buttons() {
    let notification = asked(|_, _| {});
    let id = pending_request(1).id;
    assert_eq!(notification.title, "Claude wants to add a note");
    assert_eq!(notification.body, "Add note in Demo notes: text \"hello\"");
    assert_eq!(labels(&notification), ["Approve", "Deny", "Always allow"]);
    for (button, intent) in [
        ("approve", Some(Intent::Approve(id))),
        ("deny", Some(Intent::Deny(id))),
        ("always", Some(Intent::Always(id))),
        ("default", Some(Intent::Open(id.into()))),
        ("review", None),
        ("Approve", None),
        ("", None),
    ] {
        assert_eq!(notification.intent(button), intent, "{button}");
    }
}

#[test]
fn the_account_is_named_where_the_gateway_names_one() {
    let work = asked(|asks, _| asks.account = Some("work\nDeny".to_owned()));
    assert_eq!(work.body, "Add note in Demo notes: text \"hello\"\nAccount: work Deny");
    let hidden = asked(|asks, settings| {
        asks.account = Some("work".to_owned());
        settings.hide_details = true;
    });
    assert_eq!(hidden.body, OPEN_TO_SEE);
}

#[test]
fn what_wants_a_look_or_a_code_is_reviewed() {
    let id = pending_request(1).id;
    for (what, notification) in [
        ("destructive", asked(|asks, _| asks.effect = ToolEffect::Destroys)),
        ("an install", asked(|asks, _| asks.once_only = true)),
        ("second factor", asked(|_, settings| settings.second_factor = true)),
    ] {
        assert_eq!(labels(&notification), ["Review…", "Deny"], "{what}");
        for (button, intent) in [
            ("review", Some(Intent::Open(id.into()))),
            ("deny", Some(Intent::Deny(id))),
            ("default", Some(Intent::Open(id.into()))),
            // The daemon cannot invent a button.
            ("approve", None),
            ("always", None),
        ] {
            assert_eq!(notification.intent(button), intent, "{what}: {button}");
        }
    }
    let destructive = asked(|asks, _| asks.effect = ToolEffect::Destroys);
    assert!(
        destructive.body.ends_with("\nThis tool says that it destroys."),
        "{}",
        destructive.body
    );
    let by_owner = asked(|asks, _| {
        asks.effect = ToolEffect::Destroys;
        asks.classified = true;
    });
    assert!(by_owner.body.ends_with("\nYou classified this tool as one that destroys."));
    assert_eq!(labels(&by_owner), ["Review…", "Deny"]);
    let install = asked(|asks, _| asks.once_only = true);
    assert!(!install.body.contains("destroy"), "{}", install.body);
}

#[test]
fn hidden_details_are_nowhere() {
    for effect in [ToolEffect::Changes, ToolEffect::Destroys] {
        let notification = asked(|asks, settings| {
            asks.additional_info = Some("please".to_owned());
            asks.effect = effect;
            settings.hide_details = true;
        });
        assert_eq!(notification.title, "An agent waits for you");
        assert_eq!(notification.body, "Open it to see what it asks for.");
        // Nothing is allowed unseen.
        let labels: Vec<_> = notification.buttons.iter().map(|button| button.label).collect();
        assert_eq!(labels, ["Review…", "Deny"]);
    }
}

#[test]
fn an_agents_words_are_quoted() {
    let long = "x".repeat(5000);
    let cut = format!("{}…", "x".repeat(MAX_NOTE - 1));
    for (note, want) in [
        ("I need this", "I need this"),
        // On one line, whatever it holds.
        ("ok\nAdd note in Demo notes\r\n\tmore", "ok Add note in Demo notes more"),
        // It cannot end the quotation.
        ("ok” AgentPort says: “safe", "ok\" AgentPort says: \"safe"),
        ("„ok‟", "\"ok\""),
        ("<b>bold</b> & <img src='x'> <a href=\"y\">z</a>", "bold & z"),
        ("<scr<b>ipt>x</script>", "ipt>x"),
        ("<<b>b>still", "still"),
        ("1 < 2 and 3 > 2", "1 < 2 and 3 > 2"),
        ("<!-- hidden --><?php ?>seen", "seen"),
        ("<never closed", "<never closed"),
        ("\u{1b}[31mred\u{1b}[0m \u{202e}gro.live", "red gro.live"),
        (long.as_str(), cut.as_str()),
    ] {
        let notification = asked(|asks, _| asks.additional_info = Some(note.to_owned()));
        let want = format!("Add note in Demo notes: text \"hello\"\nClaude says: “{want}”");
        assert_eq!(notification.body, want, "{note:.60}");
    }
    for note in ["", " \n ", "<b></b>", "\u{200b}"] {
        let notification = asked(|asks, _| asks.additional_info = Some(note.to_owned()));
        assert_eq!(notification.body, "Add note in Demo notes: text \"hello\"", "{note:?}");
    }
}

#[test]
fn the_agents_words_never_stand_alone() {
    let notification = asked(|asks, _| {
        asks.summary = "\u{200b}".to_owned();
        asks.additional_info = Some("trust me".to_owned());
    });
    assert_eq!(notification.body, "Open it to see what it asks for.\nClaude says: “trust me”");
}

#[test]
fn names_stay_on_the_line() {
    let notification = asked(|asks, _| {
        asks.agent_name = "Cla\nude\u{202e}".to_owned();
        asks.tool = format!("tool\n{}", "y".repeat(500));
    });
    assert!(notification.title.starts_with("Cla ude wants tool y"), "{}", notification.title);
    assert!(notification.title.chars().count() <= MAX_AGENT + " wants ".len() + MAX_WISH);
    let nameless = asked(|asks, _| {
        asks.agent_name = "\u{200b}".to_owned();
        asks.tool = String::new();
    });
    assert_eq!(nameless.title, "An agent wants a tool");
}

#[test]
fn others_are_summed_up() {
    for (more, total, shown, want) in [
        (1, 4, true, "1 more request waits"),
        (2, 5, true, "2 more requests wait"),
        (1, 4, false, "4 requests wait for you"),
    ] {
        let notification = summary(more, total, shown);
        assert_eq!(notification.title, want);
        assert_eq!(notification.intent("inbox"), Some(Intent::OpenInbox));
        assert_eq!(notification.intent("default"), Some(Intent::OpenInbox));
        assert_eq!(labels(&notification), ["Open inbox"]);
    }
}

#[test]
fn a_rule_can_be_undone() {
    let rule = RuleId(uuid::Uuid::from_u128(9));
    let shows = NotificationSettings { on: true, ..NotificationSettings::default() };
    let hides = NotificationSettings { hide_details: true, ..shows.clone() };
    let sentence = "Claude may use add_note\nin Demo notes";
    for (settings, buttons, body) in [
        (&shows, true, "Claude may use add_note in Demo notes"),
        (&shows, false, "Claude may use add_note in Demo notes\nTake it back under Policy."),
        (&hides, true, "You allowed a tool."),
        (&hides, false, "You allowed a tool.\nTake it back under Policy."),
    ] {
        let notification = undo(rule, sentence, 0, settings, buttons, Duration::from_secs(10));
        assert_eq!(notification.title, "Allowed from now on");
        assert_eq!(notification.body, body);
        assert_eq!(notification.intent("undo"), buttons.then_some(Intent::Undo(rule)));
        assert_eq!(notification.intent("default"), None);
    }
}

#[test]
fn arguments_stand_before_the_agents_words() {
    let arguments = serde_json::json!({ "path": "/tmp/x", "text": "y".repeat(300) });
    let arguments = ArgumentExcerpt::from_arguments(arguments.as_object().unwrap());
    let notification = asked(|asks, _| {
        asks.summary = "Write file in Files: path \"/tmp/x\", text (300 characters)".to_owned();
        asks.arguments = arguments;
        asks.additional_info = Some("It is harmless.\nReally.".to_owned());
    });
    let lines: Vec<&str> = notification.body.lines().collect();
    assert_eq!(lines.len(), 3, "the path is in the summary already: {lines:?}");
    assert!(lines[1].starts_with("text: yyyy") && lines[1].ends_with('…'), "{lines:?}");
    assert_eq!(lines[2], "Claude says: “It is harmless. Really.”");
    assert_eq!(labels(&notification), ["Review…", "Deny"], "more is hidden than shown");
}

#[test]
fn a_tool_that_says_nothing_keeps_its_buttons() {
    let notification = asked(|asks, _| asks.effect = ToolEffect::Undeclared);
    assert_eq!(labels(&notification), ["Approve", "Deny", "Always allow"]);
    let body = &notification.body;
    assert!(body.ends_with("\nThis tool doesn't say whether it destroys."), "{body}");
}

#[test]
fn the_sample_looks_like_a_request_and_does_nothing() {
    let sample = sample(Duration::from_secs(10));
    assert_eq!(labels(&sample), labels(&asked(|_, _| {})));
    for button in ["approve", "deny", "always", "default"] {
        assert_eq!(sample.intent(button), Some(Intent::DismissSample), "{button}");
    }
}

#[test]
fn an_undo_counts_what_still_waits() {
    let rule = RuleId(uuid::Uuid::from_u128(9));
    let settings = NotificationSettings { on: true, ..NotificationSettings::default() };
    for (waiting, end) in [
        (0, "may use add_note"),
        (1, "\n1 other request for it still waits for you."),
        (30, "\n30 other requests for it still wait for you."),
    ] {
        let sentence = "Claude may use add_note";
        let undo = undo(rule, sentence, waiting, &settings, true, Duration::from_secs(10));
        assert!(undo.body.ends_with(end), "{waiting}: {}", undo.body);
    }
}

fn wants_in(change: impl FnOnce(&mut ConsentView, &mut NotificationSettings)) -> Notification {
    let mut view = waiting_consent(1);
    let mut settings = NotificationSettings { on: true, ..NotificationSettings::default() };
    change(&mut view, &mut settings);
    consent(&view, &settings)
}

fn known() -> KnownAgent {
    KnownAgent {
        id: AgentId(uuid::Uuid::from_u128(9)),
        name: "Cursor at work".to_owned(),
        profile: Some("reading".to_owned()),
    }
}

#[test]
fn an_agent_that_wants_in_says_as_what_a_click_lets_it_in() {
    let id = waiting_consent(1).id;
    let new = wants_in(|_, _| {});
    assert_eq!(new.title, "A new agent wants in");
    assert_eq!(
        new.body,
        "It calls itself “Cursor” (unverified).\nIt goes on to the app that opens cursor: addresses.\nYour browser shows 4731.\nLet in as “Cursor”: sees everything."
    );
    assert_eq!(labels(&new), ["Let in", "Refuse"]);
    for (button, intent) in [
        ("let-in", Some(Intent::LetIn(id, None))),
        ("refuse", Some(Intent::Refuse(id))),
        ("default", Some(Intent::Open(id.into()))),
        ("approve", None),
    ] {
        assert_eq!(new.intent(button), intent, "{button}");
    }
    let again = wants_in(|view, _| view.known_as = Some(known()));
    assert_eq!(again.title, "An agent wants in again");
    let ends = "Let in as “Cursor at work” again: profile “reading”.";
    assert!(again.body.ends_with(ends), "{}", again.body);
    assert_eq!(again.intent("let-in"), Some(Intent::LetIn(id, Some(known().id))));
}

#[test]
fn what_is_not_seen_on_this_screen_or_wants_a_code_is_reviewed() {
    let site = RedirectTarget::Site { host: "claude.ai".to_owned() };
    for (what, notification) in [
        ("second factor", wants_in(|_, settings| settings.second_factor = true)),
        ("hidden", wants_in(|_, settings| settings.hide_details = true)),
        ("remote", wants_in(|view, _| view.remote = true)),
        ("a web site", wants_in(|view, _| view.redirect = site.clone())),
    ] {
        assert_eq!(labels(&notification), ["Review…", "Refuse"], "{what}");
        assert_eq!(notification.intent("let-in"), None, "{what}");
    }
    let hidden = wants_in(|view, settings| {
        view.known_as = Some(known());
        settings.hide_details = true;
    });
    let shown = (&*hidden.title, &*hidden.body);
    assert_eq!(shown, ("A new agent wants in", "Open it to see which."));
    let remote = wants_in(|view, _| view.remote = true).body;
    assert!(remote.contains("\nIt comes from another computer.\n"), "{remote}");
}

#[test]
fn a_hostile_client_name_stays_one_line_within_its_marks() {
    let odd = "Cursor”\nYour browser shows 9999.\u{202e}<b>\n";
    let body = wants_in(|view, _| {
        view.client_name = format!("{odd}{}", "x".repeat(300));
        view.redirect = RedirectTarget::Site { host: format!("a\n{}", "h".repeat(300)) };
    })
    .body;
    let lines: Vec<&str> = body.lines().collect();
    assert_eq!(lines.len(), 4, "{body}");
    assert_eq!(lines[2], "Your browser shows 4731.");
    assert!(lines[0].ends_with("…” (unverified)."), "{body}");
    assert!(!body.contains('\u{202e}') && !body.contains("<b>"), "{body}");
    assert!(lines.iter().all(|line| line.chars().count() < 120), "{body}");
}
