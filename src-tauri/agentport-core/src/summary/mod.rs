//! What a call would do, in plain words computed by us.
//!
//! The agent's own words are never the only thing the owner sees. This sentence is made from the tool's name and the
//! arguments alone, the same for the same call, and nothing in it can pass for a part of it that it is not: foreign text
//! is cleaned ([`sanitize`]), quoted, and holds no quotation mark of its own. A text that is too long shows its beginning
//! and its end, with the number of characters between; a line break is a visible sign. What looks dangerous comes first.
//! The sentence goes into notifications, so what looks like a secret is hidden ([`redact`](crate::redact)).
//!
//! Deliberately absent: completeness. How much is not shown is counted ([`CallSummary::hidden_characters`]), and the
//! arguments themselves are shown beside it where there is room.

use std::{borrow::Cow, cmp::Reverse};

use serde_json::{Map, Value};

mod danger;
mod wish;

pub use self::wish::wish;

use self::danger::{dangerous_text, is_dangerous};
use crate::{
    redact::{counted, names_a_secret, redacted_long_text},
    sanitize,
};

/// The longest sentence, in characters.
pub const MAX_SUMMARY: usize = 320;
/// Arguments named at most.
const MAX_SHOWN: usize = 4;
/// Characters of a value: as many as fit, of these.
const MAX_VALUE: [usize; 4] = [80, 60, 40, 24];
/// Bytes of a text that are looked at, half from each end.
const MAX_READ: usize = 64 * 1024;
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

/// A call in a sentence, and how much of it the sentence does not show.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallSummary {
    /// At most [`MAX_SUMMARY`] characters, one line.
    pub sentence: String,
    /// Characters of the arguments that the sentence leaves out: of long texts, of lists and objects, and of arguments
    /// it does not name. Blanks and secrets do not count.
    pub hidden_characters: usize,
}

/// The sentence of [`summarize`].
pub fn summary(
    integration_name: &str,
    tool: &str,
    title: Option<&str>,
    arguments: &Value,
) -> String {
    summarize(integration_name, tool, title, arguments).sentence
}

/// One sentence for the owner:
/// `Write file in Files: path "/tmp/a.txt", content "Dear all, …" 2,230 more characters "… yours"`.
///
/// `title` is what the tool's definition calls it; without one its name is made readable. What looks dangerous comes
/// first, then the most telling arguments, four at most; lists and objects are summed up.
pub fn summarize(
    integration_name: &str,
    tool: &str,
    title: Option<&str>,
    arguments: &Value,
) -> CallSummary {
    let visible = |name: &&str| !sanitize::sanitize_line(name, MAX_NAME).is_empty();
    let action = match title.filter(visible) {
        Some(title) => shown_name(title),
        None => shown_name(&humanised(tool)),
    };
    let action = if action.is_empty() { "Call a tool" } else { &action };
    let head = format!("{action} in {}", shown_name(integration_name));
    let head = head.trim_end();
    match arguments {
        Value::Object(fields) if !fields.is_empty() => with_fields(head, fields),
        Value::Object(_) | Value::Null => {
            CallSummary { sentence: head.to_owned(), hidden_characters: 0 }
        }
        other => {
            let shown = worded(other, true, MAX_VALUE[0]);
            CallSummary {
                sentence: sanitize::sanitize_line(&format!("{head}: {}", shown.text), MAX_SUMMARY),
                hidden_characters: characters(other).saturating_sub(shown.characters),
            }
        }
    }
}

/// A part of the sentence, and how many characters of the arguments it shows.
struct Shown {
    text: String,
    characters: usize,
}

fn with_fields(head: &str, fields: &Map<String, Value>) -> CallSummary {
    let mut ordered: Vec<_> = fields.iter().collect();
    ordered.sort_by_cached_key(|(name, value)| (importance(name, value), (*name).clone()));
    let all: usize = ordered.iter().map(|(name, value)| countable(name, value)).sum();
    let mut sentence = String::new();
    // Shorter values first, then fewer arguments: the most important one stays.
    let shorter = MAX_VALUE.iter().map(|max| (MAX_SHOWN, *max));
    let fewer = (0..MAX_SHOWN).rev().map(|count| (count, MAX_VALUE[MAX_VALUE.len() - 1]));
    for (count, max_value) in shorter.chain(fewer) {
        let shown: Vec<Shown> = ordered
            .iter()
            .take(count)
            .map(|(name, value)| described(name, value, max_value))
            .collect();
        let left = fields.len() - shown.len();
        let rest = match (shown.len(), left) {
            (_, 0) => String::new(),
            (0, _) => counted(left, "argument"),
            _ => format!(", and {} more", sanitize::grouped(left)),
        };
        let texts: Vec<&str> = shown.iter().map(|shown| shown.text.as_str()).collect();
        sentence = format!("{head}: {}{rest}", texts.join(", "));
        if sentence.chars().count() <= MAX_SUMMARY {
            let seen: usize = shown.iter().map(|shown| shown.characters).sum();
            return CallSummary { sentence, hidden_characters: all.saturating_sub(seen) };
        }
    }
    CallSummary {
        sentence: sanitize::sanitize_line(&sentence, MAX_SUMMARY),
        hidden_characters: all,
    }
}

/// Characters that count as hidden where they are not shown.
fn countable(name: &str, value: &Value) -> usize {
    if is_secret(name, value) { 0 } else { characters(value) }
}

fn is_secret(name: &str, value: &Value) -> bool {
    names_a_secret(name) && !value.is_null() && !value.is_boolean()
}

/// The characters of all values within, blanks left out.
fn characters(value: &Value) -> usize {
    match value {
        Value::String(text) => visible_characters(text),
        Value::Array(items) => items.iter().map(characters).sum(),
        Value::Object(fields) => fields.iter().map(|(name, value)| countable(name, value)).sum(),
        plain => plain.to_string().len(),
    }
}

fn visible_characters(text: &str) -> usize {
    text.chars().filter(|c| !c.is_whitespace()).count()
}

/// Smaller is shown earlier: what says something before what says nothing, what looks dangerous, and then the most
/// telling word in the name.
fn importance(name: &str, value: &Value) -> (bool, Reverse<bool>, usize) {
    (value.is_null(), Reverse(is_dangerous(name, value)), telling_place(name))
}

fn telling_place(name: &str) -> usize {
    let words = humanised(name).to_lowercase();
    let places = words.split(' ').filter_map(|word| TELLING.iter().position(|t| *t == word));
    places.min().unwrap_or(TELLING.len())
}

fn described(name: &str, value: &Value, max_value: usize) -> Shown {
    let shown_name = field_name(name);
    if is_secret(name, value) {
        return Shown { text: format!("{shown_name} (hidden)"), characters: 0 };
    }
    let shown = worded(value, telling_place(name) < TELLING.len(), max_value);
    Shown { text: format!("{shown_name} {}", shown.text), ..shown }
}

/// A very long text without its middle, and how many characters were left out.
fn both_ends(text: &str) -> (Cow<'_, str>, usize) {
    if text.len() <= MAX_READ {
        return (Cow::Borrowed(text), 0);
    }
    let start = &text[..text.floor_char_boundary(MAX_READ / 2)];
    let end = &text[text.ceil_char_boundary(text.len() - MAX_READ / 2)..];
    let left_out = text[start.len()..text.len() - end.len()].chars().count();
    (Cow::Owned(format!("{start}{end}")), left_out)
}

/// A value in words. Lists and objects are summed up, with a text within that looks dangerous.
fn worded(value: &Value, telling: bool, max: usize) -> Shown {
    let summed_up = |text: String| match dangerous_text(value) {
        Some(within) => {
            let within = quoted(within, max);
            Shown { text: format!("{text}, with {}", within.text), ..within }
        }
        None => Shown { text, characters: 0 },
    };
    match value {
        Value::String(text) => quoted(text, max),
        Value::Array(items) => match items.as_slice() {
            [first] if is_plain(first) => worded(first, telling, max),
            [first, rest @ ..] if is_plain(first) && telling && dangerous_text(value).is_none() => {
                let shown = worded(first, telling, max);
                let text = format!("{} and {} more", shown.text, sanitize::grouped(rest.len()));
                Shown { text, ..shown }
            }
            _ => summed_up(format!("({})", counted(items.len(), "item"))),
        },
        Value::Object(fields) => summed_up(format!("({})", counted(fields.len(), "field"))),
        plain => Shown { text: plain.to_string(), characters: plain.to_string().len() },
    }
}

/// A text in quotation marks, its line breaks visible; of a long one the beginning and the end.
fn quoted(text: &str, max: usize) -> Shown {
    let (text, left_out) = both_ends(text);
    let text = &*text;
    let redacted = redacted_long_text(text);
    // Characters that are replaced by a marker are shown as far as they can be.
    let removed = visible_characters(text).saturating_sub(visible_characters(&redacted));
    let clean = sanitize::sanitize_marking_lines(&redacted, usize::MAX).replace('"', "'");
    let length = clean.chars().count();
    let shown =
        |parts: &[&str]| parts.iter().map(|part| visible_characters(part)).sum::<usize>() + removed;
    if length <= max {
        return Shown { characters: shown(&[&clean]), text: format!("\"{clean}\"") };
    }
    let end_length = max / 3;
    let at = |chars: usize| clean.char_indices().nth(chars).map_or(clean.len(), |(at, _)| at);
    let start = clean[..at(max - end_length)].trim_end();
    let end = clean[at(length - end_length)..].trim_start();
    let between = counted(length - max + left_out, "more character");
    Shown {
        characters: shown(&[start, end]), text: format!("\"{start}…\" {between} \"…{end}\"")
    }
}

fn is_plain(value: &Value) -> bool {
    !value.is_array() && !value.is_object()
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
