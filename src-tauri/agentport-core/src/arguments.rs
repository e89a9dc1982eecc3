//! Arguments in canonical form, and their hash.
//!
//! Two calls are the same when their canonical arguments are: keys sorted, no white space, numbers as they were
//! written. This is not RFC 8785, under which `1` and `1.0` would be one number: to an upstream they may not be.
//!
//! What always holds: the canonical text, read again, has the same canonical text. An approval is bound to a hash of
//! what is stored as JSON, so this must be true of fractions to the last digit, which is why this crate asks
//! `serde_json` for `float_roundtrip`.
//!
//! Deliberately absent: spellings that `serde_json` does not tell apart (`1.0`, `1.00` and `1e0`; integers beyond 64
//! bits that are the same as 64-bit floats). They are one value to us before the owner is asked, and it is this value
//! that the owner sees and the upstream gets.

use std::fmt::{self, Write as _};

use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use ts_rs::TS;

use crate::tool::{hex_serde, parse_hex};

/// SHA-256 of canonical arguments. In text: 64 lower-case hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, TS)]
#[ts(as = "String")]
pub struct ArgumentsHash(pub [u8; 32]);
hex_serde!(ArgumentsHash);

impl ArgumentsHash {
    /// The hash of `arguments` in canonical form.
    pub fn of(arguments: &Value) -> Self {
        Self(Sha256::digest(canonical(arguments).as_bytes()).into())
    }
}

/// Writes `value` with sorted keys (by code point) and no white space.
pub fn canonical(value: &Value) -> String {
    let mut text = String::new();
    append(value, &mut text);
    text
}

fn append(value: &Value, text: &mut String) {
    match value {
        Value::Array(items) => {
            text.push('[');
            for (at, item) in items.iter().enumerate() {
                if at > 0 {
                    text.push(',');
                }
                append(item, text);
            }
            text.push(']');
        }
        Value::Object(map) => {
            let mut entries: Vec<_> = map.iter().collect();
            entries.sort_unstable_by_key(|(key, _)| key.as_str());
            text.push('{');
            for (at, (key, item)) in entries.into_iter().enumerate() {
                if at > 0 {
                    text.push(',');
                }
                text.push_str(&Value::from(key.as_str()).to_string());
                text.push(':');
                append(item, text);
            }
            text.push('}');
        }
        // Writing to a string cannot fail.
        plain => drop(write!(text, "{plain}")),
    }
}

impl fmt::Display for ArgumentsHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for ArgumentsHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ArgumentsHash({self})")
    }
}

impl std::str::FromStr for ArgumentsHash {
    type Err = crate::tool::InvalidDigest;

    fn from_str(s: &str) -> Result<Self, Self::Err> {
        parse_hex(s).map(Self).ok_or(crate::tool::InvalidDigest)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn read(text: &str) -> Value {
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn has_one_form() {
        for (text, want) in [
            (r#"{ "b" : [1, {"d":2,"c":1}] , "a" : null }"#, r#"{"a":null,"b":[1,{"c":1,"d":2}]}"#),
            (
                r#"{"é":1,"e":2,"E":3,"":4,"aa":5,"a":6}"#,
                r#"{"":4,"E":3,"a":6,"aa":5,"e":2,"é":1}"#,
            ),
            (r#""\u0041\/\n\u001f\"\\""#, r#""A/\n\u001f\"\\""#),
            (r#"{"\u0061":1}"#, r#"{"a":1}"#),
            ("[]", "[]"),
            ("{}", "{}"),
            ("[ ]", "[]"),
            ("1.50", "1.5"),
        ] {
            assert_eq!(canonical(&read(text)), want);
        }
    }

    #[test]
    fn tells_apart_what_an_upstream_may() {
        let different = [
            "1",
            "1.0",
            "-1",
            "0",
            "-0.0",
            "true",
            "null",
            r#""1""#,
            "[]",
            "{}",
            "[1]",
            "[[1]]",
            r#"{"a":null}"#,
            r#"{"a":[]}"#,
            r#"{"a":{}}"#,
            r#"{"a":1,"b":2}"#,
            r#"{"a":2,"b":1}"#,
            r#"{"A":1}"#,
            "[1,2]",
            "[2,1]",
            "9007199254740992",
            "9007199254740993",
            "9007199254740992.0",
            "18446744073709551615",
            "18446744073709551614",
            "-9223372036854775808",
            "-9223372036854775807",
            r#""a""#,
            r#""a ""#,
            "0.1",
            "0.10000000000000002",
        ];
        for (at, one) in different.iter().enumerate() {
            for other in &different[at + 1..] {
                assert_ne!(
                    ArgumentsHash::of(&read(one)),
                    ArgumentsHash::of(&read(other)),
                    "{one} {other}"
                );
            }
        }
    }

    #[test]
    fn hash_is_sha256_in_hex() {
        let hash = ArgumentsHash::of(&json!({}));
        let text = "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a";
        assert_eq!(hash.to_string(), text);
        assert_eq!(text.parse(), Ok(hash));
        assert_eq!(serde_json::to_value(hash).unwrap(), json!(text));
        for bad in ["", "44", &text[1..], &text.replace('4', "g"), &format!("+{}", &text[1..])] {
            assert!(bad.parse::<ArgumentsHash>().is_err(), "{bad}");
        }
    }

    fn any_json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<u64>().prop_map(Value::from),
            any::<f64>().prop_map(Value::from),
            any::<String>().prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 40, 6, |inner| {
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
                proptest::collection::vec((any::<String>(), inner), 0..6)
                    .prop_map(|fields| Value::Object(fields.into_iter().collect())),
            ]
        })
    }

    fn reversed(value: &Value) -> Value {
        match value {
            Value::Array(items) => items.iter().map(reversed).collect(),
            Value::Object(fields) => Value::Object(
                fields.iter().rev().map(|(key, item)| (key.clone(), reversed(item))).collect(),
            ),
            plain => plain.clone(),
        }
    }

    proptest! {
        #[test]
        fn reading_it_again_changes_nothing(value in any_json()) {
            let text = canonical(&value);
            prop_assert_eq!(canonical(&read(&text)), text);
        }

        #[test]
        fn the_stored_form_has_the_same_hash(value in any_json()) {
            let stored = serde_json::to_string(&value).unwrap();
            prop_assert_eq!(ArgumentsHash::of(&read(&stored)), ArgumentsHash::of(&value));
        }

        #[test]
        fn order_of_keys_is_free(value in any_json()) {
            prop_assert_eq!(canonical(&reversed(&value)), canonical(&value));
        }
    }
}
