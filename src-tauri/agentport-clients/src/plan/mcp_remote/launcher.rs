//! Finds `mcp-remote` behind the programs that clients start it with.

use std::collections::BTreeMap;

/// The package, and its program.
const NAME: &str = "mcp-remote";

/// Characters on which `cmd` acts, so that the program gets something else than what is written.
const FOR_CMD: [char; 7] = ['&', '|', '<', '>', '^', '%', '"'];

/// How `mcp-remote` is started.
pub(super) struct Started {
    /// Its own arguments.
    pub(super) args: Vec<String>,
    pub(super) in_container: bool,
    /// Why its arguments and surroundings are not all that matters, as the rest of a sentence.
    pub(super) odd: Option<&'static str>,
    /// In a container: the variables it gets, each with its value or as the entry has it.
    env: Option<Vec<(String, Option<String>)>>,
}

impl Started {
    fn new(args: &[String]) -> Self {
        Self { args: args.to_vec(), in_container: false, odd: None, env: None }
    }

    /// The variables of the entry as `mcp-remote` sees them.
    pub(super) fn visible(&self, env: &BTreeMap<String, String>) -> BTreeMap<String, String> {
        let Some(passed) = &self.env else { return env.clone() };
        let value = |(name, value): &(String, Option<String>)| {
            let value = value.clone().or_else(|| env.get(name).cloned())?;
            Some((name.clone(), value))
        };
        passed.iter().filter_map(value).collect()
    }
}

/// `mcp-remote` in a command line, if that is what it plainly starts.
pub(super) fn find(command: &str, args: &[String]) -> Option<Started> {
    match &*program(command) {
        "cmd" => behind_cmd(args),
        "docker" | "podman" => in_container(args),
        _ => started(command, args),
    }
}

/// The name of a program without its folder and the ending that Windows adds.
fn program(command: &str) -> String {
    let name = command.rsplit(['/', '\\']).next().unwrap_or(command).to_ascii_lowercase();
    let bare = [".exe", ".cmd", ".bat", ".ps1"].iter().find_map(|end| name.strip_suffix(end));
    bare.map_or_else(|| name.clone(), str::to_owned)
}

/// Without shells and containers.
fn started(command: &str, args: &[String]) -> Option<Started> {
    let first = args.first().map(String::as_str);
    match (&*program(command), first) {
        (NAME, _) => Some(Started::new(args)),
        ("npx" | "bunx" | "pnpx", _) => run_package(args),
        ("bun", Some("x")) | ("pnpm" | "yarn", Some("dlx")) => run_package(&args[1..]),
        ("npm", Some("exec" | "x")) => run_by_npm(&args[1..]),
        ("deno", Some("run")) => run_by_deno(&args[1..]),
        ("node", Some(script)) => {
            let script = script.replace('\\', "/");
            script.ends_with("/mcp-remote/dist/proxy.js").then(|| Started::new(&args[1..]))
        }
        _ => None,
    }
}

/// Flags of package runners that do not matter to what they run.
const IDLE_FLAGS: [&str; 15] = [
    "--",
    "--bun",
    "--no-install",
    "--offline",
    "--prefer-offline",
    "--prefer-online",
    "--quiet",
    "--silent",
    "--verbose",
    "--yes",
    "-b",
    "-q",
    "-s",
    "-y",
    "-yes",
];

/// `npx`, `bunx`, `pnpm dlx` and the like: flags, a package, the arguments of its program.
fn run_package(args: &[String]) -> Option<Started> {
    let mut package = None;
    let mut at = 0;
    loop {
        let arg = args.get(at)?.as_str();
        match arg {
            "-p" | "--package" => {
                package = Some(args.get(at + 1)?.as_str());
                at += 2;
            }
            "--registry" => at += 2,
            _ if arg.starts_with("--registry=") || IDLE_FLAGS.contains(&arg) => at += 1,
            _ if arg.starts_with("--package=") => {
                package = arg.split_once('=').map(|(_, package)| package);
                at += 1;
            }
            _ => break,
        }
    }
    let runs_it = match package {
        Some(package) => is_package(package) && args[at] == NAME,
        None => is_package(&args[at]),
    };
    runs_it.then(|| Started::new(&args[at + 1..]))
}

/// `npm exec`, which takes every flag for its own up to `--`.
fn run_by_npm(args: &[String]) -> Option<Started> {
    let dashes = args.iter().position(|arg| arg == "--")?;
    let (before, after) = (&args[..dashes], &args[dashes + 1..]);
    let plain: Vec<&String> =
        before.iter().filter(|arg| !IDLE_FLAGS.contains(&arg.as_str())).collect();
    match (plain.as_slice(), after.first()) {
        ([], Some(package)) => is_package(package).then(|| Started::new(&after[1..])),
        ([package], _) => is_package(package).then(|| Started::new(after)),
        _ => None,
    }
}

fn run_by_deno(args: &[String]) -> Option<Started> {
    let is_flag = |arg: &String| {
        matches!(arg.as_str(), "-A" | "-q" | "--quiet") || arg.starts_with("--allow-")
    };
    let at = args.iter().position(|arg| !is_flag(arg))?;
    let package = args[at].strip_prefix("npm:")?;
    is_package(package).then(|| Started::new(&args[at + 1..]))
}

/// Whether a package is `mcp-remote`, of whatever version, from the registry.
fn is_package(package: &str) -> bool {
    let Some(rest) = package.strip_prefix(NAME) else { return false };
    let in_version =
        |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '+' | '^' | '~' | '*');
    rest.is_empty()
        || rest
            .strip_prefix('@')
            .is_some_and(|version| !version.is_empty() && version.chars().all(in_version))
}

/// `cmd /c npx …`, in words or as one text.
fn behind_cmd(args: &[String]) -> Option<Started> {
    let at = args.iter().position(|arg| arg.eq_ignore_ascii_case("/c"))?;
    let only_flags = args[..at].iter().all(|arg| arg.len() == 2 && arg.starts_with('/'));
    let rest = &args[at + 1..];
    let words: Vec<String> = match rest {
        [line] => line.split_ascii_whitespace().map(str::to_owned).collect(),
        words => words.to_vec(),
    };
    let (command, args) = words.split_first()?;
    let mut started = started(command, args).filter(|_| only_flags)?;
    if started.args.iter().any(|arg| arg.contains(FOR_CMD)) {
        started.odd = Some("its arguments hold characters that cmd acts on");
    }
    Some(started)
}

/// `docker run … node npx …`.
fn in_container(args: &[String]) -> Option<Started> {
    let rest = args.split_first().filter(|(run, _)| *run == "run")?.1;
    let mut env = Vec::new();
    let mut odd = None;
    let mut at = 0;
    let image = loop {
        let arg = rest.get(at)?.as_str();
        let (name, value) = match arg.split_once('=').filter(|_| arg.starts_with("--")) {
            Some((name, value)) => (name, Some(value)),
            None => (arg, None),
        };
        match name {
            "-i" | "-t" | "-it" | "-ti" | "--interactive" | "--tty" | "--rm" | "--init" => at += 1,
            "-e" | "--env" | "--name" | "--pull" | "--platform" => {
                let value = match value {
                    Some(value) => value,
                    None => rest.get(at + 1)?.as_str(),
                };
                if matches!(name, "-e" | "--env") {
                    env.push(variable(value));
                }
                at += if arg == name { 2 } else { 1 };
            }
            _ if arg.starts_with('-') => {
                odd = Some("its container has options that matter only there");
                // Whether it has a value is not known, so the image is found by what follows it.
                at += 1;
            }
            _ if odd.is_some() && !is_runner_image(arg) => at += 1,
            image => break image,
        }
    };
    let (command, args) = rest[at + 1..].split_first()?;
    let found = started(command, args).filter(|_| is_runner_image(image))?;
    Some(Started { in_container: true, odd, env: Some(env), ..found })
}

fn variable(text: &str) -> (String, Option<String>) {
    match text.split_once('=') {
        Some((name, value)) => (name.to_owned(), Some(value.to_owned())),
        None => (text.to_owned(), None),
    }
}

/// Images that run the command they are given.
fn is_runner_image(image: &str) -> bool {
    let last = image.rsplit('/').next().unwrap_or(image);
    let name = last.split([':', '@']).next().unwrap_or(last);
    matches!(name, "node" | "bun" | "deno")
}
