//! What comes along when a client's server is taken over: kept beside the integration for the owner to see, and acted on
//! by nobody.

use agentport_core::{redact, sanitize};
use serde_json::Value;

use agentport_api::Imported;

/// Longest name of a client.
const MAX_FROM: usize = 64;
/// The most that is kept of one integration, in bytes of JSON.
const LARGEST: usize = 64 * 1024;

/// It is more than is kept.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "what the client said of it takes {bytes} bytes, and at most 65536 are kept; leave some of it out"
)]
pub(crate) struct TooMuch {
    bytes: usize,
}

/// As it may be stored: no larger than it should be, and without what looks like a secret.
pub(crate) fn fit_to_be_kept(imported: Imported) -> Result<Imported, TooMuch> {
    let bytes = serde_json::to_string(&imported).map_or(usize::MAX, |json| json.len());
    if bytes > LARGEST {
        return Err(TooMuch { bytes });
    }
    let mut extra = redact::redacted(&imported.extra);
    keep_marks(&imported.extra, &mut extra);
    Ok(Imported { from: sanitize::sanitize_line(&imported.from, MAX_FROM), extra, ..imported })
}

/// What was masked before, as in a backup, is not masked again, which would count the mark's own characters.
fn keep_marks(before: &Value, after: &mut Value) {
    match (before, after) {
        (Value::String(before), Value::String(after)) if is_mark(before) => {
            after.clone_from(before);
        }
        (Value::Array(before), Value::Array(after)) => {
            before.iter().zip(after).for_each(|(before, after)| keep_marks(before, after));
        }
        (Value::Object(before), Value::Object(after)) => {
            for (name, after) in after {
                if let Some(before) = before.get(name) {
                    keep_marks(before, after);
                }
            }
        }
        _ => {}
    }
}

/// Is it what stands in a secret's place?
fn is_mark(text: &str) -> bool {
    let inner = text.strip_prefix("[redacted: ").and_then(|rest| rest.strip_suffix(']'));
    inner.and_then(|inner| inner.split_once(' ')).is_some_and(|(count, what)| {
        let what = what.strip_suffix('s').unwrap_or(what);
        matches!(what, "character" | "field" | "item" | "number")
            && (count == "a" || count.bytes().all(|byte| byte.is_ascii_digit() || byte == b','))
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn imported(extra: serde_json::Value) -> Imported {
        Imported {
            from: "Cline\n".to_owned(),
            auto_approve: vec!["read_file".to_owned()],
            auto_approve_all: false,
            extra,
        }
    }

    #[test]
    fn secrets_are_masked_and_the_rest_stays() {
        let extra = json!({
            "oauth": { "client_secret": "obviously-fake", "token": 7, "secrets": ["fake"] }, "order": [3, 1],
        });
        let kept = fit_to_be_kept(imported(extra)).unwrap();
        assert_eq!((kept.from.as_str(), kept.auto_approve.len()), ("Cline", 1));
        assert_eq!(kept.extra["order"], json!([3, 1]));
        assert!(!kept.extra.to_string().contains("fake"), "{}", kept.extra);
        assert_eq!(fit_to_be_kept(kept.clone()), Ok(kept), "what is kept may be kept again");
    }

    #[test]
    fn there_is_a_limit() {
        let of = |length: usize| fit_to_be_kept(imported(json!({ "notes": "x".repeat(length) })));
        assert!(of(LARGEST - 200).is_ok());
        let refused = of(LARGEST).unwrap_err();
        assert!(refused.to_string().contains("65536"), "{refused}");
    }
}
