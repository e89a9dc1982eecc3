//! Rewrites the requests that the OAuth library makes: resource indicator, scopes of a refresh, client authentication,
//! and parameters of the provider.

use base64::{Engine, prelude::BASE64_STANDARD};
use http::{
    HeaderMap, HeaderValue,
    header::{AUTHORIZATION, CONTENT_TYPE},
};
use url::{Url, form_urlencoded};

use super::record::{ClientAuthMethod, ClientRegistration};

/// Parameters of an authorization request that settings cannot replace.
const PROTOCOL_PARAMETERS: [&str; 8] = [
    "response_type",
    "client_id",
    "redirect_uri",
    "state",
    "code_challenge",
    "code_challenge_method",
    "resource",
    "request_uri",
];

/// Headers and body of a request to the token or revocation endpoint.
pub(super) struct FormRequest {
    pub(super) headers: HeaderMap,
    pub(super) body: Vec<u8>,
    /// The values in it that must not be shown.
    pub(super) secrets: Vec<String>,
}

/// What every request of one client to one resource carries.
pub(super) struct RequestRewrite {
    pub(super) client: ClientRegistration,
    /// `None`: no `resource` is sent.
    pub(super) resource: Option<String>,
}

impl RequestRewrite {
    /// Makes the library's token request ours. A refresh keeps the scopes it was granted, so it names none: providers
    /// refuse scopes that they renamed or never granted (RFC 6749, section 6).
    pub(super) fn token_request(&self, body: &[u8]) -> FormRequest {
        let is_refresh = form_urlencoded::parse(body)
            .any(|(name, value)| name == "grant_type" && value == "refresh_token");
        let kept = form_urlencoded::parse(body).filter(|(name, _)| match name.as_ref() {
            "client_id" | "client_secret" | "resource" => false,
            "scope" => !is_refresh,
            _ => true,
        });
        let mut pairs: Vec<(String, String)> =
            kept.map(|(name, value)| (name.into_owned(), value.into_owned())).collect();
        if let Some(resource) = &self.resource {
            pairs.push(("resource".to_owned(), resource.clone()));
        }
        authenticated(&self.client, pairs)
    }

    /// The library's authorization URL with our resource and the provider's own parameters.
    pub(super) fn authorization_url<'a>(
        &self,
        url: &Url,
        extra: impl IntoIterator<Item = (&'a String, &'a String)>,
    ) -> Url {
        let extra: Vec<_> = extra
            .into_iter()
            .filter(|(name, _)| !PROTOCOL_PARAMETERS.contains(&name.as_str()))
            .collect();
        let is_replaced =
            |name: &str| name == "resource" || extra.iter().any(|(key, _)| *key == name);
        let mut rewritten = url.clone();
        let mut query = rewritten.query_pairs_mut();
        query.clear().extend_pairs(url.query_pairs().filter(|(name, _)| !is_replaced(name)));
        if let Some(resource) = &self.resource {
            query.append_pair("resource", resource);
        }
        query.extend_pairs(extra);
        drop(query);
        rewritten
    }
}

/// A form with the client's credentials, where its method puts them (RFC 6749, section 2.3.1).
pub(super) fn authenticated(
    client: &ClientRegistration,
    mut pairs: Vec<(String, String)>,
) -> FormRequest {
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/x-www-form-urlencoded"));
    let secret = client.client_secret.as_ref().map(|secret| secret.expose());
    match (client.auth_method, secret) {
        (ClientAuthMethod::ClientSecretBasic, Some(secret)) => {
            let encode =
                |text: &str| form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
            let pair = format!("{}:{}", encode(&client.client_id), encode(secret));
            let value = format!("Basic {}", BASE64_STANDARD.encode(pair));
            let mut value = HeaderValue::from_str(&value).expect("base64 fits into a header");
            value.set_sensitive(true);
            headers.insert(AUTHORIZATION, value);
            // Not needed by the rules, but servers of the Python SDK look the client up by it.
            pairs.push(("client_id".to_owned(), client.client_id.clone()));
        }
        (ClientAuthMethod::ClientSecretPost, Some(secret)) => {
            pairs.push(("client_id".to_owned(), client.client_id.clone()));
            pairs.push(("client_secret".to_owned(), secret.to_owned()));
        }
        _ => pairs.push(("client_id".to_owned(), client.client_id.clone())),
    }
    let is_secret = |name: &str| {
        matches!(name, "code" | "code_verifier" | "refresh_token" | "token" | "client_secret")
    };
    let mut secrets: Vec<String> =
        pairs.iter().filter(|(name, _)| is_secret(name)).map(|(_, value)| value.clone()).collect();
    secrets.extend(secret.map(str::to_owned));
    let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(&pairs).finish();
    FormRequest { headers, body: body.into_bytes(), secrets }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use agentport_core::Secret;

    use super::{super::record::tests::record, *};

    fn rewrite(
        method: ClientAuthMethod,
        secret: Option<&str>,
        resource: Option<&str>,
    ) -> RequestRewrite {
        let mut client = record().client;
        client.client_id = "id:1".into();
        client.auth_method = method;
        client.client_secret = secret.map(Secret::new);
        RequestRewrite { client, resource: resource.map(str::to_owned) }
    }

    fn text(request: &FormRequest) -> &str {
        std::str::from_utf8(&request.body).unwrap()
    }

    #[test]
    fn clients_authenticate_as_registered() {
        let body = b"grant_type=authorization_code&code=c&client_id=id&resource=x";
        for (method, secret, want_body, want_header) in [
            (ClientAuthMethod::None, None, "&client_id=id%3A1", None),
            (
                ClientAuthMethod::ClientSecretPost,
                Some("s/1"),
                "&client_id=id%3A1&client_secret=s%2F1",
                None,
            ),
            // "id%3A1:s%2F1" in base64.
            (
                ClientAuthMethod::ClientSecretBasic,
                Some("s/1"),
                "&client_id=id%3A1",
                Some("Basic aWQlM0ExOnMlMkYx"),
            ),
            (ClientAuthMethod::ClientSecretBasic, None, "&client_id=id%3A1", None),
        ] {
            let request = rewrite(method, secret, None).token_request(body);
            let header = request.headers.get(AUTHORIZATION).map(|value| value.to_str().unwrap());
            assert_eq!(text(&request), format!("grant_type=authorization_code&code=c{want_body}"));
            assert_eq!(header, want_header, "{method:?}");
            assert!(request.secrets.contains(&"c".to_owned()));
        }
    }

    #[test]
    fn the_resource_is_sent_to_the_byte_or_not_at_all() {
        for (resource, want) in [
            (Some("https://h"), "&resource=https%3A%2F%2Fh&client_id=id%3A1"),
            (Some("https://h/"), "&resource=https%3A%2F%2Fh%2F&client_id=id%3A1"),
            (None, "&client_id=id%3A1"),
        ] {
            let rewrite = rewrite(ClientAuthMethod::None, None, resource);
            let body =
                b"grant_type=refresh_token&refresh_token=r&scope=a+b&resource=https%3A%2F%2Fh%2Fx";
            let request = rewrite.token_request(body);
            assert_eq!(text(&request), format!("grant_type=refresh_token&refresh_token=r{want}"));
            let url = "https://a/authorize?x=1&client_id=id&resource=https%3A%2F%2Fh%2Fx"
                .parse()
                .unwrap();
            let url = rewrite.authorization_url(&url, &BTreeMap::new());
            let sent = url.query_pairs().find(|(name, _)| name == "resource");
            assert_eq!(sent.map(|(_, value)| value.into_owned()).as_deref(), resource);
            assert!(url.query_pairs().any(|pair| pair == ("x".into(), "1".into())));
        }
    }

    #[test]
    fn settings_add_parameters_but_replace_none_of_the_protocol() {
        let extra = BTreeMap::from([
            ("access_type".to_owned(), "offline".to_owned()),
            ("scope".to_owned(), "own".to_owned()),
            ("state".to_owned(), "forged".to_owned()),
            ("redirect_uri".to_owned(), "https://evil".to_owned()),
        ]);
        let url = "https://a/authorize?state=s&scope=r&redirect_uri=u".parse().unwrap();
        let url = rewrite(ClientAuthMethod::None, None, None).authorization_url(&url, &extra);
        assert_eq!(url.query(), Some("state=s&redirect_uri=u&access_type=offline&scope=own"));
    }
}
