//! Secrets as they were meant: what a paste brought along is taken off, and what cannot be sent is refused by its reason.

use std::collections::BTreeMap;

use agentport_api::Connection;
use agentport_core::Secret;

use super::connect::secret_names;

/// Why a secret cannot be what the server wants. Never holds any of it.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum UnusableSecret {
    #[error("the secret {0:?} is empty")]
    Empty(String),
    #[error("the secret {0:?} holds a line break; paste the token alone, on one line")]
    LineBreak(String),
    #[error("the secret {0:?} holds a blank in the middle; paste the token alone")]
    Blank(String),
    #[error(
        "the secret {0:?} holds a character that no header can hold; copy the token again from its source"
    )]
    Character(String),
}

/// Pairs of quotes around a pasted secret.
const QUOTES: [(char, char); 6] =
    [('"', '"'), ('\'', '\''), ('`', '`'), ('“', '”'), ('‘', '’'), ('<', '>')];

/// The secrets without blanks, line ends and quotes around them, and without a scheme (`Bearer`) that the header has
/// already. Values of variables of local servers lose line ends alone: any text may be meant.
pub(super) fn tidied(
    connection: &Connection,
    secrets: BTreeMap<String, Secret>,
) -> Result<BTreeMap<String, Secret>, UnusableSecret> {
    let Some(headers) = connection.headers() else {
        let whole = |(name, secret): (String, Secret)| {
            (name, Secret::new(secret.expose().trim_end_matches(['\n', '\r'])))
        };
        return Ok(secrets.into_iter().map(whole).collect());
    };
    let known = secret_names(connection);
    let tidy = |(name, secret): (String, Secret)| {
        // One that nothing asks for is refused for that.
        if !known.contains(&name.as_str()) {
            return Ok((name, secret));
        }
        let place = format!("{{{name}}}");
        let header = headers.iter().find(|(_, format)| format.contains(&place));
        let text = match header {
            Some((header, format)) => in_header(secret.expose(), &name, header, format, &place)?,
            None => unwrapped(secret.expose()),
        };
        if text.is_empty() {
            return Err(UnusableSecret::Empty(name));
        }
        if header.is_none() && text.contains(char::is_control) {
            return Err(UnusableSecret::LineBreak(name));
        }
        let text = Secret::new(text);
        Ok((name, text))
    };
    secrets.into_iter().map(tidy).collect()
}

/// A secret for a header whose value is `format`, with the secret at `place`.
fn in_header<'a>(
    pasted: &'a str,
    name: &str,
    header: &str,
    format: &str,
    place: &str,
) -> Result<&'a str, UnusableSecret> {
    let mut text = unwrapped(pasted);
    if let Some((before, value)) = text.split_once(':')
        && before.trim_end().eq_ignore_ascii_case(header)
    {
        text = unwrapped(value);
    }
    let scheme = format.strip_suffix(place).unwrap_or_default().trim_end();
    if scheme.is_empty() {
        // The whole value: its own scheme once.
        while let Some((first, rest)) = text.split_once(char::is_whitespace)
            && let Some((second, _)) = rest.trim_start().split_once(char::is_whitespace)
            && first.eq_ignore_ascii_case(second)
        {
            text = rest.trim_start();
        }
    } else {
        while let Some((first, rest)) = text.split_once(char::is_whitespace)
            && first.eq_ignore_ascii_case(scheme)
        {
            text = unwrapped(rest);
        }
        if text.eq_ignore_ascii_case(scheme) {
            text = "";
        }
    }
    if text.contains(['\n', '\r']) {
        return Err(UnusableSecret::LineBreak(name.to_owned()));
    }
    if !scheme.is_empty() && text.contains(char::is_whitespace) {
        return Err(UnusableSecret::Blank(name.to_owned()));
    }
    if text.contains(|c: char| !matches!(c, ' '..='~' | '\t')) {
        return Err(UnusableSecret::Character(name.to_owned()));
    }
    Ok(text)
}

/// Without blanks, invisible characters and quotes around it.
fn unwrapped(text: &str) -> &str {
    let is_padding = |c: char| {
        c.is_whitespace()
            || c.is_control()
            || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2060}' | '\u{feff}')
    };
    let mut text = text.trim_matches(is_padding);
    while let Some(inner) = QUOTES.iter().find_map(|(open, close)| {
        let inner = text.strip_prefix(*open)?.strip_suffix(*close)?;
        (!inner.contains([*open, *close])).then_some(inner)
    }) {
        text = inner.trim_matches(is_padding);
    }
    text
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn tidy(format: &str, pasted: &str) -> Result<String, UnusableSecret> {
        let connection = json!({
            "type": "remote_mcp", "url": "https://h.test/mcp", "headers": {"Authorization": format},
        });
        let connection = serde_json::from_value(connection).unwrap();
        let secrets = [("token".to_owned(), Secret::new(pasted))].into();
        Ok(tidied(&connection, secrets)?["token"].expose().to_owned())
    }

    #[test]
    fn pasted_tokens_are_tidied() {
        for (format, pasted, want) in [
            ("Bearer {token}", " fake-a\r\n", "fake-a"),
            ("Bearer {token}", "Bearer fake-a", "fake-a"),
            ("Bearer {token}", "bearer  Bearer\tfake-a ", "fake-a"),
            ("Bearer {token}", "\"fake-a\"", "fake-a"),
            ("Bearer {token}", "“Bearer fake-a”\n", "fake-a"),
            ("Bearer {token}", "Authorization: Bearer fake-a", "fake-a"),
            ("Bearer {token}", "\u{feff}fake-a\u{200b}", "fake-a"),
            ("token {token}", "token fake-a", "fake-a"),
            ("{token}", "Bearer fake-a", "Bearer fake-a"),
            ("{token}", "Bearer Bearer fake-a", "Bearer fake-a"),
            ("{token}", "Basic fake a", "Basic fake a"),
            ("Bearer {token}", "Bearerfake", "Bearerfake"),
            ("Bearer {token}", "fake=a:b", "fake=a:b"),
        ] {
            assert_eq!(tidy(format, pasted).unwrap(), want, "{format} {pasted:?}");
        }
    }

    #[test]
    fn what_cannot_be_a_token_is_refused_by_its_reason() {
        use UnusableSecret as E;
        let name = || "token".to_owned();
        for (pasted, want) in [
            (" \n", E::Empty(name())),
            ("Bearer ", E::Empty(name())),
            ("\"\"", E::Empty(name())),
            ("fake-a\nfake-b", E::LineBreak(name())),
            ("fake-a fake-b", E::Blank(name())),
            ("fäke", E::Character(name())),
            ("fa\u{200b}ke", E::Character(name())),
        ] {
            let refused = tidy("Bearer {token}", pasted).unwrap_err();
            assert!(!refused.to_string().contains("fake-"), "{refused}");
            assert_eq!(refused, want, "{pasted:?}");
        }
    }

    #[test]
    fn variables_keep_what_is_meant() {
        let connection = json!({"type": "local_mcp", "command": "x", "secret_env": ["KEY"]});
        let connection = serde_json::from_value(connection).unwrap();
        let secrets = [("KEY".to_owned(), Secret::new(" \"fake\nkey\" \n"))].into();
        let tidy = tidied(&connection, secrets).unwrap();
        assert_eq!(tidy["KEY"].expose(), " \"fake\nkey\" ");
    }
}
