//! Installs requested by an agent, with the token entered by the owner.

use agentport_api::GrantChoice;
use agentport_core::approval::StateName;
use agentport_tests::{Era, HttpFixture};
use http::{Method, StatusCode};
use serde_json::{Value, json};

use super::{
    install, installed,
    internet::{Internet, Service},
};
use crate::{cli, scene::Scene, secrets::found_under};

const TOKEN: &str = "fake-exa-77c0de1a93";
const EXA: &str = "mcp.exa.ai";

/// The fixture in the place of Exa, letting in who shows [`TOKEN`].
async fn exa() -> (Internet, Scene, HttpFixture) {
    let fixture = HttpFixture::start(&["--require", &format!("x-api-key: {TOKEN}")]).await;
    let internet = Internet::with([(EXA, Service::At(fixture.url.clone()))]).await;
    let scene = Scene::with(internet.setup()).await;
    (internet, scene, fixture)
}

fn wanted(token: Option<&str>) -> Value {
    let mut arguments = json!({"integration_id": "exa", "auth_method": "token"});
    if let Some(token) = token {
        arguments["token"] = token.into();
    }
    arguments
}

async fn asks(scene: &Scene, arguments: Value) -> agentport_core::ApprovalId {
    scene.wire.tool("agentport__install_integration", arguments).await.request()
}

async fn awaited(scene: &Scene, id: agentport_core::ApprovalId) -> Value {
    let answer = scene.wire.await_approval(&id.to_string()).await;
    answer.structured.clone().unwrap_or_else(|| panic!("no install: {}", answer.text))
}

fn outcome(said: &Value) -> (Option<bool>, Option<bool>) {
    (said["installed"].as_bool(), said["connected"].as_bool())
}

#[tokio::test]
async fn invalid_requests_do_not_ask_the_owner() {
    let scene = Scene::empty().await;
    for (arguments, named) in [
        (json!({"integration_id": "exa"}), "auth_method"),
        (json!({"integration_id": "exa", "auth_method": "oauth"}), "let in by token"),
        (json!({"integration_id": "exa", "auth_method": "token", "token": 7}), "token"),
        (json!({"integration_id": "exa", "auth_method": "none", "token": "fake"}), "auth_method"),
        (json!({"integration_id": "slack", "auth_method": "oauth"}), "REST"),
        (json!({"integration_id": "datadog", "auth_method": "token", "token": "fake"}), "several"),
        (json!({"integration_id": "demo", "auth_method": "none"}), "installed already"),
    ] {
        let mcp = scene.wire.tool("agentport__install_integration", arguments.clone()).await;
        assert!(mcp.refused().contains(named), "{arguments}: {}", mcp.text);
        let rest = scene.wire.post("/api/installed", &arguments).await;
        assert_eq!(rest.status, StatusCode::UNPROCESSABLE_ENTITY, "{arguments}: {}", rest.text);
        assert!(rest.text.contains(named), "{arguments}: {}", rest.text);
    }
    assert!(scene.owner.approvals("all").await.is_empty());
    scene.stop().await;
}

/// Approved without a token, nothing is reached: the owner enters it where one enters tokens.
#[tokio::test]
async fn a_yes_without_a_token_installs_nothing_yet() {
    let (internet, scene, _fixture) = exa().await;
    let id = asks(&scene, wanted(None)).await;
    let view = scene.owner.approval(id).await;
    assert_eq!(view.summary, "Install Exa with a token, which you enter");
    assert_eq!(
        (view.integration_name.as_str(), view.tool_title.as_deref()),
        ("Exa", Some("Install an integration"))
    );
    let offered = view.install.expect("what is to be installed");
    assert_eq!((offered.id.as_str(), view.once_only), ("exa", true));
    let wider = scene.owner.try_approve(id, json!({"grant": {"kind": "always"}})).await;
    assert_eq!(wider.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", wider.text);
    scene.owner.approve(id, GrantChoice::Once).await;
    assert_eq!(scene.owner.approval(id).await.install, None, "there is nothing to enter any more");
    let said = awaited(&scene, id).await;
    assert_eq!(outcome(&said), (Some(false), Some(false)), "{said}");
    assert!(
        said["message"].as_str().is_some_and(|text| text.contains("enter its token")),
        "{said}"
    );
    assert_eq!((installed(&scene).await.len(), internet.connected().len()), (1, 0));
    scene.stop().await;
}

#[tokio::test]
async fn the_owner_gives_the_token_with_the_yes() {
    let (_internet, scene, _fixture) = exa().await;
    let id = asks(&scene, wanted(None)).await;
    let body = json!({"grant": {"kind": "once"}, "arguments": wanted(Some(TOKEN))});
    let approved = scene.owner.try_approve(id, body).await;
    assert_eq!(approved.status, StatusCode::OK, "{}", approved.text);
    assert!(!approved.text.contains(TOKEN), "{}", approved.text);
    assert_eq!(approved.json()["edited"], true);
    let said = awaited(&scene, id).await;
    assert_eq!(outcome(&said), (Some(true), Some(true)), "{said}");
    assert!(!said.to_string().contains(TOKEN), "{said}");
    assert_eq!(installed(&scene).await, ["demo", "exa"]);
    let setup = scene.gateway.stop().await;
    assert_eq!(found_under(&setup.place.home(), TOKEN), Vec::<std::path::PathBuf>::new());
}

/// Installing it by hand answers everybody who asked for it.
#[tokio::test]
async fn installing_it_answers_the_request() {
    let (_internet, scene, _fixture) = exa().await;
    let id = asks(&scene, wanted(None)).await;
    let by_rest = scene.another().await;
    let asked = by_rest.post("/api/installed", &wanted(None)).await;
    assert_eq!(asked.json()["error"], "approval_required", "{}", asked.text);
    let done = json!({"method": "token", "secrets": {"token": TOKEN}});
    assert_eq!(install(&scene, "exa", done).await.status, StatusCode::CREATED);
    let said = awaited(&scene, id).await;
    assert_eq!(outcome(&said), (Some(true), Some(true)), "{said}");
    let again = by_rest.post("/api/installed", &wanted(None)).await;
    assert_eq!(again.status, StatusCode::OK, "{}", again.text);
    assert_eq!(again.json()["structuredContent"]["installed"], true, "{}", again.text);
    assert!(scene.owner.approvals("pending").await.is_empty());
    let late = scene.wire.tool("agentport__install_integration", wanted(None)).await;
    assert!(late.refused().contains("installed already"), "{}", late.text);
    scene.stop().await;
}

#[tokio::test]
async fn a_token_an_agent_gives_is_tried_and_kept_out_of_sight() {
    let (internet, scene, _fixture) = exa().await;
    let wrong = "fake-wrong-31415926";
    let id = asks(&scene, wanted(Some(wrong))).await;
    assert_eq!(asks(&scene, wanted(Some(wrong))).await, id, "the same call again");
    scene.owner.approve(id, GrantChoice::Once).await;
    let answer = scene.wire.await_approval(&id.to_string()).await;
    assert!(answer.refused().contains("refused the credential"), "{}", answer.text);
    assert_eq!(outcome(answer.structured.as_ref().expect("an object")), (Some(false), Some(false)));
    assert_eq!(installed(&scene).await, ["demo"]);

    // Over a session of an older revision as well.
    let older = "fake-older-27182818";
    let agent = scene.agent(Era::Legacy).await;
    let id = agent.call("agentport__install_integration", wanted(Some(older))).await.request();
    scene.owner.deny(id, None).await;
    agent.leave().await;

    // What does not belong there is ignored, and kept nowhere.
    let mut arguments = wanted(Some(TOKEN));
    arguments["api_key"] = TOKEN.into();
    let id = asks(&scene, arguments).await;
    let view = scene.owner.approval(id).await;
    assert_eq!(view.summary, "Install Exa with the token it was asked with");
    assert_eq!((view.install, view.once_only), (None, true));
    assert_eq!(view.arguments.as_object().map(serde_json::Map::len), Some(3), "{}", view.arguments);
    scene.owner.approve(id, GrantChoice::Once).await;
    let said = awaited(&scene, id).await;
    assert_eq!(outcome(&said), (Some(true), Some(true)), "{said}");
    assert!(internet.arrived().iter().any(|request| request.headers["x-api-key"] == TOKEN));

    let mut shown = view.arguments.to_string();
    for path in [
        "/control/approvals?state=all",
        "/control/activity?limit=100",
        "/control/audit/export",
        "/control/integrations/exa",
    ] {
        shown += &scene.owner.send(Method::GET, path, None).await.text;
    }
    let home = scene.gateway.place().home();
    let setup = scene.gateway.stop().await;
    shown += &std::fs::read_to_string(setup.place.stderr()).expect("stderr");
    for secret in [TOKEN, wrong, older] {
        assert!(!shown.contains(secret), "{secret} is shown or logged");
        assert_eq!(found_under(&home, secret), Vec::<std::path::PathBuf>::new());
    }
}

/// Tokens that wait are in memory only, so a restart loses them, and says so.
#[tokio::test]
async fn a_token_does_not_outlive_the_gateway() {
    let (internet, scene, _fixture) = exa().await;
    let id = asks(&scene, wanted(Some(TOKEN))).await;
    let scene = scene.restart().await;
    scene.owner.approve(id, GrantChoice::Once).await;
    let answer = scene.wire.await_approval(&id.to_string()).await;
    assert!(answer.refused().contains("no longer at hand"), "{}", answer.text);
    assert!(internet.connected().is_empty());

    let id = asks(&scene, wanted(Some(TOKEN))).await;
    let scene = scene.restart().await;
    assert_eq!(asks(&scene, wanted(Some(TOKEN))).await, id, "the same call, with its token anew");
    scene.owner.approve(id, GrantChoice::Once).await;
    assert_eq!(outcome(&awaited(&scene, id).await), (Some(true), Some(true)));
    scene.stop().await;
}

/// The owner ends what the agent was allowed to begin.
#[tokio::test]
async fn the_owner_can_end_an_approved_install() {
    let internet = Internet::with([(EXA, Service::Silent)]).await;
    let scene = Scene::with(internet.setup()).await;
    let id = asks(&scene, wanted(Some(TOKEN))).await;
    scene.owner.approve(id, GrantChoice::Once).await;
    let ending = async {
        internet.until_connected(EXA).await;
        let path = "/control/integrations/exa/adding";
        assert_eq!(
            scene.owner.send(Method::DELETE, path, None).await.status,
            StatusCode::NO_CONTENT
        );
    };
    let id_text = id.to_string();
    let (answer, ()) = tokio::join!(scene.wire.await_approval(&id_text), ending);
    assert!(answer.refused().contains("was ended"), "{}", answer.text);
    assert_eq!(scene.owner.approval_until(id, StateName::Done).await.id, id);
    assert_eq!(installed(&scene).await, ["demo"]);
    scene.stop().await;
}

#[tokio::test]
async fn an_agent_asks_from_a_terminal() {
    let (_internet, scene, _fixture) = exa().await;
    let cli = cli::agent(&scene);
    let asked = cli.run("integrations add exa").await;
    assert_eq!((asked.code, asked.stdout.as_str()), (Some(2), ""), "{}", asked.stderr);
    let id = scene.owner.one_pending().await.id;
    assert!(
        asked.stderr.contains(&format!("Approval required: {}/approve/{id}", scene.gateway.base()))
    );
    scene.owner.approve(id, GrantChoice::Once).await;
    let waits = cli.run("integrations add exa").await;
    assert_eq!(
        waits.code,
        Some(2),
        "the token is still to come: {} {}",
        waits.stdout,
        waits.stderr
    );
    assert!(waits.stdout.contains("enter its token"), "{}", waits.stdout);

    let words = ["integrations", "add", "exa", "--auth", "token", "--token"];
    let input = format!("{TOKEN}\n");
    let asked = cli.run_words(&words, &input).await;
    assert_eq!(asked.code, Some(2), "{}", asked.stderr);
    scene.owner.approve(scene.owner.one_pending().await.id, GrantChoice::Once).await;
    let done = cli.run_words(&words, &input).await;
    assert_eq!(done.code, Some(0), "{} {}", done.stdout, done.stderr);
    assert!(!done.stdout.contains(TOKEN) && !done.stderr.contains(TOKEN));
    assert_eq!(installed(&scene).await, ["demo", "exa"]);

    // In one go, for who is told to wait.
    scene.owner.remove("exa").await;
    let words = [&words[..], &["--timeout", "60", "--no-open"]].concat();
    let decide = async {
        let id = scene.owner.one_pending().await.id;
        scene.owner.approve(id, GrantChoice::Once).await;
    };
    let (done, ()) = tokio::join!(cli.run_words(&words, &input), decide);
    assert_eq!(done.code, Some(0), "{} {}", done.stdout, done.stderr);
    assert!(done.stderr.contains("Approval required: "), "{}", done.stderr);
    assert_eq!(installed(&scene).await, ["demo", "exa"]);
    scene.stop().await;
}
