//! Collects the secrets of a file by their position in its servers.

use std::collections::BTreeSet;

use agentport_core::redact::{is_credential_header, is_credential_parameter, names_a_secret};
use serde_json::Value;
use url::{Url, form_urlencoded};

use super::super::{
    references,
    secrets::{self, CollectedSecrets},
};
use crate::{client::Place, document::Document};

/// Shortest word of a secret, in characters, that is masked on its own.
const MIN_WORD_CHARS: usize = 8;
/// Depth to which values are searched.
const MAX_DEPTH: usize = 16;

pub(super) fn add_file(known: &mut BTreeSet<String>, place: &Place, content: &[u8]) {
    let Ok(document) = Document::parse(place, Some(content)) else { return };
    for (_, entry) in document.servers().unwrap_or_default() {
        walk(known, &entry, false, 0);
    }
}

/// Adds a secret, its lines and its words: YAML may break and join texts at them.
pub(super) fn add(known: &mut BTreeSet<String>, secret: &str) {
    let secret = &secret[secrets::after_scheme(secret)..];
    if secrets::is_trivial(secret) || references::is_one(secret) {
        return;
    }
    known.insert(secret.to_owned());
    if secret.contains(char::is_whitespace) {
        let lines = secret.lines().map(str::trim).filter(|line| !secrets::is_trivial(line));
        let words = secret.split_whitespace().filter(|word| word.chars().count() >= MIN_WORD_CHARS);
        known.extend(lines.chain(words).map(str::to_owned));
    }
    // Single quotes are doubled between single quotes in YAML.
    if secret.contains('\'') {
        known.insert(secret.replace('\'', "''"));
    }
}

fn walk(known: &mut BTreeSet<String>, value: &Value, in_headers: bool, depth: usize) {
    if depth > MAX_DEPTH {
        return;
    }
    match value {
        Value::Object(fields) => {
            let named =
                ["name", "key", "header"].into_iter().find_map(|name| fields.get(name)?.as_str());
            for (name, value) in fields {
                let is_pair = name == "value"
                    && named.is_some_and(|named| is_secret(named, value, in_headers));
                if is_pair || is_secret(name, value, in_headers) {
                    add_all(known, value, depth);
                }
                let is_headers = name.to_ascii_lowercase().contains("header");
                walk(known, value, in_headers || is_headers, depth + 1);
            }
        }
        Value::Array(items) => {
            let args: Vec<String> =
                items.iter().map(|item| item.as_str().unwrap_or_default().to_owned()).collect();
            let mut kept = CollectedSecrets::default();
            secrets::in_args(&args, &mut kept);
            kept.secrets.values().for_each(|secret| add(known, secret.expose()));
            items.iter().for_each(|item| walk(known, item, in_headers, depth + 1));
        }
        Value::String(text) => in_url(known, text),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

fn is_secret(name: &str, value: &Value, in_headers: bool) -> bool {
    match value {
        Value::String(text) => {
            secrets::is_secret_field(name, text)
                || (in_headers && is_credential_header(name) && !secrets::is_trivial(text))
        }
        Value::Number(number) => secrets::is_secret_field(name, &number.to_string()),
        _ => names_a_secret(name),
    }
}

fn add_all(known: &mut BTreeSet<String>, value: &Value, depth: usize) {
    match value {
        Value::String(text) => add(known, text),
        Value::Number(number) => add(known, &number.to_string()),
        Value::Array(items) if depth <= MAX_DEPTH => {
            items.iter().for_each(|item| add_all(known, item, depth + 1));
        }
        Value::Object(fields) if depth <= MAX_DEPTH => {
            fields
                .values()
                .filter(|value| !is_word(value))
                .for_each(|value| add_all(known, value, depth + 1));
        }
        _ => {}
    }
}

/// Too short to be masked everywhere, without a name that says it is a secret.
fn is_word(value: &Value) -> bool {
    match value {
        Value::String(text) => text.chars().count() < MIN_WORD_CHARS,
        Value::Array(items) => items.iter().all(is_word),
        _ => false,
    }
}

/// The user, the password and the telling parameters of an address, as they are written.
fn in_url(known: &mut BTreeSet<String>, text: &str) {
    let Ok(url) = Url::parse(text) else { return };
    url.password().into_iter().for_each(|password| add(known, password));
    if url.password().is_none() && matches!(url.scheme(), "http" | "https") {
        add(known, url.username());
    }
    let raw = text.split_once('?').map_or("", |(_, query)| query);
    for parameter in raw.split(['&', '#']) {
        let Some((name, value)) = parameter.split_once('=') else { continue };
        let name = form_urlencoded::parse(name.as_bytes()).next();
        let name = name.map(|(name, _)| name).unwrap_or_default();
        if is_credential_parameter(&name) || names_a_secret(&name) {
            add(known, value);
        }
    }
}
