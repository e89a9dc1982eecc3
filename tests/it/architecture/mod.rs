//! Which crate may use which, and which dependencies and words each must not have. Each rule has its reason.

mod gateway_modules;

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
    process::Command,
};

use agentport_tests::programs;
use serde_json::Value;

/// Crates of ours that may be used by each crate of ours.
const LAYERS: [(&str, &[&str], &str); 10] = [
    (
        "agentport-core",
        &[],
        "the domain depends on nothing, so that its rules can be read and tested alone",
    ),
    (
        "agentport-api",
        &["agentport-core"],
        "wire types and one client: every program can use them without the gateway's code",
    ),
    (
        "agentport-clients",
        &["agentport-core", "agentport-api"],
        "editing other programs' files needs the domain and nothing that runs",
    ),
    (
        "agentport-gateway",
        &["agentport-core", "agentport-api"],
        "the gateway runs anywhere; the programs depend on it, never the reverse",
    ),
    (
        "agentport-pages",
        &["agentport-gateway"],
        "the front end's files, in the form the gateway serves them in, and nothing else",
    ),
    (
        "agentport-setup",
        &["agentport-core", "agentport-api", "agentport-clients", "agentport-gateway"],
        "it joins clients' files and the control API, so that neither has to know the other",
    ),
    (
        "agentport-cli",
        &[
            "agentport-core",
            "agentport-api",
            "agentport-clients",
            "agentport-setup",
            "agentport-gateway",
            "agentport-pages",
        ],
        "a shell around the gateway",
    ),
    (
        "agentport-desktop",
        &[
            "agentport-core",
            "agentport-api",
            "agentport-clients",
            "agentport-setup",
            "agentport-gateway",
            "agentport-pages",
        ],
        "a shell around the gateway",
    ),
    ("xtask", &[], "it builds the others, so it must build when they do not"),
    (
        "agentport-tests",
        &["agentport-core", "agentport-api", "agentport-clients", "agentport-gateway"],
        "the tests go through the entry points that people and programs use; the desktop's are its windows and the bus",
    ),
];

/// What draws windows, the tray and notifications. It takes libraries that a server does not have.
const SCREEN: [&str; 7] = ["tauri", "wry", "tao", "muda", "gtk", "webkit2gtk", "notify-rust"];

/// Crates that must not be reachable, however indirectly.
const KEPT_OUT: [(&str, &[&str], &str); 4] = [
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
            "clap",
        ],
        "no I/O, no async, no clock and no chance in the domain: what a rule decides depends on what it is given",
    ),
    (
        "agentport-gateway",
        &["clap"],
        "the gateway also runs inside a program that has a command line of its own",
    ),
    (
        "agentport-desktop",
        &["openssl-sys", "native-tls", "dbus"],
        "TLS is rustls and D-Bus is zbus, on every system the same",
    ),
    ("xtask", &["tokio", "sqlx", "rmcp", "reqwest"], "it starts within seconds on a fresh clone"),
];

/// Words that must not stand in the source of a crate.
const UNSPOKEN: [(&str, &[&str], &str); 7] = [
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
        "src-tauri/agentport-setup/src",
        &["tokio::spawn(", "tokio::task::spawn("],
        "tasks of extensions are waited for by the gateway's own tracker",
    ),
    (
        "src-tauri/agentport-cli/src",
        &["tokio::spawn(", "tokio::task::spawn("],
        "every task belongs to a tracker",
    ),
    (
        "src-tauri/src",
        &["tokio::spawn(", "tokio::task::spawn(", "async_runtime::spawn"],
        "every task belongs to a tracker, or quitting cannot wait for it; Tauri's own runtime has none",
    ),
    (
        "src-tauri/src/tray/model/mod.rs",
        &["tauri::", "tokio::", "async fn", "SystemTime::now", "Instant::now"],
        "the menu is a function of what is known, and read without a screen",
    ),
    (
        "src-tauri/src/notify/plan/mod.rs",
        &["tauri::", "tokio::", "zbus::", "async fn", "SystemTime::now", "Instant::now"],
        "which notices there are is a function of what waits, and tested as a table",
    ),
];

/// Words that only the files below one place may say: of the sources in the first folder, those whose path begins with
/// one of the second.
const KNOWN_ONLY_TO: [(&str, &[&str], &[&str], &str); 3] = [
    (
        "src-tauri/src",
        &["src-tauri/src/notify"],
        &["notify_rust::"],
        "the notification service is called in one place, behind one trait",
    ),
    (
        "src-tauri/src",
        &["src-tauri/src/notify", "src-tauri/src/tray/host.rs"],
        &["zbus::"],
        "the bus is used for notifications, and to see whether there is a tray",
    ),
    (
        "src-tauri/src",
        &["src-tauri/src/tray/render.rs"],
        &["TrayIconBuilder"],
        "the icon is made and changed in one place",
    ),
];

fn metadata() -> Value {
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.args(["metadata", "--format-version", "1", "--offline"]).current_dir(programs::root());
    let output = cargo.output().expect("cargo starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).expect("JSON")
}

type Edges = BTreeMap<String, Vec<String>>;

/// The dependencies of each package, by id, with or without those of its tests alone; and each id's name.
fn graph(metadata: &Value, tests_too: bool) -> (Edges, BTreeMap<String, String>) {
    let text = |value: &Value| value.as_str().expect("text").to_owned();
    let packages = metadata["packages"].as_array().expect("packages");
    let names =
        packages.iter().map(|package| (text(&package["id"]), text(&package["name"]))).collect();
    let nodes = metadata["resolve"]["nodes"].as_array().expect("nodes");
    let used = |dependency: &&Value| {
        let kinds = dependency["dep_kinds"].as_array().expect("kinds");
        tests_too || kinds.iter().any(|kind| kind["kind"] != "dev")
    };
    let edges = nodes.iter().map(|node| {
        let dependencies = node["deps"].as_array().expect("dependencies").iter().filter(used);
        (text(&node["id"]), dependencies.map(|dependency| text(&dependency["pkg"])).collect())
    });
    (edges.collect(), names)
}

#[test]
fn crates_depend_only_on_allowed_crates() {
    let metadata = metadata();
    let packages = metadata["packages"].as_array().expect("packages");
    let ours: BTreeSet<_> = LAYERS.iter().map(|(name, ..)| *name).collect();
    let members = metadata["workspace_members"].as_array().expect("members");
    for package in packages.iter().filter(|package| members.contains(&package["id"])) {
        let name = package["name"].as_str().expect("a name");
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

/// Names of everything that can be reached from some packages.
fn reached(from: Vec<String>, edges: &Edges, names: &BTreeMap<String, String>) -> BTreeSet<String> {
    let mut open = from;
    let mut seen = BTreeSet::new();
    while let Some(id) = open.pop() {
        if seen.insert(id.clone()) {
            open.extend(edges[&id].iter().cloned());
        }
    }
    seen.iter().map(|id| names[id].clone()).collect()
}

#[test]
fn excluded_dependencies_cannot_be_reached() {
    let metadata = metadata();
    let (edges, names) = graph(&metadata, false);
    for (from, banned, reason) in KEPT_OUT {
        let start = names.iter().find(|(_, name)| *name == from).map(|(id, _)| id.clone());
        let reached = reached(vec![start.expect("a crate of the workspace")], &edges, &names);
        assert!(reached.len() > 5, "the graph of {from} was read");
        for name in banned {
            assert!(!reached.contains(*name), "{from} must not reach {name}: {reason}");
        }
    }
}

/// `cargo build` and `cargo test` as they stand work on a machine without a screen and its libraries.
#[test]
fn only_the_desktop_needs_a_screen() {
    let metadata = metadata();
    let ids = |what: &str| -> BTreeSet<String> {
        let list = metadata[what].as_array().expect("ids").iter();
        list.map(|id| id.as_str().expect("an id").to_owned()).collect()
    };
    let (edges, names) = graph(&metadata, true);
    let (all, default) = (ids("workspace_members"), ids("workspace_default_members"));
    let left_out: Vec<_> = all.difference(&default).map(|id| names[id].as_str()).collect();
    assert_eq!(left_out, ["agentport-desktop"]);
    let reached = reached(default.into_iter().collect(), &edges, &names);
    for name in SCREEN {
        assert!(!reached.contains(name), "a default member reaches {name}");
    }
}

/// A file, or the files below a folder.
fn sources(place: &Path, endings: &[&str]) -> Vec<PathBuf> {
    if place.is_file() {
        return vec![place.to_owned()];
    }
    let mut found = Vec::new();
    for entry in std::fs::read_dir(place)
        .unwrap_or_else(|error| panic!("{}: {error}", place.display()))
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

#[test]
fn words_that_only_one_place_says() {
    let root = programs::root();
    for (directory, places, words, reason) in KNOWN_ONLY_TO {
        let files = sources(&root.join(directory), &["rs"]);
        let (there, elsewhere): (Vec<_>, Vec<_>) = files
            .iter()
            .partition(|file| places.iter().any(|place| file.starts_with(root.join(place))));
        for word in words {
            // A rule about something that nobody says any more is no rule.
            assert!(there.iter().any(|file| code(file).contains(word)), "{places:?} says `{word}`");
            for file in elsewhere.iter().filter(|file| !is_test(file)) {
                assert!(
                    !code(file).contains(word),
                    "{} must not say `{word}`: {reason}",
                    file.display()
                );
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

fn json(path: &str) -> Value {
    let file = programs::root().join(path);
    let text = std::fs::read_to_string(&file)
        .unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// What a page that has been taken over could do from a window: send what its owner can send anyway, by one command.
#[test]
fn windows_have_one_command_and_no_more() {
    let root = programs::root();
    let commands: usize = sources(&root.join("src-tauri/src"), &["rs"])
        .iter()
        .map(|file| code(file).matches("#[tauri::command").count())
        .sum();
    assert_eq!(commands, 1);

    let allowed = ["allow-owner", "core:event:allow-listen", "core:event:allow-unlisten"];
    let mut windows = Vec::new();
    for file in sources(&root.join("src-tauri/capabilities"), &["json"]) {
        let name = file.strip_prefix(&root).expect("below it").to_str().expect("a path in Unicode");
        let capability = json(name);
        assert_eq!(capability["remote"], Value::Null, "{name}: no page from elsewhere");
        for permission in capability["permissions"].as_array().expect("permissions") {
            let permission = permission.as_str().expect("a permission without a scope");
            assert!(allowed.contains(&permission), "{name} must not grant {permission}");
        }
        windows.extend(capability["windows"].as_array().expect("windows").clone());
    }
    windows.sort_by_key(Value::to_string);
    assert_eq!(windows, ["approval", "main"]);

    let app = &json("src-tauri/tauri.conf.json")["app"];
    assert_eq!(app["withGlobalTauri"], false);
    assert_eq!(app["windows"], serde_json::json!([]), "windows are made when they are opened");
    let security = &app["security"];
    assert_eq!(security["freezePrototype"], true);
    let policy = security["csp"].as_str().expect("one policy for all pages");
    for directive in policy.split(';').map(str::trim) {
        let mut words = directive.split_whitespace();
        let name = words.next().unwrap_or_default();
        for source in words {
            let of_ours = ["'self'", "'none'"].contains(&source);
            let to_us = name == "connect-src" && ["ipc:", "http://ipc.localhost"].contains(&source);
            assert!(of_ours || to_us, "`{directive}` lets in {source}");
        }
    }
    assert!(policy.starts_with("default-src 'none'") || policy.starts_with("default-src 'self'"));
}

/// A file that grows beyond the limit is split.
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
