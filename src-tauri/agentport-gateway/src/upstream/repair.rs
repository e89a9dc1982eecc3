//! Repair of JSON that is almost JSON: invalid UTF-8, half a surrogate pair, `NaN`, numbers beyond 64 bits.
//!
//! Servers in many languages write such text although their tool ran. What can be read is read.

use std::borrow::Cow;

/// `bytes` with invalid UTF-8 replaced by U+FFFD, escapes of lone surrogates by `\ufffd`, and the literals `NaN`,
/// `Infinity` and `-Infinity` by `null`.
pub(super) fn repaired(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    let mut out = String::with_capacity(text.len());
    let mut rest: &str = &text;
    let mut in_string = false;
    while let Some(next) = rest.chars().next() {
        if in_string {
            let taken = string_piece(rest, &mut out);
            in_string = next != '"';
            rest = &rest[taken..];
            continue;
        }
        let literal =
            ["-Infinity", "Infinity", "NaN"].into_iter().find(|word| rest.starts_with(word));
        if let Some(literal) = literal {
            out.push_str("null");
            rest = &rest[literal.len()..];
            continue;
        }
        in_string = next == '"';
        out.push(next);
        rest = &rest[next.len_utf8()..];
    }
    out
}

/// Copies one character or escape inside a string; returns its length in the input.
fn string_piece(rest: &str, out: &mut String) -> usize {
    let Some(escape) = rest.strip_prefix('\\') else {
        let next = rest.chars().next().unwrap_or_default();
        // Control characters must be escaped (RFC 8259, section 7); some servers write them as they are.
        match next {
            '\0'..='\u{1f}' => out.push_str(&format!("\\u{:04x}", u32::from(next))),
            _ => out.push(next),
        }
        return next.len_utf8();
    };
    let Some(unit) = code_unit(rest) else {
        let escaped = escape.chars().next().map_or(0, char::len_utf8);
        out.push_str(&rest[..1 + escaped]);
        return 1 + escaped;
    };
    let is_high = (0xd800..0xdc00).contains(&unit);
    let is_low = (0xdc00..0xe000).contains(&unit);
    let pair = code_unit(&rest[6..]).filter(|low| is_high && (0xdc00..0xe000).contains(low));
    let taken = if pair.is_some() { 12 } else { 6 };
    match (is_high || is_low) && pair.is_none() {
        true => out.push_str("\\ufffd"),
        false => out.push_str(&rest[..taken]),
    }
    taken
}

/// The code unit of an escape `\uXXXX` at the start of `text`.
fn code_unit(text: &str) -> Option<u32> {
    let digits = text.strip_prefix("\\u")?.get(..4)?;
    u32::from_str_radix(digits, 16).ok()
}

/// Integers in `json` that 64 bits cannot hold, as they are written. They are rounded when they are read.
pub(super) fn oversized_integers(json: &str) -> Vec<Cow<'_, str>> {
    let mut found = Vec::new();
    let mut in_string = false;
    let mut escaped = false;
    let mut start: Option<usize> = None;
    for (at, byte) in json.bytes().enumerate().chain(std::iter::once((json.len(), b' '))) {
        if in_string {
            in_string = escaped || byte != b'"';
            escaped = !escaped && byte == b'\\';
            continue;
        }
        let is_number = byte.is_ascii_digit() || matches!(byte, b'-' | b'+' | b'.' | b'e' | b'E');
        match (start, is_number) {
            (None, true) if byte.is_ascii_digit() || byte == b'-' => start = Some(at),
            (Some(begun), false) => {
                start = None;
                let number = &json[begun..at];
                let integer = !number.contains(['.', 'e', 'E']);
                if integer && number.parse::<i64>().is_err() && number.parse::<u64>().is_err() {
                    found.push(Cow::Borrowed(number));
                }
            }
            _ => {}
        }
        in_string = byte == b'"';
    }
    found
}

/// The id of a response that cannot be read otherwise: the number or text after the first top-level looking `"id":`.
pub(super) fn response_id(text: &str) -> Option<i64> {
    let (_, after) = text.split_once("\"id\"")?;
    let after = after.trim_start().strip_prefix(':')?.trim_start().trim_start_matches('"');
    let digits = after.split(|next: char| !next.is_ascii_digit()).next()?;
    digits.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn readable_parts_are_read() {
        for (given, expected) in [
            (&br#"{"a":"\ud83d"}"#[..], r#"{"a":"\ufffd"}"#),
            (br#"{"a":"\ud83d\ude00"}"#, r#"{"a":"\ud83d\ude00"}"#),
            (br#"{"a":"\ude00x"}"#, r#"{"a":"\ufffdx"}"#),
            (br#"{"a":"\ud83d\u0041"}"#, r#"{"a":"\ufffd\u0041"}"#),
            (
                br#"{"a":NaN,"b":[-Infinity,Infinity],"c":"NaN"}"#,
                r#"{"a":null,"b":[null,null],"c":"NaN"}"#,
            ),
            (br#"{"a":"\\ud83d \" \\"}"#, r#"{"a":"\\ud83d \" \\"}"#),
            (b"{\"a\":\"\xff\"}", "{\"a\":\"\u{fffd}\"}"),
            (b"{\"a\":\"x\ty\"}", "{\"a\":\"x\\u0009y\"}"),
        ] {
            let repaired = repaired(given);
            assert_eq!(repaired, expected);
            serde_json::from_str::<serde_json::Value>(&repaired).expect(expected);
        }
    }

    #[test]
    fn numbers_beyond_64_bits_are_found() {
        let json = r#"{"a":123456789012345678901,"b":[18446744073709551615,-9223372036854775808,1e400,"99999999999999999999"],"c":-99999999999999999999}"#;
        assert_eq!(oversized_integers(json), ["123456789012345678901", "-99999999999999999999"]);
    }

    #[test]
    fn ids_are_found_in_invalid_json() {
        assert_eq!(
            response_id(r#"{"jsonrpc":"2.0", "id" : 1073741825, "result": {'a'}}"#),
            Some(1_073_741_825)
        );
        assert_eq!(response_id(r#"{"id":"7","result":"#), Some(7));
        assert_eq!(response_id("listening on 8080"), None);
    }
}
