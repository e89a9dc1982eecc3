//! What is shown of a plan.

use super::*;

#[test]
fn a_diff_shows_the_change_and_no_secret() {
    let before = file(
        json!({ "x": { "command": "x", "args": ["--pass", "hunter-fake-2"], "env": { "PIN": "4711" } } }),
    );
    let place = user_file("junie");
    let plan = consolidate(
        &place,
        Some(&before),
        &target(),
        &KnownGateway::default(),
        &ConsolidateWishes::default(),
    )
    .unwrap();
    let view = plan.view("id".to_owned());
    let diff = &view.files[0].diff;
    let path = place.path.display();
    assert!(diff.starts_with(&format!("--- {path}\n+++ {path}\n@@ ")), "{diff}");
    assert!(
        diff.contains("-        \"[secret]\"\n") && diff.contains("\"PIN\": \"[secret]\""),
        "{diff}"
    );
    assert!(diff.contains("Bearer ap_…"), "{diff}");
    let json = serde_json::to_string(&view).unwrap();
    assert!(!json.contains("hunter") && !json.contains("4711") && !json.contains("ap_~"), "{json}");
    assert_eq!(view.imports[0].secrets, ["env PIN", "argument 2"]);
    assert_eq!(view.makes_key_for.as_deref(), Some("Junie"));
    assert_eq!(view.id, "id");
}

#[test]
fn merged_servers_move_no_secrets() {
    let known =
        KnownGateway { same: [("x".to_owned(), id("x"))].into(), ..KnownGateway::default() };
    let servers = json!({ "x": { "command": "x", "env": { "A_TOKEN": "fake-a" } } });
    let view = take_over(&user_file("cursor"), servers, &known, &ConsolidateWishes::default())
        .view(String::new());
    assert!(view.imports[0].merged && view.imports[0].secrets.is_empty());
    assert!(!view.files[0].diff.contains("fake-a"));
}

#[test]
fn a_change_of_only_the_key_is_shown() {
    let place = user_file("junie");
    let there = after(&connect(&place, None, None, &target()).unwrap());
    let view = reconnect(&place, Some(&there), None, &target()).unwrap().view(String::new());
    assert_eq!(view.files[0].diff, "");
    assert!(view.notes.iter().any(|note| note.contains("is a secret")), "{:?}", view.notes);
}

#[test]
fn nothing_unseen_is_shown() {
    let servers = json!({
        "a\u{202e}b": { "command": "x" }, " pad": { "command": "x" },
        "c": { "command": "x", "args": ["\u{1b}[2J\u{202e}"], "odd\u{7}": 1 }
    });
    let plan = take_over(
        &user_file("cursor"),
        servers,
        &KnownGateway::default(),
        &ConsolidateWishes::default(),
    );
    assert_eq!(plan.left.len(), 2, "what cannot be told by its name is left");
    let view = plan.view(String::new());
    let unseen = |c: char| c != '\n' && (c.is_control() || c == '\u{202e}');
    let texts = [&view.files[0].diff, &view.left[0].server, &view.imports[0].summary];
    assert!(texts.iter().all(|text| !text.contains(unseen)), "{texts:?}");
    assert!(view.files[0].diff.contains("\\u{202e}"), "written out: {}", view.files[0].diff);
    assert_eq!(view.imports[0].summary, r"x \u{1b}[2J\u{202e}");
}

#[test]
fn a_restored_file_is_masked_on_both_sides() {
    let place = user_file("cursor");
    let original =
        file(json!({ "x": { "command": "x", "args": ["--secret", "fake-in-original"] } }));
    let plan = Plan {
        what: PlanAction::Restore,
        ..Plan::put_back(&place, Some(&file(json!({}))), Some(original))
    };
    let view = plan.view(String::new());
    assert!(
        !view.files[0].diff.contains("fake-in-original") && view.files[0].diff.contains("[secret]")
    );
    let gone = Plan::put_back(&place, Some(b"{}"), None).view(String::new());
    assert!(gone.files[0].is_removed && !gone.files[0].is_new);
}
