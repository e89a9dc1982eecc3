//! Secrets from the owner: asked without echo on a terminal, else read from stdin, one per line in the order given.

use std::io::{self, BufRead};

use agentport_core::Secret;
use anyhow::{Context as _, Result, bail};

use crate::{confirm, output};

/// Reads one secret for each of `names`, in their order. Without names it reads nothing.
pub(crate) fn read(names: &[String]) -> Result<Vec<Secret>> {
    if names.is_empty() {
        return Ok(Vec::new());
    }
    if confirm::on_a_terminal() {
        return names.iter().map(|name| ask(&format!("{name}: "))).collect();
    }
    from_lines(names, &mut io::stdin().lock())
}

/// A one-time code or a recovery code: asked on a terminal, else the next line of stdin.
pub(crate) fn one_time_code() -> Result<Secret> {
    if confirm::on_a_terminal() {
        return ask("One-time code: ");
    }
    let line = line(&mut io::stdin().lock()).context("cannot read from stdin")?;
    line.filter(|code| !code.is_empty()).context(
        "the second factor is on: give a one-time code, on a terminal or in the next line of stdin",
    )
}

/// Asks without echo. An empty answer is an error.
pub(crate) fn ask(question: &str) -> Result<Secret> {
    let secret = ask_or_empty(question)?;
    if secret.is_empty() {
        bail!("nothing was entered");
    }
    Ok(secret)
}

/// Asks without echo; the answer may be empty.
pub(crate) fn ask_or_empty(question: &str) -> Result<Secret> {
    rpassword::prompt_password(output::printable(question))
        .map(Secret::new)
        .context("cannot read from the terminal")
}

/// One line, without its line break. `None` at the end of the input.
pub(crate) fn line(reader: &mut impl BufRead) -> io::Result<Option<Secret>> {
    let mut line = String::new();
    if reader.read_line(&mut line)? == 0 {
        return Ok(None);
    }
    // Truncated in place, so that the whole buffer is zeroed when the secret is dropped.
    line.truncate(line.trim_end_matches(['\n', '\r']).len());
    Ok(Some(Secret::new(line)))
}

fn from_lines(names: &[String], reader: &mut impl BufRead) -> Result<Vec<Secret>> {
    let mut secrets = Vec::with_capacity(names.len());
    for (index, name) in names.iter().enumerate() {
        let line = line(reader).context("cannot read from stdin")?;
        match line.filter(|secret| !secret.is_empty()) {
            Some(secret) => secrets.push(secret),
            None => bail!(
                "line {} of stdin has no value for {name}; give one secret on each line, in this order: {}",
                index + 1,
                names.join(", "),
            ),
        }
    }
    Ok(secrets)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(names: &[&str], input: &str) -> Result<Vec<String>, String> {
        let names: Vec<String> = names.iter().map(|&name| name.to_owned()).collect();
        from_lines(&names, &mut input.as_bytes())
            .map(|secrets| secrets.iter().map(|secret| secret.expose().to_owned()).collect())
            .map_err(|error| format!("{error:#}"))
    }

    #[test]
    fn lines_go_to_names_in_order() {
        assert_eq!(check(&["A", "B"], "one\r\ntwo\n").unwrap(), ["one", "two"]);
        assert_eq!(check(&["A"], "no line break").unwrap(), ["no line break"]);
        assert_eq!(check(&["A"], " kept  \nmore").unwrap(), [" kept  "]);
    }

    #[test]
    fn a_missing_line_is_named_and_nothing_read_is_shown() {
        for input in ["obviously-fake\n", "obviously-fake\n\n"] {
            let message = check(&["A", "B"], input).unwrap_err();
            assert!(message.contains("no value for B") && message.contains("A, B"), "{message}");
            assert!(!message.contains("obviously-fake"), "{message}");
        }
    }
}
