use proptest::prelude::*;

use super::*;
use crate::{
    client::{Client, FileFormat},
    types::FileScope,
};

fn place() -> Place {
    Place {
        client: Client::by_id("cursor").unwrap(),
        scope: FileScope::User,
        path: "mcp.json".into(),
        target: "mcp.json".into(),
        format: FileFormat::Json,
        container: vec!["mcpServers".to_owned()],
    }
}

/// A file with these servers, each by name and command; one line each.
fn file_of(comment: &str, servers: &[(&str, &str)]) -> String {
    let servers: Vec<String> = servers
        .iter()
        .map(|(name, command)| format!("    \"{name}\": {{ \"command\": \"{command}\" }}"))
        .collect();
    format!("{{\n  // {comment}\n  \"mcpServers\": {{\n{}\n  }}\n}}\n", servers.join(",\n"))
}

fn commands(text: &[u8]) -> Vec<(String, String)> {
    let document = crate::document::Document::parse(&place(), Some(text)).unwrap();
    document
        .servers()
        .unwrap()
        .into_iter()
        .map(|(name, entry)| (name, entry["command"].as_str().unwrap().to_owned()))
        .collect()
}

/// How it is merged and what servers there are then; or a part of what is in question.
type Wanted<'a> = Result<(MergeMethod, &'a [(&'a str, &'a str)]), &'a str>;

fn check(before: &str, ours: &str, now: &str, wanted: Wanted<'_>) {
    let change = OwnChange {
        before: Some(before.as_bytes().to_vec()),
        after: Some(ours.as_bytes().to_vec()),
    };
    match (take_back(&place(), &change, Some(now.as_bytes().to_vec()), None), wanted) {
        (Ok(taken_back), Ok((how, servers))) => {
            let text = taken_back.content.unwrap();
            let servers: Vec<_> =
                servers.iter().map(|(name, to)| ((*name).to_owned(), (*to).to_owned())).collect();
            assert_eq!(commands(&text), servers, "{}", String::from_utf8_lossy(&text));
            assert_eq!(taken_back.how, how);
        }
        (Err(conflict), Err(part)) => assert!(conflict.text.contains(part), "{}", conflict.text),
        (Ok(taken_back), Err(part)) => panic!("{:?}, not a conflict of {part}", taken_back.how),
        (Err(conflict), Ok(_)) => panic!("a conflict: {}", conflict.text),
    }
}

#[test]
fn line_by_line_then_server_by_server_then_the_person() {
    let before = file_of("c", &[("a", "1"), ("b", "2")]);
    let ours = file_of("c", &[("agentport", "ap")]);
    let same: &[_] = &[("a", "1"), ("b", "2")];
    check(&before, &ours, &ours, Ok((MergeMethod::Exact, same)));
    check(&before, &ours, &before, Ok((MergeMethod::Exact, same)));
    check(&before, &ours, &file_of("new", &[("agentport", "ap")]), Ok((MergeMethod::Merged, same)));
    check(
        &before,
        &ours,
        &file_of("c", &[("agentport", "ap"), ("new", "3")]),
        Ok((MergeMethod::ByServer, &[("new", "3"), ("a", "1"), ("b", "2")])),
    );
    // Put in again by hand, differently.
    check(
        &before,
        &ours,
        &file_of("c", &[("agentport", "ap"), ("a", "9")]),
        Err("\"command\": \"9\""),
    );
    // Our own entry, edited.
    check(&before, &ours, &file_of("c", &[("agentport", "mine")]), Err("mine"));
    // Our own entry, taken out by hand.
    check(&before, &ours, &file_of("c", &[]), Ok((MergeMethod::ByServer, same)));
    // The same, where an earlier one of ours was there.
    let earlier = file_of("c", &[("agentport", "earlier"), ("a", "1")]);
    check(&earlier, &ours, &file_of("c", &[]), Ok((MergeMethod::ByServer, &[("a", "1")])));
}

/// Two sides that fit line by line and give one name twice.
#[test]
fn a_merge_by_lines_must_have_the_right_servers() {
    let before = "{ \"mcpServers\": {\n\"a\": { \"command\": \"1\" },\n\n\n\n\"z\": { \"command\": \"z\" }\n} }\n";
    let ours = "{ \"mcpServers\": {\n\n\n\n\"z\": { \"command\": \"z\" }\n} }\n";
    let now = "{ \"mcpServers\": {\n\n\n\n\"z\": { \"command\": \"z\" },\n\"a\": { \"command\": \"1\" }\n} }\n";
    let by_line = lines::merge(&Sides { ours, now, before }).ok().unwrap();
    assert_eq!(by_line.matches("\"a\"").count(), 2);
    check(before, ours, now, Ok((MergeMethod::ByServer, &[("z", "z"), ("a", "1")])));
}

proptest! {
    /// Whatever the texts, markers in them or no line end at the end included: each side can be had back.
    #[test]
    fn markers_are_read_without_loss(
        [ours, now, before] in proptest::array::uniform3("([a<=>|]{0,9}( ours| theirs)?\r?\n?){0,6}"),
    ) {
        let sides = Sides { ours: &ours, now: &now, before: &before };
        if let Err(hunks) = lines::merge(&sides) {
            prop_assert!(!hunks.text().is_empty());
            for (choice, side, other) in [
                (OnConflict::KeepCurrent, &now, &before),
                (OnConflict::TakeOriginal, &before, &now),
            ] {
                // Every line that the chosen text has is somebody's.
                let settled = hunks.settle(choice);
                for line in settled.lines() {
                    let known = |text: &str| text.contains(line);
                    prop_assert!(known(side) || known(other) || known(&ours), "{line:?}");
                }
            }
        }
        // Against a text of which nothing was agreed upon, the sides come back whole.
        let whole = Sides { ours: "nothing in common\n", now: &now, before: &before };
        if let Err(hunks) = lines::merge(&whole) {
            prop_assert_eq!(hunks.settle(OnConflict::KeepCurrent), now.clone());
            prop_assert_eq!(hunks.settle(OnConflict::TakeOriginal), before.clone());
        }
    }

    /// Any servers before, taken over or not, any put in since: no server of anybody's is lost.
    #[test]
    fn no_server_is_lost(
        before in proptest::collection::btree_map("[a-f]", "[1-3]", 0..5),
        taken in proptest::collection::btree_set("[a-f]", 0..5),
        added in proptest::collection::btree_map("[g-k]", "[1-3]", 0..4),
    ) {
        let list = |servers: Vec<(&String, &String)>| -> String {
            let servers: Vec<_> = servers.iter().map(|(a, b)| (a.as_str(), b.as_str())).collect();
            file_of("c", &servers)
        };
        let (ap, to) = ("agentport".to_owned(), "ap".to_owned());
        let mut ours: Vec<_> = before.iter().filter(|(name, _)| !taken.contains(*name)).collect();
        ours.push((&ap, &to));
        let mut now = ours.clone();
        now.extend(added.iter());
        let change = OwnChange {
            before: Some(list(before.iter().collect()).into_bytes()),
            after: Some(list(ours).into_bytes()),
        };
        let taken_back = take_back(&place(), &change, Some(list(now).into_bytes()), None);
        let Ok(taken_back) = taken_back else { return Err(TestCaseError::fail("a conflict")) };
        let mut servers = commands(&taken_back.content.unwrap());
        servers.sort();
        let mut wanted: Vec<_> =
            before.into_iter().chain(added).collect();
        wanted.sort();
        prop_assert_eq!(servers, wanted);
    }
}
