//! Snapshots of the plans for every fixture file, compared with reviewed ones.

use std::{env, fmt::Write as _, fs, path::Path};

use agentport_clients::{
    entry,
    plan::{PlanError, connect, disconnect},
    types::ConnectionMethod,
};
use agentport_core::ErrorChain;

use super::{Fixture, carried_out, consolidated, fixtures, place, shown, target};

#[test]
fn the_plans_for_every_file_are_as_they_were_read() {
    let update = env::var_os("AGENTPORT_UPDATE_SNAPSHOTS").is_some();
    let mut differ = Vec::new();
    for fixture in fixtures() {
        let path =
            fixture.path.parent().unwrap().join("snapshots").join(format!("{}.txt", fixture.name));
        let got = snapshot(&fixture);
        let want = fs::read_to_string(&path).unwrap_or_default();
        if got == want {
            continue;
        }
        if update {
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, got).unwrap();
        } else {
            differ.push(format!("{}\n{}", path.display(), diff(&want, &got)));
        }
    }
    assert!(
        differ.is_empty(),
        "AGENTPORT_UPDATE_SNAPSHOTS=1 writes them anew\n{}",
        differ.join("\n")
    );
}

#[test]
fn no_snapshot_is_left_over() {
    let names: Vec<_> = fixtures()
        .iter()
        .map(|fixture| (fixture.place.client.id.clone(), fixture.name.clone()))
        .collect();
    for (client, _) in &names {
        let folder = super::corpus().join(client).join("snapshots");
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            let name = entry.path().file_stem().unwrap().to_str().unwrap().to_owned();
            assert!(names.contains(&(client.clone(), name)), "{}", entry.path().display());
        }
    }
}

#[test]
fn every_client_has_its_four_files() {
    let all = fixtures();
    for client in agentport_clients::client::Client::all() {
        for name in ["minimal", "rich", "hostile", "broken"] {
            let is_there = all.iter().any(|it| it.place.client.id == client.id && it.name == name);
            assert!(is_there, "{} has no {name} file", client.id);
        }
    }
}

#[test]
fn a_broken_file_is_reported_with_its_line_and_unchanged() {
    for fixture in fixtures().iter().filter(|fixture| fixture.name == "broken") {
        let (place, before) = (&fixture.place, Some(fixture.content.as_slice()));
        let refused = [
            connect(place, before, None, &target(place)).err(),
            disconnect(place, before).err(),
            consolidated(place, before).err(),
        ];
        for refused in refused {
            let Some(PlanError::Parse { path, source }) = refused else {
                panic!("{} was taken for a whole file", fixture.path.display())
            };
            assert_eq!(path, place.path);
            let lines = String::from_utf8_lossy(&fixture.content).lines().count();
            assert!((1..=lines + 1).contains(&source.line) && source.column >= 1, "{source}");
        }
    }
}

fn snapshot(fixture: &Fixture) -> String {
    let Fixture { place: user, content, .. } = fixture;
    let before = Some(content.as_slice());
    let mut out = String::new();
    let connected = match connect(user, before, None, &target(user)) {
        Ok(plan) => plan,
        Err(error) => return format!("refused: {}\n", ErrorChain(&error)),
    };
    section(&mut out, "connect", &shown::plan(&connected));
    let after = carried_out(&connected, before);
    let back = disconnect(user, after.as_deref()).expect("what we wrote can be edited");
    let same = carried_out(&back, after.as_deref()).as_deref() == before;
    let text = if same { "gives the same bytes\n".to_owned() } else { shown::plan(&back) };
    section(&mut out, "disconnect after that", &text);
    if fixture.name == "minimal" {
        other_ways(&mut out, fixture);
    }
    let plan = consolidated(user, before).expect("it can be edited");
    section(&mut out, "consolidate", &shown::plan(&plan));
    let after = carried_out(&plan, before);
    section(&mut out, "the file after that", &shown::content(after.as_deref()));
    let folder = Path::new("/home/sam/shop");
    let project = place(user.client, Some(folder));
    if project.path.starts_with(folder) && fixture.name == "rich" {
        let plan = consolidated(&project, before).expect("it can be edited");
        section(&mut out, "consolidate, in a project's file", &shown::plan(&plan));
    }
    out
}

/// Every way the client can be connected that is not the one it is.
fn other_ways(out: &mut String, fixture: &Fixture) {
    let user = &fixture.place;
    let best = entry::best_via(user.client, user.scope);
    for via in [
        ConnectionMethod::OAuth,
        ConnectionMethod::Http,
        ConnectionMethod::HttpEnvironment,
        ConnectionMethod::Bridge,
    ] {
        let plan = connect(user, Some(&fixture.content), Some(via), &target(user));
        let text = match plan {
            _ if via == best => continue,
            Ok(plan) => shown::plan(&plan),
            Err(error) => format!("refused: {}\n", ErrorChain(&error)),
        };
        section(out, &format!("connect by {via:?}"), &text);
    }
}

fn section(out: &mut String, title: &str, text: &str) {
    let _ = write!(out, "== {title}\n{text}");
}

fn diff(want: &str, got: &str) -> String {
    let at = want.lines().zip(got.lines()).take_while(|(want, got)| want == got).count();
    let line = |text: &str| text.lines().nth(at).unwrap_or("(the end)").to_owned();
    format!("  line {}\n  was {}\n  is  {}", at + 1, line(want), line(got))
}
