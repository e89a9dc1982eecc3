//! `agentport doctor`: its findings and their advice, from the real program.

mod clients;
mod desktop;
mod home;

use agentport_api::{Health, IntegrationView};
use agentport_tests::{SOON, gateway::Setup, process::Process, within};
use serde_json::{Value, json};

use crate::scene::Scene;

/// What it said.
struct Found {
    code: Option<i32>,
    findings: Vec<Value>,
    text: String,
}

impl Found {
    /// The first finding about something.
    fn about(&self, about: &str) -> &Value {
        let is_it = |finding: &&Value| finding["about"] == about;
        self.findings.iter().find(is_it).unwrap_or_else(|| panic!("{about}: {}", self.text))
    }

    fn state(&self, about: &str) -> &str {
        self.about(about)["state"].as_str().unwrap()
    }

    fn says(&self, about: &str) -> &str {
        self.about(about)["says"].as_str().unwrap()
    }

    fn mend(&self, about: &str) -> &str {
        self.about(about)["mend"].as_str().unwrap_or_default()
    }

    fn failures(&self) -> Vec<&Value> {
        self.findings.iter().filter(|finding| finding["state"] == "fail").collect()
    }
}

/// Who asks.
#[derive(Clone, Copy, PartialEq, Eq)]
enum As<'a> {
    Nobody,
    Owner,
    Agent(&'a str),
}

async fn run(setup: &Setup, who: As<'_>, words: &[&str]) -> (Option<i32>, String) {
    let mut command = setup.command(&["doctor"]);
    command.args(words).env("AGENTPORT_HOME", setup.place.home());
    match who {
        As::Nobody => {}
        As::Owner => {
            command.env("AGENTPORT_OWNER_PASSWORD_FILE", setup.place.password_file());
        }
        As::Agent(key) => {
            command.env("AGENTPORT_API_KEY", key);
        }
    }
    let mut process = Process::start(command, &setup.place.files().join("doctor-stderr"));
    process.close_stdin();
    let text = within(SOON * 3, "the doctor", process.rest()).await;
    (process.ended(SOON).await.expect("it ends").code(), text)
}

async fn found(setup: &Setup, who: As<'_>, words: &[&str]) -> Found {
    let (code, text) = run(setup, who, &[words, &["-o", "json"]].concat()).await;
    let report: Value =
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"));
    let findings = report["findings"].as_array().expect("a list").clone();
    let found = Found { code, findings, text };
    assert_eq!(found.code, Some(i32::from(!found.failures().is_empty())), "{}", found.text);
    found
}

#[tokio::test]
async fn all_is_well() {
    let scene = Scene::new().await;
    let setup = &scene.gateway.setup;
    let found = found(setup, As::Owner, &[]).await;
    assert!(found.failures().is_empty(), "{}", found.text);
    assert_eq!(found.code, Some(0));
    for about in ["data", "gateway", "password", "keychain", "fx"] {
        assert_eq!(found.state(about), "ok", "{}", found.text);
    }
    let pid = scene.gateway.pid();
    assert!(found.says("gateway").contains(&format!("process {pid}")), "{}", found.text);
    assert!(found.says("keychain").contains("master.key"), "{}", found.text);
    #[cfg(target_os = "linux")]
    assert_eq!(found.state("desktop"), "info", "no bus is no failure");

    let (code, words) = run(setup, As::Owner, &[]).await;
    assert_eq!(code, Some(0));
    assert!(words.contains("ok      gateway"), "{words}");
    scene.stop().await;
}

#[tokio::test]
async fn an_agent_sees_less_and_a_caller_without_credentials_least() {
    let scene = Scene::new().await;
    let setup = &scene.gateway.setup;
    let agent = found(setup, As::Agent(&scene.key.key), &[]).await;
    assert_eq!(agent.state("fx"), "ok", "{}", agent.text);
    let nobody = found(setup, As::Nobody, &[]).await;
    assert_eq!(nobody.state("integrations"), "info", "{}", nobody.text);
    assert!(nobody.mend("integrations").contains("--owner-password-file"));
    assert!(!nobody.text.contains("\"fx\""), "{}", nobody.text);
    assert_eq!((agent.code, nobody.code), (Some(0), Some(0)));
    scene.stop().await;
}

#[tokio::test]
async fn a_key_and_a_password_that_do_not_let_in() {
    let scene = Scene::new().await;
    let setup = &scene.gateway.setup;
    scene.owner.revoke(&scene.key).await;
    let agent = found(setup, As::Agent(&scene.key.key), &[]).await;
    assert!(agent.says("integrations").contains("revoked"), "{}", agent.text);
    assert_eq!(agent.code, Some(1));

    std::fs::write(setup.place.password_file(), "not it, and long enough").unwrap();
    let owner = found(setup, As::Owner, &[]).await;
    let failed = owner.failures();
    assert!(failed[0]["says"].as_str().unwrap().contains("Cannot sign in"), "{}", owner.text);
    assert!(!owner.text.contains("not it, and"), "{}", owner.text);
    scene.stop().await;
}

#[tokio::test]
async fn an_integration_that_fails() {
    let scene = Scene::empty().await;
    let setup = &scene.gateway.setup;
    let dead = json!({ "type": "local_mcp", "command": "no-such-command" });
    scene.owner.add(json!({ "id": "dead", "connection": dead, "untried": true })).await;
    let failed = |view: &IntegrationView| matches!(view.health, Health::Failed { .. });
    scene.owner.integration_until("dead", "it fails", failed).await;

    let owner = found(setup, As::Owner, &[]).await;
    assert_eq!((owner.code, owner.state("dead")), (Some(1), "fail"), "{}", owner.text);
    assert!(owner.says("dead").contains("no-such-command"), "{}", owner.text);
    assert_eq!(owner.mend("dead"), "agentport integrations restart dead");
    let agent = found(setup, As::Agent(&scene.key.key), &[]).await;
    assert_eq!((agent.code, agent.state("dead")), (Some(1), "fail"), "{}", agent.text);
    scene.stop().await;
}

#[tokio::test]
async fn programs_on_the_path() {
    let scene = Scene::empty().await;
    let beside = agentport_tests::programs::agentport().parent().unwrap();
    let there = scene.gateway.setup.clone().env("PATH", beside.to_str().unwrap());
    let other = scene.gateway.place().files().join("bin");
    std::fs::create_dir(&other).unwrap();
    std::fs::copy("/bin/true", other.join("agentport")).unwrap();
    let shadowed = scene.gateway.setup.clone().env("PATH", other.to_str().unwrap());
    assert_eq!(found(&there, As::Nobody, &[]).await.state("agentport"), "ok");
    let shadowed = found(&shadowed, As::Nobody, &[]).await;
    assert_eq!(shadowed.state("agentport"), "warn");
    assert!(shadowed.says("agentport").contains("files/bin"), "{}", shadowed.text);
    assert_eq!(shadowed.state("ap"), "warn");
    scene.stop().await;
}
