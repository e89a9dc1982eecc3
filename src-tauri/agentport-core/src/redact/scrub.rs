//! Taking out secrets we know.

use std::ops::Range;

use serde_json::{Map, Value};

/// What stands in place of one of our secrets.
pub const SCRUBBED: &str = "[secret removed by AgentPort]";
/// Secrets with fewer characters are left: they would be found in every other word.
const LEAST_CHARS: usize = 6;

/// `text` with every occurrence of the `secrets` replaced by [`SCRUBBED`], or `None` if there is none.
///
/// For replies that echo what we sent: a header in an error message, the environment in a listing. Only the secrets
/// as they are kept are found, not in another encoding. Where they overlap, all that any of them covers goes.
pub fn scrub(text: &str, secrets: &[&str]) -> Option<String> {
    let mut found: Vec<Range<usize>> = Vec::new();
    for secret in secrets.iter().filter(|secret| long_enough(secret)) {
        found.extend(text.match_indices(secret).map(|(at, _)| at..at + secret.len()));
    }
    if found.is_empty() {
        return None;
    }
    found.sort_unstable_by_key(|range| range.start);
    let mut out = String::with_capacity(text.len());
    let mut done = 0;
    for range in found {
        if range.start >= done {
            out.push_str(&text[done..range.start]);
            out.push_str(SCRUBBED);
        }
        done = done.max(range.end);
    }
    out.push_str(&text[done..]);
    Some(out)
}

/// Scrubs every text in `value`, the names of fields included, and says whether there was anything to remove.
///
/// A number that is a secret digit by digit becomes the text [`SCRUBBED`], whatever a schema says.
pub fn scrub_value(value: &mut Value, secrets: &[&str]) -> bool {
    let numeric: Vec<&str> = secrets
        .iter()
        .copied()
        .filter(|secret| long_enough(secret) && secret.parse::<f64>().is_ok())
        .collect();
    walk(value, secrets, &numeric)
}

fn long_enough(secret: &str) -> bool {
    secret.chars().nth(LEAST_CHARS - 1).is_some()
}

fn walk(value: &mut Value, secrets: &[&str], numeric: &[&str]) -> bool {
    match value {
        Value::String(text) => match scrub(text, secrets) {
            Some(clean) => {
                *text = clean;
                true
            }
            None => false,
        },
        Value::Number(number) if !numeric.is_empty() => {
            let echoed = numeric.contains(&number.to_string().as_str());
            if echoed {
                *value = Value::from(SCRUBBED);
            }
            echoed
        }
        Value::Array(items) => walk_all(items.iter_mut(), secrets, numeric),
        Value::Object(fields) => {
            let inside = walk_all(fields.values_mut(), secrets, numeric);
            scrub_names(fields, secrets) || inside
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}

fn walk_all<'a>(
    items: impl Iterator<Item = &'a mut Value>,
    secrets: &[&str],
    numeric: &[&str],
) -> bool {
    let mut found = false;
    for item in items {
        found |= walk(item, secrets, numeric);
    }
    found
}

fn scrub_names(fields: &mut Map<String, Value>, secrets: &[&str]) -> bool {
    if fields.keys().all(|name| scrub(name, secrets).is_none()) {
        return false;
    }
    *fields = std::mem::take(fields)
        .into_iter()
        .map(|(name, item)| (scrub(&name, secrets).unwrap_or(name), item))
        .collect();
    true
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn takes_out_what_we_know() {
        let marked = |text: &str| Some(text.replace('#', SCRUBBED));
        for (text, secrets, want) in [
            ("nothing here", &["obviously-fake"][..], None),
            ("", &["obviously-fake"], None),
            ("a obviously-fake b", &["obviously-fake"], marked("a # b")),
            ("obviously-fake", &["obviously-fake"], marked("#")),
            ("obviously-fakeobviously-fake", &["obviously-fake"], marked("##")),
            ("x=abcdef&y=ghijkl", &["ghijkl", "abcdef"], marked("x=#&y=#")),
            // One secret inside another, and two that overlap.
            ("abcdefgh", &["abcdef", "abcdefgh"], marked("#")),
            ("abcdefghi", &["abcdef", "defghi"], marked("#")),
            // Too short to look for, in characters.
            ("short", &["short", ""], None),
            ("ключи", &["ключи"], None),
            ("ключик!", &["ключик"], marked("#!")),
        ] {
            assert_eq!(scrub(text, secrets), want, "{text:?}");
        }
    }

    #[test]
    fn goes_through_values() {
        let mut value = json!({
            "a": ["x obviously-fake", {"obviously-fake": 1}],
            "b": 123456, "c": true, "d": "obviously-fake", "e": 1234567,
        });
        let secrets = ["obviously-fake", "123456", "true"];
        assert!(scrub_value(&mut value, &secrets));
        assert_eq!(
            value,
            json!({
                "a": [format!("x {SCRUBBED}"), {(SCRUBBED): 1}],
                "b": SCRUBBED, "c": true, "d": SCRUBBED, "e": 1_234_567,
            })
        );
        let clean = value.clone();
        assert!(!scrub_value(&mut value, &secrets));
        assert_eq!(value, clean);
    }
}
