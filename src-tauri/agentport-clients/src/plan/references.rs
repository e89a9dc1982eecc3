//! What in an entry only the client itself can resolve: variables of its own environment, its folders, what it asks the
//! user for.
//!
//! Each client writes them in its own way, and some write none, so this knows every way there is and finds a few where
//! none is meant. A server with one stays in the client: taken over wrongly it would not start, or start with the text of
//! a reference for a password.

use agentport_core::{redact, sanitize};

/// The first reference in `text`, as it may be shown: without a default, which can be a secret.
pub(super) fn first(text: &str) -> Option<String> {
    references(text).next().map(shown)
}

/// The first one that is none of `own`: variables of the entry itself, which the server's program resolves by itself
/// where the client resolves nothing of that form.
pub(super) fn first_but<'a>(text: &str, own: impl Fn(&str) -> bool + 'a) -> Option<String> {
    let is_own = |found: &&str| {
        let name = found.strip_prefix("${").and_then(|rest| rest.strip_suffix('}'));
        name.is_some_and(&own)
    };
    references(text).find(|found| !is_own(found)).map(shown)
}

/// Is it a reference and nothing else, such as `${env:TOKEN}` where a secret would stand?
pub(super) fn is_one(text: &str) -> bool {
    references(text).next() == Some(text)
}

fn references(text: &str) -> impl Iterator<Item = &str> {
    let starts = text.char_indices().filter(|(_, c)| matches!(c, '$' | '{' | '%'));
    starts.filter_map(move |(at, _)| reference_at(&text[at..]))
}

fn reference_at(text: &str) -> Option<&str> {
    let until = |close: &str| text.find(close).map(|at| &text[..at + close.len()]);
    if text.starts_with("${{") {
        return until("}}");
    }
    if text.starts_with("${") {
        return until("}");
    }
    if text.starts_with("{{") {
        return until("}}");
    }
    if text.starts_with("{env:") || text.starts_with("{file:") {
        return until("}");
    }
    let mark = text.chars().next()?;
    let name = &text[1..];
    let length = name
        .bytes()
        .take_while(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || *b == b'_')
        .count();
    let is_name = length >= 2 && !name.starts_with(|c: char| c.is_ascii_digit());
    match mark {
        '$' if is_name => Some(&text[..1 + length]),
        // A percent sign before two digits of base sixteen is how URLs write any byte.
        '%' if is_name && length >= 3 && name[length..].starts_with('%') => {
            Some(&text[..length + 2])
        }
        _ => None,
    }
}

fn shown(reference: &str) -> String {
    let without_default = reference.find(":-").map(|at| format!("{}}}", &reference[..at]));
    let reference = without_default.as_deref().unwrap_or(reference);
    sanitize::sanitize_line(&redact::redacted_text(reference), 80)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_of_every_client_are_found() {
        for (text, want) in [
            ("${workspaceFolder}/x", "${workspaceFolder}"),
            ("Bearer ${input:token}", "${input:token}"),
            ("${env:TOKEN}", "${env:TOKEN}"),
            ("${TOKEN:-fake-default-0001}", "${TOKEN}"),
            ("{env:TOKEN}", "{env:TOKEN}"),
            ("{file:~/.secret}", "{file:~/.secret}"),
            ("${{ secrets.TOKEN }}", "${{ secrets.TOKEN }}"),
            ("x {{ token }}", "{{ token }}"),
            ("$HOME/bin", "$HOME"),
            ("a=$GITHUB_TOKEN", "$GITHUB_TOKEN"),
            ("%APPDATA%\\npm", "%APPDATA%"),
        ] {
            assert_eq!(first(text).as_deref(), Some(want), "{text}");
        }
    }

    #[test]
    fn other_texts_hold_none() {
        for text in [
            "",
            "$",
            "$5",
            "pa$word",
            "a{b}c",
            "{token}",
            "100%",
            "%20%41b",
            "%E2%9C%93",
            "${open",
            "{{open",
            "$.items[0]",
            "{\"a\": {}}",
            "~/x",
        ] {
            assert_eq!(first(text), None, "{text}");
        }
    }

    #[test]
    fn a_variable_of_the_entry_is_no_riddle() {
        let own = |name: &str| name == "AUTH";
        assert_eq!(first_but("Authorization:${AUTH}", own), None);
        assert_eq!(first_but("${AUTH} ${OTHER}", own).as_deref(), Some("${OTHER}"));
        assert_eq!(first_but("${env:AUTH}", own).as_deref(), Some("${env:AUTH}"));
        assert!(is_one("${AUTH}") && !is_one("${AUTH}x") && !is_one("AUTH"));
    }
}
