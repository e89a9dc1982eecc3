//! Keyboard focus in the pages, and clicks beside a dialog.

use agentport_tests::{external_program::ExternalProgram, gateway::PASSWORD, programs};
use http::Method;
use serde_json::{Value, json};

use super::Script;
use crate::{owner::authenticator::Authenticator, scene::Scene};

#[tokio::test]
async fn the_focus_is_in_the_field_to_fill_in() {
    let scene = Scene::empty().await;
    let ask = async |path: &str, body: Option<Value>| {
        scene.owner.ask::<Value>(Method::POST, path, body).await
    };
    let files = scene.gateway.place().files();
    let (errors, codes) = (files.join("script-errors"), files.join("codes"));
    let script = ExternalProgram::script("focus.mjs")
        .env("AGENTPORT_TEST_BASE", scene.gateway.base())
        .env("AGENTPORT_TEST_PASSWORD", PASSWORD)
        .env("AGENTPORT_TEST_CODES", &codes)
        .env("CHROMIUM", programs::chromium());
    let mut script = Script { process: script.start(&errors), errors };

    script.says("signed in").await;
    let setup = ask("/control/second-factor/begin", None).await;
    let mut phone = Authenticator::new(setup["secret"].as_str().expect("a secret"));
    let code = json!({ "code": phone.code().await });
    let made = ask("/control/second-factor/enable", Some(code)).await;
    std::fs::write(&codes, made["codes"].to_string()).expect("a file for the codes");
    script.says("signed in again").await;
    scene.stop().await;
}
