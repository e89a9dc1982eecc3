//! Places for secrets: `{token}`, `{token1}` … in a header's value, in the query of a URL, and in those arguments of a
//! command that are said to have them.

use std::collections::BTreeMap;

use agentport_core::{Secret, placeholder};
use url::form_urlencoded;

use super::ConnectError;

/// Puts secrets in place of their names. What a secret holds in braces itself stays.
pub(super) fn fill(
    format: &str,
    secrets: &BTreeMap<String, Secret>,
    write: impl Fn(&str) -> String,
) -> Result<String, ConnectError> {
    placeholder::fill(format, |name| {
        let secret = secrets.get(name);
        let secret = secret.ok_or_else(|| ConnectError::MissingSecret(name.to_owned()))?;
        Ok(write(secret.expose()))
    })
}

/// A value as it stands in a query. A space is written so that servers of all kinds read one.
pub(super) fn in_query(value: &str) -> String {
    form_urlencoded::byte_serialize(value.as_bytes()).collect::<String>().replace('+', "%20")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secrets(pairs: &[(&str, &str)]) -> BTreeMap<String, Secret> {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), Secret::new(*value))).collect()
    }

    #[test]
    fn fills_headers() {
        let secrets = secrets(&[("token", "fake-a"), ("token2", "fake-b")]);
        let fill = |format| fill(format, &secrets, str::to_owned);
        assert_eq!(fill("Bearer {token}").unwrap(), "Bearer fake-a");
        assert_eq!(fill("{token}:{token2}").unwrap(), "fake-a:fake-b");
        assert_eq!(fill("plain {x} {token").unwrap(), "plain {x} {token");
        assert!(
            matches!(fill("{token3}"), Err(ConnectError::MissingSecret(name)) if name == "token3")
        );
    }

    #[test]
    fn a_secret_is_not_read_for_placeholders() {
        let secrets = secrets(&[("token", "{token2}"), ("token2", "fake-b")]);
        assert_eq!(fill("{token}-{token2}", &secrets, str::to_owned).unwrap(), "{token2}-fake-b");
    }
}
