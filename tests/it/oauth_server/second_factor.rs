//! Letting an agent in widens what agents can do, so with the second factor on it needs a code.

use agentport_tests::{
    OAuthAgent, TokenSet,
    oauth_agent::{AuthorizePage, WaitState, fixtures},
};
use http::{Method, StatusCode};
use serde_json::{Value, json};

use crate::owner::window::Window;

async fn waiting(window: &Window) -> String {
    let list = window.read("/control/consents").await;
    let items = list["items"].as_array().expect("a list");
    let waiting: Vec<&Value> = items.iter().filter(|one| one["state"] == "waiting").collect();
    assert_eq!(waiting.len(), 1, "{list}");
    waiting[0]["id"].as_str().expect("an id").to_owned()
}

#[tokio::test]
async fn consent_needs_a_code_and_a_refusal_does_not() {
    let mut window = Window::open().await;
    let (mut phone, _) = window.second_factor().await;
    let url = format!("{}/mcp", window.wire().base);
    let client = OAuthAgent::register_as(&url, &fixtures::claude_code()).await;

    let page = AuthorizePage::open(&client.request().url()).await;
    page.waits();
    let approve = format!("/control/consents/{}/approve", waiting(&window).await);
    let refused = window.refused(Method::POST, &approve, json!({}), StatusCode::FORBIDDEN).await;
    assert_eq!(refused["code"], "confirmation_needed", "{refused}");
    assert_eq!(page.look().await, WaitState::Waiting);
    let deny = format!("/control/consents/{}/deny", waiting(&window).await);
    window.done(Method::POST, &deny, None).await;
    assert_eq!(page.callback().await.get("error").as_deref(), Some("access_denied"));

    let request = client.request();
    let page = AuthorizePage::open(&request.url()).await;
    let approve = format!("/control/consents/{}/approve", waiting(&window).await);
    window.confirm(&phone.code().await).await;
    window.done(Method::POST, &approve, Some(json!({}))).await;
    let tokens = TokenSet::of(&client.exchange(&page.callback().await.code(), &request).await);
    let wire = window.wire().with("authorization", &format!("Bearer {}", tokens.access_token));
    assert_eq!(super::status(&wire).await, StatusCode::OK);
    window.close().await;
}
