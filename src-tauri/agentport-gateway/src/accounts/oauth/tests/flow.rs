//! Whole sign-ins, callbacks, scopes and the resource.

use std::collections::BTreeMap;

use serde_json::json;

use super::*;

fn query(url: &str) -> BTreeMap<String, String> {
    url::Url::parse(url).unwrap().query_pairs().into_owned().collect()
}

#[tokio::test]
async fn a_sign_in_goes_from_discovery_to_revocation() {
    let provider = Provider::start().await;
    let settings = OAuthSettings::default();
    let record = provider.sign_in(&settings).await.unwrap();
    assert_eq!(record.access_token.expose(), "planted-access-3");
    assert_eq!(record.granted_scopes, ["r", "w"], "an answer without scope grants the request");
    assert_eq!(record.workspace.as_deref(), Some("Acme"));
    assert_eq!(
        record.expires_at,
        Some(record.received_at.plus(std::time::Duration::from_secs(3600)))
    );

    let registration: serde_json::Value =
        serde_json::from_str(&provider.requests("/register")[0].body).unwrap();
    assert_eq!(registration["client_name"], "AgentPort");
    assert_eq!(registration["application_type"], "native");
    assert_eq!(registration["redirect_uris"], json!([REDIRECT_URI]));

    // As after a restart: a new client, and the record from its stored form.
    let client = OAuthClient::new();
    let record = OAuthRecord::from_json(record.to_sealed_json().expose()).unwrap();
    let before = provider.paths().len();
    let renewed = client.refresh(&record, &settings).await.unwrap();
    assert_eq!(provider.paths()[before..], ["/token"], "nothing is discovered again");
    let form = provider.requests("/token")[1].form();
    let expected = json!({
        "grant_type": "refresh_token",
        "refresh_token": record.refresh_token.as_ref().unwrap().expose(),
        "client_id": "client-1",
        "resource": format!("{}/mcp", provider.base()),
    });
    assert_eq!(json!(form), expected, "no scope is sent");
    assert_ne!(renewed.access_token.expose(), record.access_token.expose());
    assert_ne!(
        renewed.refresh_token.as_ref().unwrap().expose(),
        record.refresh_token.as_ref().unwrap().expose()
    );
    assert_eq!(renewed.granted_scopes, ["r", "w"]);

    client.revoke(&renewed).await.unwrap();
    let revoked: Vec<_> = provider
        .requests("/revoke")
        .iter()
        .map(|request| request.form()["token"].clone())
        .collect();
    let refresh_token = renewed.refresh_token.as_ref().unwrap().expose();
    assert_eq!(revoked, [refresh_token, renewed.access_token.expose()]);
}

#[tokio::test]
async fn wrong_callbacks_are_not_redeemed_and_a_right_one_still_is() {
    let provider = Provider::start().await;
    let client = OAuthClient::new();
    let pending = provider.begin(&OAuthSettings::default()).await;
    let other = provider.begin(&OAuthSettings::default()).await;
    let right = provider.consent(pending.authorization_url()).await;
    let (state, issuer) = (pending.state(), provider.base());
    let stale = provider.consent(other.authorization_url()).await;
    for (callback, want) in [
        (stale, OAuthError::StateMismatch),
        (
            format!("{REDIRECT_URI}?code=planted-x&iss={issuer}"),
            OAuthError::CallbackUnreadable { problem: "it has no state" },
        ),
        (
            format!("{REDIRECT_URI}?code=planted-x&state={state}&iss=https://evil.example"),
            OAuthError::CallbackIssuerMismatch {
                expected: issuer.clone(),
                found: "https://evil.example".into(),
            },
        ),
        (
            format!("{REDIRECT_URI}?code=planted-x&state={state}"),
            OAuthError::CallbackIssuerMissing { expected: issuer.clone() },
        ),
        (
            format!("{REDIRECT_URI}?error=access_denied&state={state}"),
            OAuthError::CallbackIssuerMissing { expected: issuer.clone() },
        ),
        (
            format!("{REDIRECT_URI}?error=access_denied&state={state}&iss={issuer}"),
            OAuthError::Cancelled,
        ),
        (
            format!("{REDIRECT_URI}?state={state}&state={state}&iss={issuer}&code=planted-x"),
            OAuthError::CallbackUnreadable { problem: "it names a parameter twice" },
        ),
        (
            format!("{REDIRECT_URI}?state={state}&iss={issuer}"),
            OAuthError::CallbackUnreadable { problem: "it has no code" },
        ),
    ] {
        let error = client.complete(&pending, &callback).await.unwrap_err();
        assert_eq!(error, want, "{callback}");
        assert_shows_no_secret(&error);
    }
    assert!(provider.requests("/token").is_empty());
    client.complete(&pending, &right).await.unwrap();
    assert_eq!(client.complete(&pending, &right).await.unwrap_err(), OAuthError::AlreadyUsed);
    assert_eq!(provider.requests("/token").len(), 1);
}

#[tokio::test]
async fn a_callback_may_be_pasted_as_a_query_and_may_lack_iss_where_that_is_tolerated() {
    let provider = Provider::start().await;
    let client = OAuthClient::new();
    for tolerant in [false, true] {
        let settings = OAuthSettings { allow_missing_iss: tolerant, ..Default::default() };
        let pending = provider.begin(&settings).await;
        let callback = provider.consent(pending.authorization_url()).await;
        let (_, pasted) = callback.split_once('?').unwrap();
        let (without_iss, _) = pasted.split_once("&iss=").unwrap();
        let done = client.complete(&pending, &format!("?{without_iss}")).await;
        assert_eq!(done.is_ok(), tolerant);
        if !tolerant {
            client.complete(&pending, pasted).await.unwrap();
        }
    }
    provider.set_server_metadata("authorization_response_iss_parameter_supported", json!(null));
    let pending = provider.begin(&OAuthSettings::default()).await;
    let callback = provider.consent(pending.authorization_url()).await;
    let (without_iss, _) = callback.split_once("&iss=").unwrap();
    client.complete(&pending, without_iss).await.unwrap();
}

#[tokio::test]
async fn errors_of_the_authorization_page_are_shown_in_the_providers_words() {
    let provider = Provider::start().await;
    let pending = provider.begin(&OAuthSettings::default()).await;
    let (state, issuer) = (pending.state(), provider.base());
    let callback = |error: &str| {
        format!(
            "{REDIRECT_URI}?error={error}&error_description=it+is+{state}&state={state}&iss={issuer}"
        )
    };
    let client = OAuthClient::new();
    let error = client.complete(&pending, &callback("invalid_scope")).await.unwrap_err();
    assert!(error.is_scope_refused() && !error.is_client_unknown());
    let error = client.complete(&pending, &callback("invalid_client")).await.unwrap_err();
    assert!(error.is_client_unknown() && error.is_final());
    let text = error.to_string();
    assert!(text.contains("invalid_client (it is") && !text.contains(state), "{text}");
}

#[tokio::test]
async fn scopes_are_chosen_by_settings_then_challenge_then_metadata() {
    let provider = Provider::start().await;
    let client = OAuthClient::new();
    let plain = OAuthSettings::default();
    let fixed = |list: &[&str]| OAuthSettings {
        scopes: Some(list.iter().map(ToString::to_string).collect()),
        ..Default::default()
    };
    let challenge = format!(r#"{}, scope="c""#, provider.challenge());
    let step_up = ScopeChoice::StepUp {
        held: vec!["r".into(), "w".into()],
        wanted: vec!["w".into(), "admin".into()],
    };
    for (offline, challenge, settings, choice, want) in [
        (false, provider.challenge(), plain.clone(), ScopeChoice::AsOffered, Some("r w")),
        (
            true,
            provider.challenge(),
            plain.clone(),
            ScopeChoice::AsOffered,
            Some("r w offline_access"),
        ),
        (true, challenge, plain.clone(), ScopeChoice::AsOffered, Some("c offline_access")),
        (true, provider.challenge(), fixed(&["x"]), ScopeChoice::AsOffered, Some("x")),
        (true, provider.challenge(), fixed(&[]), ScopeChoice::AsOffered, None),
        (true, provider.challenge(), plain.clone(), ScopeChoice::Omitted, None),
        (false, provider.challenge(), plain, step_up, Some("r w admin")),
    ] {
        let supported = if offline { json!(["offline_access"]) } else { json!(null) };
        provider.set_server_metadata("scopes_supported", supported);
        let server =
            client.discover(&provider.server(), Some(&challenge), &settings).await.unwrap();
        let registered =
            client.client_for(&server, &settings, None, None, REDIRECT_URI).await.unwrap();
        let pending = client.begin(&server, registered, &settings, choice).await.unwrap();
        let sent = query(pending.authorization_url());
        assert_eq!(sent.get("scope").map(String::as_str), want, "{challenge}");
    }
}

#[tokio::test]
async fn the_resource_is_sent_as_published_everywhere_or_nowhere() {
    let provider = Provider::start().await;
    let client = OAuthClient::new();
    for (published, send) in
        [(provider.base(), true), (format!("{}/", provider.base()), true), (provider.base(), false)]
    {
        provider.set_resource_metadata("resource", json!(published));
        let settings = OAuthSettings { send_resource: send, ..Default::default() };
        let pending = provider.begin(&settings).await;
        let want = send.then_some(&published);
        assert_eq!(query(pending.authorization_url()).get("resource"), want);
        let callback = provider.consent(pending.authorization_url()).await;
        let record = client.complete(&pending, &callback).await.unwrap();
        let record = OAuthRecord::from_json(record.to_sealed_json().expose()).unwrap();
        client.refresh(&record, &settings).await.unwrap();
        let tokens = provider.requests("/token");
        for request in &tokens[tokens.len() - 2..] {
            assert_eq!(request.form().get("resource"), want);
        }
    }
}

#[tokio::test]
async fn parameters_of_the_settings_go_to_the_browser() {
    let provider = Provider::start().await;
    let settings = OAuthSettings {
        authorize_params: BTreeMap::from([("access_type".into(), "offline".into())]),
        ..Default::default()
    };
    let pending = provider.begin(&settings).await;
    let sent = query(pending.authorization_url());
    assert_eq!(sent["access_type"], "offline");
    assert_eq!(sent["client_id"], "client-1");
    assert_eq!(sent["redirect_uri"], REDIRECT_URI);
}
