//! Masks secrets in texts of a client's file before they are shown.
//!
//! Masked are the secrets of the file's servers, however they are escaped, and everything that matches a pattern of
//! [`agentport_core::redact`]. Keys of ours become `ap_…`, everything
//! else `[secret]`. Lines stay lines, so that what was masked can be compared line by line.

mod escapes;
mod known;

use std::{borrow::Cow, collections::BTreeSet, ops::Range};

use agentport_core::key;

use super::secrets;
use crate::{KEY_PLACEHOLDER, client::Place};

const SECRET: &str = "[secret]";
const KEY: &str = "ap_…";
/// Shorter secrets are masked only as whole words, since they occur inside other words.
const MIN_SECRET_CHARS: usize = 6;

/// The secrets to mask.
#[derive(Default)]
pub(crate) struct SecretMask {
    known: BTreeSet<String>,
}

impl SecretMask {
    /// For the secrets of every server in `content`, if it parses.
    pub(crate) fn add_file(&mut self, place: &Place, content: &[u8]) {
        known::add_file(&mut self.known, place, content);
    }

    pub(crate) fn add(&mut self, secret: &str) {
        known::add(&mut self.known, secret);
    }

    pub(crate) fn apply<'a>(&self, text: &'a str) -> Cow<'a, str> {
        let hidden = self.hidden(text);
        if hidden.is_empty() {
            return Cow::Borrowed(text);
        }
        let mut out = String::with_capacity(text.len());
        let mut done = 0;
        for part in hidden {
            out.push_str(&text[done..part.range.start]);
            out.push_str(if part.is_key { KEY } else { SECRET });
            // A secret over several lines leaves as many.
            let lines = text[part.range.clone()].matches('\n').count();
            out.push_str(&"\n".repeat(lines));
            done = part.range.end;
        }
        out.push_str(&text[done..]);
        Cow::Owned(out)
    }

    /// In order, and apart from each other.
    fn hidden(&self, text: &str) -> Vec<Hidden> {
        let keys = keys_in(text);
        let mut found: Vec<Hidden> = Vec::new();
        let mut add = |range: Range<usize>| {
            // `Bearer ap_…` shows more than a secret would.
            let within = keys.iter().find(|key| range.start <= key.start && key.end <= range.end);
            let rest = within.map_or("", |key| &text[range.start..key.start]);
            let is_key = within.is_some_and(|key| {
                key.end == range.end && secrets::after_scheme(&format!("{rest}x")) == rest.len()
            });
            if !is_key {
                found.push(Hidden { range, is_key: false });
            }
        };
        self.known_in(text).into_iter().for_each(&mut add);
        secrets::by_looks(text).for_each(&mut add);
        if text.contains('\\') {
            let plain = escapes::UnescapedText::of(text);
            self.known_in(&plain.text)
                .into_iter()
                .map(|range| plain.source(range))
                .for_each(&mut add);
            secrets::by_looks(&plain.text).map(|range| plain.source(range)).for_each(&mut add);
        }
        found.extend(keys.into_iter().map(|range| Hidden { range, is_key: true }));
        merged(found)
    }

    fn known_in(&self, text: &str) -> Vec<Range<usize>> {
        let mut found = Vec::new();
        for secret in &self.known {
            let is_short = secret.chars().nth(MIN_SECRET_CHARS - 1).is_none();
            let ranges = text.match_indices(secret.as_str()).map(|(at, _)| at..at + secret.len());
            found.extend(ranges.filter(|range| !is_short || stands_alone(text, range)));
        }
        found
    }
}

struct Hidden {
    range: Range<usize>,
    is_key: bool,
}

fn merged(mut found: Vec<Hidden>) -> Vec<Hidden> {
    found.sort_unstable_by_key(|part| (part.range.start, part.range.end));
    let mut apart: Vec<Hidden> = Vec::with_capacity(found.len());
    for part in found {
        match apart.last_mut() {
            Some(last) if part.range.start < last.range.end => {
                last.is_key &= part.is_key;
                last.range.end = last.range.end.max(part.range.end);
            }
            _ => apart.push(part),
        }
    }
    apart
}

fn stands_alone(text: &str, range: &Range<usize>) -> bool {
    let in_word = |c: char| c.is_alphanumeric() || c == '_';
    !text[..range.start].ends_with(in_word) && !text[range.end..].starts_with(in_word)
}

/// Keys of ours, and what stands for one.
fn keys_in(text: &str) -> Vec<Range<usize>> {
    let length = KEY_PLACEHOLDER.len();
    text.match_indices(key::PREFIX)
        .map(|(at, _)| at..at + length)
        .filter(|range| {
            text.get(range.clone())
                .is_some_and(|text| text == KEY_PLACEHOLDER || key::Key::parse(text).is_some())
        })
        .filter(|range| stands_alone(text, range))
        .collect()
}

/// A text with its escapes undone, to look for what must not be in it.
#[cfg(test)]
pub(super) fn undone(text: &str) -> String {
    escapes::UnescapedText::of(text).text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(secrets: &[&str], text: &str, want: &str) {
        let mut mask = SecretMask::default();
        secrets.iter().for_each(|secret| mask.add(secret));
        assert_eq!(mask.apply(text), want);
    }

    #[test]
    fn known_secrets_are_hidden_however_they_are_escaped() {
        check(&["fake/one"], r#"{"A": "fake/one"}"#, r#"{"A": "[secret]"}"#);
        check(&["fake/one"], r#"{"A": "fake\/one"}"#, r#"{"A": "[secret]"}"#);
        check(&["fake/one"], r#"{"A": "\u0066ake/one"}"#, r#"{"A": "[secret]"}"#);
        check(&["fake\"one"], r#"{"A": "fake\"one"}"#, r#"{"A": "[secret]"}"#);
        check(&["fake\none two"], "a: |\n  fake\n  one two\n", "a: |\n  [secret]\n  [secret]\n");
        check(&["fake-token-1"], "a: \"fake-\\\n  token-1\"", "a: \"[secret]\n\"");
        check(
            &["fake-first fake-second"],
            "a: >\n  fake-first\n  fake-second",
            "a: >\n  [secret]\n  [secret]",
        );
        check(&["it's fake"], "a: 'it''s fake'", "a: '[secret]'");
        check(&["fake-Ünicode"], r#"{"A": "fake-\u00dcnicode"}"#, r#"{"A": "[secret]"}"#);
    }

    #[test]
    fn short_ones_are_hidden_where_they_stand_alone() {
        check(&["42"], r#"{"A": "42", "B": 1421}"#, r#"{"A": "[secret]", "B": 1421}"#);
    }

    #[test]
    fn looks_are_enough() {
        check(
            &[],
            r#"{"Authorization": "Bearer fake-a", "x": 1}"#,
            r#"{"Authorization": "Bearer [secret]", "x": 1}"#,
        );
        check(&[], r#"{"token": "${env:TOKEN}"}"#, r#"{"token": "${env:TOKEN}"}"#);
        check(&[], "postgres://me:fake-pw@h.test/x", "postgres://me:[secret]@h.test/x");
    }

    #[test]
    fn keys_are_shown_as_such() {
        let line = format!(r#"{{"Authorization": "Bearer {KEY_PLACEHOLDER}"}}"#);
        check(&[KEY_PLACEHOLDER], &line, r#"{"Authorization": "Bearer ap_…"}"#);
        let key = format!("ap_{}", "x".repeat(32));
        check(&[&key], &format!("\"{key}\""), "\"ap_…\"");
    }

    #[test]
    fn lines_stay_lines() {
        let block = "-----BEGIN X-----\nfake\n-----END X-----";
        check(&[], &format!("a\n{block}\nb"), "a\n[secret]\n\n\nb");
    }
}
