//! Redirect targets: RFC 8252 sections 7.1 to 7.3, RFC 9700 section 4.1.

use agentport_api::RedirectTarget;
use agentport_tests::{
    OAuthAgent, TokenSet,
    oauth_agent::{AuthorizePage, fixtures},
};

use crate::scene::Scene;

async fn client(scene: &Scene, redirect: &str) -> OAuthAgent {
    let body = fixtures::with_redirects(&format!("client of {redirect}"), &[redirect]);
    OAuthAgent::register_as(&scene.gateway.said.mcp_url, &body).await
}

/// The registered redirect, the one asked for, and whether that is the client's own.
const CASES: [(&str, &str, bool); 42] = [
    // Loopback: any port, host and path as registered.
    ("http://localhost/callback", "http://localhost:53123/callback", true),
    ("http://localhost/callback", "http://localhost/callback", true),
    ("http://localhost:3118/callback", "http://localhost:53123/callback", true),
    ("http://127.0.0.1:33418/", "http://127.0.0.1:51000/", true),
    ("http://127.0.0.1/", "http://127.0.0.1:51000/", true),
    ("http://[::1]:33418/callback", "http://[::1]:51000/callback", true),
    ("http://localhost/callback", "http://localhost:53123/other", false),
    ("http://localhost/callback", "http://localhost:53123/callback/", false),
    ("http://localhost/callback", "http://localhost:53123/callback/deeper", false),
    ("http://localhost/callback", "http://localhost:53123/Callback", false),
    ("http://localhost/callback", "http://localhost:53123/%63allback", false),
    ("http://localhost/callback", "http://localhost:53123/x/../callback2", false),
    ("http://localhost/callback", "http://localhost:53123//callback", false),
    ("http://localhost/callback", "http://localhost:53123/callback?next=x", false),
    ("http://localhost/callback", "http://localhost:53123/callback#x", false),
    ("http://localhost/callback", "http://127.0.0.1:53123/callback", false),
    ("http://localhost/callback", "https://localhost:53123/callback", false),
    ("http://localhost/callback", "http://evil.example/callback", false),
    ("http://localhost/callback", "http://localhost.evil.example/callback", false),
    ("http://localhost/callback", "http://localhost@evil.example/callback", false),
    ("http://localhost/callback", "http://localhost:80@evil.example/callback", false),
    ("http://localhost/callback", "http://evil.example\\@localhost/callback", false),
    ("http://localhost/callback", "//localhost/callback", false),
    ("http://localhost/callback", "javascript:alert(1)", false),
    // As if it was left out: the port of a program is another each time.
    ("http://localhost/callback", "", false),
    ("http://127.0.0.1/callback", "http://127.0.0.2/callback", false),
    ("http://127.0.0.1/callback", "http://localhost/callback", false),
    ("http://127.0.0.1/callback", "http://0.0.0.0/callback", false),
    // Sites: to the byte.
    ("https://site.example/cb", "https://site.example/cb", true),
    ("https://site.example/cb", "https://site.example/cb2", false),
    ("https://site.example/cb", "https://site.example/cb/", false),
    ("https://site.example/cb", "https://site.example/cb?x=1", false),
    ("https://site.example/cb", "https://site.example:8443/cb", false),
    ("https://site.example/cb", "https://www.site.example/cb", false),
    ("https://site.example/cb", "https://site.example.evil.example/cb", false),
    ("https://site.example/cb", "http://site.example/cb", false),
    ("https://site.example/cb?k=1", "https://site.example/cb?k=1", true),
    // Apps: to the byte.
    (
        "cursor://anysphere.cursor-mcp/oauth/callback",
        "cursor://anysphere.cursor-mcp/oauth/callback",
        true,
    ),
    (
        "cursor://anysphere.cursor-mcp/oauth/callback",
        "cursor://anysphere.cursor-mcp/oauth/other",
        false,
    ),
    ("cursor://anysphere.cursor-mcp/oauth/callback", "cursor://evil/oauth/callback", false),
    (
        "cursor://anysphere.cursor-mcp/oauth/callback",
        "vscode://anysphere.cursor-mcp/oauth/callback",
        false,
    ),
    ("com.example.app:/callback", "com.example.app:/callback", true),
];

#[tokio::test]
async fn a_request_waits_for_its_own_redirect_and_only_explains_any_other() {
    let scene = Scene::empty().await;
    for (registered, asked, own) in CASES {
        let client = client(&scene, registered).await;
        let page = AuthorizePage::open(&client.request_to(asked).url()).await;
        if own {
            page.waits();
        } else {
            let text = page.explains();
            assert!(!text.contains("href=\"javascript"), "{asked}: {text}");
            assert!(text.contains("registered"), "{asked}: {text}");
        }
    }
    scene.stop().await;
}

#[tokio::test]
async fn the_code_goes_to_the_port_that_was_asked_for() {
    let scene = Scene::empty().await;
    let client = client(&scene, "http://localhost/callback").await;
    let request = client.request_to("http://localhost:53123/callback");
    let callback = client.consented(&scene.owner, &request).await;
    assert_eq!(callback.target(), "http://localhost:53123/callback");
    TokenSet::of(&client.exchange(&callback.code(), &request).await);
    scene.stop().await;
}

#[tokio::test]
async fn the_query_of_a_redirect_is_kept_and_the_state_comes_back_as_it_was() {
    let scene = Scene::empty().await;
    let client = client(&scene, "https://site.example/cb?keep=1&also=a%20b").await;
    let state = "a+b c/=?&é%20";
    let request = client.request().with("state", state);
    let callback = client.consented(&scene.owner, &request).await;
    assert_eq!(callback.get("keep").as_deref(), Some("1"));
    assert_eq!(callback.get("also").as_deref(), Some("a b"));
    assert_eq!(callback.get("state").as_deref(), Some(state));
    assert_eq!(callback.get("iss").as_deref(), Some(client.found.issuer()));
    callback.code();
    scene.stop().await;
}

#[tokio::test]
async fn the_owner_sees_where_the_code_will_go() {
    let scene = Scene::empty().await;
    for (redirect, target) in [
        ("http://localhost:53123/callback", RedirectTarget::Loopback { port: 53123 }),
        ("https://site.example/cb", RedirectTarget::Site { host: "site.example".to_owned() }),
        (
            "https://site.example:8443/cb",
            RedirectTarget::Site { host: "site.example:8443".to_owned() },
        ),
        ("cursor://anysphere.cursor-mcp/cb", RedirectTarget::App { scheme: "cursor".to_owned() }),
    ] {
        let client = client(&scene, redirect).await;
        let page = AuthorizePage::open(&client.request().url()).await;
        page.waits();
        let consent = scene.owner.one_consent().await;
        assert_eq!(consent.redirect, target);
        assert_eq!(consent.redirect_uri, redirect);
        scene.owner.refuse_consent(consent.id).await;
        assert_eq!(page.callback().await.target(), redirect);
    }
    scene.stop().await;
}

#[tokio::test]
async fn an_application_is_reached_by_its_scheme() {
    let scene = Scene::empty().await;
    let body = fixtures::of("cursor");
    let client = OAuthAgent::register_as(&scene.gateway.said.mcp_url, &body).await;
    for redirect in body["redirect_uris"].as_array().expect("a list") {
        let redirect = redirect.as_str().expect("an address");
        let request = client.request_to(redirect);
        let callback = client.consented(&scene.owner, &request).await;
        assert!(callback.url.as_str().starts_with(redirect), "{}", callback.url);
        TokenSet::of(&client.exchange(&callback.code(), &request).await);
    }
    scene.stop().await;
}
