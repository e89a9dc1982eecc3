//! Which top-level module of the gateway may use which, lower layers first, without cycles.
//!
//! Submodules that have a row count as modules of their own: upstreams take permits, which only `call` can make, and
//! every API reads bodies, while their parent `http` routes to the APIs.

use std::collections::{BTreeMap, BTreeSet};

use agentport_tests::programs;

use super::{code, is_test, sources};

/// A module, the modules it may use, and why no others. Each may use only modules that stand before it.
const MODULES: &[(&str, &[&str], &str)] = &[
    ("clock", &[], "the time is read in one place"),
    ("data_dir", &[], "paths and the lock of the data directory, before anything is opened"),
    ("logging", &[], "what the programs log, before anything runs"),
    ("events", &[], "announcements to screens; nothing correct depends on them"),
    ("shutdown", &[], "stop signals, which every layer waits for"),
    ("address", &[], "the gateway's own URLs, and which hosts are this computer"),
    ("http::accept", &[], "accepts connections and serves any router"),
    ("http::assets", &[], "the built pages as bytes"),
    ("http::body", &[], "reads request bodies, of whichever API"),
    ("http::not_found", &[], "one response"),
    ("tool_schema", &[], "pure checks of schemas"),
    ("call::permit", &[], "the proof that a call may run names no one who asked or who answers"),
    ("caller", &[], "the agent's side of a running call, for upstreams and the pipeline"),
    ("store", &[], "rows in and out; decides nothing"),
    ("vault", &["data_dir", "store"], "keys and sealing; knows no one it seals for"),
    ("journal", &["data_dir", "store"], "appends rows and imports them into the database"),
    ("audit", &["clock", "store"], "records what others did, and does nothing itself"),
    ("agents", &["clock", "store"], "keys, tokens and profiles; who may do what is policy"),
    ("launch", &[], "templates of commands; pure"),
    ("directory", &["launch"], "data that comes with the program, and tokens that wait"),
    ("imports", &["launch"], "reads and unpacks files; adds nothing"),
    ("settings", &["audit", "events", "store"], "read by every service, so it knows none of them"),
    (
        "upstream",
        &["address", "call::permit", "caller", "clock", "tool_schema"],
        "no policy, no approval, no storage",
    ),
    (
        "accounts",
        &["address", "audit", "clock", "events", "shutdown", "store", "upstream", "vault"],
        "credentials and their renewal; who signs in, and to what, is above it",
    ),
    (
        "catalogue",
        &["directory", "store", "tool_schema", "upstream"],
        "what there is, not who may use it",
    ),
    ("policy", &["catalogue", "clock", "events", "store"], "decides by rules alone"),
    (
        "builtin",
        &["call::permit", "catalogue", "clock", "store", "upstream"],
        "an upstream inside the program",
    ),
    (
        "approvals",
        &[
            "agents",
            "audit",
            "catalogue",
            "clock",
            "directory",
            "events",
            "journal",
            "policy",
            "settings",
            "shutdown",
            "store",
            "vault",
        ],
        "hands out approved calls, and never runs one",
    ),
    (
        "integrations",
        &[
            "accounts",
            "approvals",
            "audit",
            "builtin",
            "catalogue",
            "clock",
            "directory",
            "events",
            "imports",
            "launch",
            "policy",
            "settings",
            "store",
            "upstream",
            "vault",
        ],
        "adds and removes what calls run on, and runs none",
    ),
    (
        "sign_ins",
        &[
            "accounts",
            "address",
            "catalogue",
            "clock",
            "directory",
            "events",
            "http::accept",
            "integrations",
            "store",
        ],
        "a sign-in ends with an integration or an account, and calls nothing",
    ),
    (
        "installs",
        &[
            "builtin",
            "catalogue",
            "clock",
            "directory",
            "imports",
            "integrations",
            "launch",
            "sign_ins",
            "store",
        ],
        "an install is an addition of an integration",
    ),
    (
        "call",
        &[
            "accounts",
            "agents",
            "approvals",
            "builtin",
            "call::permit",
            "caller",
            "catalogue",
            "clock",
            "directory",
            "installs",
            "journal",
            "policy",
            "settings",
            "store",
            "upstream",
            "vault",
        ],
        "the pipeline does not know which API a call came through",
    ),
    (
        "auth",
        &["address", "agents", "catalogue", "clock", "events", "policy", "store"],
        "says who is asking, before any API answers",
    ),
    (
        "agent_api",
        &[
            "address",
            "approvals",
            "auth",
            "call",
            "catalogue",
            "events",
            "policy",
            "settings",
            "shutdown",
            "sign_ins",
            "store",
        ],
        "what agents reach; nothing in it decides or configures",
    ),
    (
        "mcp",
        &[
            "address",
            "agent_api",
            "agents",
            "approvals",
            "auth",
            "builtin",
            "call",
            "call::permit",
            "caller",
            "catalogue",
            "clock",
            "directory",
            "http::body",
            "sign_ins",
            "store",
            "upstream",
        ],
        "an API for agents; the control API is not below it",
    ),
    (
        "rest",
        &[
            "address",
            "agent_api",
            "agents",
            "approvals",
            "auth",
            "call",
            "catalogue",
            "http::body",
            "mcp",
            "upstream",
        ],
        "an API for agents, with the words of the other one",
    ),
    (
        "oauth_server",
        &[
            "accounts",
            "address",
            "agents",
            "audit",
            "clock",
            "events",
            "http::body",
            "settings",
            "shutdown",
            "store",
        ],
        "asks for consent, which the control API alone decides",
    ),
    (
        "control",
        &[
            "accounts",
            "address",
            "agents",
            "approvals",
            "audit",
            "builtin",
            "catalogue",
            "clock",
            "directory",
            "events",
            "http::not_found",
            "imports",
            "installs",
            "integrations",
            "journal",
            "mcp",
            "oauth_server",
            "policy",
            "settings",
            "shutdown",
            "sign_ins",
            "store",
            "upstream",
            "vault",
        ],
        "the owner decides and configures, and runs no call",
    ),
    (
        "http",
        &[
            "address",
            "agent_api",
            "control",
            "events",
            "http::accept",
            "http::assets",
            "http::body",
            "http::not_found",
            "mcp",
            "oauth_server",
            "rest",
            "store",
        ],
        "puts the APIs behind the guards",
    ),
    (
        "housekeeping",
        &["agents", "clock", "mcp", "oauth_server", "policy", "settings", "store"],
        "removes by age, in every layer",
    ),
];

/// Wires all of them, and is used by none.
const WIRING: &str = "gateway";

/// The module a path below `crate::` begins with: its first two segments if they have a row, else its first.
fn target(path: &str) -> String {
    let mut segments = path.split("::").map(str::trim);
    let first = segments.next().unwrap_or_default();
    let nested = segments.next().map(|second| format!("{first}::{second}"));
    nested.filter(|nested| is_listed(nested)).unwrap_or_else(|| first.to_owned())
}

fn is_listed(module: &str) -> bool {
    MODULES.iter().any(|(known, ..)| *known == module)
}

/// The paths that follow each `crate::`: one, or those of a group in braces.
fn paths(code: &str) -> Vec<String> {
    let mut found = Vec::new();
    for (_, rest) in code.match_indices("crate::").map(|(at, word)| code.split_at(at + word.len()))
    {
        let path: fn(char) -> bool = |c| c.is_alphanumeric() || c == '_' || c == ':';
        let Some(group) = rest.strip_prefix('{') else {
            found.push(rest.chars().take_while(|c| path(*c)).collect());
            continue;
        };
        let mut depth = 1;
        let mut start = 0;
        for (at, c) in group.char_indices() {
            match c {
                '{' => depth += 1,
                '}' => depth -= 1,
                _ => {}
            }
            if depth == 0 || (depth == 1 && c == ',') {
                found.push(group[start..at].trim().to_owned());
                start = at + 1;
            }
            if depth == 0 {
                break;
            }
        }
    }
    found.retain(|path| path.starts_with(|c: char| c.is_ascii_lowercase()));
    found
}

/// What each module uses, its tests left out.
fn uses() -> BTreeMap<String, BTreeSet<String>> {
    let root = programs::root().join("src-tauri/agentport-gateway/src");
    let mut uses: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for file in sources(&root, &["rs"]).iter().filter(|file| !is_test(file)) {
        let below =
            file.strip_prefix(&root).expect("below it").to_string_lossy().replace('\\', "/");
        if below == "lib.rs" {
            continue;
        }
        let module = target(&below.trim_end_matches(".rs").replace('/', "::"));
        let targets = paths(&code(file)).into_iter().map(|path| target(&path));
        let used = uses.entry(module.clone()).or_default();
        used.extend(targets.filter(|target| *target != module));
    }
    uses
}

#[test]
fn gateway_modules_use_only_lower_modules() {
    let uses = uses();
    assert!(uses.values().map(BTreeSet::len).sum::<usize>() > 100, "the sources were read");
    for (module, used) in uses.iter().filter(|(module, _)| *module != WIRING) {
        let rule = MODULES.iter().find(|(known, ..)| known == module);
        let (_, allowed, reason) =
            rule.unwrap_or_else(|| panic!("{module} has no place among the modules yet"));
        for used in used {
            assert!(allowed.contains(&used.as_str()), "{module} must not use {used}: {reason}");
        }
    }
}

/// Each module may use only modules before it in the table, so the uses form no cycle.
#[test]
fn gateway_modules_form_no_cycle() {
    for (at, (module, allowed, _)) in MODULES.iter().enumerate() {
        for used in *allowed {
            let below = MODULES[..at].iter().any(|(known, ..)| known == used);
            assert!(below, "{module} may use {used}, which does not stand before it");
        }
    }
}

#[test]
fn paths_are_found_in_groups_and_alone() {
    let code =
        "use crate::{\n a::{B, c},\n d,\n};\ncall(crate::call::permit::Permit::new(crate::e::F))";
    let targets: Vec<_> = paths(code).iter().map(|path| target(path)).collect();
    assert_eq!(targets, ["a", "d", "call::permit", "e"]);
}
