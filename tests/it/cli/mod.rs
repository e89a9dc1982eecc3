//! The command line: exit codes, what goes to stdout, and the literal lines skills key on.

mod agents;
mod output;

use agentport_api::GrantChoice;
use agentport_core::policy::Mode;
use agentport_tests::{
    SOON,
    gateway::{PASSWORD, private_file},
    process::Process,
    programs, within,
};
use serde_json::{Value, json};

use crate::scene::Scene;

pub(crate) struct Ran {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// Runs `agentport` beside the scene's gateway.
pub(crate) struct Cli<'a> {
    scene: &'a Scene,
    as_owner: bool,
    key: Option<String>,
}

impl Cli<'_> {
    pub(crate) async fn run(&self, line: &str) -> Ran {
        self.run_words(&line.split(' ').collect::<Vec<_>>(), "").await
    }

    pub(crate) async fn run_words(&self, words: &[&str], input: &str) -> Ran {
        let place = self.scene.gateway.place();
        let mut command = self.scene.gateway.setup.command(words);
        command.env("AGENTPORT_HOME", place.home());
        if self.as_owner {
            command.env("AGENTPORT_OWNER_PASSWORD_FILE", place.password_file());
        }
        if let Some(key) = &self.key {
            command.env("AGENTPORT_API_KEY", key);
        }
        let errors = place.files().join(format!("cli-{}", uuid::Uuid::new_v4()));
        let mut process = Process::start(command, &errors);
        process.feed(input);
        let stdout = within(SOON * 3, "the command", process.rest()).await;
        let status = process.ended(SOON).await.expect("it ends");
        let stderr = std::fs::read_to_string(errors).unwrap_or_default();
        Ran { code: status.code(), stdout, stderr }
    }

    /// Runs it with `-o json`, expects success, and reads what it printed.
    pub(crate) async fn json(&self, line: &str) -> Value {
        let ran = self.run(&format!("{line} -o json")).await;
        assert_eq!(ran.code, Some(0), "{line}\n{}\n{}", ran.stdout, ran.stderr);
        serde_json::from_str(&ran.stdout)
            .unwrap_or_else(|error| panic!("{line}: {error}\n{}", ran.stdout))
    }
}

pub(crate) fn owner(scene: &Scene) -> Cli<'_> {
    Cli { scene, as_owner: true, key: None }
}

pub(crate) fn agent(scene: &Scene) -> Cli<'_> {
    Cli { scene, as_owner: false, key: Some(scene.key.key.clone()) }
}

/// A list, whether wrapped in `items` or bare.
fn items(value: &Value) -> Vec<Value> {
    value.get("items").unwrap_or(value).as_array().expect("a list").clone()
}

#[tokio::test]
async fn an_agent_calls_waits_and_is_denied() {
    let scene = Scene::new().await;
    let cli = agent(&scene);
    scene.owner.set_policy("fx", "echo", Mode::Allow).await;
    scene.owner.set_policy("fx", "destroy", Mode::Deny).await;

    let ran = cli
        .run_words(
            &[
                "tools",
                "call",
                "--integration",
                "fx",
                "--tool",
                "echo",
                "--args",
                r#"{"text": "by hand"}"#,
            ],
            "",
        )
        .await;
    assert_eq!((ran.code, ran.stdout.trim()), (Some(0), "by hand"), "{}", ran.stderr);

    let asks = cli.run("tools call --integration fx --tool counter --args {}").await;
    assert_eq!((asks.code, asks.stdout.as_str()), (Some(2), ""), "{}", asks.stderr);
    let id = scene.owner.one_pending().await.id;
    let url = format!("{}/approve/{id}", scene.gateway.base());
    assert!(asks.stderr.contains(&format!("Approval required: {url}")), "{}", asks.stderr);

    let pending = cli.run(&format!("tools await-approval --approval-url {url} --timeout 1")).await;
    assert_eq!(pending.code, Some(2));
    assert!(
        pending.stderr.contains(&format!("Approval still pending: {url}")),
        "{}",
        pending.stderr
    );
    scene.owner.approve(id, GrantChoice::Once).await;
    let decided = cli.run(&format!("tools await-approval --request-id {id}")).await;
    assert_eq!(decided.code, Some(0), "{}", decided.stderr);
    assert_eq!(scene.runs("counter"), 0, "awaiting does not run");
    let ran = cli.run("tools call --integration fx --tool counter --args {}").await;
    assert_eq!((ran.code, ran.stdout.trim()), (Some(0), "counted"));

    let blocked = cli
        .run_words(
            &[
                "tools",
                "call",
                "--integration",
                "fx",
                "--tool",
                "destroy",
                "--args",
                r#"{"what": "x"}"#,
            ],
            "",
        )
        .await;
    assert_eq!((blocked.code, blocked.stdout.as_str()), (Some(1), ""));
    assert!(blocked.stderr.contains("Denied: "), "{}", blocked.stderr);

    let waiting = cli.run("tools call --integration fx --tool counter --args {} --wait");
    let deciding = async {
        let pending = scene.owner.one_pending().await;
        scene.owner.deny(pending.id, Some("not today")).await;
    };
    let (denied, ()) = tokio::join!(waiting, deciding);
    assert_eq!(denied.code, Some(1));
    assert!(
        denied.stderr.contains("Denied: ") && denied.stderr.contains("not today"),
        "{}",
        denied.stderr
    );
    scene.stop().await;
}

#[tokio::test]
async fn an_agent_lists_and_describes() {
    let scene = Scene::new().await;
    let cli = agent(&scene);
    let listed = cli.json("tools list --integration fx").await.to_string();
    assert!(listed.contains("\"echo\""), "{listed}");
    let described = cli.json("tools describe --integration fx --tool echo").await.to_string();
    assert!(described.contains("Says back"), "{described}");
    let unknown = cli.run("tools describe --integration fx --tool nothing").await;
    assert_eq!((unknown.code, unknown.stdout.as_str()), (Some(1), ""));
    let status = cli.json("auth status").await.to_string();
    assert!(!status.contains(&scene.key.key), "a key is shown by its beginning only");

    let anonymous = Cli { scene: &scene, as_owner: false, key: None };
    let refused = anonymous.run("tools list").await;
    assert_eq!(refused.code, Some(1));
    assert!(!refused.stderr.is_empty());
    let stored = anonymous.run_words(&["auth", "login"], &format!("{}\n", scene.key.key)).await;
    assert_eq!(stored.code, Some(0), "{}", stored.stderr);
    assert_eq!(anonymous.run("tools list").await.code, Some(0));
    assert_eq!(anonymous.run("auth logout").await.code, Some(0));
    assert_eq!(anonymous.run("tools list").await.code, Some(1));
    scene.stop().await;
}

#[tokio::test]
async fn the_owner_does_everything_from_a_terminal() {
    let scene = Scene::new().await;
    let cli = owner(&scene);
    let status = cli.json("status").await;
    assert_eq!(status["mcp_url"], scene.gateway.said.mcp_url);

    let key = cli.json("keys create helper --expires 30d").await;
    let secret = key["key"].as_str().expect("the key").to_owned();
    assert!(
        secret.starts_with("ap_")
            && secret.len() == 35
            && key["id"].is_string()
            && key["name"] == "helper"
    );
    let again = cli.run("keys create helper").await;
    assert_eq!(again.code, Some(1), "a name is taken once");
    assert!(items(&cli.json("keys list").await).iter().any(|row| row["name"] == "helper"));

    let set = cli.run("policy set fx echo allow").await;
    assert_eq!(set.code, Some(0), "{}", set.stderr);
    assert!(
        items(&cli.json("policy list").await).iter().any(|row| row.to_string().contains("echo"))
    );
    let wrong = cli.run("policy set fx nothing allow").await;
    assert_eq!(wrong.code, Some(1));
    assert!(wrong.stderr.contains("nothing"), "{}", wrong.stderr);

    let helper = agentport_tests::Wire::new(scene.gateway.base()).with_key(&secret);
    let id = helper.call_tool("fx", "counter", json!({})).await.request();
    assert_eq!(items(&cli.json("approvals list").await).len(), 1);
    assert!(cli.json(&format!("approvals show {id}")).await.to_string().contains("counter"));
    assert_eq!(cli.run(&format!("approvals approve {id} --grant always")).await.code, Some(0));
    let twice = cli.run(&format!("approvals deny {id}")).await;
    assert_eq!(twice.code, Some(1), "decided is decided");
    assert_eq!(helper.await_approval(&id.to_string()).await.ran().text, "counted");
    let id = helper.call_tool("fx", "add", json!({"a": 1, "b": 2})).await.request();
    let edit = ["approvals", "approve", &id.to_string(), "--arguments", r#"{"a": 40, "b": 2}"#];
    assert_eq!(cli.run_words(&edit, "").await.code, Some(0));
    assert_eq!(helper.await_approval(&id.to_string()).await.ran().text, "42");
    let id = helper.call_tool("fx", "image", json!({})).await.request();
    assert_eq!(
        cli.run_words(&["approvals", "deny", &id.to_string(), "--reason", "no pictures"], "")
            .await
            .code,
        Some(0)
    );
    assert!(helper.await_approval(&id.to_string()).await.refused().contains("no pictures"));

    assert_eq!(cli.run("approvals pause").await.code, Some(0));
    helper.call_tool("fx", "echo", json!({"text": "x"})).await.refused();
    assert_eq!(cli.run("approvals resume").await.code, Some(0));
    helper.call_tool("fx", "echo", json!({"text": "x"})).await.ran();

    let logs = items(&cli.json("logs --integration fx --outcome ok --since 24h --limit 10").await);
    assert!(logs.iter().any(|row| row["tool"] == "add"), "{logs:?}");
    assert!(cli.run("audit list").await.stdout.contains("key.created"));
    assert_eq!(cli.run("audit verify").await.code, Some(0));
    let exported = cli.run("audit export").await.stdout;
    assert!(
        exported.lines().all(|line| serde_json::from_str::<Value>(line).is_ok()),
        "JSON lines: {exported}"
    );

    assert_eq!(cli.run("settings set approval_expiry_minutes 15").await.code, Some(0));
    assert_eq!(cli.json("settings get").await["approval_expiry_minutes"], 15);
    for bad in ["0", "1441", "soon"] {
        let refused = cli.run(&format!("settings set approval_expiry_minutes {bad}")).await;
        assert_eq!(refused.code, Some(1), "{bad}");
    }
    assert_eq!(
        cli.run(&format!("keys revoke {}", key["id"].as_str().expect("an id"))).await.code,
        Some(0)
    );
    assert_eq!(helper.get("/api/users/me").await.status, 401);
    scene.stop().await;
}

#[tokio::test]
async fn the_owner_adds_and_removes_integrations() {
    let scene = Scene::empty().await;
    let cli = owner(&scene);
    let fixture = programs::fixture();
    let fixture = fixture.to_str().expect("a path in Unicode");
    let add = [
        "integrations",
        "add",
        "--id",
        "mine",
        "--tag",
        "a",
        "--env",
        "PLAIN=1",
        "--secret-env",
        "HIDDEN",
        "--",
        fixture,
    ];
    let added = cli.run_words(&add, "fake-secret-from-stdin\n").await;
    assert_eq!(added.code, Some(0), "{}", added.stderr);
    assert!(!added.stdout.contains("fake-secret") && !added.stderr.contains("fake-secret"));
    let twice = cli.run_words(&add, "x\n").await;
    assert_eq!(twice.code, Some(1), "an id is taken once");
    assert!(twice.stderr.contains("mine"), "{}", twice.stderr);
    assert_eq!(
        cli.run("integrations set mine --default allow --read-only-may-run on").await.code,
        Some(0)
    );
    let seen =
        scene.wire.call_tool("mine", "env", json!({"name": "HIDDEN"})).await.ran().structured;
    let expected = agentport_tests::upstream::fingerprint("fake-secret-from-stdin");
    assert_eq!(seen.expect("an object")["sha256"], expected);
    let shown = cli.json("integrations show mine").await.to_string();
    assert!(shown.contains("HIDDEN") && !shown.contains("fake-secret"), "{shown}");
    assert_eq!(cli.run("integrations restart mine").await.code, Some(0));
    assert!(
        items(&cli.json("integrations list").await)
            .iter()
            .any(|row| row.to_string().contains("mine"))
    );
    assert_eq!(cli.run("integrations remove mine").await.code, Some(0));
    assert_eq!(cli.run("integrations show mine").await.code, Some(1));

    let before = scene.owner.integrations().await.len();
    for bad in [
        vec!["integrations", "add", "--id", "x", "--", "/no/such/program"],
        vec!["integrations", "add", "--id", "x", "--", "false"],
        vec!["integrations", "add", "--id", "x", "--url", "not a url"],
        vec!["integrations", "add", "--id", "x", "--url", "ftp://example.org/mcp"],
        vec!["integrations", "add", "--id", "x", "--url", "http://127.0.0.1:1/mcp"],
        vec!["integrations", "add", "--id", "agentport-x", "--", fixture],
        vec!["integrations", "add", "--id", "X Y", "--", fixture],
        vec!["integrations", "add", "--id", "demo", "--", fixture],
    ] {
        let ran = cli.run_words(&bad, "").await;
        assert_eq!(ran.code, Some(1), "{bad:?}: {}", ran.stderr);
        assert!(
            ran.stderr.len() > 10 && !ran.stderr.contains("panicked"),
            "{bad:?}: {}",
            ran.stderr
        );
    }
    assert_eq!(scene.owner.integrations().await.len(), before, "no half-made row");
    scene.stop().await;
}

#[tokio::test]
async fn commands_without_permission_say_so() {
    let scene = Scene::empty().await;
    for line in
        ["keys list", "approvals list", "logs", "settings get", "policy list", "audit verify"]
    {
        let ran = agent(&scene).run(line).await;
        assert_eq!((ran.code, ran.stdout.as_str()), (Some(1), ""), "{line}: {}", ran.stderr);
        assert!(ran.stderr.contains("owner"), "{line} says whose matter it is: {}", ran.stderr);
    }
    private_file(&scene.gateway.place().files().join("wrong"), "not the password");
    let wrong = scene.gateway.place().files().join("wrong");
    let wrong = wrong.to_str().expect("a path in Unicode");
    let ran = agent(&scene).run_words(&["keys", "list", "--owner-password-file", wrong], "").await;
    assert_eq!(ran.code, Some(1));
    assert!(!ran.stderr.contains("not the password"));
    for usage in ["", "no-such-command", "keys create", "serve --port 99999"] {
        let words: Vec<_> = usage.split(' ').filter(|word| !word.is_empty()).collect();
        assert_eq!(agent(&scene).run_words(&words, "").await.code, Some(1), "{usage}");
    }
    scene.stop().await;
}

#[tokio::test]
async fn without_a_gateway_it_says_how_to_start_one() {
    let scene = Scene::empty().await;
    let Scene { gateway, key, .. } = scene;
    let setup = gateway.stop().await;
    let mut command = setup.command(&["tools", "list"]);
    command.env("AGENTPORT_HOME", setup.place.home()).env("AGENTPORT_API_KEY", &key.key);
    let errors = setup.place.files().join("errors");
    let mut process = Process::start(command, &errors);
    process.close_stdin();
    assert_eq!(process.ended(SOON).await.and_then(|status| status.code()), Some(1));
    let said = std::fs::read_to_string(errors).expect("stderr");
    assert!(said.contains("agentport serve"), "{said}");
    assert!(!said.contains(PASSWORD));
}
