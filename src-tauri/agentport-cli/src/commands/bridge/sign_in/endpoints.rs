//! The gateway's OAuth endpoints (`src-tauri/docs/contract.md` §5), as a public client without a browser uses them.
//!
//! The page of `/oauth/authorize` is read for the two things on it that a program needs: the id to wait with, and the
//! digits that AgentPort shows. Deliberately absent: discovery, since the gateway of the data directory is the issuer.

use std::{sync::Arc, time::Duration};

use agentport_core::{AgentId, Secret};
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, header};
use serde::Deserialize;
use serde_json::json;
use url::{Url, form_urlencoded};

use super::super::{
    credential::Credential,
    http::{GatewayHttp, HttpFailure, OutgoingRequest},
};

/// Time the gateway has to answer.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(10);
/// Time it has to answer where it holds the request; it does for 20 s.
const HELD_TIMEOUT: Duration = Duration::from_secs(40);

/// Why an endpoint gave nothing.
#[derive(Debug, thiserror::Error)]
pub(super) enum EndpointError {
    #[error("no gateway answered")]
    NoAnswer,
    /// With this code (RFC 6749, section 5.2).
    #[error("the gateway refused with {0:?}")]
    Refused(String),
    #[error("the gateway answered {0} with something else than expected")]
    Unexpected(StatusCode),
}

impl From<HttpFailure> for EndpointError {
    fn from(failure: HttpFailure) -> Self {
        match failure {
            HttpFailure::Unreachable | HttpFailure::ConnectionLost => Self::NoAnswer,
        }
    }
}

type EndpointResult<T> = Result<T, EndpointError>;

/// A client at the endpoints.
#[derive(Debug, Clone)]
pub(super) struct OAuthEndpoints(Arc<GatewayHttp>);

/// What an authorization request contains (RFC 6749, section 4.1.1; RFC 7636, section 4.3).
pub(super) struct AuthorizationQuery<'a> {
    pub(super) client_id: &'a str,
    pub(super) redirect_uri: &'a str,
    pub(super) state: &'a str,
    pub(super) challenge: &'a str,
}

/// Where an authorization request is.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Authorization {
    /// It waits for the owner.
    Waiting { page: String, code: String },
    /// It was answered with this address.
    Answered(String),
    /// The client is not known, or not by this redirect.
    UnknownClient,
    /// Too many agents wait.
    TooMany,
}

/// Where a request that waited is.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Waited {
    Still,
    Answered(String),
    /// The owner decided, and the gateway sends a client that it does not know yet nowhere: it was refused.
    Refused,
    /// Its time is over.
    Expired,
    /// The gateway does not know it: it was started again.
    Forgotten,
}

/// Tokens (RFC 6749, section 5.1).
#[derive(Debug, Deserialize)]
pub(super) struct TokenAnswer {
    #[serde(rename = "access_token")]
    pub(super) access: Secret,
    #[serde(rename = "refresh_token")]
    pub(super) refresh: Secret,
    #[serde(rename = "expires_in")]
    pub(super) seconds: u64,
}

impl OAuthEndpoints {
    pub(super) fn new(http: Arc<GatewayHttp>) -> Self {
        Self(http)
    }

    /// Registers (RFC 7591) and gives the client id.
    pub(super) async fn register(&self, name: &str, redirect_uri: &str) -> EndpointResult<String> {
        #[derive(Deserialize)]
        struct Registered {
            client_id: String,
        }
        let body = json!({
            "client_name": name,
            "redirect_uris": [redirect_uri],
            "grant_types": ["authorization_code", "refresh_token"],
            "response_types": ["code"],
            "token_endpoint_auth_method": "none",
            "application_type": "native",
            "software_id": "agentport-bridge",
        });
        let target = Uri::from_static("/oauth/register");
        let body = Bytes::from(body.to_string());
        let (status, _, body) = self.send(Method::POST, target, "application/json", body).await?;
        read::<Registered>(status, &body).map(|registered| registered.client_id)
    }

    /// Asks to be let in; the same request again is the same one.
    pub(super) async fn authorize(
        &self,
        query: &AuthorizationQuery<'_>,
    ) -> EndpointResult<Authorization> {
        let pairs = [
            ("response_type", "code"),
            ("client_id", query.client_id),
            ("redirect_uri", query.redirect_uri),
            ("state", query.state),
            ("code_challenge", query.challenge),
            ("code_challenge_method", "S256"),
        ];
        let target = format!("/oauth/authorize?{}", form(&pairs));
        let (status, headers, body) = self.get(&target, ANSWER_TIMEOUT).await?;
        match status {
            StatusCode::OK => waiting(&body).ok_or(EndpointError::Unexpected(status)),
            StatusCode::TOO_MANY_REQUESTS => Ok(Authorization::TooMany),
            StatusCode::BAD_REQUEST => Ok(Authorization::UnknownClient),
            status if status.is_redirection() => headers
                .get(header::LOCATION)
                .and_then(|location| location.to_str().ok())
                .map(|location| Authorization::Answered(location.to_owned()))
                .ok_or(EndpointError::Unexpected(status)),
            status => Err(EndpointError::Unexpected(status)),
        }
    }

    /// Waits some seconds for the owner.
    pub(super) async fn wait(&self, page: &str) -> EndpointResult<Waited> {
        #[derive(Deserialize)]
        struct Answer {
            state: String,
            #[serde(default)]
            redirect: Option<String>,
        }
        let target = format!("/oauth/authorize/wait?{}", form(&[("request", page)]));
        let (status, _, body) = self.get(&target, HELD_TIMEOUT).await?;
        if status == StatusCode::NOT_FOUND {
            return Ok(Waited::Forgotten);
        }
        let answer: Answer = read(status, &body)?;
        match (answer.state.as_str(), answer.redirect) {
            ("done", Some(redirect)) => Ok(Waited::Answered(redirect)),
            ("done", None) => Ok(Waited::Refused),
            ("waiting", _) => Ok(Waited::Still),
            ("expired", _) => Ok(Waited::Expired),
            _ => Err(EndpointError::Unexpected(status)),
        }
    }

    /// Exchanges a code for tokens.
    pub(super) async fn exchange(
        &self,
        client_id: &str,
        redirect_uri: &str,
        code: &str,
        verifier: &Secret,
    ) -> EndpointResult<TokenAnswer> {
        self.token(&[
            ("grant_type", "authorization_code"),
            ("client_id", client_id),
            ("redirect_uri", redirect_uri),
            ("code", code),
            ("code_verifier", verifier.expose()),
        ])
        .await
    }

    /// Exchanges a refresh token for fresh tokens.
    pub(super) async fn refresh(
        &self,
        client_id: &str,
        refresh: &Secret,
    ) -> EndpointResult<TokenAnswer> {
        self.token(&[
            ("grant_type", "refresh_token"),
            ("client_id", client_id),
            ("refresh_token", refresh.expose()),
        ])
        .await
    }

    /// The agent that an access token lets in.
    pub(super) async fn agent(&self, access: &Secret) -> Option<AgentId> {
        #[derive(Deserialize)]
        struct Me {
            id: AgentId,
        }
        let mut headers = HeaderMap::new();
        Credential::access_token(access)?.insert_into(&mut headers);
        let target = Uri::from_static("/api/users/me");
        let request = OutgoingRequest { method: Method::GET, target, headers, body: Bytes::new() };
        let (status, _, body) = self.answer(&request, ANSWER_TIMEOUT).await.ok()?;
        read::<Me>(status, &body).ok().map(|me| me.id)
    }

    async fn token(&self, pairs: &[(&str, &str)]) -> EndpointResult<TokenAnswer> {
        let target = Uri::from_static("/oauth/token");
        let kind = "application/x-www-form-urlencoded";
        let (status, _, body) = self.send(Method::POST, target, kind, form(pairs).into()).await?;
        read(status, &body)
    }

    async fn get(
        &self,
        target: &str,
        timeout: Duration,
    ) -> EndpointResult<(StatusCode, HeaderMap, Bytes)> {
        let target = target.parse().map_err(|_| EndpointError::Unexpected(StatusCode::OK))?;
        let headers = HeaderMap::new();
        let request = OutgoingRequest { method: Method::GET, target, headers, body: Bytes::new() };
        self.answer(&request, timeout).await
    }

    async fn send(
        &self,
        method: Method,
        target: Uri,
        kind: &'static str,
        body: Bytes,
    ) -> EndpointResult<(StatusCode, HeaderMap, Bytes)> {
        let mut headers = HeaderMap::new();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
        self.answer(&OutgoingRequest { method, target, headers, body }, ANSWER_TIMEOUT).await
    }

    async fn answer(
        &self,
        request: &OutgoingRequest,
        timeout: Duration,
    ) -> EndpointResult<(StatusCode, HeaderMap, Bytes)> {
        let answer = async {
            let reply = self.0.send(request).await?;
            let (status, headers) = (reply.status, reply.headers.clone());
            Ok::<_, EndpointError>((status, headers, reply.read_all().await?))
        };
        tokio::time::timeout(timeout, answer).await.unwrap_or(Err(EndpointError::NoAnswer))
    }
}

fn form(pairs: &[(&str, &str)]) -> String {
    form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish()
}

/// The body of a success, or the code of a refusal.
fn read<T: for<'de> Deserialize<'de>>(status: StatusCode, body: &[u8]) -> EndpointResult<T> {
    #[derive(Deserialize)]
    struct Refusal {
        error: String,
    }
    if status.is_success() {
        return serde_json::from_slice(body).map_err(|_| EndpointError::Unexpected(status));
    }
    match serde_json::from_slice::<Refusal>(body) {
        Ok(refusal) => Err(EndpointError::Refused(refusal.error)),
        Err(_) => Err(EndpointError::Unexpected(status)),
    }
}

/// What the page of a request that waits holds.
fn waiting(body: &[u8]) -> Option<Authorization> {
    let html = std::str::from_utf8(body).ok()?;
    let page = between(html, "data-request=\"", '"')?;
    let code = between(html, "class=\"code\">", '<')?;
    let is_plain = |text: &str, fits: fn(&char) -> bool| {
        (1..=64).contains(&text.len()) && text.chars().all(|c| fits(&c))
    };
    (is_plain(page, char::is_ascii_alphanumeric) && is_plain(code, char::is_ascii_digit))
        .then(|| Authorization::Waiting { page: page.to_owned(), code: code.to_owned() })
}

fn between<'a>(text: &'a str, before: &str, end: char) -> Option<&'a str> {
    text.split_once(before)?.1.split_once(end).map(|(part, _)| part)
}

/// What the owner decided, from the address that a request was answered with.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum OwnersAnswer {
    Code(String),
    Denied,
    /// It is not the answer to this request.
    Foreign,
}

impl OwnersAnswer {
    /// Reads the address. `state` is the request's own (RFC 6749, section 10.12).
    pub(super) fn from_redirect(redirect: &str, redirect_uri: &str, state: &str) -> Self {
        let Ok(url) = Url::parse(redirect) else { return Self::Foreign };
        let is_ours = redirect.split('?').next() == Some(redirect_uri);
        let value = |wanted: &str| {
            url.query_pairs().find(|(name, _)| name == wanted).map(|(_, value)| value.into_owned())
        };
        if !is_ours || value("state").as_deref() != Some(state) {
            return Self::Foreign;
        }
        match (value("code"), value("error")) {
            (Some(code), None) => Self::Code(code),
            (_, Some(_)) => Self::Denied,
            (None, None) => Self::Foreign,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_is_read_for_its_id_and_digits() {
        let page = |request: &str, code: &str| {
            format!(
                "<main data-request=\"{request}\"><h1>Cursor wants in</h1><strong class=\"code\">{code}</strong></main>"
            )
        };
        let want = Authorization::Waiting { page: "0af3".into(), code: "0042".into() };
        assert_eq!(waiting(page("0af3", "0042").as_bytes()), Some(want));
        for (request, code) in [("", "0042"), ("0af3", ""), ("0a&x=1", "0042"), ("0af3", "<b>4")] {
            assert_eq!(waiting(page(request, code).as_bytes()), None, "{request} {code}");
        }
        assert_eq!(waiting(b"<main>\xff</main>"), None);
        assert_eq!(waiting(b""), None);
    }

    #[test]
    fn an_answer_is_taken_for_its_own_request_alone() {
        let own = "agentport-bridge:/cursor";
        for (redirect, want) in [
            ("agentport-bridge:/cursor?code=c%2B1&state=s&iss=x", OwnersAnswer::Code("c+1".into())),
            ("agentport-bridge:/cursor?error=access_denied&state=s", OwnersAnswer::Denied),
            ("agentport-bridge:/cursor?code=c&state=other", OwnersAnswer::Foreign),
            ("agentport-bridge:/cursor?code=c", OwnersAnswer::Foreign),
            ("agentport-bridge:/cursor?state=s", OwnersAnswer::Foreign),
            ("agentport-bridge:/zed?code=c&state=s", OwnersAnswer::Foreign),
            ("https://h.example/?code=c&state=s", OwnersAnswer::Foreign),
            ("", OwnersAnswer::Foreign),
        ] {
            assert_eq!(OwnersAnswer::from_redirect(redirect, own, "s"), want, "{redirect}");
        }
    }
}
