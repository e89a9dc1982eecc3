//! Finding secrets in a text by their looks.

use std::ops::Range;

use super::names_a_secret;
use crate::oauth_token::{RANDOM_CHARS, TokenKind};

/// Tokens with a prefix of their own, and how many characters must follow it. The prefixes are published by the
/// services so that scanners can find their tokens.
const PREFIXES: [(&str, usize); 48] = [
    (crate::key::PREFIX, crate::key::RANDOM_CHARS),
    (TokenKind::Access.prefix(), RANDOM_CHARS),
    (TokenKind::Refresh.prefix(), RANDOM_CHARS),
    (TokenKind::Code.prefix(), RANDOM_CHARS),
    ("AGE-SECRET-KEY-1", 20),
    ("AIza", 30),
    ("AKIA", 16),
    ("ASIA", 16),
    ("ATATT3x", 20),
    ("SG.", 20),
    ("dckr_pat_", 16),
    ("dop_v1_", 32),
    ("figd_", 20),
    ("fm2_", 30),
    ("ghp_", 20),
    ("gho_", 20),
    ("ghu_", 20),
    ("ghs_", 20),
    ("ghr_", 20),
    ("github_pat_", 20),
    ("glpat-", 16),
    ("glsa_", 20),
    ("gsk_", 20),
    ("hf_", 20),
    ("hooks.slack.com/services/", 16),
    ("lin_api_", 20),
    ("npm_", 30),
    ("ntn_", 30),
    ("nvapi-", 20),
    ("pplx-", 20),
    ("pypi-", 30),
    ("r8_", 30),
    ("rk_live_", 8),
    ("rk_test_", 8),
    ("rubygems_", 30),
    ("shpat_", 20),
    ("shpss_", 20),
    ("sk_live_", 8),
    ("sk_test_", 8),
    ("whsec_", 16),
    ("xai-", 20),
    ("xapp-", 10),
    ("xoxa-", 8),
    ("xoxb-", 8),
    ("xoxe-", 8),
    ("xoxp-", 8),
    ("xoxr-", 8),
    ("xoxs-", 8),
];
/// No token is shorter than this, prefix included.
const SHORTEST: usize = 13;
/// What may stand before the secret in a value that is not quoted.
const SCHEMES: [&str; 4] = ["basic", "bearer", "digest", "token"];
/// The longest name looked for before `=` or `:`.
const MAX_NAME: usize = 64;

/// The parts of `text` that look like secrets, as [`super::redacted_text`] hides them: in order, apart from each other, on
/// character boundaries. Linear in the length of the text.
pub fn secrets_in(text: &str) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let mut at = 0;
    while at < text.len() {
        match secret_at(text, at) {
            Some(secret) => {
                at = secret.end;
                found.push(secret);
            }
            // Inside a word nothing begins.
            None => at += run(&text.as_bytes()[at..], in_word).max(1),
        }
    }
    found
}

/// The secret that shows itself at this byte. It may begin further on, behind what announces it.
fn secret_at(text: &str, at: usize) -> Option<Range<usize>> {
    let bytes = text.as_bytes();
    let secret = match bytes[at] {
        b'-' if text[at..].starts_with("-----BEGIN ") => Some(at..pem_end(text, at)),
        b':' if text[at..].starts_with("://") => password_in_url(text, at + 3),
        first if in_word(first) && (at == 0 || !in_word(bytes[at - 1])) => {
            // Inside a run of token characters two of the searches could begin at every `-`, and each read to its end.
            let begins_run = at == 0 || !in_token(bytes[at - 1]);
            token(&text[at..], begins_run)
                .map(|length| at..at + length)
                .or_else(|| after_scheme(text, at))
                .or_else(|| assigned(text, at))
        }
        _ => None,
    };
    secret.filter(|secret| !secret.is_empty())
}

/// The length of the run of bytes that `belongs` accepts.
fn run(bytes: &[u8], belongs: impl Fn(u8) -> bool) -> usize {
    bytes.iter().position(|b| !belongs(*b)).unwrap_or(bytes.len())
}

fn in_word(b: u8) -> bool {
    b.is_ascii_alphanumeric() || b == b'_'
}

fn in_token(b: u8) -> bool {
    in_word(b) || b == b'-'
}

/// RFC 6750 §2.1, `b68token`.
fn in_b68token(b: u8) -> bool {
    in_token(b) || matches!(b, b'.' | b'~' | b'+' | b'/' | b'=')
}

/// The length of a token that begins `text`.
fn token(text: &str, begins_run: bool) -> Option<usize> {
    let bytes = text.as_bytes();
    // Most words are too short for any.
    if bytes.len() < SHORTEST || !bytes[..SHORTEST].iter().all(|b| in_b68token(*b)) {
        return None;
    }
    let prefixed = PREFIXES.iter().find(|(prefix, _)| text.starts_with(prefix));
    if let Some((prefix, least)) = prefixed {
        let dotted = prefix.contains('.');
        let rest = &bytes[prefix.len()..];
        let length = run(rest, |b| in_token(b) || (dotted && matches!(b, b'.' | b'/')));
        return (length >= *least).then_some(prefix.len() + length);
    }
    if !begins_run {
        return None;
    }
    sk_key(text).or_else(|| json_web_token(text))
}

/// The length of a key of the kind OpenAI and Anthropic give out. Two letters are a weak sign: words of prose hang
/// together by hyphens too, but hold no digits or capitals.
fn sk_key(text: &str) -> Option<usize> {
    let rest = text.strip_prefix("sk-")?;
    let length = run(rest.as_bytes(), in_token);
    let mixed = rest[..length].bytes().any(|b| b.is_ascii_digit() || b.is_ascii_uppercase());
    (length >= 16 && mixed).then_some("sk-".len() + length)
}

/// RFC 7519: `eyJ` is how `{"` begins in base64url. Three parts; the last is empty in an unsigned token.
fn json_web_token(text: &str) -> Option<usize> {
    if !text.starts_with("eyJ") {
        return None;
    }
    let length = run(text.as_bytes(), |b| in_token(b) || b == b'.');
    let dots = text[..length].bytes().filter(|b| *b == b'.').count();
    (length >= 24 && dots >= 2).then_some(length)
}

/// The credentials behind `Bearer` or `Basic` (RFC 9110 §11.4), unless they are ordinary words.
fn after_scheme(text: &str, at: usize) -> Option<Range<usize>> {
    let rest = &text[at..];
    if !rest.starts_with(['b', 'B']) {
        return None;
    }
    let scheme = ["bearer", "basic"].into_iter().find(|scheme| {
        rest.get(..scheme.len()).is_some_and(|had| had.eq_ignore_ascii_case(scheme))
    })?;
    let blanks = run(&rest.as_bytes()[scheme.len()..], |b| b == b' ');
    let start = at + scheme.len() + blanks;
    let length = run(&text.as_bytes()[start..], in_b68token);
    let credentials = &text.as_bytes()[start..start + length];
    let alone = scheme == "bearer" && at == 0 && start + length == text.len();
    let odd =
        |b: &u8| b.is_ascii_digit() || b.is_ascii_uppercase() || matches!(b, b'_' | b'+' | b'=');
    let is_word = length < 20 && !credentials.iter().skip(1).any(odd);
    (blanks > 0 && length >= 6 && (alone || !is_word)).then_some(start..start + length)
}

/// The end of a PEM block (RFC 7468) that begins at `at`; without an end, that of the text.
fn pem_end(text: &str, at: usize) -> usize {
    let Some(end) = text[at..].find("-----END ") else { return text.len() };
    let label = at + end + "-----END ".len();
    match text[label..].find("-----") {
        Some(dashes) => label + dashes + "-----".len(),
        None => text.len(),
    }
}

/// The password of an authority (RFC 3986 §3.2.1), or a user name long enough to be a token.
fn password_in_url(text: &str, start: usize) -> Option<Range<usize>> {
    let inside =
        |b: u8| !matches!(b, b'/' | b'?' | b'#' | b'"' | b'\'' | b'<' | b'>' | b'\\') && b > b' ';
    let authority = &text[start..start + run(&text.as_bytes()[start..], inside)];
    let end = start + authority.rfind('@')?;
    match text[start..end].find(':') {
        Some(colon) => Some(start + colon + 1..end),
        None => (end - start >= 20).then_some(start..end),
    }
}

/// The value in `password=…`, `API_KEY: …`, `"token": "…"`, `--secret …`, whatever names a secret.
fn assigned(text: &str, at: usize) -> Option<Range<usize>> {
    let rest = &text[at..];
    let in_name = |b: &u8| in_token(*b) || *b == b'.';
    let name_length = rest.bytes().take(MAX_NAME + 1).take_while(in_name).count();
    if !(2..=MAX_NAME).contains(&name_length) {
        return None;
    }
    let name = &rest[..name_length];
    let after_name = at + name_length;
    // The name may be quoted, and the quote escaped.
    let quotes = run(&text.as_bytes()[after_name..], |b| matches!(b, b'"' | b'\'' | b'\\'));
    let blanks = run(&text.as_bytes()[after_name + quotes..], |b| b == b' ');
    let sign_at = after_name + quotes + blanks;
    let sign = run(&text.as_bytes()[sign_at..], |b| matches!(b, b'=' | b':' | b'>'));
    let is_flag = text[..at].ends_with("--") && blanks > 0 && quotes == 0;
    if (sign == 0 && !is_flag) || text[sign_at..].starts_with("://") || !names_a_secret(name) {
        return None;
    }
    let value_at = sign_at + sign + run(&text.as_bytes()[sign_at + sign..], |b| b == b' ');
    let whole_line = ["authorization", "cookie"].into_iter().any(|header| {
        name.len() >= header.len() && name[name.len() - header.len()..].eq_ignore_ascii_case(header)
    });
    Some(value(text, value_at, whole_line))
}

/// A value that begins at `at`: up to its closing quote, else to the next blank or separator.
fn value(text: &str, at: usize, whole_line: bool) -> Range<usize> {
    let escapes = run(&text.as_bytes()[at..], |b| b == b'\\');
    let quoted =
        text.as_bytes().get(at + escapes).copied().filter(|b| matches!(b, b'"' | b'\'' | b'`'));
    if let Some(quote) = quoted {
        let start = at + escapes + 1;
        let end = start + closing_quote(&text[start..], quote, escapes);
        return start..end;
    }
    let ends = |b: u8| match b {
        b'\n' | b'\r' | b'"' | b'\'' | b'`' => true,
        b' ' | b'\t' | b'&' | b';' | b',' | b')' | b'}' | b']' | b'<' | b'>' => !whole_line,
        _ => false,
    };
    let end = at + run(&text.as_bytes()[at..], |b| !ends(b));
    if !SCHEMES.iter().any(|scheme| scheme.eq_ignore_ascii_case(&text[at..end])) {
        return at..end;
    }
    let blanks = run(&text.as_bytes()[end..], |b| b == b' ');
    at..end + blanks + run(&text.as_bytes()[end + blanks..], |b| !ends(b))
}

/// Where the text before the closing quote ends. `escapes` backslashes belong to the quote, as they did to the opening
/// one: 0 in plain text, 1 in JSON within a JSON text; twice as many and one make a quote inside the value.
fn closing_quote(text: &str, quote: u8, escapes: usize) -> usize {
    let mut backslashes = 0;
    for (at, b) in text.bytes().enumerate() {
        match b {
            b'\\' => backslashes += 1,
            b if b == quote && backslashes % (2 * (escapes + 1)) == escapes => return at - escapes,
            _ => backslashes = 0,
        }
    }
    text.len()
}
