//! Who may import whom, and what is kept out of which room. Each rule carries its reason.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
    process::Command,
};

use agentport_tests::programs;
use serde_json::Value;

/// Crates of ours that may be used by each crate of ours.
const LAYERS: [(&str, &[&str], &str); 6] = [
    (
        "agentport-core",
        &[],
        "the domain knows nobody, so that its rules can be read and tested alone",
    ),
    (
        "agentport-clients",
        &["agentport-core"],
        "editing other programs' files needs the domain and nothing that runs",
    ),
    (
        "agentport-gateway",
        &["agentport-core"],
        "the gateway runs anywhere; whoever starts it depends on it, never the reverse",
    ),
    (
        "agentport-cli",
        &["agentport-core", "agentport-clients", "agentport-gateway"],
        "a shell around the gateway",
    ),
    (
        "agentport-desktop",
        &["agentport-core", "agentport-clients", "agentport-gateway"],
        "a shell around the gateway",
    ),
    ("xtask", &[], "it builds the others, so it must build when they do not"),
];

/// Crates that must not be reachable, however indirectly.
const KEPT_OUT: [(&str, &[&str], &str); 3] = [
    (
        "agentport-core",
        &[
            "tokio",
            "async-std",
            "futures",
            "sqlx",
            "rusqlite",
            "axum",
            "hyper",
            "reqwest",
            "rmcp",
            "rand",
            "tracing",
            "notify-rust",
            "tauri",
            "clap",
        ],
        "no I/O, no async, no clock and no chance in the domain: what a rule decides depends on what it is given",
    ),
    (
        "agentport-gateway",
        &["tauri", "notify-rust", "clap", "wry", "tao"],
        "the gateway also runs on a machine without a screen, and inside a program that has its own command line",
    ),
    (
        "agentport-cli",
        &["tauri", "notify-rust", "wry", "tao"],
        "the command line builds without WebKit",
    ),
];

/// Words that must not stand in the source of a crate.
const UNSPOKEN: [(&str, &[&str], &str); 3] = [
    (
        "src-tauri/agentport-core/src",
        &[
            "SystemTime::now",
            "Instant::now",
            "std::fs",
            "std::net",
            "std::process",
            "std::env",
            "async fn",
            "std::thread",
        ],
        "the domain has no I/O and no clock of its own; whoever calls passes the time in",
    ),
    (
        "src-tauri/agentport-gateway/src",
        &["tokio::spawn(", "tokio::task::spawn("],
        "every task belongs to a tracker, or stopping cannot wait for it",
    ),
    (
        "src-tauri/agentport-cli/src",
        &["tokio::spawn(", "tokio::task::spawn("],
        "every task belongs to a tracker",
    ),
];

fn metadata() -> Value {
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.args(["metadata", "--format-version", "1", "--offline"]).current_dir(programs::root());
    let output = cargo.output().expect("cargo starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).expect("JSON")
}

/// Normal and build dependencies of each package, by id; and each id's name.
fn graph(metadata: &Value) -> (BTreeMap<String, Vec<String>>, BTreeMap<String, String>) {
    let text = |value: &Value| value.as_str().expect("text").to_owned();
    let packages = metadata["packages"].as_array().expect("packages");
    let names =
        packages.iter().map(|package| (text(&package["id"]), text(&package["name"]))).collect();
    let nodes = metadata["resolve"]["nodes"].as_array().expect("nodes");
    let used = |dependency: &&Value| {
        dependency["dep_kinds"].as_array().expect("kinds").iter().any(|kind| kind["kind"] != "dev")
    };
    let edges = nodes.iter().map(|node| {
        let dependencies = node["deps"].as_array().expect("dependencies").iter().filter(used);
        (text(&node["id"]), dependencies.map(|dependency| text(&dependency["pkg"])).collect())
    });
    (edges.collect(), names)
}

#[test]
fn crates_know_only_whom_they_may_know() {
    let metadata = metadata();
    let packages = metadata["packages"].as_array().expect("packages");
    let ours: BTreeSet<_> = LAYERS.iter().map(|(name, ..)| *name).collect();
    let members = metadata["workspace_members"].as_array().expect("members");
    for package in packages.iter().filter(|package| members.contains(&package["id"])) {
        let name = package["name"].as_str().expect("a name");
        if name == "agentport-tests" {
            continue;
        }
        let rule = LAYERS.iter().find(|(known, ..)| *known == name);
        let (_, allowed, reason) =
            rule.unwrap_or_else(|| panic!("{name} has no place in the architecture yet"));
        let dependencies = package["dependencies"].as_array().expect("dependencies");
        for used in dependencies.iter().filter_map(|dependency| dependency["name"].as_str()) {
            assert!(
                !ours.contains(used) || allowed.contains(&used),
                "{name} must not use {used}: {reason}"
            );
        }
    }
}

#[test]
fn what_is_kept_out_cannot_be_reached() {
    let metadata = metadata();
    let (edges, names) = graph(&metadata);
    for (from, banned, reason) in KEPT_OUT {
        let start = names.iter().find(|(_, name)| *name == from).map(|(id, _)| id.clone());
        let mut open = vec![start.expect("the crate is in the workspace")];
        let mut seen = BTreeSet::new();
        while let Some(id) = open.pop() {
            let name = names[&id].as_str();
            assert!(!banned.contains(&name), "{from} must not reach {name}: {reason}");
            if seen.insert(id.clone()) {
                open.extend(edges[&id].iter().cloned());
            }
        }
        assert!(seen.len() > 5, "the graph of {from} was read");
    }
}

fn sources(directory: &Path, endings: &[&str]) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(directory)
        .expect("a directory")
        .map(|entry| entry.expect("an entry").path())
    {
        if entry.is_dir() {
            if !entry.ends_with("node_modules") {
                found.extend(sources(&entry, endings));
            }
        } else if entry
            .extension()
            .is_some_and(|ending| endings.iter().any(|wanted| ending == *wanted))
        {
            found.push(entry);
        }
    }
    found
}

/// A source file without its comments and its tests.
fn code(path: &Path) -> String {
    let text = std::fs::read_to_string(path).expect("a source file");
    let code = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
    code.lines()
        .map(|line| line.split("//").next().unwrap_or_default())
        .collect::<Vec<_>>()
        .join("\n")
}

#[test]
fn words_that_must_not_stand_in_a_crate() {
    for (directory, words, reason) in UNSPOKEN {
        let files = sources(&programs::root().join(directory), &["rs"]);
        assert!(!files.is_empty(), "{directory} has sources");
        for file in files.iter().filter(|file| !is_test(file)) {
            let code = code(file);
            for word in words {
                assert!(!code.contains(word), "{} must not say `{word}`: {reason}", file.display());
            }
        }
    }
}

/// Test modules in files of their own.
fn is_test(file: &Path) -> bool {
    file.file_stem().is_some_and(|stem| stem == "tests" || stem == "testing")
        || file.components().any(|part| part.as_os_str() == "tests")
}

/// The same pages run in a browser; only one file may know of the desktop shell.
#[test]
fn only_the_tauri_host_knows_tauri() {
    let ui = programs::root().join("ui/src");
    let files = sources(&ui, &["ts", "svelte", "js"]);
    assert!(!files.is_empty());
    for file in files.iter().filter(|file| **file != ui.join("host/tauri.ts")) {
        let text = std::fs::read_to_string(file).expect("a source file");
        assert!(
            !text.contains("@tauri-apps/"),
            "{}: only ui/src/host/tauri.ts imports @tauri-apps/*",
            file.display()
        );
    }
}

/// A file that has outgrown its room gets a second one.
#[test]
fn files_stay_readable() {
    let root = programs::root();
    let mut files = sources(&root.join("src-tauri"), &["rs"]);
    files.extend(sources(&root.join("tests"), &["rs", "mjs", "py"]));
    files.extend(sources(&root.join("ui/src"), &["ts", "svelte"]));
    for file in
        files.iter().filter(|file| !file.components().any(|part| part.as_os_str() == "bindings"))
    {
        let lines = std::fs::read_to_string(file).expect("a source file").lines().count();
        assert!(
            lines <= 600,
            "{} has {lines} lines; 600 are the limit, 400 the aim",
            file.display()
        );
    }
}
