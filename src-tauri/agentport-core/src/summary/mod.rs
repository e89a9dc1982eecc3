//! What a call would do, in plain words computed by us.
//!
//! The agent's own words are never the only thing the owner sees. This sentence is made from the tool's name and the
//! arguments alone, the same for the same call, and nothing in it can pass for a part of it that it is not: foreign
//! text is cleaned ([`sanitize::sanitize_line`]), quoted, and holds no quotation mark of its own. It goes into notifications, so
//! what looks like a secret is hidden ([`redact`](crate::redact)).
//!
//! Deliberately absent: completeness. The arguments themselves are shown beside it where there is room.

use std::cmp::Reverse;

use serde_json::{Map, Value};

use crate::{
    redact::{counted, names_a_secret, redacted_text},
    sanitize,
};

/// The longest sentence, in characters.
pub const MAX_SUMMARY: usize = 240;
/// Arguments named at most.
const MAX_SHOWN: usize = 4;
/// Characters of a value.
const MAX_VALUE: usize = 60;
/// Characters of the name of an argument.
const MAX_FIELD: usize = 30;
/// Characters of what the tool is called, and of the integration's name.
const MAX_NAME: usize = 50;

/// Words in the names of arguments that tell best what a call is about, best first.
const TELLING: [&str; 40] = [
    "path",
    "file",
    "filename",
    "source",
    "destination",
    "url",
    "uri",
    "to",
    "recipient",
    "recipients",
    "cc",
    "bcc",
    "from",
    "command",
    "subject",
    "title",
    "query",
    "sql",
    "q",
    "search",
    "amount",
    "currency",
    "price",
    "repo",
    "repository",
    "owner",
    "project",
    "branch",
    "channel",
    "name",
    "email",
    "user",
    "id",
    "date",
    "start",
    "end",
    "status",
    "labels",
    "key",
    "message",
];

/// One sentence for the owner, at most 240 characters:
/// `Write file in Files: path "/tmp/a.txt", content (2,310 characters)`.
///
/// `title` is what the tool's definition calls it; without one its name is made readable. The most telling arguments
/// come first, four at most; lists and objects are summed up, long texts that are not telling counted.
pub fn summary(
    integration_name: &str,
    tool: &str,
    title: Option<&str>,
    arguments: &Value,
) -> String {
    let visible = |name: &&str| !sanitize::sanitize_line(name, MAX_NAME).is_empty();
    let action = match title.filter(visible) {
        Some(title) => shown_name(title),
        None => shown_name(&humanised(tool)),
    };
    let action = if action.is_empty() { "Call a tool" } else { &action };
    let head = format!("{action} in {}", shown_name(integration_name));
    let head = head.trim_end().to_owned();
    match arguments {
        Value::Object(fields) if !fields.is_empty() => with_fields(&head, fields),
        Value::Object(_) | Value::Null => head,
        other => sanitize::sanitize_line(&format!("{head}: {}", worded(other, true)), MAX_SUMMARY),
    }
}

fn with_fields(head: &str, fields: &Map<String, Value>) -> String {
    let mut ordered: Vec<_> = fields.iter().collect();
    ordered.sort_by_cached_key(|(name, value)| (importance(name, value), (*name).clone()));
    let mut shown: Vec<String> =
        ordered.iter().take(MAX_SHOWN).map(|(name, value)| described(name, value)).collect();
    loop {
        let left = fields.len() - shown.len();
        let rest = match (shown.len(), left) {
            (_, 0) => String::new(),
            (0, _) => counted(left, "argument"),
            _ => format!(", and {} more", sanitize::grouped(left)),
        };
        let sentence = format!("{head}: {}{rest}", shown.join(", "));
        if sentence.chars().count() <= MAX_SUMMARY || shown.pop().is_none() {
            return sanitize::sanitize_line(&sentence, MAX_SUMMARY);
        }
    }
}

/// Smaller is shown earlier: the most telling word in the name, and what says something before what says nothing.
fn importance(name: &str, value: &Value) -> (Reverse<bool>, usize) {
    let words = humanised(name).to_lowercase();
    let place = words
        .split(' ')
        .filter_map(|word| TELLING.iter().position(|telling| *telling == word))
        .min()
        .unwrap_or(TELLING.len());
    (Reverse(!value.is_null()), place)
}

fn described(name: &str, value: &Value) -> String {
    let shown_name = field_name(name);
    if names_a_secret(name) && !value.is_null() && !value.is_boolean() {
        return format!("{shown_name} (hidden)");
    }
    let telling = importance(name, value).1 < TELLING.len();
    format!("{shown_name} {}", worded(value, telling))
}

/// A value in words. A long text is cut if it tells something, else counted.
fn worded(value: &Value, telling: bool) -> String {
    match value {
        Value::String(value) => {
            let length = value.chars().count();
            if length > MAX_VALUE && !telling {
                return format!("({})", counted(length, "character"));
            }
            format!("\"{}\"", plain(&redacted_text(value), MAX_VALUE))
        }
        Value::Array(items) => match items.as_slice() {
            [first] if is_plain(first) => worded(first, telling),
            [first, rest @ ..] if is_plain(first) && telling => {
                format!("{} and {} more", worded(first, telling), sanitize::grouped(rest.len()))
            }
            _ => format!("({})", counted(items.len(), "item")),
        },
        Value::Object(fields) => format!("({})", counted(fields.len(), "field")),
        plain => plain.to_string(),
    }
}

fn is_plain(value: &Value) -> bool {
    !value.is_array() && !value.is_object()
}

/// Cleaned, cut, and without quotation marks, which only we set.
fn plain(foreign: &str, max: usize) -> String {
    sanitize::sanitize_line(foreign, max).replace('"', "'")
}

/// A name of a tool or integration, escaped and marked where it is not what it looks like.
fn shown_name(name: &str) -> String {
    sanitize::display_name_within(name.trim(), MAX_NAME).to_string().replace('"', "'")
}

/// Argument names come from the agent too where a schema lets anything through, so odd ones are quoted.
fn field_name(name: &str) -> String {
    let shown = sanitize::display_name_within(name, MAX_FIELD).to_string().replace('"', "'");
    let ordinary = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | '…');
    if !shown.is_empty() && shown.chars().all(ordinary) { shown } else { format!("\"{shown}\"") }
}

/// `write_file`, `writeFile` and `write-file` as `Write file`. Acronyms stay: `getURL` is `Get URL`.
fn humanised(name: &str) -> String {
    let mut words: Vec<String> = vec![];
    let mut word = String::new();
    let mut chars = name.chars().peekable();
    let mut before = ' ';
    while let Some(c) = chars.next() {
        let separates = matches!(c, '_' | '-' | '.' | '/' | ':') || c.is_whitespace();
        let hump = c.is_uppercase()
            && (before.is_lowercase()
                || before.is_numeric()
                || (before.is_uppercase() && chars.peek().is_some_and(|next| next.is_lowercase())));
        if (separates || hump) && !word.is_empty() {
            words.push(std::mem::take(&mut word));
        }
        if !separates {
            word.push(c);
        }
        before = c;
    }
    words.push(word);
    let sentence: Vec<String> = words
        .into_iter()
        .filter(|word| !word.is_empty())
        .enumerate()
        .map(|(at, word)| cased(&word, at == 0))
        .collect();
    sentence.join(" ")
}

fn cased(word: &str, first: bool) -> String {
    let acronym = word.chars().count() > 1 && !word.chars().any(char::is_lowercase);
    let mut chars = word.chars();
    match chars.next() {
        Some(_) if acronym => word.to_owned(),
        Some(c) if first => c.to_uppercase().chain(chars).collect(),
        Some(_) => word.to_lowercase(),
        None => String::new(),
    }
}

#[cfg(test)]
mod tests;
