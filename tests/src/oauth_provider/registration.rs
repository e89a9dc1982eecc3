//! Dynamic client registration (RFC 7591), without management (RFC 7592).

use axum::response::{IntoResponse as _, Response};
use http::{Method, StatusCode};
use serde_json::{Value, json};

use super::{
    ClientAuth, ProviderBehaviour, ProviderCore, RecordedRequest, RegistrationRule, TokenRefusal,
    ledger::RegisteredClient, token_answer::refused, with_type,
};

impl ProviderCore {
    pub(super) fn register(
        &self,
        behaviour: &ProviderBehaviour,
        request: &RecordedRequest,
    ) -> Response {
        let settings = &behaviour.registration;
        if request.method != Method::POST || settings.rule == RegistrationRule::Absent {
            return StatusCode::NOT_FOUND.into_response();
        }
        let asked: Value = serde_json::from_str(&request.body).unwrap_or_default();
        let redirect_uris: Vec<String> =
            serde_json::from_value(asked["redirect_uris"].clone()).unwrap_or_default();
        if let Some(refusal) = refusal(&settings.rule, &asked, &redirect_uris) {
            return refusal;
        }
        let asked_method = asked["token_endpoint_auth_method"].as_str();
        let method = asked_method.and_then(ClientAuth::from_name).unwrap_or(ClientAuth::Basic);
        let method = settings.secret.unwrap_or(method);

        let mut ledger = self.ledger.lock();
        let id = format!("client-{}", uuid::Uuid::new_v4().simple());
        let secret = (method != ClientAuth::None).then(|| ledger.secret("client-secret"));
        let answered = settings.answered_redirects.clone().unwrap_or_else(|| redirect_uris.clone());
        let mut answer = json!({
            "client_id": id,
            "client_id_issued_at": 1_700_000_000,
            "client_name": asked["client_name"],
            "redirect_uris": answered,
            "grant_types": ["authorization_code", "refresh_token"],
            "response_types": ["code"],
        });
        if !settings.omits_method {
            answer["token_endpoint_auth_method"] = json!(method.as_str());
        }
        if let Some(secret) = &secret {
            answer["client_secret"] = json!(secret);
            answer["client_secret_expires_at"] = json!(0);
        }
        ledger.clients.insert(id, RegisteredClient { secret, method: Some(method), redirect_uris });
        (StatusCode::CREATED, axum::Json(answer)).into_response()
    }
}

fn refusal(rule: &RegistrationRule, asked: &Value, redirect_uris: &[String]) -> Option<Response> {
    let bad = |error, description| Some(refused(&TokenRefusal::oauth(400, error, description)));
    match rule {
        RegistrationRule::ForbiddenText => {
            Some(with_type(403, "application/json", "Forbidden".to_owned()))
        }
        RegistrationRule::RefusesScope if asked.get("scope").is_some() => {
            bad("invalid_client_metadata", "scope.0: Invalid enum value")
        }
        RegistrationRule::OnlyHost(host) if !all_at(redirect_uris, host) => {
            bad("invalid_redirect_uri", "this redirect URI is not allowed")
        }
        _ if redirect_uris.is_empty() => bad("invalid_redirect_uri", "redirect_uris is required"),
        _ => None,
    }
}

fn all_at(redirect_uris: &[String], host: &str) -> bool {
    redirect_uris.iter().all(|uri| {
        let url = url::Url::parse(uri).ok();
        url.is_some_and(|url| url.host_str() == Some(host))
    })
}
