//! Finds secrets in the URL and the headers of a remote server.
//!
//! The gateway fills placeholders in header values and in values of the URL's query only. A server with a secret in
//! another part of its URL cannot be moved.

use std::collections::{BTreeMap, BTreeSet};

use agentport_core::{
    mcp::headers,
    placeholder::placeholders,
    redact::{is_credential_header, is_credential_parameter, names_a_secret},
};
use base64::Engine as _;
use serde_json::{Map, Value};
use url::{Url, form_urlencoded};

use super::{CollectedSecrets, after_scheme, by_looks};

/// An address without credentials.
pub(in crate::plan) struct BareUrl {
    pub(in crate::plan) url: String,
    /// Value of the Authorization header, with a placeholder, that replaces user and password in the URL.
    pub(in crate::plan) authorization: Option<String>,
}

/// Why an address or its headers cannot be taken over. Shows no value.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(in crate::plan) enum NotBare {
    #[error("Its address is no absolute http or https URL.")]
    NoUrl,
    #[error("Its address itself holds a secret, in a place where AgentPort cannot keep one.")]
    SecretInPath,
    #[error("Its address has a parameter that can be read in two ways.")]
    Ambiguous,
    #[error("It has a header that HTTP does not allow.")]
    BadHeader,
    #[error("It sends a header that AgentPort sets itself.")]
    OwnHeader,
}

/// Headers that every MCP client sends anyway ("Streamable HTTP"), so that configuring them changes nothing.
const SENT_ANYWAY: [&str; 3] = ["accept", "content-type", headers::PROTOCOL_VERSION];
/// Headers that the gateway sets itself and refuses in a configuration.
const REFUSED_HEADERS: [&str; 5] =
    ["content-length", "host", "last-event-id", headers::SESSION_ID, "transfer-encoding"];

/// The address with placeholders in its query. A fragment, which is never sent, is left out.
pub(in crate::plan) fn bare_url(
    written: &str,
    kept: &mut CollectedSecrets,
) -> Result<BareUrl, NotBare> {
    let url = Url::parse(written).map_err(|_| NotBare::NoUrl)?;
    if !matches!(url.scheme(), "http" | "https") || url.host().is_none() {
        return Err(NotBare::NoUrl);
    }
    let written = written.split_once('#').map_or(written, |(before, _)| before).trim();
    let (place, query) = match written.split_once('?') {
        Some((place, query)) => (place, Some(query)),
        None => (written, None),
    };
    let place = without_user(place);
    if by_looks(&place).next().is_some() || placeholders(&place).next().is_some() {
        return Err(NotBare::SecretInPath);
    }
    let mut bare = place;
    if let Some(query) = query {
        let parameters: Vec<String> = query
            .split('&')
            .map(|parameter| bare_parameter(parameter, kept))
            .collect::<Result<_, _>>()?;
        bare.push('?');
        bare.push_str(&parameters.join("&"));
    }
    let authorization = (!url.username().is_empty() || url.password().is_some())
        .then(|| {
            basic(&url)
                .map(|basic| format!("Basic {}", kept.keep(&basic, "user in the URL".to_owned())))
        })
        .transpose()?;
    Ok(BareUrl { url: bare, authorization })
}

/// The address up to its path, without a user and a password.
fn without_user(place: &str) -> String {
    let Some((scheme, rest)) = place.split_once("://") else { return place.to_owned() };
    let (authority, path) = rest.split_at(rest.find(['/', '\\']).unwrap_or(rest.len()));
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    format!("{scheme}://{host}{path}")
}

/// RFC 7617 §2.
fn basic(url: &Url) -> Result<String, NotBare> {
    let user = decoded(url.username())?;
    let password = decoded(url.password().unwrap_or_default())?;
    Ok(base64::engine::general_purpose::STANDARD.encode(format!("{user}:{password}")))
}

fn bare_parameter(parameter: &str, kept: &mut CollectedSecrets) -> Result<String, NotBare> {
    let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
    if placeholders(name).next().is_some() {
        return Err(NotBare::Ambiguous);
    }
    let plain_name = form_urlencoded::parse(name.as_bytes()).next();
    let plain_name = plain_name.map(|(name, _)| name).unwrap_or_default();
    let is_secret = is_credential_parameter(&plain_name)
        || names_a_secret(&plain_name)
        || by_looks(parameter).next().is_some()
        || by_looks(value).next().is_some()
        || placeholders(value).next().is_some();
    if !is_secret {
        return Ok(parameter.to_owned());
    }
    // Servers differ in reading a plus sign as a blank, so it is not clear which value would have to be sent.
    if value.contains('+') || !parameter.contains('=') {
        return Err(NotBare::Ambiguous);
    }
    let placeholder = kept.keep(&decoded(value)?, format!("URL parameter {plain_name}"));
    Ok(format!("{name}={placeholder}"))
}

/// Percent-decoded (RFC 3986 §2.1).
fn decoded(text: &str) -> Result<String, NotBare> {
    // A plus sign is not a blank here.
    let text = text.replace('+', "%2B");
    let pair = format!("x={}", text.replace('&', "%26"));
    let value = form_urlencoded::parse(pair.as_bytes()).next().map(|(_, value)| value.into_owned());
    // Bytes that are not UTF-8 were replaced and cannot be recovered.
    value.filter(|value| !value.contains('\u{fffd}')).ok_or(NotBare::Ambiguous)
}

/// Headers without credentials.
pub(in crate::plan) struct BareHeaders {
    /// With placeholders for what was secret in them.
    pub(in crate::plan) headers: BTreeMap<String, String>,
    /// Those that are sent anyway, or say nothing.
    pub(in crate::plan) left_out: Map<String, Value>,
}

/// `secret` names headers whose values are secrets whatever they look like.
pub(in crate::plan) fn bare_headers(
    headers: BTreeMap<String, String>,
    secret: &BTreeSet<String>,
    kept: &mut CollectedSecrets,
) -> Result<BareHeaders, NotBare> {
    let mut bare = BTreeMap::new();
    let mut left_out = Map::new();
    for (name, value) in headers {
        let lower = name.to_ascii_lowercase();
        if !is_header_name(&name) || value.chars().any(|c| c.is_control() && c != '\t') {
            return Err(NotBare::BadHeader);
        }
        if REFUSED_HEADERS.contains(&lower.as_str()) {
            return Err(NotBare::OwnHeader);
        }
        let is_credential =
            is_credential_header(&name) || names_a_secret(&name) || secret.contains(&name);
        let empty = is_credential && value.trim().is_empty();
        if SENT_ANYWAY.contains(&lower.as_str()) || empty {
            left_out.insert(name, Value::from(value));
            continue;
        }
        let word = format!("header {name}");
        let format = if is_credential {
            let start = after_scheme(&value);
            let all = start..value.len();
            kept.keep_parts(&value, &[all], &word)
        } else {
            let found: Vec<_> = by_looks(&value).collect();
            if !found.is_empty() {
                kept.keep_parts(&value, &found, &word)
            } else if placeholders(&value).next().is_some() {
                kept.keep(&value, word)
            } else {
                value
            }
        };
        bare.insert(name, format);
    }
    Ok(BareHeaders { headers: bare, left_out })
}

/// RFC 9110 §5.6.2, `token`.
fn is_header_name(name: &str) -> bool {
    let in_token = |b: u8| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b);
    !name.is_empty() && name.bytes().all(in_token)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(written: &str, want: &str, secrets: &[&str]) {
        let mut kept = CollectedSecrets::default();
        let bare = bare_url(written, &mut kept).unwrap();
        assert_eq!(bare.url, want);
        let held: Vec<&str> = kept.secrets.values().map(agentport_core::Secret::expose).collect();
        assert_eq!(held, secrets, "{written}");
    }

    #[test]
    fn parameters_move() {
        url("https://h.test/mcp", "https://h.test/mcp", &[]);
        url("https://h.test/mcp?mode=x#part", "https://h.test/mcp?mode=x", &[]);
        url("https://h.test?api_key=fake-a&b=c", "https://h.test?api_key={token}&b=c", &["fake-a"]);
        url("https://h.test/?k%65y=fake%20a", "https://h.test/?k%65y={token}", &["fake a"]);
        url("https://h.test/?q={token}&r={x}", "https://h.test/?q={token}&r={x}", &["{token}"]);
        url("https://h.test/?u=a{token3}", "https://h.test/?u={token}", &["a{token3}"]);
        url("https://h.test/?token=a%26b", "https://h.test/?token={token}", &["a&b"]);
    }

    #[test]
    fn a_user_becomes_a_header() {
        let mut kept = CollectedSecrets::default();
        let bare = bare_url("https://me:fake%40pw@h.test:8443/mcp?x=1", &mut kept).unwrap();
        assert_eq!(bare.url, "https://h.test:8443/mcp?x=1");
        assert_eq!(bare.authorization.as_deref(), Some("Basic {token}"));
        assert_eq!(kept.secrets["token"].expose(), "bWU6ZmFrZUBwdw==");
        assert_eq!(kept.words, ["user in the URL"]);
    }

    #[test]
    fn unsupported_secrets_are_refused() {
        for (written, want) in [
            ("", NotBare::NoUrl),
            ("h.test/mcp", NotBare::NoUrl),
            ("file:///x", NotBare::NoUrl),
            ("ws://h.test/", NotBare::NoUrl),
            ("https://h.test/{token}/mcp", NotBare::SecretInPath),
            ("https://hooks.slack.com/services/T0000000/B0000000/fake0000", NotBare::SecretInPath),
            ("https://h.test/?{token}=1", NotBare::Ambiguous),
            ("https://h.test/?key=a+b", NotBare::Ambiguous),
            ("https://h.test/?token", NotBare::Ambiguous),
            ("https://h.test/?key=%ff", NotBare::Ambiguous),
        ] {
            let got = bare_url(written, &mut CollectedSecrets::default()).err();
            assert_eq!(got, Some(want), "{written}");
        }
    }

    fn headers(given: &[(&str, &str)], want: &[(&str, &str)], secrets: &[&str]) {
        let map = |pairs: &[(&str, &str)]| -> BTreeMap<String, String> {
            pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
        };
        let mut kept = CollectedSecrets::default();
        let bare = bare_headers(map(given), &BTreeSet::new(), &mut kept).unwrap();
        assert_eq!(bare.headers, map(want));
        let held: Vec<&str> = kept.secrets.values().map(agentport_core::Secret::expose).collect();
        assert_eq!(held, secrets, "{given:?}");
    }

    #[test]
    fn credentials_in_headers_move() {
        headers(
            &[("Authorization", "Bearer fake-a")],
            &[("Authorization", "Bearer {token}")],
            &["fake-a"],
        );
        headers(&[("X-API-Key", "fake-a")], &[("X-API-Key", "{token}")], &["fake-a"]);
        headers(&[("Cookie", "a=b; c=d")], &[("Cookie", "{token}")], &["a=b; c=d"]);
        headers(&[("X-Region", "eu")], &[("X-Region", "eu")], &[]);
        headers(&[("X-Note", "{token}")], &[("X-Note", "{token}")], &["{token}"]);
        headers(&[("X-Use-Token", "true")], &[("X-Use-Token", "{token}")], &["true"]);
        headers(
            &[("X-Login", "me Bearer fake-token-0001")],
            &[("X-Login", "me Bearer {token}")],
            &["fake-token-0001"],
        );
        headers(&[("Accept", "application/json"), ("Authorization", " ")], &[], &[]);
    }

    #[test]
    fn headers_of_the_protocol_are_not_the_owners() {
        let one = |name: &str, value: &str| [(name.to_owned(), value.to_owned())].into();
        let refused = |name, value| {
            bare_headers(one(name, value), &BTreeSet::new(), &mut CollectedSecrets::default()).err()
        };
        assert_eq!(refused("Host", "x"), Some(NotBare::OwnHeader));
        assert_eq!(refused("a b", "x"), Some(NotBare::BadHeader));
        assert_eq!(refused("X-A", "x\ny"), Some(NotBare::BadHeader));
    }
}
