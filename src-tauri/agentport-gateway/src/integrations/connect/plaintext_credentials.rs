//! Credentials written out in a new connection: refused, since connections are stored and shown in clear.
//!
//! It goes by names: of headers, and of parameters in the URL. Deliberately absent: guessing by the looks of a value,
//! and refusing what is stored already, which would take a working integration away at the next start.

use agentport_api::{Connection, query_of};
use agentport_core::{
    placeholder::{is_placeholder, placeholders},
    redact::{is_credential_header, is_credential_parameter},
    sanitize,
};
use url::{Url, form_urlencoded};

/// What must not stand in a connection as it does. Never repeats a value.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum PlaintextCredential {
    #[error(
        "the URL must not name a user or a password, which would be kept in clear; leave them out and send a header instead, as in --header \"Authorization: Basic {{token}}\""
    )]
    User,
    #[error(
        "the URL's parameter {0:?} looks like a credential, which would be kept in clear; write \"{0}={{token}}\" in the URL and give the value as the secret \"token\""
    )]
    Parameter(String),
    #[error(
        "the header {name:?} is a credential, which would be kept in clear; write --header \"{name}: {}{{token}}\" and give the value as the secret \"token\"",
        if name.eq_ignore_ascii_case("authorization") { "Bearer " } else { "" }
    )]
    Header { name: String },
    #[error(
        "in a URL a placeholder such as {{token}} can be the value of a parameter, as in \"?key={{token}}\", and nothing else"
    )]
    Misplaced,
}

/// Refuses a connection that holds a credential itself, where a placeholder should stand. A URL that is none is left
/// to the agent that connects.
pub(super) fn refuse(connection: &Connection) -> Result<(), PlaintextCredential> {
    let Some((url, headers)) = connection.remote() else { return Ok(()) };
    refuse_in_url(url)?;
    for (name, value) in headers {
        if placeholders(value).next().is_none() && is_credential_header(name) {
            return Err(PlaintextCredential::Header { name: sanitize::sanitize_line(name, 64) });
        }
    }
    Ok(())
}

fn refuse_in_url(written: &str) -> Result<(), PlaintextCredential> {
    let Ok(url) = Url::parse(written) else { return Ok(()) };
    if !url.username().is_empty() || url.password().is_some() {
        return Err(PlaintextCredential::User);
    }
    let mut filled = 0;
    for parameter in query_of(written).split('&') {
        let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
        let placeholder = value
            .strip_prefix('{')
            .and_then(|rest| rest.strip_suffix('}'))
            .is_some_and(is_placeholder);
        filled += usize::from(placeholder);
        if placeholder || placeholders(name).next().is_some() {
            continue;
        }
        let decoded = form_urlencoded::parse(name.as_bytes()).next();
        let name = decoded.map(|(name, _)| name).unwrap_or_default();
        if is_credential_parameter(&name) {
            return Err(PlaintextCredential::Parameter(sanitize::sanitize_line(&name, 64)));
        }
    }
    if placeholders(written).count() > filled {
        Err(PlaintextCredential::Misplaced)
    } else {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(url: &str, headers: &[(&str, &str)], want: Result<(), PlaintextCredential>) {
        let headers = headers.iter().map(|(name, value)| ((*name).into(), (*value).into()));
        let connection = Connection::RemoteMcp {
            url: url.to_owned(),
            headers: headers.collect(),
            oauth: None,
            timeout_seconds: None,
        };
        let got = refuse(&connection);
        assert_eq!(got, want, "{connection:?}");
        if let Err(refused) = got {
            assert!(!refused.to_string().contains("fake"), "{refused}");
        }
    }

    #[test]
    fn credentials_in_a_url_are_refused() {
        for url in ["https://user:fake@host/mcp", "https://fake@host/", "https://:fake@host/"] {
            check(url, &[], Err(PlaintextCredential::User));
        }
        for name in [
            "key",
            "api_key",
            "apiKey",
            "apikey",
            "X-Api-Key",
            "token",
            "token2",
            "access_token",
            "accessToken",
            "client_secret",
            "secret",
            "password",
            "sig",
            "X-Amz-Signature",
            "auth",
        ] {
            let parameter = || Err(PlaintextCredential::Parameter(name.to_owned()));
            check(&format!("https://host/mcp?{name}=fake"), &[], parameter());
            check(&format!("https://host/mcp?a=1&{name}={{token}}fake"), &[], parameter());
            check(&format!("https://host/mcp?{name}=%7Btoken%7D"), &[], parameter());
            check(&format!("https://host/mcp?a=1&{name}={{token1}}#x"), &[], Ok(()));
        }
        check(
            "https://host/mcp?k%65y=fake",
            &[],
            Err(PlaintextCredential::Parameter("key".to_owned())),
        );
        let encoded = Err(PlaintextCredential::Parameter("{token}_key".to_owned()));
        check("https://host/mcp?%7Btoken%7D_key=fake", &[], encoded);
    }

    #[test]
    fn other_urls_are_not() {
        for url in [
            "https://host/mcp",
            "https://host/mcp?mode=direct&author=me&keyword=a&tokens=5",
            "https://host/mcp?t={token}&u={token2}",
            "https://host/{other}?q={x}",
            "no URL",
        ] {
            check(url, &[], Ok(()));
        }
    }

    #[test]
    fn placeholders_stand_in_values_only() {
        for url in [
            "https://host/{token}/mcp",
            "https://host/mcp?{token}=1",
            "https://host/mcp?q=a{token}",
            "https://host/mcp#{token}",
            "https://host/mcp?q={token}#{token}",
        ] {
            check(url, &[], Err(PlaintextCredential::Misplaced));
        }
    }

    #[test]
    fn credentials_in_headers_are_refused() {
        for name in [
            "Authorization",
            "proxy-authorization",
            "X-API-Key",
            "Cookie",
            "X-Auth",
            "PRIVATE-TOKEN",
            "X-Tokens",
            "X-MyPasswordHere",
            "client-secret",
        ] {
            let refused = Err(PlaintextCredential::Header { name: name.to_owned() });
            check("https://host/", &[(name, "Bearer fake")], refused);
            check("https://host/", &[(name, "Bearer {token}")], Ok(()));
        }
        check("https://host/", &[("X-Region", "eu"), ("Accept-Language", "de")], Ok(()));
    }

    #[test]
    fn says_how_to_write_it() {
        let header = |name: &str| PlaintextCredential::Header { name: name.to_owned() }.to_string();
        assert!(header("Authorization").contains("--header \"Authorization: Bearer {token}\""));
        assert!(header("X-API-Key").contains("--header \"X-API-Key: {token}\""));
        assert!(
            PlaintextCredential::Parameter("key".to_owned())
                .to_string()
                .contains("\"key={token}\"")
        );
    }
}
