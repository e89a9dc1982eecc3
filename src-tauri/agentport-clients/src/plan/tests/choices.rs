//! Names that are taken, and what the owner wants of them.

use super::*;

fn two() -> Value {
    json!({ "github": { "command": "npx", "args": ["github"] }, "files": { "command": "npx", "args": ["files"] } })
}

fn taken() -> KnownGateway {
    let taken = [
        (id("github"), "https://api.example.com/mcp".to_owned()),
        (id("github-2"), "x".to_owned()),
    ];
    KnownGateway { taken: taken.into(), ..KnownGateway::default() }
}

fn choosing(choice: Choice) -> ConsolidateWishes {
    ConsolidateWishes {
        choices: [("github".to_owned(), choice)].into(),
        ..ConsolidateWishes::default()
    }
}

fn imported(plan: &Plan) -> Vec<(&str, &str, bool)> {
    plan.imports
        .iter()
        .map(|it| (it.server.as_str(), it.id.as_str(), it.merged.is_some()))
        .collect()
}

#[test]
fn a_taken_id_is_the_owners_to_decide() {
    let place = user_file("cursor");
    let plan = take_over(&place, two(), &taken(), &ConsolidateWishes::default());
    assert_eq!(imported(&plan), [("files", "files", false)]);
    let [ConflictView::Name { server, id, here, there, suggestion, differs: None }] =
        plan.conflicts.as_slice()
    else {
        panic!("one is taken")
    };
    assert_eq!(
        (server.as_str(), id.as_str(), suggestion.as_str()),
        ("github", "github", "github-3")
    );
    assert_eq!((here.as_str(), there.as_str()), ("npx github", "https://api.example.com/mcp"));
    assert!(!plan.is_empty());
    assert_eq!(
        names(&place, &after(&plan)),
        ["github", "agentport"],
        "nothing is dropped meanwhile"
    );
}

#[test]
fn every_choice_settles_it() {
    let place = user_file("cursor");
    let plan = take_over(&place, two(), &taken(), &choosing(Choice::Rename { id: id("gh") }));
    assert_eq!(imported(&plan), [("github", "gh", false), ("files", "files", false)]);

    let plan = take_over(&place, two(), &taken(), &choosing(Choice::UseExisting));
    assert_eq!(imported(&plan), [("github", "github", true), ("files", "files", false)]);
    assert!(
        plan.notes
            .iter()
            .any(|note| note.starts_with("github: the integration \"github\" is used"))
    );

    let plan = take_over(&place, two(), &taken(), &choosing(Choice::KeepInClient));
    assert_eq!(imported(&plan), [("files", "files", false)]);
    assert_eq!(plan.left[0].server, "github");
    assert_eq!(names(&place, &after(&plan)), ["github", "agentport"]);
    assert!(plan.conflicts.is_empty());
}

#[test]
fn a_choice_that_is_taken_too_is_asked_about_again() {
    for other in ["github-2", "files"] {
        let plan = take_over(
            &user_file("cursor"),
            two(),
            &taken(),
            &choosing(Choice::Rename { id: id(other) }),
        );
        let [ConflictView::Name { id: taken, suggestion, .. }] = plan.conflicts.as_slice() else {
            panic!("{other} is taken")
        };
        assert_eq!(taken.as_str(), other);
        assert!(!["github", "github-2", "files"].contains(&suggestion.as_str()));
        assert_eq!(imported(&plan), [("files", "files", false)]);
    }
}

#[test]
fn names_can_be_swapped() {
    let rename = |to: &str| Choice::Rename { id: id(to) };
    let choices = [("github".to_owned(), rename("files")), ("files".to_owned(), rename("github"))];
    let wishes = ConsolidateWishes { choices: choices.into(), ..ConsolidateWishes::default() };
    let plan = take_over(&user_file("cursor"), two(), &KnownGateway::default(), &wishes);
    assert_eq!(imported(&plan), [("github", "files", false), ("files", "github", false)]);
    // Both to one: the second gives way.
    let choices = [("github".to_owned(), rename("x")), ("files".to_owned(), rename("x"))];
    let wishes = ConsolidateWishes { choices: choices.into(), ..ConsolidateWishes::default() };
    let plan = take_over(&user_file("cursor"), two(), &KnownGateway::default(), &wishes);
    assert_eq!((plan.imports.len(), plan.conflicts.len()), (1, 1));
}

#[test]
fn the_same_is_merged_whatever_it_is_called() {
    let known = KnownGateway { same: [("github".to_owned(), id("work-github"))].into(), ..taken() };
    let plan = take_over(&user_file("cursor"), two(), &known, &ConsolidateWishes::default());
    assert_eq!(imported(&plan), [("github", "work-github", true), ("files", "files", false)]);
    assert!(plan.conflicts.is_empty());
}

#[test]
fn servers_kept_by_choice_do_not_change_other_ids() {
    let servers = json!({ "GitHub": { "command": "a" }, "github": { "command": "b" }, "GITHUB": { "command": "c" } });
    let place = user_file("cursor");
    let wishes = ConsolidateWishes {
        keep: ["github".to_owned(), "nobody".to_owned()].into(),
        ..ConsolidateWishes::default()
    };
    let plan = take_over(&place, servers.clone(), &KnownGateway::default(), &wishes);
    assert_eq!(imported(&plan), [("GitHub", "github-2", false), ("GITHUB", "github-3", false)]);
    assert!(plan.notes.iter().any(|note| note.contains("\"nobody\"")), "{:?}", plan.notes);
    let before = file(servers);
    let ids: Vec<_> = imports(&place, Some(&before), McpRemotePrograms::None)
        .unwrap()
        .into_iter()
        .map(|import| import.id)
        .collect();
    assert_eq!(ids, [id("github-2"), id("github"), id("github-3")]);
}

#[test]
fn a_duplicate_name_stays_in_the_client() {
    let there = br#"{ "mcpServers": { "x": { "command": "a" }, "x": { "command": "b" } } }"#;
    let place = user_file("cursor");
    let plan = consolidate(
        &place,
        Some(there),
        &target(),
        &KnownGateway::default(),
        &ConsolidateWishes::default(),
    )
    .unwrap();
    assert_eq!((plan.imports.len(), plan.left.len()), (0, 2));
    assert_eq!(names(&place, &after(&plan)), ["x", "x", "agentport"]);
}

#[test]
fn a_client_without_servers_is_only_connected() {
    let place = user_file("cursor");
    let plan = consolidate(
        &place,
        None,
        &target(),
        &KnownGateway::default(),
        &ConsolidateWishes::default(),
    )
    .unwrap();
    assert_eq!(names(&place, &after(&plan)), ["agentport"]);
    assert_eq!(plan.notes, ["There is nothing to take over."]);
}
