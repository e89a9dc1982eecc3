//! Installing from the directory: the token is tried first, and is sent only to its service and stored only in the vault.

use agentport_api::IntegrationView;
use agentport_tests::{HttpFixture, SOON, process::gone, programs, soon, wire::Reply};
use http::{Method, StatusCode};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt as _, BufReader},
    net::unix::pipe::OpenOptions,
};

use super::{
    install, installed,
    internet::{Internet, Service},
};
use crate::{cli, scene::Scene, secrets::found_under};

const TOKEN: &str = "fake-exa-5b1e7f20c4";
const EXA: &str = "mcp.exa.ai";

fn token(token: &str) -> Value {
    json!({"method": "token", "secrets": {"token": token}})
}

async fn end_adding(scene: &Scene, id: &str) -> Reply {
    let path = format!("/control/integrations/{id}/adding");
    scene.owner.send(Method::DELETE, &path, None).await
}

/// The fixture in the place of Exa, letting in who shows [`TOKEN`].
async fn exa() -> (Internet, Scene, HttpFixture) {
    let fixture = HttpFixture::start(&["--require", &format!("x-api-key: {TOKEN}")]).await;
    let internet = Internet::with([(EXA, Service::At(fixture.url.clone()))]).await;
    let scene = Scene::with(internet.setup()).await;
    (internet, scene, fixture)
}

#[tokio::test]
async fn a_token_is_tried_before_it_counts() {
    let (internet, scene, _fixture) = exa().await;
    for (body, field) in [
        (json!({"method": "token"}), "secrets"),
        (token("  "), "secrets"),
        (json!({"method": "token", "secrets": {"token": TOKEN, "token2": TOKEN}}), "secrets"),
        (json!({"method": "none"}), "method"),
    ] {
        let refused = install(&scene, "exa", body).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", refused.text);
        assert_eq!(refused.json()["field"], field, "{}", refused.text);
    }
    assert!(internet.connected().is_empty(), "nobody was asked for that");

    let wrong = install(&scene, "exa", token("fake-wrong-9d2c")).await;
    assert_eq!(wrong.status, StatusCode::BAD_GATEWAY, "{}", wrong.text);
    assert!(wrong.text.contains("refused the credential"), "{}", wrong.text);
    let kept_anyway = json!({
        "method": "token", "secrets": {"token": "fake-wrong-9d2c"}, "keep_unreachable": true,
    });
    let wrong = install(&scene, "exa", kept_anyway).await;
    assert_eq!(wrong.status, StatusCode::BAD_GATEWAY, "a refusal is an answer: {}", wrong.text);
    assert_eq!(installed(&scene).await, ["demo"], "nothing is kept");

    let done = install(&scene, "exa", token(&format!(" {TOKEN}\n"))).await;
    assert_eq!(done.status, StatusCode::CREATED, "{}", done.text);
    let view: IntegrationView = agentport_tests::owner::typed(&done);
    assert_eq!((view.name.as_str(), view.auth_method.as_str()), ("Exa", "token"));
    assert!(view.connected && view.tools.total > 20, "{view:?}");
    let again = install(&scene, "exa", token(TOKEN)).await;
    assert_eq!(again.status, StatusCode::CONFLICT, "{}", again.text);
    scene.owner.allow_all("exa").await;
    let said = scene.wire.call_tool("exa", "echo", json!({"text": "found"})).await.ran();
    assert_eq!(said.text, "found");
    let listed: Value = scene.owner.ask(Method::GET, "/control/available/exa", None).await;
    assert_eq!(listed["installed"], true);
    let described = json!({"integration_id": "exa"});
    let described = scene.wire.tool("agentport__get_integration", described).await.ran();
    let described = described.structured.expect("an integration");
    assert_eq!(described["description"], listed["description"], "it is the one of the list");
    assert!(internet.connected().iter().all(|name| name == EXA), "{:?}", internet.connected());

    let home = scene.gateway.place().home();
    let setup = scene.gateway.stop().await;
    for secret in [TOKEN, "fake-wrong-9d2c"] {
        assert_eq!(found_under(&home, secret), Vec::<std::path::PathBuf>::new());
        let logged = std::fs::read_to_string(setup.place.stderr()).expect("stderr");
        assert!(!logged.contains(secret), "the log holds {secret}");
    }
}

/// Two keys, each in its own header.
#[tokio::test]
async fn each_key_goes_into_its_header() {
    let fixture = HttpFixture::start(&[
        "--require",
        "DD_API_KEY: fake-api-key",
        "--require",
        "DD_APPLICATION_KEY: fake-application-key",
    ])
    .await;
    let at = Service::At(fixture.url.clone());
    let internet = Internet::with([("mcp.datadoghq.com", at)]).await;
    let scene = Scene::with(internet.setup()).await;
    let secrets = |one: &str, two: &str| json!({"method": "token", "secrets": {"token1": one, "token2": two}});
    let wrong = install(&scene, "datadog", secrets("fake-application-key", "fake-api-key")).await;
    assert_eq!(wrong.status, StatusCode::BAD_GATEWAY, "{}", wrong.text);
    let right = install(&scene, "datadog", secrets("fake-api-key", "fake-application-key")).await;
    assert_eq!(right.status, StatusCode::CREATED, "{}", right.text);
    scene.stop().await;
}

#[tokio::test]
async fn a_variant_is_reached_at_its_own_address() {
    let required = ["--require", "DD_API_KEY: fake-a", "--require", "DD_APPLICATION_KEY: fake-b"];
    let fixture = HttpFixture::start(&required).await;
    let at = Service::At(fixture.url.clone());
    let internet = Internet::with([("mcp.datadoghq.eu", at)]).await;
    let scene = Scene::with(internet.setup()).await;
    let body = |variant: &str| {
        json!({
            "method": "token", "variant": variant,
            "secrets": {"token1": "fake-a", "token2": "fake-b"},
        })
    };
    let unknown = install(&scene, "datadog", body("moon")).await;
    assert_eq!(unknown.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", unknown.text);
    assert!(unknown.text.contains("eu1"), "it says what there is: {}", unknown.text);
    let installed = install(&scene, "datadog", body("eu1")).await;
    assert_eq!(installed.status, StatusCode::CREATED, "{}", installed.text);
    assert_eq!(installed.json()["connection"]["url"], "https://mcp.datadoghq.eu/v1/mcp");
    assert!(internet.connected().iter().all(|host| host == "mcp.datadoghq.eu"));
    scene.stop().await;
}

/// What is signed in to in a browser is not installed by a click, and says how it is.
#[tokio::test]
async fn an_install_by_oauth_begins_with_a_sign_in() {
    let internet = Internet::with([]).await;
    let scene = Scene::with(internet.setup()).await;
    let refused = install(&scene, "notion", json!({"method": "oauth"})).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", refused.text);
    assert!(refused.text.contains("sign-in"), "{}", refused.text);
    assert_eq!(internet.connected(), Vec::<String>::new());
    assert_eq!(installed(&scene).await, ["demo"]);
    scene.stop().await;
}

#[tokio::test]
async fn no_redirect_takes_a_token_elsewhere() {
    let fixture = HttpFixture::start(&[]).await;
    let elsewhere = "elsewhere.example";
    let internet = Internet::with([
        (EXA, Service::Moved(format!("https://{elsewhere}/mcp"))),
        (elsewhere, Service::At(fixture.url.clone())),
    ])
    .await;
    let scene = Scene::with(internet.setup()).await;
    let refused = install(&scene, "exa", token(TOKEN)).await;
    assert_eq!(refused.status, StatusCode::BAD_GATEWAY, "{}", refused.text);
    let arrived = internet.arrived();
    assert!(!arrived.is_empty(), "it was asked");
    for request in arrived {
        assert_eq!(request.name, EXA);
        assert_eq!(request.headers["x-api-key"], TOKEN);
    }
    assert!(!internet.connected().contains(&elsewhere.to_owned()));
    assert_eq!(installed(&scene).await, ["demo"]);
    scene.stop().await;
}

#[tokio::test]
async fn an_unreachable_server_is_kept_only_if_wanted() {
    let mut internet = Internet::with([]).await;
    internet.shut().await;
    let scene = Scene::with(internet.setup()).await;
    let away = install(&scene, "linear", token(TOKEN)).await;
    assert_eq!(away.status, StatusCode::BAD_GATEWAY, "{}", away.text);
    assert!(away.text.contains("mcp.linear.app") && !away.text.contains(TOKEN), "{}", away.text);
    assert_eq!(installed(&scene).await, ["demo"]);
    let keep = json!({
        "method": "token", "secrets": {"token": TOKEN}, "keep_unreachable": true,
    });
    let kept = install(&scene, "linear", keep).await;
    assert_eq!(kept.status, StatusCode::CREATED, "{}", kept.text);
    assert_eq!(installed(&scene).await, ["demo", "linear"]);
    scene.stop().await;
}

#[tokio::test]
async fn an_install_can_be_ended() {
    let internet = Internet::with([(EXA, Service::Silent)]).await;
    let scene = Scene::with(internet.setup()).await;
    assert_eq!(end_adding(&scene, "exa").await.status, StatusCode::NOT_FOUND);
    let ending = async {
        internet.until_connected(EXA).await;
        let second = install(&scene, "exa", token(TOKEN)).await;
        assert_eq!(second.status, StatusCode::CONFLICT, "{}", second.text);
        assert!(second.text.contains("already"), "{}", second.text);
        assert_eq!(end_adding(&scene, "exa").await.status, StatusCode::NO_CONTENT);
    };
    let (ended, ()) = tokio::join!(install(&scene, "exa", token(TOKEN)), ending);
    assert_eq!(ended.status, StatusCode::CONFLICT, "{}", ended.text);
    assert!(ended.text.contains("nothing of it is kept"), "{}", ended.text);
    assert_eq!(installed(&scene).await, ["demo"]);
    assert_eq!(end_adding(&scene, "exa").await.status, StatusCode::NOT_FOUND);
    let setup = scene.gateway.stop().await;
    assert_eq!(found_under(&setup.place.home(), TOKEN), Vec::<std::path::PathBuf>::new());
}

/// Ended, it leaves no process behind.
#[tokio::test]
async fn adding_a_local_server_can_be_ended() {
    let scene = Scene::empty().await;
    let pipe = scene.gateway.place().files().join("pipe");
    nix::unistd::mkfifo(&pipe, nix::sys::stat::Mode::S_IRWXU).expect("a pipe");
    let mut said = BufReader::new(OpenOptions::new().open_receiver(&pipe).expect("a pipe"));
    let fixture = programs::fixture();
    let script = format!("echo $$ > '{}'; exec '{}' --hang", pipe.display(), fixture.display());
    let body = json!({
        "id": "slow",
        "connection": {"type": "local_mcp", "command": "/bin/sh", "args": ["-c", script]},
    });
    let adding = scene.owner.send(Method::POST, "/control/integrations", Some(body));
    let ending = async {
        let mut pid = String::new();
        soon("the server starts", said.read_line(&mut pid)).await.expect("a line");
        assert_eq!(end_adding(&scene, "slow").await.status, StatusCode::NO_CONTENT);
        pid.trim().parse::<u32>().expect("a process id")
    };
    let (ended, pid) = tokio::join!(adding, ending);
    assert_eq!(ended.status, StatusCode::CONFLICT, "{}", ended.text);
    assert!(gone(pid, SOON).await, "{pid} is left behind");
    assert_eq!(installed(&scene).await, ["demo"]);
    scene.stop().await;
}

#[tokio::test]
async fn the_owner_installs_from_a_terminal() {
    let (_internet, scene, _fixture) = exa().await;
    let cli = cli::owner(&scene);
    let words = ["integrations", "add", "exa"];
    let none = cli.run_words(&words, "").await;
    assert_eq!(none.code, Some(1));
    assert!(none.stderr.contains("Exa API Key"), "it says what it needs: {}", none.stderr);
    let wrong = cli.run_words(&words, "fake-wrong\n").await;
    assert_eq!(wrong.code, Some(1), "{}", wrong.stderr);
    let done = cli.run_words(&words, &format!("{TOKEN}\n")).await;
    assert_eq!(done.code, Some(0), "{}", done.stderr);
    assert!(!done.stdout.contains(TOKEN) && !done.stderr.contains(TOKEN));
    assert_eq!(installed(&scene).await, ["demo", "exa"]);
    let withheld = cli.run("integrations add slack").await;
    assert_eq!(withheld.code, Some(1));
    assert!(withheld.stderr.contains("REST"), "{}", withheld.stderr);
    scene.stop().await;
}
