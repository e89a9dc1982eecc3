//! Clients: own, known, metadata document, registered.

use agentport_api::ClientSource;
use agentport_core::Secret;
use http::header::AUTHORIZATION;
use serde_json::json;

use super::{super::ClientAuthMethod, *};

#[tokio::test]
async fn without_registration_the_owner_is_asked_for_a_client_before_any_url_is_made() {
    let provider = Provider::start().await;
    provider.set_server_metadata("registration_endpoint", json!(null));
    let settings = OAuthSettings::default();
    let error = provider.client(&settings).await.unwrap_err();
    assert!(error.to_string().contains(REDIRECT_URI), "{error}");
    assert!(matches!(error, OAuthError::ClientNeeded { .. }));

    let client = OAuthClient::new();
    let server = provider.discover(&settings).await.unwrap();
    let own = OAuthSettings { client_id: Some("own-1".into()), ..settings.clone() };
    let secret = Secret::new("planted-secret");
    let mut owned =
        client.client_for(&server, &own, Some(&secret), None, REDIRECT_URI).await.unwrap();
    assert_eq!((owned.client_id.as_str(), owned.source), ("own-1", ClientSource::Own));
    owned.client_id = " ".into();
    let begun = client.begin(&server, owned, &settings, ScopeChoice::AsOffered).await;
    assert!(matches!(begun.err(), Some(OAuthError::ClientNeeded { .. })), "no empty client_id");
}

#[tokio::test]
async fn a_provider_that_takes_own_clients_only_is_not_asked_to_register() {
    let provider = Provider::start().await;
    let settings = OAuthSettings { own_client_required: true, ..Default::default() };
    let error = provider.client(&settings).await.unwrap_err();
    assert!(matches!(error, OAuthError::ClientNeeded { .. }));
    assert!(provider.requests("/register").is_empty());
}

#[tokio::test]
async fn a_refused_registration_says_approved_clients_only() {
    for status in [401, 403] {
        let provider = Provider::start().await;
        provider.answer("/register", FixedAnswer::typed(status, "application/json", "Forbidden"));
        let error = provider.client(&OAuthSettings::default()).await.unwrap_err();
        let text = error.to_string();
        assert!(text.contains("approved clients only") && text.contains(REDIRECT_URI), "{text}");
    }
}

#[tokio::test]
async fn registration_errors_keep_the_providers_words() {
    let provider = Provider::start().await;
    let refusal = json!({ "error": "invalid_redirect_uri", "error_description": "loopback only" });
    provider.answer_once("/register", FixedAnswer::json(400, &refusal));
    let error = provider.client(&OAuthSettings::default()).await.unwrap_err();
    assert!(error.to_string().contains("HTTP 400: invalid_redirect_uri: loopback only"), "{error}");
    assert_eq!(provider.requests("/register").len(), 1);

    provider.answer_once("/register", FixedAnswer::text(503, "").header("retry-after", "5"));
    let error = provider.client(&OAuthSettings::default()).await.unwrap_err();
    assert_eq!(error.retry_after(), Some(std::time::Duration::from_secs(5)));

    provider.answer_once("/register", FixedAnswer::json(201, &json!({ "client_id": "" })));
    let error = provider.client(&OAuthSettings::default()).await.unwrap_err();
    assert!(matches!(error, OAuthError::RegistrationFailed { .. }));
}

#[tokio::test]
async fn scopes_that_registration_refuses_are_left_out_once() {
    let provider = Provider::start().await;
    let refusal = json!({ "message": "scope.0: unknown" });
    provider.answer_once("/register", FixedAnswer::json(400, &refusal));
    provider.client(&OAuthSettings::default()).await.unwrap();
    let sent: Vec<serde_json::Value> = provider
        .requests("/register")
        .iter()
        .map(|request| serde_json::from_str(&request.body).unwrap())
        .collect();
    assert_eq!(sent.len(), 2);
    assert_eq!((&sent[0]["scope"], sent[1].get("scope")), (&json!("r w"), None));
}

#[tokio::test]
async fn a_known_client_is_used_only_at_its_issuer_with_its_redirect() {
    let provider = Provider::start().await;
    let settings = OAuthSettings::default();
    let client = OAuthClient::new();
    let server = provider.discover(&settings).await.unwrap();
    let known = provider.client(&settings).await.unwrap();
    let again =
        client.client_for(&server, &settings, None, Some(&known), REDIRECT_URI).await.unwrap();
    assert_eq!(again.client_id, known.client_id);
    assert_eq!(provider.requests("/register").len(), 1);

    let other_port = "http://127.0.0.1:3119/callback";
    let anew = client.client_for(&server, &settings, None, Some(&known), other_port).await.unwrap();
    assert_ne!(anew.client_id, known.client_id);
    assert_eq!(anew.redirect_uri, other_port);

    let foreign = ClientRegistration { issuer: "https://other.example".into(), ..known.clone() };
    let ended = ClientRegistration {
        secret_expires_at: Some(agentport_core::Timestamp(1)),
        ..known.clone()
    };
    for unusable in [foreign, ended] {
        let anew = client
            .client_for(&server, &settings, None, Some(&unusable), REDIRECT_URI)
            .await
            .unwrap();
        assert_ne!(anew.client_id, known.client_id);
    }
}

#[tokio::test]
async fn a_metadata_document_is_used_where_the_provider_takes_one() {
    let provider = Provider::start().await;
    let url = "https://client.example/agentport.json";
    let settings = OAuthSettings { client_metadata_url: Some(url.into()), ..Default::default() };
    let registered = provider.client(&settings).await.unwrap();
    assert_eq!(registered.source, ClientSource::Registered);
    provider.set_server_metadata("client_id_metadata_document_supported", json!(true));
    let document = provider.client(&settings).await.unwrap();
    assert_eq!(
        (document.client_id.as_str(), document.source),
        (url, ClientSource::MetadataDocument)
    );
    assert_eq!(provider.requests("/register").len(), 1);
}

#[tokio::test]
async fn the_answer_decides_how_the_client_authenticates_also_after_a_restart() {
    let methods = ["none", "client_secret_post", "client_secret_basic"];
    for (listed, answered, want) in [
        (json!(methods), json!("client_secret_post"), ClientAuthMethod::ClientSecretPost),
        (json!(methods), json!("client_secret_basic"), ClientAuthMethod::ClientSecretBasic),
        (json!(methods), json!("none"), ClientAuthMethod::None),
        (json!(methods), json!(null), ClientAuthMethod::ClientSecretBasic),
        (json!(["client_secret_post"]), json!(null), ClientAuthMethod::ClientSecretPost),
        (json!(["client_secret_post"]), json!("none"), ClientAuthMethod::ClientSecretPost),
        (json!(null), json!(null), ClientAuthMethod::ClientSecretBasic),
    ] {
        let provider = Provider::start().await;
        provider.set_server_metadata("token_endpoint_auth_methods_supported", listed);
        let answer = json!({
            "client_id": "client-x", "client_secret": "planted-secret", "token_endpoint_auth_method": answered,
            "redirect_uris": ["https://somewhere.example/else"], "client_secret_expires_at": 0,
        });
        provider.answer("/register", FixedAnswer::json(200, &answer));
        let settings = OAuthSettings::default();
        let record = provider.sign_in(&settings).await.unwrap();
        assert_eq!(record.client.auth_method, want);
        assert_eq!(record.client.redirect_uri, REDIRECT_URI, "the answer's list is not adopted");
        let record = OAuthRecord::from_json(record.to_sealed_json().expose()).unwrap();
        OAuthClient::new().refresh(&record, &settings).await.unwrap();
        OAuthClient::new().revoke(&record).await.unwrap();
        let requests = [provider.requests("/token"), provider.requests("/revoke")].concat();
        assert_eq!(requests.len(), 4);
        for request in requests {
            let form = request.form();
            let is_basic = want == ClientAuthMethod::ClientSecretBasic;
            assert_eq!(request.headers.contains_key(AUTHORIZATION), is_basic);
            assert!(
                form.contains_key("client_id"),
                "beside Basic as well: some look it up by that"
            );
            let in_body = want == ClientAuthMethod::ClientSecretPost;
            assert_eq!(form.contains_key("client_secret"), in_body);
        }
    }
}
