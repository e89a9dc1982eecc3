//! The owner's pages in a real browser.

mod adding;
mod connecting;
mod focus;
mod letting_in;
mod signing_in;

use std::path::PathBuf;

use agentport_api::GrantChoice;
use agentport_tests::{
    external_program::ExternalProgram, gateway::PASSWORD, process::Process, programs, screens,
};
use serde_json::{Value, json};

use crate::scene::Scene;

struct Script {
    process: Process,
    errors: PathBuf,
}

impl Script {
    async fn says(&mut self, at: &str) -> Value {
        let line = self.process.line().await;
        let said: Value =
            line.as_deref().and_then(|line| serde_json::from_str(line).ok()).unwrap_or_default();
        let errors = std::fs::read_to_string(&self.errors).unwrap_or_default();
        assert_eq!(said["at"], at, "the script said {line:?}, and on stderr:\n{errors}");
        said
    }
}

#[tokio::test]
async fn the_owner_decides_in_chromium() {
    let scene = Scene::new().await;
    let errors = scene.gateway.place().files().join("script-errors");
    let script = ExternalProgram::script("decide.mjs")
        .env("AGENTPORT_TEST_BASE", scene.gateway.base())
        .env("AGENTPORT_TEST_PASSWORD", PASSWORD)
        .env("CHROMIUM", programs::chromium());
    let mut script = Script { process: script.start(&errors), errors };
    let drive = async {
        script.says("inbox").await;
        let arguments = json!({
            "integration_id": "fx", "tool_name": "echo",
            "arguments": {"text": "shown to the owner"}, "additional_info": "a note of the agent's",
        });
        let id = scene.wire.tool("agentport__call_tool", arguments).await.request();
        let seen = script.says("seen").await;
        let text = seen["text"].as_str().expect("text");
        for part in ["tester", "shown to the owner", "a note of the agent's"] {
            assert!(text.contains(part), "the page shows {part:?}: {text}");
        }
        script.says("approved").await;
        assert_eq!(
            scene.wire.await_approval(&id.to_string()).await.ran().text,
            "shown to the owner"
        );

        let id = scene.call("counter", json!({})).await.request();
        script.says("denied").await;
        let denied = scene.wire.await_approval(&id.to_string()).await;
        assert!(denied.refused().contains("not from a browser"), "{}", denied.text);

        let id = scene.call("image", json!({})).await.request();
        script.says("third").await;
        scene.owner.approve(id, GrantChoice::Once).await;
        script.says("withdrawn").await;

        let id = scene.call("add", json!({"a": 1, "b": 1})).await.request();
        script.says("approved by keyboard").await;
        assert_eq!(scene.wire.await_approval(&id.to_string()).await.ran().text, "2");
        assert_eq!(
            script.process.ended(agentport_tests::SOON).await.and_then(|status| status.code()),
            Some(0)
        );
    };
    drive.await;
    scene.stop().await;
}

#[tokio::test]
async fn every_page_has_its_picture() {
    let pictures = screens::take(&programs::target().join("screens")).await;
    assert_eq!(pictures.len(), 26 * 4, "{pictures:?}");
    for picture in &pictures {
        let bytes = std::fs::metadata(&picture.path).expect("the picture").len();
        assert!(bytes > 3_000, "{} is empty", picture.name);
        assert!(
            !picture.overflows,
            "{} scrolls sideways: {}",
            picture.name,
            picture.path.display()
        );
    }
}

#[tokio::test]
async fn every_page_can_be_used_by_everybody() {
    let checked = screens::check().await;
    assert!(checked.len() >= 2 * 20, "{checked:#?}");
    for page in &checked {
        assert!(page.passes > 5, "{} was looked at", page.name);
    }
    let faults: Vec<_> = checked.iter().flat_map(|page| &page.faults).collect();
    assert!(faults.is_empty(), "{faults:#?}");
}
