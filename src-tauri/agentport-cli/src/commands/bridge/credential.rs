//! What a request shows to be let in: an agent's key, or an OAuth access token (RFC 6750).

use agentport_core::Secret;
use http::{HeaderMap, HeaderName, HeaderValue, header};

const KEY: HeaderName = HeaderName::from_static("x-api-key");

/// As it stands in a header; not shown by `Debug`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Credential {
    Key(HeaderValue),
    AccessToken(HeaderValue),
}

impl Credential {
    /// `None`: the text cannot stand in a header.
    pub(super) fn key(key: &Secret) -> Option<Self> {
        sensitive(key.expose()).map(Self::Key)
    }

    /// `None`: the text cannot stand in a header.
    pub(super) fn access_token(token: &Secret) -> Option<Self> {
        sensitive(&format!("Bearer {}", token.expose())).map(Self::AccessToken)
    }

    pub(super) fn insert_into(&self, headers: &mut HeaderMap) {
        match self {
            Self::Key(value) => headers.insert(KEY, value.clone()),
            Self::AccessToken(value) => headers.insert(header::AUTHORIZATION, value.clone()),
        };
    }
}

fn sensitive(text: &str) -> Option<HeaderValue> {
    let mut value = HeaderValue::from_str(text).ok()?;
    value.set_sensitive(true);
    Some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_has_its_header_and_is_not_printed() {
        let secret = Secret::new("obviously-fake");
        for (credential, name, want) in [
            (Credential::key(&secret), KEY, "obviously-fake"),
            (Credential::access_token(&secret), header::AUTHORIZATION, "Bearer obviously-fake"),
        ] {
            let credential = credential.unwrap();
            let mut headers = HeaderMap::new();
            credential.insert_into(&mut headers);
            assert_eq!((headers.len(), &headers[name]), (1, &HeaderValue::from_static(want)));
            assert!(!format!("{credential:?} {headers:?}").contains("fake"));
        }
        assert!(Credential::key(&Secret::new("a\nb")).is_none());
    }
}
