//! The official SDKs' stdio clients, with the bridge as the program they start.

use agentport_api::{GrantChoice, NewKey};
use agentport_tests::{external_program::ExternalProgram, programs};
use serde_json::{Value, json};

use crate::scene::Scene;

/// What the scripts print: one JSON object a line.
fn said(stdout: &str) -> Vec<Value> {
    let parse = |line| serde_json::from_str(line).unwrap_or_else(|_| panic!("no JSON: {line}"));
    stdout.lines().map(parse).collect()
}

fn through_bridge(foreign: ExternalProgram, scene: &Scene, key: &NewKey) -> ExternalProgram {
    foreign
        .env("AGENTPORT_TEST_BRIDGE", programs::agentport())
        .env("AGENTPORT_TEST_HOME", scene.gateway.place().home())
        .env("AGENTPORT_TEST_KEY", &key.key)
}

/// Both do the same: list, call an allowed tool, call one that asks, await while the owner approves.
async fn an_sdk(foreign: impl Fn() -> ExternalProgram) {
    let scene = Scene::new().await;
    scene.owner.change("fx", json!({"read_only_may_run": true})).await;
    for (round, era) in ["legacy", "modern"].into_iter().enumerate() {
        let program = through_bridge(foreign(), &scene, &scene.key).env("AGENTPORT_TEST_ERA", era);
        let program = program.run();
        let owner = async {
            let pending = scene.owner.one_pending().await;
            scene.owner.approve(pending.id, GrantChoice::Once).await;
        };
        let (ended, ()) = tokio::join!(program, owner);
        let said = said(&ended.ok());
        assert_eq!(said[0]["tools"], 12, "{era}");
        assert_eq!(said[1]["echo"], "from far away", "{era}");
        assert!(
            said[2]["asked"].as_str().is_some_and(|text| text.contains("/approve/")),
            "{said:?}"
        );
        assert_eq!(said[3]["awaited"], "counted", "{era}");
        assert_eq!(scene.runs("counter"), round + 1);
        if let Some(after) = said.get(4) {
            assert_eq!(after["left"], Value::Null, "the bridge ends with its client");
        }
    }
    scene.stop().await;
}

#[tokio::test]
async fn the_typescript_sdk() {
    an_sdk(|| ExternalProgram::script("stdio-client.mjs")).await;
}

#[tokio::test]
async fn the_python_sdk() {
    an_sdk(|| ExternalProgram::python("stdio_client.py")).await;
}
