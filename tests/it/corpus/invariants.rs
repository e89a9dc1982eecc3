//! Invariants of plans, for every file.

use std::collections::BTreeSet;

use agentport_clients::{
    client::{FileFormat, Place},
    entry::ENTRY_NAME,
    plan::{Plan, connect, disconnect},
    types::ConflictView,
};

use super::{carried_out, consolidated, fixtures, outside::outside, servers, target};

#[test]
fn hold_for_the_whole_corpus() {
    for fixture in fixtures().iter().filter(|fixture| fixture.name != "broken") {
        let what = fixture.path.display().to_string();
        check(&what, &fixture.place, Some(&fixture.content));
    }
}

#[test]
fn hold_for_a_file_that_is_not_there_or_has_no_servers() {
    for fixture in fixtures().iter().filter(|fixture| fixture.name == "minimal") {
        let client = &fixture.place.client.id;
        check(&format!("no file of {client}"), &fixture.place, None);
        check(&format!("an empty file of {client}"), &fixture.place, Some(b""));
        let other: &[u8] = match fixture.place.format {
            FileFormat::Json => b"{\n  \"other\": 1\n}\n",
            FileFormat::Toml => b"other = 1\n",
            FileFormat::Yaml => b"other: 1\n",
        };
        check(&format!("a file of {client} without servers"), &fixture.place, Some(other));
    }
}

/// A secret of the corpus says that it is one.
#[test]
fn no_secret_is_shown() {
    for fixture in fixtures().iter().filter(|fixture| fixture.name != "broken") {
        let content = String::from_utf8_lossy(&fixture.content).into_owned();
        let canaries = canaries(&content);
        let (place, before) = (&fixture.place, Some(fixture.content.as_slice()));
        let plan = consolidated(place, before).unwrap();
        let connected = connect(place, before, None, &target(place)).unwrap();
        let after = carried_out(&connected, before);
        let back = disconnect(place, after.as_deref()).unwrap();
        for plan in [&plan, &connected, &back] {
            let view = serde_json::to_string(&plan.view("x".to_owned())).unwrap();
            for canary in &canaries {
                assert!(!view.contains(canary), "{canary} of {} in {view}", fixture.path.display());
            }
            assert!(!view.contains("fake0key"), "a key of ours in {view}");
        }
        for import in &plan.imports {
            let clear = format!("{:?} {:?} {:?}", import.launch, import.extra, import.secret_words);
            for canary in &canaries {
                assert!(
                    !clear.contains(canary),
                    "{canary} of {} in {clear}",
                    fixture.path.display()
                );
            }
        }
    }
}

/// Everything in a file that says it is a secret, such as `fake-github-token-0001`.
fn canaries(content: &str) -> BTreeSet<&str> {
    let kinds = ["token", "key", "secret", "password"];
    content
        .split(|c: char| !c.is_ascii_alphanumeric() && c != '-')
        .filter_map(|word| word.find("fake-").map(|at| &word[at..]))
        .filter(|word| kinds.iter().any(|kind| word.contains(&format!("-{kind}-"))))
        .collect()
}

pub(super) fn check(what: &str, place: &Place, before: Option<&[u8]>) {
    let there = servers(place, before);
    let foreign: Vec<&String> =
        there.iter().filter(|(_, ours)| !ours).map(|(name, _)| name).collect();
    let has_ours = there.iter().any(|(_, ours)| *ours);

    let connected =
        connect(place, before, None, &target(place)).unwrap_or_else(|e| panic!("{what}: {e}"));
    let after = carried_out(&connected, before);
    let ours: Vec<_> =
        servers(place, after.as_deref()).into_iter().filter(|(_, ours)| *ours).collect();
    assert_eq!(ours, [(ENTRY_NAME.to_owned(), true)], "{what}");
    let again = connect(place, after.as_deref(), None, &target(place)).unwrap();
    assert!(again.is_empty() && again.key.is_none(), "{what}: connected twice");
    check_outside(what, place, before, after.as_deref());

    let back = disconnect(place, after.as_deref()).unwrap();
    let edited = carried_out(&back, after.as_deref());
    // Nothing in a file says who made its list of servers, so an empty one stays.
    if !foreign.is_empty() && !has_ours {
        assert_eq!(text(edited.as_deref()), text(before), "{what}: connect, then disconnect");
    }
    assert!(servers(place, edited.as_deref()).iter().all(|(_, ours)| !ours), "{what}");
    let exact = Plan::put_back(place, after.as_deref(), before.map(<[u8]>::to_vec));
    assert_eq!(exact.files[0].after.as_deref(), before);

    let plan = consolidated(place, before).unwrap();
    let mut accounted: Vec<&String> = plan.imports.iter().map(|import| &import.server).collect();
    accounted.extend(plan.left.iter().map(|left| &left.server));
    accounted.extend(plan.conflicts.iter().map(|conflict| match conflict {
        ConflictView::Name { server, .. } => server,
        ConflictView::Lines { path, .. } => path,
    }));
    accounted.sort();
    let mut all = foreign.clone();
    all.sort();
    assert_eq!(accounted, all, "{what}: every server is accounted for, once");
    let ids: BTreeSet<_> = plan.imports.iter().map(|import| &import.id).collect();
    assert_eq!(ids.len(), plan.imports.len(), "{what}: ids are different");

    let after = carried_out(&plan, before);
    let mut left: Vec<String> = plan.left.iter().map(|left| left.server.clone()).collect();
    left.push(ENTRY_NAME.to_owned());
    left.sort();
    let mut stay: Vec<String> =
        servers(place, after.as_deref()).into_iter().map(|(name, _)| name).collect();
    stay.sort();
    assert_eq!(stay, left, "{what}: what is taken over goes, what is left stays");
    check_outside(what, place, before, after.as_deref());

    let twice = consolidated(place, after.as_deref()).unwrap();
    assert!(twice.is_empty() && twice.key.is_none(), "{what}: consolidated twice");
    assert_eq!(twice.left.len(), plan.left.len(), "{what}");
}

fn check_outside(what: &str, place: &Place, before: Option<&[u8]>, after: Option<&[u8]>) {
    let Some(was) = outside(place.format, &place.container, text(before)) else { return };
    let is = outside(place.format, &place.container, text(after));
    assert_eq!(is, Some(was), "{what}: outside the servers nothing changes");
}

fn text(content: Option<&[u8]>) -> &str {
    std::str::from_utf8(content.unwrap_or_default()).expect("files are UTF-8")
}
