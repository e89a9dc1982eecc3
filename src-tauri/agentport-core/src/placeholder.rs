//! Placeholders `{token}`, `{token1}` …: they stand for secrets in the text of a connection, each for the one of its name
//! in the vault. Braces around anything else are braces.

/// Whether a name in braces stands for a secret.
pub fn is_placeholder(name: &str) -> bool {
    name.starts_with("token") && name.chars().all(|c| c.is_ascii_alphanumeric())
}

/// The names in the placeholders of a text, in order.
pub fn placeholders(format: &str) -> impl Iterator<Item = &str> {
    let names = format.split('{').skip(1).filter_map(|rest| rest.split_once('}'));
    names.map(|(name, _)| name).filter(|name| is_placeholder(name))
}

/// Puts in place of each placeholder what `value` gives for its name. What stands in braces there is not read again.
///
/// # Errors
///
/// The first error of `value`.
pub fn fill<E>(
    format: &str,
    mut value: impl FnMut(&str) -> Result<String, E>,
) -> Result<String, E> {
    let mut pieces = format.split('{');
    let mut filled = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        match piece.split_once('}').filter(|(name, _)| is_placeholder(name)) {
            Some((name, rest)) => {
                filled.push_str(&value(name)?);
                filled.push_str(rest);
            }
            None => {
                filled.push('{');
                filled.push_str(piece);
            }
        }
    }
    Ok(filled)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn placeholders_are_told_from_other_braces() {
        for (format, names) in [
            ("Bearer {token}", &["token"][..]),
            ("{token1}:{token22}{token}", &["token1", "token22", "token"]),
            ("{Token} {tok} {to ken} {token", &[]),
            ("{token-1} {{token}} }{", &["token"]),
            ("", &[]),
        ] {
            assert_eq!(placeholders(format).collect::<Vec<_>>(), names, "{format}");
        }
    }

    #[test]
    fn filling_reads_the_format_alone() {
        let value = |name: &str| match name {
            "token" => Ok("{token1}".to_owned()),
            other => Err(other.to_owned()),
        };
        assert_eq!(fill("a {token} {x} {token", value), Ok("a {token1} {x} {token".to_owned()));
        assert_eq!(fill("{token1}", value), Err("token1".to_owned()));
    }
}
