//! Which account an agent uses, and what says so.

use agentport_api::GrantChoice;
use agentport_core::{AccountId, approval::StateName, policy::Mode};
use http::{Method, StatusCode};
use serde_json::{Value, json};

use super::{OAuthScene, PROVIDER};

impl OAuthScene {
    /// One more account, of the provider's user `grace`, with the label `work`.
    async fn add_work_account(&self) -> AccountId {
        let view = self.begin(json!({"integration": PROVIDER, "label": "work"})).await;
        let url = self.consent_url(&view.id).await;
        self.browser.approve_as(&url, "grace").await;
        self.done(&view.id).await
    }

    async fn choose(&self, chosen: Value) -> StatusCode {
        let path = format!("/control/integrations/{PROVIDER}/accounts/chosen");
        self.scene.owner.send(Method::PUT, &path, Some(chosen)).await.status
    }
}

#[tokio::test]
async fn each_agent_uses_the_account_chosen_for_it_and_the_activity_names_it() {
    let (scene, first) = OAuthScene::signed_in().await;
    let work = scene.add_work_account().await;
    let owner = &scene.scene.owner;
    let other = owner.create_key("other").await;
    let wire = scene.scene.gateway.wire(&other);
    let profile = json!({"name": "office", "integrations": [PROVIDER], "tags": []});
    owner.put_profile("office", profile).await;
    let third = owner.create_key_with(json!({"name": "third", "profile": "office"})).await;
    let of_profile = scene.scene.gateway.wire(&third);

    let unknown = json!({"agents": {other.id.to_string(): uuid::Uuid::nil()}});
    assert_eq!(scene.choose(unknown).await, StatusCode::NOT_FOUND);
    let agents = json!({other.id.to_string(): work});
    let chosen = json!({"agents": agents, "profiles": {"office": work}});
    assert_eq!(scene.choose(chosen).await, StatusCode::OK);

    assert!(scene.whoami().await.ran().text.contains("account=ada"), "the default, {first}");
    for wire in [&wire, &of_profile] {
        let answer = wire.call_tool(PROVIDER, "whoami", json!({})).await.ran();
        assert!(answer.text.contains("account=grace"), "{}", answer.text);
    }
    // Each is told which account is its own, and nothing that would open it.
    for (wire, label) in [(&wire, "work"), (&scene.scene.wire, "default")] {
        for detail in ["brief", "full"] {
            let said = wire.tool("agentport__whoami", json!({"detail": detail})).await.ran();
            let all: Value = serde_json::from_str(&said.text).expect("JSON");
            let integrations = all["integrations"].as_array().expect("a list");
            let own = integrations.iter().find(|one| one["integration_id"] == PROVIDER);
            let own = own.expect("it is listed");
            assert_eq!(
                (&own["auth_status"], &own["account"]),
                (&json!("connected"), &json!(label))
            );
            assert!(!said.text.contains("token"), "{}", said.text);
        }
    }
    let page = owner.activity(&format!("agent={}", other.id)).await;
    assert_eq!(page.items[0].account.as_deref(), Some("work"));

    let scene = scene.restart().await;
    let wire = scene.scene.gateway.wire(&other);
    let answer = wire.call_tool(PROVIDER, "whoami", json!({})).await.ran();
    assert!(answer.text.contains("account=grace"), "the choice is kept: {}", answer.text);
    scene.stop().await;
}

#[tokio::test]
async fn an_approved_call_runs_with_the_account_the_owner_saw() {
    let (scene, _) = OAuthScene::signed_in().await;
    let work = scene.add_work_account().await;
    let owner = &scene.scene.owner;
    owner.set_policy(PROVIDER, "whoami", Mode::RequireApproval).await;
    let agents = json!({scene.scene.key.id.to_string(): work});
    assert_eq!(scene.choose(json!({"agents": agents})).await, StatusCode::OK);

    let first = scene.whoami().await.request();
    assert_eq!(owner.approval(first).await.account.as_deref(), Some("work"));
    assert_eq!(scene.choose(json!({})).await, StatusCode::OK);
    owner.approve(first, GrantChoice::Once).await;
    let answer = scene.scene.wire.await_approval(&first.to_string()).await.ran();
    assert!(answer.text.contains("account=grace"), "{}", answer.text);

    // An account that is gone is not replaced by another.
    let agents = json!({scene.scene.key.id.to_string(): work});
    assert_eq!(scene.choose(json!({"agents": agents})).await, StatusCode::OK);
    let second = scene.whoami().await.request();
    owner.approve(second, GrantChoice::Once).await;
    let path = format!("/control/accounts/{work}");
    assert_eq!(owner.send(Method::DELETE, &path, None).await.status, StatusCode::NO_CONTENT);
    let answer = scene.scene.wire.await_approval(&second.to_string()).await;
    assert!(answer.is_error && answer.text.contains("no longer connected"), "{}", answer.text);
    owner.approval_until(second, StateName::Done).await;
    scene.stop().await;
}
