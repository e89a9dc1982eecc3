//! Adding what runs on this computer, and accounts by token, from the pages.

use agentport_tests::{
    OAuthProvider, SOON, external_program::ExternalProgram, gateway::PASSWORD, programs,
};
use serde_json::{Value, json};

use super::Script;
use crate::{
    directory::imports::{bundle, manifest},
    scene::Scene,
    secrets::found_under,
};

const SECRET: &str = "fake-station-7c02d91be4";

fn script(scene: &Scene, name: &str) -> ExternalProgram {
    ExternalProgram::script(name)
        .env("AGENTPORT_TEST_BASE", scene.gateway.base())
        .env("AGENTPORT_TEST_PASSWORD", PASSWORD)
        .env("CHROMIUM", programs::chromium())
}

fn begin(scene: &Scene, program: ExternalProgram) -> Script {
    let errors = scene.gateway.place().files().join("script-errors");
    Script { process: program.start(&errors), errors }
}

async fn ended(script: Script) {
    let ended = script.process.ended(SOON).await.and_then(|status| status.code());
    let errors = std::fs::read_to_string(&script.errors).unwrap_or_default();
    assert_eq!(ended, Some(0), "{errors}");
}

fn text<'a>(said: &'a Value, name: &str) -> &'a str {
    said[name].as_str().unwrap_or_else(|| panic!("no {name} in {said}"))
}

#[tokio::test]
async fn local_servers_and_bundles_are_shown_before_they_run_in_chromium() {
    let scene = Scene::empty().await;
    let file = scene.gateway.place().files().join("weather.mcpb");
    std::fs::write(&file, bundle(&manifest(), &[])).expect("a file");
    let state = scene.gateway.place().files().join("two words");
    std::fs::create_dir(&state).expect("a directory");
    let state = state.to_str().expect("a path in Unicode").to_owned();
    let program = script(&scene, "add-server.mjs")
        .env("AGENTPORT_TEST_STATE", &state)
        .env("AGENTPORT_TEST_COMMAND", programs::fixture())
        .env("AGENTPORT_TEST_SECRET", SECRET)
        .env("AGENTPORT_TEST_BUNDLE", &file);
    let mut script = begin(&scene, program);
    let installed = async || -> Vec<String> {
        scene.owner.integrations().await.into_iter().map(|one| one.id.to_string()).collect()
    };

    let shown = script.says("shown").await;
    assert_eq!((&shown["unclosed"], &shown["held"]), (&json!(true), &json!(true)));
    for part in ["--state", &state] {
        assert!(text(&shown, "words").contains(part), "{shown}");
    }
    let consent = text(&shown, "consent");
    assert!(consent.contains("in the vault") && !consent.contains(SECRET), "{consent}");
    assert_eq!(installed().await, ["demo"], "nothing has run");
    script.says("added").await;
    let view = scene.owner.integration("weather-station").await;
    assert!(view.connected && view.tools.total > 20, "{view:?}");
    let connection = serde_json::to_value(&view.connection).expect("a connection");
    assert_eq!(connection["secret_env"], json!(["HIDDEN"]));
    assert_eq!(connection["args"], json!(["--state", state]));

    let refused = script.says("refused").await;
    assert!(!text(&refused, "refused").is_empty());
    let described = script.says("described").await;
    assert_eq!((&described["early"], &described["held"]), (&json!(true), &json!(true)));
    let command = text(&described, "described");
    assert!(command.contains("--units kelvin") && !command.contains(SECRET), "{command}");
    assert_eq!(installed().await, ["demo", "weather-station"], "nothing of it has run");
    script.says("installed").await;
    let view = scene.owner.integration("weather").await;
    assert!(view.connected && view.tools.total > 20, "{view:?}");
    ended(script).await;
    let setup = scene.gateway.stop().await;
    assert_eq!(found_under(&setup.place.home(), SECRET), Vec::<std::path::PathBuf>::new());
}

#[tokio::test]
async fn an_account_by_token_is_added_and_replaced_in_chromium() {
    let scene = Scene::empty().await;
    let provider = OAuthProvider::start().await;
    let connection = json!({
        "type": "remote_mcp", "url": provider.mcp_url(),
        "headers": {"Authorization": "Bearer {token}"},
    });
    let secrets = json!({"token": provider.grant("ada")});
    scene.owner.add(json!({"id": "prov", "connection": connection, "secrets": secrets})).await;
    scene.owner.allow_all("prov").await;
    let tokens = json!([provider.grant("grace"), provider.grant("joan")]);
    let program =
        script(&scene, "token-accounts.mjs").env("AGENTPORT_TEST_TOKENS", tokens.to_string());
    let mut script = begin(&scene, program);
    let caller = async || scene.wire.call_tool("prov", "whoami", json!({})).await.ran().text;

    let refused = script.says("refused").await;
    assert!(text(&refused, "refused").contains("account was not added"), "{refused}");
    assert_eq!(scene.owner.accounts().await.len(), 1, "nothing of it is kept");
    script.says("added").await;
    assert_eq!(scene.owner.accounts().await.len(), 2);
    script.says("replaced").await;
    assert!(caller().await.contains("account=joan"));
    script.says("disconnected").await;
    assert!(caller().await.contains("account=joan"));
    ended(script).await;
    scene.stop().await;
}
