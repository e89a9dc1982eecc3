//! The workflows of the forge, which run there and not here: at least they are well-formed, use actions in a fixed
//! version, and hand secrets to programs through the environment only.

use std::fs;

use anyhow::{Context as _, Result, bail};

use crate::{node, paths::root, process};

const PLACE: &str = ".github/workflows";

pub(crate) fn check(fix: bool) -> Result<()> {
    let place = root().join(PLACE);
    let mut wrong = Vec::new();
    for entry in fs::read_dir(&place).with_context(|| format!("cannot read {PLACE}"))? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let text = fs::read_to_string(&path).with_context(|| format!("cannot read {name}"))?;
        wrong.extend(broken_rules(&text).map(|(line, rule)| format!("{name}:{line}: {rule}")));
    }
    if !wrong.is_empty() {
        bail!("{}", wrong.join("\n"));
    }
    node::ui_packages()?;
    // The front end's formatter reads YAML, and says where it is none.
    let what = if fix { "--write" } else { "--check" };
    process::run(
        process::npm(&root().join("ui")).args(["exec", "--", "prettier", what]).arg(&place),
    )
}

/// The lines that break a rule, counted from 1.
fn broken_rules(text: &str) -> impl Iterator<Item = (usize, &'static str)> {
    let broken = |line: &str| {
        let line = line.trim().trim_start_matches("- ");
        if line.starts_with('#') {
            return None;
        }
        if line.strip_prefix("uses:").is_some_and(|action| !is_pinned(action.trim())) {
            return Some("an action is used in a fixed version, as in `actions/checkout@v4.2.2`");
        }
        if line.contains("secrets.") && !is_variable(line) {
            return Some(
                "a secret is the whole value of an environment variable, and nothing else",
            );
        }
        None
    };
    text.lines().enumerate().filter_map(move |(at, line)| Some((at + 1, broken(line)?)))
}

/// `owner/name@v1.2.3`, or a commit.
fn is_pinned(action: &str) -> bool {
    let version = action.split_whitespace().next().and_then(|action| action.split_once('@'));
    version.is_some_and(|(_, version)| {
        let numbers = version.strip_prefix('v').map(|numbers| numbers.split('.'));
        let tag = numbers.is_some_and(|mut numbers| {
            numbers.clone().count() == 3 && numbers.all(|number| number.parse::<u32>().is_ok())
        });
        tag || (version.len() == 40 && version.chars().all(|c| c.is_ascii_hexdigit()))
    })
}

/// `NAME: ${{ secrets.NAME }}`
fn is_variable(line: &str) -> bool {
    line.split_once(": ${{ secrets.").is_some_and(|(name, rest)| {
        let upper = |text: &str| {
            text.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_')
        };
        upper(name) && rest.strip_suffix(" }}").is_some_and(upper)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_are_broken_where_they_are() {
        let text = "
            steps:
              - uses: actions/checkout@v4.2.2
              - uses: actions/checkout@v4
              - uses: actions/cache@main
              - uses: owner/name@0123456789abcdef0123456789abcdef01234567
              # - uses: actions/cache@main
              - run: echo ${{ secrets.PASSWORD }}
                env:
                  PASSWORD: ${{ secrets.PASSWORD }}
                  OTHER: x${{ secrets.PASSWORD }}
        ";
        let lines: Vec<_> = broken_rules(text).map(|(line, _)| line).collect();
        assert_eq!(lines, [4, 5, 8, 11]);
    }
}
