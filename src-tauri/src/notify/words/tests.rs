use super::*;

fn asked(change: impl FnOnce(&mut Waiting, &mut Wishes)) -> Notice {
    let mut asks = waiting(1);
    let mut wishes = Wishes { on: true, ..Wishes::default() };
    change(&mut asks, &mut wishes);
    request(&asks, &wishes)
}

fn labels(notice: &Notice) -> Vec<&str> {
    notice.buttons.iter().map(|button| button.label).collect()
}

#[test]
fn a_request_is_told_with_three_buttons() {
    let notice = asked(|_, _| {});
    let id = waiting(1).id;
    assert_eq!(notice.title, "Claude wants add_note");
    assert_eq!(notice.body, "Add note in Demo notes: text \"hello\"");
    assert_eq!(labels(&notice), ["Approve", "Deny", "Always"]);
    for (button, intent) in [
        ("approve", Some(Intent::Approve(id))),
        ("deny", Some(Intent::Deny(id))),
        ("always", Some(Intent::Always(id))),
        ("default", Some(Intent::Open(id))),
        ("review", None),
        ("Approve", None),
        ("", None),
    ] {
        assert_eq!(notice.intent(button), intent, "{button}");
    }
}

#[test]
fn what_wants_a_look_or_a_code_is_reviewed() {
    let id = waiting(1).id;
    for (what, notice) in [
        ("destructive", asked(|asks, _| asks.destructive = true)),
        ("an install", asked(|asks, _| asks.once_only = true)),
        ("second factor", asked(|_, wishes| wishes.second_factor = true)),
    ] {
        assert_eq!(labels(&notice), ["Review…", "Deny"], "{what}");
        for (button, intent) in [
            ("review", Some(Intent::Open(id))),
            ("deny", Some(Intent::Deny(id))),
            ("default", Some(Intent::Open(id))),
            // Whoever shows the notice cannot make up a button.
            ("approve", None),
            ("always", None),
        ] {
            assert_eq!(notice.intent(button), intent, "{what}: {button}");
        }
    }
    let destructive = asked(|asks, _| asks.destructive = true);
    assert!(destructive.body.ends_with("\nThis tool may destroy."), "{}", destructive.body);
    let install = asked(|asks, _| asks.once_only = true);
    assert!(!install.body.contains("destroy"), "{}", install.body);
}

#[test]
fn hidden_details_are_nowhere() {
    for destructive in [false, true] {
        let notice = asked(|asks, wishes| {
            asks.note = Some("please".to_owned());
            asks.destructive = destructive;
            wishes.hide_details = true;
        });
        assert_eq!(notice.title, "An agent waits for you");
        assert_eq!(notice.body, "Open it to see what it asks for.");
        // Nobody allows what they have not seen.
        let labels: Vec<_> = notice.buttons.iter().map(|button| button.label).collect();
        assert_eq!(labels, ["Review…", "Deny"]);
    }
}

#[test]
fn an_agents_words_are_told_apart() {
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
        let notice = asked(|asks, _| asks.note = Some(note.to_owned()));
        let want = format!("Add note in Demo notes: text \"hello\"\nClaude says: “{want}”");
        assert_eq!(notice.body, want, "{note:.60}");
    }
    for note in ["", " \n ", "<b></b>", "\u{200b}"] {
        let notice = asked(|asks, _| asks.note = Some(note.to_owned()));
        assert_eq!(notice.body, "Add note in Demo notes: text \"hello\"", "{note:?}");
    }
}

#[test]
fn the_agents_words_are_never_all() {
    let notice = asked(|asks, _| {
        asks.summary = "\u{200b}".to_owned();
        asks.note = Some("trust me".to_owned());
    });
    assert_eq!(notice.body, "Open it to see what it asks for.\nClaude says: “trust me”");
}

#[test]
fn names_stay_on_the_line() {
    let notice = asked(|asks, _| {
        asks.agent = "Cla\nude\u{202e}".to_owned();
        asks.tool = format!("tool\n{}", "y".repeat(500));
    });
    assert!(notice.title.starts_with("Cla ude wants tool y"), "{}", notice.title);
    assert!(notice.title.chars().count() <= MAX_AGENT + " wants ".len() + MAX_TOOL);
    let nameless = asked(|asks, _| {
        asks.agent = "\u{200b}".to_owned();
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
        let notice = summary(more, total, shown);
        assert_eq!(notice.title, want);
        assert_eq!(notice.intent("inbox"), Some(Intent::OpenInbox));
        assert_eq!(notice.intent("default"), Some(Intent::OpenInbox));
        assert_eq!(labels(&notice), ["Open inbox"]);
    }
}

#[test]
fn a_rule_can_be_taken_back() {
    let rule = RuleId(uuid::Uuid::from_u128(9));
    let shows = Wishes { on: true, ..Wishes::default() };
    let hides = Wishes { hide_details: true, ..shows.clone() };
    let sentence = "Claude may use add_note\nin Demo notes";
    for (wishes, buttons, body) in [
        (&shows, true, "Claude may use add_note in Demo notes"),
        (&shows, false, "Claude may use add_note in Demo notes\nTake it back under Policy."),
        (&hides, true, "You allowed a tool."),
        (&hides, false, "You allowed a tool.\nTake it back under Policy."),
    ] {
        let notice = undo(rule, sentence, wishes, buttons, Duration::from_secs(10));
        assert_eq!(notice.title, "Allowed from now on");
        assert_eq!(notice.body, body);
        assert_eq!(notice.intent("undo"), buttons.then_some(Intent::Undo(rule)));
        assert_eq!(notice.intent("default"), None);
    }
}
