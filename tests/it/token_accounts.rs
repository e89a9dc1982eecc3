//! Several accounts of a server that is given a token: added by pasting another one, which is tried first.

use agentport_api::{AccountState, AccountView, Health};
use agentport_core::AccountId;
use agentport_tests::{
    Answer, OAuthProvider, external_program::ExternalProgram, gateway::Setup, programs,
};
use http::{Method, StatusCode};
use serde_json::{Value, json};

use crate::{cli, scene::Scene, secrets::found_under};

const ID: &str = "prov";

/// A gateway with the provider's server, which is given a token.
struct TokenScene {
    scene: Scene,
    provider: OAuthProvider,
}

impl TokenScene {
    /// With an account of `ada`, and every tool allowed.
    async fn new() -> Self {
        let scene = Self { scene: Scene::empty().await, provider: OAuthProvider::start().await };
        scene.scene.owner.add(scene.addition(&scene.provider.grant("ada"))).await;
        scene.scene.owner.allow_all(ID).await;
        scene
    }

    fn connection(&self) -> Value {
        json!({
            "type": "remote_mcp", "url": self.provider.mcp_url(),
            "headers": {"Authorization": "Bearer {token}"},
        })
    }

    fn addition(&self, token: &str) -> Value {
        json!({"id": ID, "connection": self.connection(), "secrets": {"token": token}})
    }

    async fn send(&self, method: Method, path: &str, body: Value) -> agentport_tests::wire::Reply {
        self.scene.owner.send(method, path, Some(body)).await
    }

    async fn try_add(&self, body: Value) -> agentport_tests::wire::Reply {
        self.send(Method::POST, &format!("/control/integrations/{ID}/accounts"), body).await
    }

    /// One more account, with a token of this user of the provider.
    async fn add(&self, label: &str, user: &str) -> AccountId {
        let token = self.provider.grant(user);
        let reply = self.try_add(json!({"label": label, "secrets": {"token": token}})).await;
        assert_eq!(reply.status, StatusCode::CREATED, "{}", reply.text);
        agentport_tests::owner::typed::<AccountView>(&reply).id
    }

    async fn replace(&self, id: AccountId, token: &str) -> agentport_tests::wire::Reply {
        let path = format!("/control/accounts/{id}/credentials");
        self.send(Method::PUT, &path, json!({"secrets": {"token": token}})).await
    }

    async fn change(&self, id: AccountId, change: Value) -> StatusCode {
        self.send(Method::PATCH, &format!("/control/accounts/{id}"), change).await.status
    }

    async fn disconnect(&self, id: AccountId) {
        let path = format!("/control/accounts/{id}");
        let reply = self.scene.owner.send(Method::DELETE, &path, None).await;
        assert_eq!(reply.status, StatusCode::NO_CONTENT, "{}", reply.text);
    }

    async fn choose(&self, chosen: Value) {
        let path = format!("/control/integrations/{ID}/accounts/chosen");
        let reply = self.send(Method::PUT, &path, chosen).await;
        assert_eq!(reply.status, StatusCode::OK, "{}", reply.text);
    }

    async fn default_account(&self) -> AccountView {
        let accounts = self.scene.owner.accounts().await;
        accounts.into_iter().find(|account| account.is_default).expect("one is the default")
    }

    async fn whoami(&self) -> Answer {
        self.scene.wire.call_tool(ID, "whoami", json!({})).await
    }

    /// The user of the provider that a call of the agent was made as.
    async fn caller(&self) -> String {
        called_as(&self.whoami().await.ran().text)
    }
}

fn called_as(answer: &str) -> String {
    let (_, user) = answer.split_once("account=").expect("it names the account");
    user.split(' ').next().unwrap_or_default().to_owned()
}

#[tokio::test]
async fn another_token_is_another_account() {
    let scene = TokenScene::new().await;
    let first = scene.default_account().await;
    assert_eq!((first.label.as_str(), first.auth_method.as_str()), ("default", "token"));
    assert_eq!(first.state, AccountState::Connected);

    let wrong = scene.try_add(json!({"secrets": {"token": "fake-wrong"}})).await;
    assert_eq!(wrong.status, StatusCode::BAD_GATEWAY, "{}", wrong.text);
    assert_eq!(wrong.json()["field"], "secrets");
    assert!(wrong.text.contains("account was not added"), "{}", wrong.text);
    let token = scene.provider.grant("grace");
    for (body, status) in [
        (json!({"secrets": {}}), StatusCode::UNPROCESSABLE_ENTITY),
        (json!({"secrets": {"token": " "}}), StatusCode::UNPROCESSABLE_ENTITY),
        (json!({"secrets": {"token": token, "more": "x"}}), StatusCode::UNPROCESSABLE_ENTITY),
        (json!({"label": "default", "secrets": {"token": token}}), StatusCode::CONFLICT),
        (json!({"label": "\n", "secrets": {"token": token}}), StatusCode::UNPROCESSABLE_ENTITY),
    ] {
        let refused = scene.try_add(body).await;
        assert_eq!(refused.status, status, "{}", refused.text);
    }
    assert_eq!(scene.scene.owner.accounts().await.len(), 1, "nothing of it is kept");

    let rules = scene.scene.owner.policy().await.len();
    let second = scene.add("work", "grace").await;
    assert_eq!(scene.scene.owner.policy().await.len(), rules);
    assert_eq!(scene.caller().await, "ada", "the default one is used");
    assert_eq!(scene.change(second, json!({"label": "default"})).await, StatusCode::CONFLICT);
    assert_eq!(scene.change(second, json!({"label": "office"})).await, StatusCode::OK);
    assert_eq!(scene.change(second, json!({"is_default": true})).await, StatusCode::OK);
    assert_eq!(scene.caller().await, "grace");
    let page = scene.scene.owner.activity("limit=1").await;
    assert_eq!(page.items[0].account.as_deref(), Some("office"), "the record names it");

    scene.disconnect(second).await;
    assert_eq!(scene.caller().await, "ada", "the other one is the default again");
    assert_eq!(scene.default_account().await.id, first.id);
    scene.scene.stop().await;
}

#[tokio::test]
async fn agents_and_profiles_use_the_token_chosen_for_them_also_after_a_restart() {
    let mut scene = TokenScene::new().await;
    let work = scene.add("work", "grace").await;
    let club = scene.add("club", "joan").await;
    let owner = &scene.scene.owner;
    let other = owner.create_key("other").await;
    let profile = json!({"name": "office", "integrations": [ID], "tags": []});
    owner.put_profile("office", profile).await;
    let third = owner.create_key_with(json!({"name": "third", "profile": "office"})).await;
    let agents = json!({other.id.to_string(): work});
    scene.choose(json!({"agents": agents, "profiles": {"office": club}})).await;
    for round in ["before", "after"] {
        for (key, user) in [(&other, "grace"), (&third, "joan")] {
            let wire = scene.scene.gateway.wire(key);
            let answer = wire.call_tool(ID, "whoami", json!({})).await.ran();
            assert_eq!(called_as(&answer.text), user, "{round} the restart");
        }
        assert_eq!(scene.caller().await, "ada", "{round} the restart");
        scene.scene = scene.scene.restart().await;
    }
    let secrets = scene.provider.secrets();
    let setup = scene.scene.gateway.stop().await;
    for secret in secrets {
        assert_eq!(found_under(&setup.place.home(), &secret), Vec::<std::path::PathBuf>::new());
    }
}

#[tokio::test]
async fn a_token_that_is_refused_is_replaced_in_place() {
    let scene = TokenScene::new().await;
    let work = scene.add("work", "grace").await;
    let agents = json!({scene.scene.key.id.to_string(): work});
    scene.choose(json!({"agents": agents})).await;
    assert_eq!(scene.caller().await, "grace");
    scene.provider.end_access_tokens();
    let refused = scene.whoami().await;
    assert!(refused.is_error && refused.text.contains("renew its credential"), "{}", refused.text);
    let owner = &scene.scene.owner;
    let needy = async || {
        let state = owner.account(work).await.state;
        matches!(state, AccountState::SignInNeeded { .. }).then_some(())
    };
    owner.until("the account says so", needy).await;

    let wrong = scene.replace(work, "fake-wrong").await;
    assert_eq!(wrong.status, StatusCode::BAD_GATEWAY, "{}", wrong.text);
    assert!(scene.whoami().await.is_error, "the old one stays");
    let right = scene.replace(work, &scene.provider.grant("joan")).await;
    assert_eq!(right.status, StatusCode::OK, "{}", right.text);
    assert_eq!(right.json()["state"]["state"], "connected");
    assert_eq!(right.json()["label"], "work");
    assert_eq!(scene.caller().await, "joan");

    scene.choose(json!({})).await;
    assert!(scene.whoami().await.is_error, "the default one is refused as well");
    let first = scene.default_account().await;
    assert!(matches!(first.state, AccountState::SignInNeeded { .. }), "{first:?}");
    let path = format!("/control/integrations/{ID}/credentials");
    let body = json!({"secrets": {"token": scene.provider.grant("ada")}});
    let reply = scene.send(Method::PUT, &path, body).await;
    assert_eq!(reply.status, StatusCode::OK, "{}", reply.text);
    assert_eq!(scene.caller().await, "ada", "the credentials of an integration are its default's");
    assert_eq!(scene.default_account().await.state, AccountState::Connected);
    scene.scene.stop().await;
}

#[tokio::test]
async fn without_an_account_a_call_says_that_the_owner_is_needed() {
    let scene = TokenScene::new().await;
    let only = scene.default_account().await.id;
    assert_eq!(scene.caller().await, "ada");
    scene.disconnect(only).await;
    let refused = scene.whoami().await;
    assert!(refused.is_error && refused.text.contains("renew its credential"), "{}", refused.text);
    assert!(!refused.text.contains("cancelled"), "{}", refused.text);
    let health = scene.scene.owner.integration(ID).await.health;
    assert!(matches!(health, Health::NeedsAuth { .. }), "{health:?}");
    assert_eq!(scene.scene.owner.accounts().await, []);

    let path = format!("/control/integrations/{ID}/credentials");
    let body = json!({"secrets": {"token": scene.provider.grant("grace")}});
    let reply = scene.send(Method::PUT, &path, body).await;
    assert_eq!(reply.status, StatusCode::OK, "{}", reply.text);
    assert_eq!(scene.caller().await, "grace");
    assert_eq!(scene.default_account().await.label, "default");
    scene.scene.stop().await;
}

#[tokio::test]
async fn only_a_remote_server_with_a_token_takes_more_of_them() {
    let scene = Scene::new().await;
    let provider = OAuthProvider::start().await;
    let open = json!({"type": "remote_mcp", "url": provider.mcp_url(), "headers": {}});
    scene.owner.add(json!({"id": "open", "connection": open, "untried": true})).await;
    for id in ["fx", "demo", "open"] {
        let path = format!("/control/integrations/{id}/accounts");
        let body = json!({"secrets": {"token": "fake-token"}});
        let refused = scene.owner.send(Method::POST, &path, Some(body)).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{id}: {}", refused.text);
        assert_eq!(refused.json()["field"], "integration", "{id}");
    }
    scene.stop().await;
}

/// Before there were accounts by token, the secrets of remote servers lay where those of local ones do.
#[tokio::test]
async fn secrets_from_before_become_an_account() {
    let scene = TokenScene::new().await;
    let token = scene.provider.grant("grace");
    let local = json!({"type": "local_mcp", "command": "/bin/false", "secret_env": ["token"]});
    let old = json!({
        "id": "old", "connection": local, "secrets": {"token": token}, "untried": true,
    });
    scene.scene.owner.add(old).await;
    let connection = scene.connection().to_string();
    let Scene { gateway, key, wire, .. } = scene.scene;
    let port = gateway.port();
    let setup = gateway.stop().await;
    let script = "import sqlite3, sys\n\
        db = sqlite3.connect(sys.argv[1])\n\
        made = db.execute('UPDATE integrations SET connection = ? WHERE id = ?', (sys.argv[2], 'old'))\n\
        assert made.rowcount == 1\n\
        db.commit()";
    let database = setup.place.home().join("agentport.sqlite");
    ExternalProgram::new(&programs::python())
        .args(["-c", script])
        .args([&database])
        .args([&connection])
        .run()
        .await
        .ok();

    let gateway = Setup { port, ..setup }.start().await;
    let owner = gateway.owner().await;
    let scene = Scene { gateway, owner, key, wire };
    scene.owner.allow_all("old").await;
    let mut scene = scene;
    for _ in 0..2 {
        let accounts = scene.owner.accounts().await;
        let old: Vec<_> =
            accounts.iter().filter(|account| account.integration.as_str() == "old").collect();
        assert_eq!(old.len(), 1, "{old:?}");
        assert_eq!((old[0].label.as_str(), old[0].is_default), ("default", true));
        let read = scene.owner.integration_until("old", "its tools", |one| one.tools.total > 0);
        scene.owner.ask::<Value>(Method::POST, "/control/integrations/old/restart", None).await;
        read.await;
        let answer = scene.wire.call_tool("old", "whoami", json!({})).await.ran();
        assert_eq!(called_as(&answer.text), "grace");
        scene = scene.restart().await;
    }
    scene.stop().await;
}

#[tokio::test]
async fn the_owner_has_several_tokens_at_a_terminal() {
    let scene = TokenScene::new().await;
    let cli = cli::owner(&scene.scene);
    let add = ["integrations", "add-account", ID, "--label", "work"];
    let wrong = cli.run_words(&add, "fake-wrong\n").await;
    assert_eq!(wrong.code, Some(1), "{}", wrong.stdout);
    assert!(wrong.stderr.contains("account was not added"), "{}", wrong.stderr);
    let token = scene.provider.grant("grace");
    let added = cli.run_words(&add, &format!("{token}\n")).await;
    assert_eq!(added.code, Some(0), "{}", added.stderr);
    assert!(added.stdout.contains("has the account \"work\": connected"), "{}", added.stdout);
    assert!(!added.stdout.contains(&token) && !added.stderr.contains(&token));
    let browser = ["integrations", "add-account", ID, "--no-open"];
    let browser = cli.run_words(&browser, &format!("{token}\n")).await;
    assert!(browser.stderr.contains("given a token"), "{}", browser.stderr);

    let listed = cli.json("integrations accounts").await;
    let labels: Vec<_> =
        listed.as_array().expect("a list").iter().map(|one| &one["label"]).collect();
    assert_eq!(labels, ["default", "work"]);
    let other = scene.provider.grant("joan");
    let again = ["integrations", "reauth", ID, "--account", "work"];
    let again = cli.run_words(&again, &format!("{other}\n")).await;
    assert_eq!(again.code, Some(0), "{}", again.stderr);
    assert!(again.stdout.contains("\"work\" of prov: new credentials"), "{}", again.stdout);
    let choice = format!("integrations choose-account {ID} --account work --agent tester");
    assert_eq!(cli.run(&choice).await.code, Some(0));
    assert_eq!(scene.caller().await, "joan");
    let gone = cli.run(&format!("integrations disconnect {ID} --account work")).await;
    assert_eq!(gone.code, Some(0), "{}", gone.stderr);
    assert_eq!(scene.caller().await, "ada");
    scene.scene.stop().await;
}
