//! Answers of the token endpoint, when a code is exchanged and when a token is refreshed.

use std::time::Duration;

use serde_json::json;

use super::{super::RefreshError, *};

#[tokio::test]
async fn odd_grants_connect_when_exchanged_and_when_refreshed() {
    let life = |seconds: u64| Some(Duration::from_secs(seconds));
    for (answer, want) in [
        (
            FixedAnswer::json(201, &json!({ "access_token": "planted-a", "expires_in": 60 })),
            life(60),
        ),
        (
            FixedAnswer::json(200, &json!({ "access_token": "planted-a", "expires_in": "3600" })),
            life(3600),
        ),
        (
            FixedAnswer::json(200, &json!({ "access_token": "planted-a", "expires_in": 3600.0 })),
            life(3600),
        ),
        (FixedAnswer::json(200, &json!({ "access_token": "planted-a", "expires_in": null })), None),
        (FixedAnswer::json(200, &json!({ "access_token": "planted-a" })), None),
        (FixedAnswer::json(200, &json!({ "access_token": "planted-a", "expires_in": 0 })), life(0)),
        (FixedAnswer::json(200, &json!({ "access_token": "planted-a", "scope": [] })), None),
        (FixedAnswer::json(200, &json!({ "access_token": "planted-a", "scope": "r,w" })), None),
        (FixedAnswer::text(200, r#"{"access_token":"planted-a","token_type":"user"}"#), None),
        (
            FixedAnswer::typed(
                200,
                "application/x-www-form-urlencoded",
                "access_token=planted-a&expires_in=60",
            ),
            life(60),
        ),
    ] {
        let provider = Provider::start().await;
        provider.answer_once("/token", answer.clone());
        let settings = OAuthSettings::default();
        let mut record = provider.sign_in(&settings).await.unwrap();
        assert_eq!(record.access_token.expose(), "planted-a", "{}", answer.body);
        assert_eq!(record.expires_at, want.map(|life| record.received_at.plus(life)));
        assert_eq!(record.granted_scopes, ["r", "w"], "{}", answer.body);
        assert!(record.refresh_token.is_none());

        provider.answer_once("/token", answer.clone());
        record.refresh_token = Some(agentport_core::Secret::new("planted-refresh"));
        record.access_token = agentport_core::Secret::new("planted-old");
        let renewed = OAuthClient::new().refresh(&record, &settings).await.unwrap();
        assert_eq!(renewed.access_token.expose(), "planted-a");
        assert_eq!(renewed.expires_at, want.map(|life| renewed.received_at.plus(life)));
        let kept = renewed.refresh_token.as_ref().map(agentport_core::Secret::expose);
        assert_eq!(kept, Some("planted-refresh"), "the old one is kept");
    }
}

#[tokio::test]
async fn refused_codes_show_the_providers_code() {
    for (answer, want) in [
        (
            FixedAnswer::json(
                200,
                &json!({ "error": "bad_verification_code", "error_description": "planted-code-2 is old" }),
            ),
            "bad_verification_code",
        ),
        (FixedAnswer::json(200, &json!({ "ok": false, "error": "invalid_code" })), "invalid_code"),
        (FixedAnswer::json(400, &json!({ "error": "invalid_target" })), "invalid_target"),
        (FixedAnswer::json(200, &json!({ "access_token": "" })), "no access token"),
        (FixedAnswer::text(200, "<html>"), "not JSON"),
        (FixedAnswer::text(400, "planted-code-2"), "HTTP 400"),
        (FixedAnswer::text(503, "").header("retry-after", "3"), "HTTP 503"),
    ] {
        let provider = Provider::start().await;
        provider.answer("/token", answer);
        let error = provider.sign_in(&OAuthSettings::default()).await.unwrap_err();
        assert!(error.to_string().contains(want), "{error}");
        assert_shows_no_secret(&error);
        assert_eq!(provider.requests("/token").len(), 1);
    }
    let provider = Provider::start().await;
    provider.answer("/token", FixedAnswer::json(400, &json!({ "error": "invalid_scope" })));
    let error = provider.sign_in(&OAuthSettings::default()).await.unwrap_err();
    assert!(error.is_scope_refused());
    provider.answer("/token", FixedAnswer::json(401, &json!({ "error": "invalid_client" })));
    let error = provider.sign_in(&OAuthSettings::default()).await.unwrap_err();
    assert!(error.is_client_unknown());
}

#[tokio::test]
async fn refused_refreshes_end_after_at_most_two_requests() {
    for (answer, requests) in [
        (
            FixedAnswer::json(
                400,
                &json!({ "error": "invalid_grant", "error_description": "planted-refresh-3" }),
            ),
            1,
        ),
        (FixedAnswer::json(403, &json!({ "error": "unauthorized_client" })), 1),
        (FixedAnswer::json(200, &json!({ "error": "bad_refresh_token" })), 1),
        (FixedAnswer::json(400, &json!({ "error_code": "refresh_token_not_found" })), 1),
        (FixedAnswer::json(400, &json!({ "errors": ["bad"] })), 2),
        (FixedAnswer::json(200, &json!({ "access_token": "" })), 2),
    ] {
        let provider = Provider::start().await;
        let settings = OAuthSettings::default();
        let record = provider.sign_in(&settings).await.unwrap();
        provider.answer("/token", answer.clone());
        let error = OAuthClient::new().refresh(&record, &settings).await.unwrap_err();
        assert!(matches!(error, RefreshError::Refused { .. }), "{}: {error:?}", answer.body);
        assert_shows_no_secret(&error);
        assert_eq!(provider.requests("/token").len(), 1 + requests, "{}", answer.body);
    }
}

#[tokio::test]
async fn a_forgotten_client_is_told_apart_from_a_dead_token() {
    let provider = Provider::start().await;
    let settings = OAuthSettings::default();
    let record = provider.sign_in(&settings).await.unwrap();
    provider.answer("/token", FixedAnswer::json(401, &json!({ "error": "invalid_client" })));
    let error = OAuthClient::new().refresh(&record, &settings).await.unwrap_err();
    assert!(matches!(error, RefreshError::ClientUnknown { .. }), "{error:?}");
    assert_eq!(provider.requests("/token").len(), 2, "one for the code, one for the refresh");
}

#[tokio::test]
async fn an_unclear_refusal_is_tried_once_more_and_may_succeed() {
    let provider = Provider::start().await;
    let settings = OAuthSettings::default();
    let record = provider.sign_in(&settings).await.unwrap();
    provider.answer_once("/token", FixedAnswer::text(403, "<html>"));
    let renewed = OAuthClient::new().refresh(&record, &settings).await.unwrap();
    assert_ne!(renewed.access_token.expose(), record.access_token.expose());
}

#[tokio::test]
async fn trouble_on_the_way_decides_nothing() {
    let provider = Provider::start().await;
    let settings = OAuthSettings::default();
    let record = provider.sign_in(&settings).await.unwrap();
    for (answer, wait) in [
        (FixedAnswer::text(429, "").header("retry-after", "7"), Some(7)),
        (FixedAnswer::text(503, ""), None),
        (FixedAnswer::text(408, ""), None),
        (FixedAnswer::text(404, "<html>"), None),
        (FixedAnswer::text(200, "<html>captive portal"), None),
        (FixedAnswer::text(307, "").header("location", "/elsewhere"), None),
        (FixedAnswer::json(400, &json!({ "error": "temporarily_unavailable" })), None),
    ] {
        provider.answer_once("/token", answer.clone());
        let error = OAuthClient::new().refresh(&record, &settings).await.unwrap_err();
        let RefreshError::Transient { retry_after, .. } = &error else {
            panic!("{}: {error:?}", answer.body)
        };
        assert_eq!(*retry_after, wait.map(Duration::from_secs));
        assert_shows_no_secret(&error);
    }
    assert!(provider.requests("/elsewhere").is_empty(), "a token is not sent after a redirect");
    OAuthClient::new().refresh(&record, &settings).await.expect("nothing was lost");

    let mut gone = record;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    gone.endpoints.token =
        format!("http://{}/token", listener.local_addr().unwrap()).parse().unwrap();
    drop(listener);
    let error = OAuthClient::new().refresh(&gone, &settings).await.unwrap_err();
    assert!(matches!(error, RefreshError::Transient { .. }), "{error:?}");
}

/// The clock is stopped, so that waiting takes no time.
#[tokio::test(start_paused = true)]
async fn an_endpoint_that_never_answers_is_given_up() {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut record = super::super::record::tests::record();
    record.server = format!("http://{}/mcp", silent.local_addr().unwrap()).parse().unwrap();
    record.endpoints.token = record.server.join("/token").unwrap();
    let settings = OAuthSettings::default();
    let error = OAuthClient::new().refresh(&record, &settings).await.unwrap_err();
    assert!(error.to_string().contains("it took too long"), "{error}");
    assert!(matches!(error, RefreshError::Transient { .. }));
}

#[tokio::test]
async fn revocation_is_sent_where_it_is_offered() {
    let provider = Provider::start().await;
    let settings = OAuthSettings::default();
    let client = OAuthClient::new();
    let mut record = provider.sign_in(&settings).await.unwrap();
    provider.answer_once("/revoke", FixedAnswer::text(503, ""));
    assert!(!client.revoke(&record).await.unwrap_err().is_final());
    provider.answer_once("/revoke", FixedAnswer::text(200, ""));
    provider.answer_once(
        "/revoke",
        FixedAnswer::json(400, &json!({ "error": "unsupported_token_type" })),
    );
    client.revoke(&record).await.unwrap();
    provider.answer_once("/revoke", FixedAnswer::text(400, "no: planted-refresh-3"));
    let error = client.revoke(&record).await.unwrap_err();
    assert!(error.to_string().contains("HTTP 400"));
    assert_shows_no_secret(&error);
    let before = provider.paths().len();
    record.endpoints.revocation = None;
    client.revoke(&record).await.unwrap();
    assert_eq!(provider.paths().len(), before);
}
