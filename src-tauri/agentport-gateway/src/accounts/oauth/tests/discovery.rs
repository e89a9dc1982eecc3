//! Discovery at providers that depart from the rules.

use serde_json::json;

use super::*;

const RESOURCE_PATH: &str = "/.well-known/oauth-protected-resource/mcp";
const RESOURCE_ROOT: &str = "/.well-known/oauth-protected-resource";
const SERVER_ROOT: &str = "/.well-known/oauth-authorization-server";

async fn unchallenged(
    provider: &Provider,
    settings: &OAuthSettings,
) -> Result<AuthorizationServer, OAuthError> {
    OAuthClient::new().discover(&provider.server(), None, settings).await
}

#[tokio::test]
async fn a_server_without_challenge_is_found_by_its_well_known_path() {
    let provider = Provider::start().await;
    let found = unchallenged(&provider, &OAuthSettings::default()).await.unwrap();
    assert_eq!(found.issuer, provider.base());
    assert_eq!(found.notes(), Vec::<String>::new());
    assert_eq!(provider.paths(), [RESOURCE_PATH, SERVER_ROOT]);
}

#[tokio::test]
async fn odd_answers_at_guessed_addresses_are_skipped_with_a_line_each() {
    for (answer, reason) in [
        (FixedAnswer::text(500, "broken"), "it answered HTTP 500"),
        (FixedAnswer::text(429, "").header("retry-after", "9"), "it answered HTTP 429"),
        (FixedAnswer::text(401, ""), "it answered HTTP 401"),
        (FixedAnswer::typed(200, "text/html", "<html>"), "its answer is not such a document"),
        (
            FixedAnswer::text(302, "").header("location", "https://other.example/"),
            "it redirects to another site",
        ),
        (FixedAnswer::json(200, &json!({ "unrelated": true })), "it names no resource"),
        (
            FixedAnswer::json(200, &json!({ "resource": "https://other.example/" })),
            "it is about another server, https://other.example/",
        ),
    ] {
        let provider = Provider::start().await;
        let document = json!({ "resource": "{base}", "authorization_servers": ["{base}"] });
        provider.answer(RESOURCE_PATH, answer);
        provider.answer(RESOURCE_ROOT, FixedAnswer::json(200, &document));
        let found = unchallenged(&provider, &OAuthSettings::default()).await.unwrap();
        assert_eq!(found.resource, provider.base());
        let base = provider.base();
        assert_eq!(found.notes(), [format!("Skipped {base}{RESOURCE_PATH}: {reason}.")]);
    }
}

#[tokio::test]
async fn a_foreign_issuer_at_a_guessed_address_is_skipped() {
    let provider = Provider::start().await;
    provider.answer(RESOURCE_PATH, FixedAnswer::text(404, ""));
    // The path form answers with the document of the root, as some do.
    let base = provider.base();
    let document = json!({
        "issuer": base, "authorization_endpoint": format!("{base}/authorize"), "token_endpoint": format!("{base}/token"),
    });
    provider.answer(&format!("{SERVER_ROOT}/mcp"), FixedAnswer::json(200, &document));
    let found = unchallenged(&provider, &OAuthSettings::default()).await.unwrap();
    assert_eq!(found.issuer, base);
    assert_eq!(
        found.notes(),
        [format!("Skipped {base}{SERVER_ROOT}/mcp: it names {base}, not {base}/mcp.")]
    );
    assert_eq!(found.resource, format!("{base}/mcp"), "its own address is the resource");
}

#[tokio::test]
async fn another_issuer_is_refused_with_both_names_unless_it_is_pinned() {
    let provider = Provider::start().await;
    provider.set_server_metadata("issuer", json!("https://cf.example"));
    let error = provider.discover(&OAuthSettings::default()).await.unwrap_err();
    let (expected, found) = (provider.base(), "https://cf.example".to_owned());
    assert_eq!(error, OAuthError::IssuerMismatch { expected, found });
    assert!(error.to_string().contains("https://cf.example") && error.is_final());

    let pin = |issuer: &str| OAuthSettings { issuer: Some(issuer.into()), ..Default::default() };
    let found = provider.discover(&pin("https://cf.example")).await.unwrap();
    assert_eq!(found.issuer, "https://cf.example");
    let registered = provider.client(&pin("https://cf.example")).await.unwrap();
    assert_eq!(registered.issuer, "https://cf.example", "clients and tokens are keyed to it");

    provider.set_server_metadata("issuer", json!(provider.base()));
    assert!(provider.discover(&pin("http://127.0.0.1:1")).await.is_err(), "a pin admits no other");
}

#[tokio::test]
async fn issuers_with_a_path_are_found_where_they_publish() {
    for path in [
        "/.well-known/oauth-authorization-server/login/oauth",
        "/.well-known/openid-configuration/login/oauth",
        "/login/oauth/.well-known/openid-configuration",
    ] {
        let provider = Provider::start().await;
        let base = provider.base();
        let issuer = format!("{base}/login/oauth");
        provider.set_resource_metadata("authorization_servers", json!([issuer]));
        let document = json!({
            "issuer": issuer, "authorization_endpoint": format!("{base}/authorize"), "token_endpoint": format!("{base}/token"),
        });
        provider.answer(path, FixedAnswer::json(200, &document));
        let found = provider.discover(&OAuthSettings::default()).await.unwrap();
        assert_eq!(found.issuer, issuer);
        assert!(!provider.paths().iter().any(|path| path == "/token"), "no endpoint is guessed");
    }
}

#[tokio::test]
async fn metadata_the_server_points_at_has_to_be_right() {
    let provider = Provider::start().await;
    provider.set_resource_metadata("resource", json!("https://other.example/mcp"));
    let error = provider.discover(&OAuthSettings::default()).await.unwrap_err();
    assert!(matches!(error, OAuthError::ResourceMetadataInvalid { .. }), "{error:?}");
}

#[tokio::test]
async fn endpoints_are_checked_before_anything_is_sent_to_them() {
    for (name, url) in [
        ("token_endpoint", "http://auth.example.com/token"),
        ("token_endpoint", "http://169.254.169.254/token"),
        ("authorization_endpoint", "javascript:alert(1)"),
        ("authorization_endpoint", "file:///etc/passwd"),
        ("authorization_endpoint", "https://user:pass@auth.example.com/"),
        ("registration_endpoint", "https://10.0.0.1/register"),
        ("revocation_endpoint", "http://auth.example.com/revoke"),
    ] {
        let provider = Provider::start().await;
        provider.set_server_metadata(name, json!(url));
        let error = provider.discover(&OAuthSettings::default()).await.unwrap_err();
        assert!(matches!(error, OAuthError::ServerMetadataInvalid { .. }), "{url}: {error:?}");
        assert_eq!(provider.paths(), [RESOURCE_PATH, SERVER_ROOT]);
    }
}

#[tokio::test]
async fn pkce_and_codes_are_required() {
    let provider = Provider::start().await;
    provider.set_server_metadata("code_challenge_methods_supported", json!(["plain"]));
    let error = provider.discover(&OAuthSettings::default()).await.unwrap_err();
    assert!(matches!(error, OAuthError::PkceUnsupported { .. }));
    provider.set_server_metadata("code_challenge_methods_supported", json!(null));
    assert_eq!(provider.discover(&OAuthSettings::default()).await.unwrap().notes().len(), 1);
    provider.set_server_metadata("response_types_supported", json!(["token"]));
    let error = provider.discover(&OAuthSettings::default()).await.unwrap_err();
    assert!(matches!(error, OAuthError::ServerMetadataInvalid { .. }));
}

#[tokio::test]
async fn authorization_servers_inside_the_network_are_not_asked() {
    let provider = Provider::start().await;
    let named =
        ["http://169.254.169.254/", "https://10.0.0.1/", "http://auth.example.com/", "nonsense"];
    provider.set_resource_metadata("authorization_servers", json!(named));
    let error = provider.discover(&OAuthSettings::default()).await.unwrap_err();
    assert!(matches!(error, OAuthError::AddressRefused { .. }), "{error:?}");
    assert_eq!(provider.paths(), [RESOURCE_PATH]);
}

#[tokio::test]
async fn redirects_are_followed_within_the_site_only() {
    let provider = Provider::start().await;
    let moved = FixedAnswer::text(302, "").header("location", "/moved");
    provider.answer(RESOURCE_PATH, moved);
    let document = json!({ "resource": "{base}/mcp", "authorization_servers": ["{base}"] });
    provider.answer("/moved", FixedAnswer::json(200, &document));
    provider.discover(&OAuthSettings::default()).await.unwrap();

    let other = Provider::start().await;
    let location = format!("{}/stolen", other.base());
    provider.answer(RESOURCE_PATH, FixedAnswer::text(302, "").header("location", &location));
    let found = provider.discover(&OAuthSettings::default()).await.unwrap();
    assert!(other.paths().is_empty(), "another port is another site");
    assert!(found.notes()[0].contains("redirects to another site"));

    provider.answer("/loop", FixedAnswer::text(302, "").header("location", "/loop"));
    provider.answer(RESOURCE_PATH, FixedAnswer::text(302, "").header("location", "/loop"));
    provider.discover(&OAuthSettings::default()).await.unwrap();
    assert!(provider.requests("/loop").len() <= 20);
}

#[tokio::test]
async fn a_server_that_says_later_is_not_taken_for_one_without_sign_in() {
    let provider = Provider::start().await;
    for path in [RESOURCE_PATH, SERVER_ROOT] {
        provider.answer(path, FixedAnswer::text(429, "").header("retry-after", "9"));
    }
    let error = provider.discover(&OAuthSettings::default()).await.unwrap_err();
    assert_eq!(error.retry_after(), Some(std::time::Duration::from_secs(9)));
    assert!(!error.is_final());

    let provider = Provider::start().await;
    for path in [RESOURCE_PATH, SERVER_ROOT] {
        provider.answer(path, FixedAnswer::text(404, ""));
    }
    let error = provider.discover(&OAuthSettings::default()).await.unwrap_err();
    assert!(matches!(error, OAuthError::NotOffered { .. }), "{error:?}");
    assert!(!provider.paths().iter().any(|path| path == "/authorize" || path == "/register"));
}

/// The clock is stopped, so that waiting takes no time.
#[tokio::test(start_paused = true)]
async fn a_server_that_never_answers_is_unreachable() {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let server = format!("http://{}/mcp", silent.local_addr().unwrap()).parse().unwrap();
    let settings = OAuthSettings::default();
    let error = OAuthClient::new().discover(&server, None, &settings).await.unwrap_err();
    assert!(error.to_string().contains("it took too long") && !error.is_final(), "{error}");
}

#[tokio::test]
async fn the_servers_own_url_gives_away_nothing() {
    let provider = Provider::start().await;
    let server = format!("{}?key=planted", provider.server()).replace("//", "//me:planted@");
    let client = OAuthClient::new();
    let settings = OAuthSettings::default();
    let found = client.discover(&server.parse().unwrap(), None, &settings).await.unwrap();
    assert!(!serde_json::to_string(&found).unwrap().contains("planted"));
    assert_eq!(found.server, provider.server());
}

#[tokio::test]
async fn issuers_and_scopes_that_cannot_be_shown_are_not_taken() {
    let provider = Provider::start().await;
    let base = provider.base();
    let (bidirectional, broken) = (format!("{base}/\u{202e}"), format!("{base}/\n"));
    provider.set_resource_metadata("authorization_servers", json!([bidirectional, broken, base]));
    provider.set_resource_metadata("scopes_supported", json!(["r", "w\u{202e}", "x y"]));
    let found = provider.discover(&OAuthSettings::default()).await.unwrap();
    assert_eq!(
        (found.issuer.as_str(), found.offered_scopes.as_slice()),
        (base.as_str(), &["r".to_owned()][..])
    );
    assert_eq!(
        found.notes().len(),
        1,
        "a line break at the end is not part of a URL: {:?}",
        found.notes()
    );
}

#[tokio::test]
async fn large_answers_are_not_read_to_their_end() {
    let provider = Provider::start().await;
    provider.answer(RESOURCE_PATH, FixedAnswer::text(200, &"x".repeat(1024 * 1024 + 1)));
    let found = provider.discover(&OAuthSettings::default()).await.unwrap();
    assert!(found.notes()[0].contains("its answer is too large"), "{:?}", found.notes());
}
