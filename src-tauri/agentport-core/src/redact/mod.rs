//! What of a call may be written down, and what of a reply may be handed on.
//!
//! [`redacted`] makes the copy of arguments that the activity keeps. It goes by the names of fields and by the looks
//! of texts, so it errs in both directions: a field called `token` that holds none is hidden, a password in the
//! middle of a letter is not seen. What always holds: the copy is bounded in depth, in number of values and in length
//! of texts, and a secret it recognises leaves no character behind, only how long it was.
//!
//! [`scrub`] is about secrets we know because we keep them, and takes them out wherever they turn up.
//!
//! Deliberately absent: guessing by entropy. It would hide every hash and identifier the owner may want to find.

mod credential_names;
mod field_names;
mod scrub;
mod secret_patterns;

use std::borrow::Cow;

use serde_json::{Map, Value};

pub use credential_names::{is_credential_header, is_credential_parameter};
pub use field_names::names_a_secret;
pub use scrub::{SCRUBBED, scrub, scrub_value};
pub use secret_patterns::secrets_in;

/// Deeper than this nothing is kept.
const MAX_DEPTH: usize = 16;
/// Values kept of one call, containers included.
const MAX_VALUES: usize = 2_000;
/// Characters kept of one text.
const MAX_TEXT: usize = 2_000;
/// Characters kept of a text of which beginning and end are shown.
const MAX_LONG_TEXT: usize = 64 * 1024;
/// Characters kept of a field's name.
const MAX_FIELD_NAME: usize = 200;
/// How much further than it keeps the search for secrets reads (bytes), so that the cut does not halve one.
const LOOK_AHEAD: usize = 2_048;

/// A copy of `arguments` fit for the record.
///
/// Becomes a marker such as `[redacted: 24 characters]`: every text, number, list and object in a field whose name
/// says it is a secret (`password`, `x-api-key`, `clientSecret`, also `{"name": "API_KEY", "value": …}` and the item
/// after `"--token"`); and, inside texts, what looks like one (see [`redacted_text`]). Texts over 2,000 characters
/// are cut, which is noted with their length, and so is what lies too deep or is too much.
pub fn redacted(arguments: &Value) -> Value {
    copy(arguments, 0, &mut MAX_VALUES.clone())
}

/// `text` without what looks like a secret: our keys, tokens of well-known services, `Bearer …`, JSON web tokens, PEM
/// blocks, passwords in URLs, and `password=…` or `"api_key": "…"` in running text. Cut at 2,000 characters.
pub fn redacted_text(text: &str) -> Cow<'_, str> {
    redacted_up_to(text, MAX_TEXT)
}

/// `text` like [`redacted_text`], up to 64 Ki characters.
pub(crate) fn redacted_long_text(text: &str) -> Cow<'_, str> {
    redacted_up_to(text, MAX_LONG_TEXT)
}

fn copy(value: &Value, depth: usize, left: &mut usize) -> Value {
    *left = left.saturating_sub(1);
    match value {
        Value::String(text) => Value::from(redacted_text(text)),
        Value::Array(items) if depth < MAX_DEPTH => copy_items(items, depth, left),
        Value::Object(fields) if depth < MAX_DEPTH => copy_fields(fields, depth, left),
        Value::Array(_) | Value::Object(_) => Value::from("[cut: too deep]"),
        plain => plain.clone(),
    }
}

fn copy_items(items: &[Value], depth: usize, left: &mut usize) -> Value {
    let mut kept = Vec::with_capacity(items.len().min(*left));
    let mut after_flag = false;
    for (at, item) in items.iter().enumerate() {
        if *left == 0 {
            kept.push(Value::from(format!("[cut: {} more]", items.len() - at)));
            break;
        }
        kept.push(if after_flag && item.is_string() {
            hidden(item)
        } else {
            copy(item, depth + 1, left)
        });
        after_flag =
            item.as_str().is_some_and(|text| text.starts_with('-') && names_a_secret(text));
    }
    Value::Array(kept)
}

fn copy_fields(fields: &Map<String, Value>, depth: usize, left: &mut usize) -> Value {
    let text_of = |field: &str| fields.get(field).and_then(Value::as_str);
    let named = ["name", "key", "header", "field"].into_iter().find_map(text_of);
    let is_pair = named.is_some_and(names_a_secret);
    let mut kept = Map::with_capacity(fields.len().min(*left));
    for (at, (name, value)) in fields.iter().enumerate() {
        if *left == 0 {
            kept.insert("…".into(), Value::from(format!("[cut: {} more]", fields.len() - at)));
            break;
        }
        let counts = value.is_number() && field_names::counts_tokens(name);
        let secret =
            names_a_secret(name) && !counts || (is_pair && name.eq_ignore_ascii_case("value"));
        let copied = if secret { hidden(value) } else { copy(value, depth + 1, left) };
        kept.insert(redacted_up_to(name, MAX_FIELD_NAME).into_owned(), copied);
    }
    Value::Object(kept)
}

/// What stands for a secret value. Nothing and yes or no are no secrets.
fn hidden(value: &Value) -> Value {
    Value::from(match value {
        Value::Null | Value::Bool(_) => return value.clone(),
        Value::Number(_) => "[redacted: a number]".to_owned(),
        Value::String(text) => marker(text),
        Value::Array(items) => format!("[redacted: {}]", counted(items.len(), "item")),
        Value::Object(fields) => format!("[redacted: {}]", counted(fields.len(), "field")),
    })
}

fn marker(secret: &str) -> String {
    format!("[redacted: {}]", counted(secret.chars().count(), "character"))
}

/// `1 item`, `2,310 items`.
pub(crate) fn counted(number: usize, what: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{} {what}{plural}", crate::sanitize::grouped(number))
}

fn redacted_up_to(text: &str, max_chars: usize) -> Cow<'_, str> {
    // A text of so few bytes has no more characters.
    let end = if text.len() <= max_chars {
        text.len()
    } else {
        text.char_indices().nth(max_chars).map_or(text.len(), |(at, _)| at)
    };
    let window = &text[..text.floor_char_boundary(end.saturating_add(LOOK_AHEAD))];
    let secrets = secret_patterns::secrets_in(window);
    if secrets.is_empty() && end == text.len() {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(end + 64);
    let mut done = 0;
    for secret in secrets.into_iter().take_while(|secret| secret.start < end) {
        out.push_str(&text[done..secret.start]);
        out.push_str(&marker(&text[secret.clone()]));
        done = secret.end;
    }
    if done < end {
        out.push_str(&text[done..end]);
    }
    if end < text.len() {
        let all = counted(text.chars().count(), "character");
        out.push_str(&format!("… [cut: {all} in all]"));
    }
    Cow::Owned(out)
}

#[cfg(test)]
mod tests;
