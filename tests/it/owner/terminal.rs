//! Commands of the owner in a terminal: second factor and backups.

use agentport_api::GrantChoice;
use agentport_tests::{SOON, process::Process, within};
use serde_json::{Value, json};

use super::authenticator::Authenticator;
use crate::{cli, scene::Scene};

/// `settings second-factor on`: reads the secret it tells on stderr, answers with a code, and gives the recovery codes.
async fn turn_on(scene: &Scene) -> (Authenticator, Vec<String>) {
    let place = scene.gateway.place();
    let mut command =
        scene.gateway.setup.command(&["settings", "second-factor", "on", "-o", "json"]);
    command.env("AGENTPORT_HOME", place.home());
    command.env("AGENTPORT_OWNER_PASSWORD_FILE", place.password_file());
    let errors = place.files().join("second-factor-on");
    let mut process = Process::start(command, &errors);
    let secret = async {
        loop {
            let told = std::fs::read_to_string(&errors).unwrap_or_default();
            let line = told.lines().find_map(|line| line.strip_prefix("Secret"));
            if let Some(secret) = line.filter(|_| told.contains("Then give the first code")) {
                return secret.trim().to_owned();
            }
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    };
    let mut phone = Authenticator::new(&within(SOON, "the secret on stderr", secret).await);
    process.feed(&format!("{}\n", phone.code().await));
    let codes: Value =
        serde_json::from_str(&within(SOON, "the codes", process.rest()).await).expect("JSON");
    let codes = codes["codes"].as_array().expect("codes").iter();
    (phone, codes.map(|code| code.as_str().expect("a code").to_owned()).collect())
}

#[tokio::test]
async fn with_the_second_factor_on_the_terminal_asks_for_a_code() {
    let scene = Scene::new().await;
    let cli = cli::owner(&scene);
    let off = cli.json("settings second-factor status").await;
    assert_eq!(off["on"], false);
    let (mut phone, codes) = turn_on(&scene).await;
    assert_eq!(codes.len(), 10);
    let asked = scene.call("counter", json!({})).await.request();
    let asked = asked.to_string();

    let without = cli.run(&format!("approvals approve {asked}")).await;
    assert_eq!((without.code, without.stdout.as_str()), (Some(1), ""));
    assert!(without.stderr.contains("one-time code"), "{}", without.stderr);
    let words = ["approvals", "approve", asked.as_str(), "-o", "json"];
    let wrong = cli.run_words(&words, "000000\n").await;
    assert_eq!(wrong.code, Some(1), "{}", wrong.stdout);
    // Whoever signed in before has to show a code for this too.
    let refused = scene
        .owner
        .try_approve(asked.parse().expect("an id"), json!({ "grant": GrantChoice::Once }));
    assert_eq!(refused.await.json()["code"], "confirmation_needed");
    let approved = cli.run_words(&words, &format!("{}\n", phone.code().await)).await;
    assert_eq!(approved.code, Some(0), "{}", approved.stderr);

    let words = ["settings", "second-factor", "status", "-o", "json"];
    let status = cli.run_words(&words, &format!("{}\n", codes[0])).await;
    let status: Value = serde_json::from_str(&status.stdout).expect("JSON");
    assert_eq!((&status["on"], &status["recovery_codes_left"]), (&json!(true), &json!(9)));
    let fresh = cli
        .run_words(&["settings", "second-factor", "recovery-codes"], &format!("{}\n", codes[1]))
        .await;
    let fresh: Vec<&str> = fresh.stdout.lines().collect();
    assert_eq!(fresh.len(), 10);
    let off =
        cli.run_words(&["settings", "second-factor", "off"], &format!("{}\n", fresh[0])).await;
    assert_eq!(off.code, Some(0), "{}", off.stderr);
    assert_eq!(cli.run("keys create helper").await.code, Some(0), "no code any more");
    scene.stop().await;
}

#[tokio::test]
async fn a_backup_is_saved_and_loaded() {
    let scene = Scene::new().await;
    let cli = cli::owner(&scene);
    let file = scene.gateway.place().files().join("backup.json");
    let file = file.to_str().expect("a path in Unicode");
    let saved = cli.run(&format!("backup save {file}")).await;
    assert_eq!(saved.code, Some(0), "{}", saved.stderr);
    let text = std::fs::read_to_string(file).expect("the backup");
    assert!(text.contains("\"tester\"") && !text.contains(&scene.key.key), "{text}");
    let same = cli.run(&format!("backup load {file}")).await;
    assert_eq!((same.code, same.stdout.trim()), (Some(0), "Everything is as in the document."));

    let other = Scene::empty().await;
    let there = cli::owner(&other);
    let clash = there.run(&format!("backup load {file}")).await;
    assert_eq!(clash.code, Some(1), "{}", clash.stdout);
    assert!(
        clash.stderr.contains("agents[0]") && clash.stderr.contains("tester"),
        "{}",
        clash.stderr
    );
    other.owner.revoke(&other.key).await;
    let told = there.run(&format!("backup load {file} --dry-run")).await;
    assert!(
        told.stdout.contains("This would happen:") && told.stdout.contains("\"tester\""),
        "{}",
        told.stdout
    );
    assert!(other.owner.integrations().await.iter().all(|one| one.id.as_str() != "fx"));
    let loaded = there.run(&format!("backup load {file}")).await;
    assert_eq!(loaded.code, Some(0), "{}", loaded.stderr);
    let key = loaded.stdout.lines().find_map(|line| line.strip_prefix("tester  ")).expect("a key");
    let agent = agentport_tests::Wire::new(other.gateway.base()).with_key(key);
    agent.call_tool("fx", "counter", json!({})).await.request();
    other.stop().await;
    scene.stop().await;
}

#[tokio::test]
async fn a_window_without_a_password_takes_no_sign_in() {
    let window = super::window::Window::open().await;
    let setup = agentport_tests::gateway::Setup::default();
    let mut command = setup.command(&["keys", "list"]);
    command.env("AGENTPORT_HOME", window.home.path().join("home"));
    command.env("AGENTPORT_OWNER_PASSWORD_FILE", setup.place.password_file());
    let errors = setup.place.files().join("keys-list");
    let mut process = Process::start(command, &errors);
    process.close_stdin();
    assert_eq!(within(SOON, "the command", process.rest()).await, "");
    let status = process.ended(SOON).await.expect("it ends");
    let told = std::fs::read_to_string(errors).unwrap_or_default();
    assert_eq!(status.code(), Some(1));
    assert!(told.contains("takes no sign-in") && told.contains("Settings"), "{told}");
    window.close().await;
}
