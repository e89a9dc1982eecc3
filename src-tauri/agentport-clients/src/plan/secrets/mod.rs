//! Finds the secrets in an entry and replaces them with placeholders; the values go to the vault.
//!
//! By names and by patterns, with the rules of [`agentport_core::redact`]; in doubt a value counts as a secret, since it
//! works from the vault too. Filling the placeholders again gives the original text, and no text of the client is taken
//! for a placeholder.

mod args;
mod remote;
mod variable;

use std::collections::{BTreeMap, BTreeSet};

use agentport_core::{
    Secret,
    placeholder::{self, is_placeholder},
    redact,
};

pub(super) use args::{BareArgs, hides_what_is_launched, in_args};
pub(super) use remote::{BareHeaders, NotBare, bare_headers, bare_url};
pub(super) use variable::{
    decides_what_runs, hidden_by_another, in_env, is_secret_field, is_secret_variable, may_be_run,
};

use super::references;

/// Shortest secret, in bytes, that is searched for in other texts.
const MIN_SECRET_BYTES: usize = 6;

/// Secrets of one server, collected for the vault.
#[derive(Default)]
pub(super) struct CollectedSecrets {
    pub(super) secrets: BTreeMap<String, Secret>,
    /// Description of each secret's location.
    pub(super) words: Vec<String>,
    /// Names placeholders must not have.
    reserved: BTreeSet<String>,
}

impl CollectedSecrets {
    /// Keeps a secret under a given name.
    fn keep_named(&mut self, name: &str, value: &str, word: String) {
        self.secrets.insert(name.to_owned(), Secret::new(value));
        self.note(word);
    }

    /// Keeps a secret under a new name, and returns the placeholder `{name}`.
    fn keep(&mut self, value: &str, word: String) -> String {
        let numbered = (1_u32..).map(|number| format!("token{number}"));
        let name = std::iter::once("token".to_owned())
            .chain(numbered)
            .find(|name| !self.secrets.contains_key(name) && !self.reserved.contains(name))
            .expect("there are more numbers than secrets in an entry");
        self.secrets.insert(name.clone(), Secret::new(value));
        self.note(word);
        format!("{{{name}}}")
    }

    fn note(&mut self, word: String) {
        if !self.words.contains(&word) {
            self.words.push(word);
        }
    }

    /// Ranges of `text` that equal a kept secret. Short secrets are skipped, since they occur inside other words.
    fn known_in<'a>(&'a self, text: &'a str) -> impl Iterator<Item = std::ops::Range<usize>> + 'a {
        let long =
            self.secrets.values().map(Secret::expose).filter(|it| it.len() >= MIN_SECRET_BYTES);
        long.flat_map(|it| text.match_indices(it).map(|(at, _)| at..at + it.len()))
    }

    /// Does `text` contain a kept secret?
    pub(super) fn is_revealed_by(&self, text: &str) -> bool {
        self.known_in(text).next().is_some() || by_looks(text).next().is_some()
    }

    /// Replaces the parts `found` of `text` with placeholders; the whole text if the rest could be misread.
    fn keep_parts(&mut self, text: &str, found: &[std::ops::Range<usize>], word: &str) -> String {
        let before = (self.secrets.clone(), self.words.clone());
        let mut format = String::new();
        let mut done = 0;
        for part in found {
            format.push_str(&text[done..part.start]);
            format.push_str(&self.keep(&text[part.clone()], word.to_owned()));
            done = part.end;
        }
        format.push_str(&text[done..]);
        if filled(&format, &self.secrets).as_deref() == Some(text) {
            return format;
        }
        (self.secrets, self.words) = before;
        self.keep(text, word.to_owned())
    }
}

/// Empty values and booleans are never secrets.
pub(super) fn is_trivial(value: &str) -> bool {
    let value = value.trim();
    value.is_empty()
        || ["true", "false", "yes", "no", "on", "off", "0", "1", "none", "null"]
            .iter()
            .any(|plain| plain.eq_ignore_ascii_case(value))
}

/// Authentication schemes that may precede a credential (RFC 9110 §11.4).
const SCHEMES: [&str; 6] = ["apikey", "api-key", "basic", "bearer", "digest", "token"];

/// Where in a value the credential begins: behind its scheme.
pub(super) fn after_scheme(value: &str) -> usize {
    let Some((scheme, rest)) = value.split_once(' ') else { return 0 };
    let credential = rest.trim_start();
    let known = SCHEMES.iter().any(|known| known.eq_ignore_ascii_case(scheme));
    if known && !credential.is_empty() { value.len() - credential.len() } else { 0 }
}

/// `format` as the gateway fills it; `None` if it asks for a secret there is none of.
fn filled(format: &str, secrets: &BTreeMap<String, Secret>) -> Option<String> {
    let value = |name: &str| secrets.get(name).map(|it| it.expose().to_owned()).ok_or(());
    placeholder::fill(format, value).ok()
}

/// Ranges of `text` that match a secret pattern, without the scheme before them and without references.
pub(super) fn by_looks(text: &str) -> impl Iterator<Item = std::ops::Range<usize>> {
    redact::secrets_in(text).into_iter().filter_map(|found| credential(text, found))
}

/// The credential itself within a part of `text` that was found to be one. A placeholder is none, nor are brackets.
fn credential(text: &str, found: std::ops::Range<usize>) -> Option<std::ops::Range<usize>> {
    let start = found.start + after_scheme(&text[found.clone()]);
    let value = &text[start..found.end];
    // Where no quotation mark ends it, a brace has ended it too early.
    let closed = text[found.end..].starts_with('}').then(|| format!("{value}}}"));
    let whole = closed.as_deref().unwrap_or(value);
    let name = whole.strip_prefix('{').and_then(|rest| rest.strip_suffix('}'));
    let stands_for_one = name.is_some_and(is_placeholder) || references::is_one(whole);
    let says_something = value.contains(|c: char| c.is_alphanumeric()) && !is_trivial(value);
    (says_something && !stands_for_one).then_some(start..found.end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn filling_placeholders_restores_the_text() {
        for (text, part, want) in [
            ("--key=fake-a", 6..12, "--key={token}"),
            ("{fake-a}", 1..7, "{{token}}"),
            ("{token}fake-a", 7..13, "{token}"),
            ("{token1} fake-a", 9..15, "{token}"),
            ("{x} fake-a", 4..10, "{x} {token}"),
        ] {
            let mut kept = CollectedSecrets::default();
            let format = kept.keep_parts(text, &[part], "argument 1");
            assert_eq!(format, want, "{text}");
            assert_eq!(filled(&format, &kept.secrets).as_deref(), Some(text));
            assert_eq!(kept.words, ["argument 1"]);
        }
    }

    #[test]
    fn names_stay_apart() {
        let mut kept = CollectedSecrets::default();
        kept.keep_named("token", "fake-env-a", "env token".to_owned());
        assert_eq!(kept.keep("fake-b", "argument 1".to_owned()), "{token1}");
        assert_eq!(kept.keep("fake-c", "argument 1".to_owned()), "{token2}");
        assert_eq!(kept.words, ["env token", "argument 1"]);
    }

    #[test]
    fn references_are_no_secrets() {
        for text in
            ["--api-key {token}", "Authorization: Bearer {token1}", "\"auth\": {", "token: ${A}"]
        {
            assert_eq!(by_looks(text).next(), None, "{text}");
        }
        assert_eq!(by_looks("--api-key {fake}").next(), Some(10..15));
    }

    #[test]
    fn schemes_are_separated_from_credentials() {
        for (value, want) in [
            ("Bearer fake-a", "fake-a"),
            ("bearer  fake-a", "fake-a"),
            ("Basic fake=", "fake="),
            ("fake-a", "fake-a"),
            ("Bearer ", "Bearer "),
            ("two words", "two words"),
        ] {
            assert_eq!(&value[after_scheme(value)..], want, "{value}");
        }
    }
}
