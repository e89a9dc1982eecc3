//! What is installed: every client's file at its place, the one of Claude Code as large as a year of history makes it.

use std::{collections::BTreeMap, fmt::Write as _, fs, path::Path, time::Instant};

use agentport_clients::{
    client::{Client, FileFormat, Machine, Os},
    discover::discover,
};

use crate::{
    Plan,
    samples::median,
    table::{Budget, Table},
};

/// Bytes of the largest file.
const HISTORY: usize = 2 * 1024 * 1024;

pub(crate) fn measure(plan: Plan, table: &mut Table) {
    let directory = tempfile::tempdir().expect("a directory");
    let home = directory.path().to_owned();
    let machine = Machine { os: Os::Linux, home, variables: BTreeMap::new() };
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/clients");
    for client in Client::all() {
        let place = client.places(&machine, None).remove(0);
        let ending = match place.format {
            FileFormat::Json => "json",
            FileFormat::Toml => "toml",
            FileFormat::Yaml => "yaml",
        };
        let rich = fs::read(fixtures.join(&client.id).join(format!("rich.{ending}")));
        fs::create_dir_all(place.path.parent().expect("a parent")).expect("directories");
        fs::write(&place.path, rich.expect("a fixture")).expect("a file");
    }
    for (what, large) in [("all clients", false), ("one file of 2 MiB", true)] {
        if large {
            fs::write(machine.home.join(".claude.json"), history()).expect("a file");
        }
        let mut took = Vec::new();
        let started = Instant::now();
        while took.len() < plan.rounds || started.elapsed() < plan.duration {
            let before = Instant::now();
            let found = discover(&machine, None);
            took.push(before.elapsed().as_secs_f64() * 1e3);
            assert!(found.iter().all(|client| client.found), "each has its file");
        }
        table.add(format!("discover, {what}: p50"), median(took), "ms", Budget::AtMost(100.0));
    }
}

fn history() -> String {
    let mut content =
        String::from("{\"mcpServers\": {\"one\": {\"command\": \"one\"}}, \"projects\": {");
    for number in 0.. {
        if content.len() > HISTORY {
            break;
        }
        let line = "what was asked for, and what came of it ".repeat(8);
        let _ = write!(
            content,
            "\"/home/sam/{number}\": {{\"history\": [{{\"display\": \"{line}\"}}], \"allowedTools\": []}}, ",
        );
    }
    content.push_str("\"/home/sam\": {}}}");
    content
}
