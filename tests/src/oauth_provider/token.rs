//! The token endpoint (OAuth 2.1, section 4) and token revocation (RFC 7009).

use axum::response::{IntoResponse as _, Response};
use base64::Engine as _;
use http::{Method, StatusCode};
use sha2::Digest as _;
use url::form_urlencoded;

use super::{
    ClientAuth, ProviderBehaviour, ProviderCore, RecordedRequest, RefreshTokenField,
    RevocationRule, RotationRule, TokenRefusal, TokenReply, TokenShape,
    ledger::{RefreshCheck, RegisteredClient, TokenFamily},
    token_answer::{NewTokens, issued, refused},
};

const URL_SAFE: base64::engine::GeneralPurpose = base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// A client that has proved itself, or the refusal.
type ClientCheck = Result<String, TokenRefusal>;

/// What a grant is redeemed for: the family, and the refresh token that was shown.
struct Redeemed {
    family: usize,
    refresh: Option<String>,
}

impl ProviderCore {
    pub(super) async fn token(
        &self,
        behaviour: &ProviderBehaviour,
        request: &RecordedRequest,
    ) -> Response {
        if request.method != Method::POST {
            return StatusCode::METHOD_NOT_ALLOWED.into_response();
        }
        let client = match self.authenticate(request) {
            Ok(client) => client,
            Err(refusal) => return refused(&refusal),
        };
        if let Some((error, why)) =
            self.resource_error(behaviour, request.field("resource").as_deref())
        {
            return refused(&TokenRefusal::oauth(400, error, why));
        }
        let grant = request.field("grant_type").unwrap_or_default();
        let reply = match grant.as_str() {
            "authorization_code" => &behaviour.exchange,
            "refresh_token" => &behaviour.refresh,
            _ => return refused(&TokenRefusal::oauth(400, "unsupported_grant_type", "")),
        };
        let shape = match reply {
            TokenReply::Hang => return self.hang().await,
            TokenReply::Refuse(refusal) => return refused(refusal),
            TokenReply::Issue(shape) => shape.clone(),
            TokenReply::Lost => TokenShape::default(),
        };
        let redeemed = match grant.as_str() {
            "refresh_token" => self.redeem_refresh_token(request, &client),
            _ => self.redeem_code(behaviour, request, &client),
        };
        let tokens = match redeemed {
            Ok(redeemed) => self.issue(behaviour, &shape, redeemed),
            Err(refusal) => return refused(&refusal),
        };
        if matches!(reply, TokenReply::Lost) {
            return self.hang().await;
        }
        issued(&shape, &tokens)
    }

    fn authenticate(&self, request: &RecordedRequest) -> ClientCheck {
        let shown = ShownClient::read(request);
        let known = self.ledger.lock().clients.get(&shown.id).cloned();
        match known {
            Some(client) if shown.proves(&client) => Ok(shown.id),
            Some(_) => {
                Err(TokenRefusal::oauth(401, "invalid_client", "Client authentication failed"))
            }
            None => Err(TokenRefusal::oauth(401, "invalid_client", "Unknown client")),
        }
    }

    fn redeem_code(
        &self,
        behaviour: &ProviderBehaviour,
        request: &RecordedRequest,
        client: &str,
    ) -> Result<Redeemed, TokenRefusal> {
        let invalid = |why| Err(TokenRefusal::oauth(400, "invalid_grant", why));
        let mut ledger = self.ledger.lock();
        let Some(code) = ledger.codes.remove(&request.field("code").unwrap_or_default()) else {
            return invalid("the code is unknown or was used");
        };
        let consent = code.consent;
        if consent.client != client {
            return invalid("the code is another client's");
        }
        if request.field("redirect_uri").as_ref() != Some(&consent.redirect_uri) {
            return invalid("redirect_uri is not the one of the authorization request");
        }
        let verifier = request.field("code_verifier").unwrap_or_default();
        if URL_SAFE.encode(sha2::Sha256::digest(verifier.as_bytes())) != consent.challenge {
            return invalid("code_verifier does not fit");
        }
        let granted = behaviour.authorization.granted_scopes.clone();
        let family = ledger.begin_family(TokenFamily {
            client: client.to_owned(),
            account: code.account,
            scopes: granted.unwrap_or(consent.scopes),
            alive: true,
        });
        Ok(Redeemed { family, refresh: None })
    }

    fn redeem_refresh_token(
        &self,
        request: &RecordedRequest,
        client: &str,
    ) -> Result<Redeemed, TokenRefusal> {
        let shown = request.field("refresh_token").unwrap_or_default();
        let invalid = |why| Err(TokenRefusal::oauth(400, "invalid_grant", why));
        match self.ledger.lock().check_refresh(&shown, client) {
            RefreshCheck::Valid { family } => Ok(Redeemed { family, refresh: Some(shown) }),
            RefreshCheck::Reused => invalid("the refresh token was used before"),
            RefreshCheck::Unknown => invalid("the refresh token is unknown"),
        }
    }

    fn issue(
        &self,
        behaviour: &ProviderBehaviour,
        shape: &TokenShape,
        Redeemed { family, refresh }: Redeemed,
    ) -> NewTokens {
        let mut ledger = self.ledger.lock();
        if behaviour.rotation == RotationRule::EndOldAccessTokens {
            ledger.end_access_tokens(Some(family));
        }
        let access = ledger.issue_access(family, shape.life);
        let new_refresh = match (shape.refresh_token, behaviour.rotation, refresh) {
            (RefreshTokenField::Missing, ..) => None,
            (RefreshTokenField::Present, RotationRule::Keep, Some(shown)) => Some(shown),
            (RefreshTokenField::Present, _, shown) => {
                if let Some(shown) = shown {
                    ledger.use_up(&shown);
                }
                Some(ledger.issue_refresh(family))
            }
        };
        let scopes = ledger.family(family).scopes.clone();
        NewTokens { access, refresh: new_refresh, scopes }
    }

    pub(super) fn revoke(
        &self,
        behaviour: &ProviderBehaviour,
        request: &RecordedRequest,
    ) -> Response {
        if request.method != Method::POST || behaviour.revocation == RevocationRule::Absent {
            return StatusCode::NOT_FOUND.into_response();
        }
        if let Err(refusal) = self.authenticate(request) {
            return refused(&refusal);
        }
        self.ledger.lock().revoke(&request.field("token").unwrap_or_default());
        StatusCode::OK.into_response()
    }
}

/// The client as a token request shows it.
struct ShownClient {
    id: String,
    method: ClientAuth,
    secret: Option<String>,
}

impl ShownClient {
    fn read(request: &RecordedRequest) -> Self {
        let header = request.header("authorization").and_then(|value| value.strip_prefix("Basic "));
        if let Some(encoded) = header {
            let (id, secret) = basic(encoded).unwrap_or_default();
            return Self { id, method: ClientAuth::Basic, secret: Some(secret) };
        }
        let id = request.field("client_id").unwrap_or_default();
        let secret = request.field("client_secret");
        let method = if secret.is_some() { ClientAuth::Post } else { ClientAuth::None };
        Self { id, method, secret }
    }

    fn proves(&self, client: &RegisteredClient) -> bool {
        client.method.is_none_or(|method| method == self.method) && self.secret == client.secret
    }
}

/// Reads HTTP Basic credentials, whose parts are form encoded (RFC 6749, section 2.3.1).
fn basic(encoded: &str) -> Option<(String, String)> {
    let bytes = base64::engine::general_purpose::STANDARD.decode(encoded).ok()?;
    let text = String::from_utf8(bytes).ok()?;
    let (id, secret) = text.split_once(':')?;
    Some((form_decoded(id), form_decoded(secret)))
}

fn form_decoded(text: &str) -> String {
    let whole = format!("v={text}");
    let value = form_urlencoded::parse(whole.as_bytes()).next();
    value.map(|(_, value)| value.into_owned()).unwrap_or_default()
}
