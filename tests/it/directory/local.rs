//! Local servers of the directory: what they run is shown, accepted, and compared; and packages without a version.

use agentport_api::{AvailableIntegration, FieldKind, GrantChoice};
use agentport_tests::programs;
use http::{Method, StatusCode};
use serde_json::{Value, json};

use super::{install, installed};
use crate::{cli, scene::Scene};

async fn preview(scene: &Scene, id: &str, body: Value) -> agentport_tests::wire::Reply {
    scene.owner.send(Method::POST, &format!("/control/available/{id}/preview"), Some(body)).await
}

#[tokio::test]
async fn a_local_server_shows_what_it_will_run() {
    let scene = Scene::empty().await;
    let listed: AvailableIntegration =
        scene.owner.ask(Method::GET, "/control/available/filesystem", None).await;
    let launch = listed.launch.expect("it runs here");
    assert!(launch.command.ends_with(" {folders}"), "{}", launch.command);
    let [field] = launch.fields.as_slice() else { panic!("{:?}", launch.fields) };
    assert_eq!((field.kind, field.required, field.repeated), (FieldKind::Folder, true, true));

    let folder = scene.gateway.place().files().join("two words");
    std::fs::create_dir(&folder).expect("a folder");
    let values = json!({"fields": {"folders": [folder, "/"]}});
    let shown = preview(&scene, "filesystem", values).await;
    assert_eq!(shown.status, StatusCode::OK, "{}", shown.text);
    let command = shown.json()["command"].as_str().expect("a command").to_owned();
    assert!(command.starts_with("npx -y @modelcontextprotocol/server-filesystem@"), "{command}");
    assert!(command.ends_with(&format!(" {folder:?} /")), "{command}");
    for (id, body, status, word) in [
        ("filesystem", json!({}), 422, "Folders it may use"),
        ("filesystem", json!({"fields": {"folders": ["relative"]}}), 422, "absolute"),
        ("filesystem", json!({"fields": {"other": ["x"]}}), 422, "other"),
        ("exa", json!({}), 404, "runs nothing"),
        ("nowhere", json!({}), 404, "no integration"),
    ] {
        let refused = preview(&scene, id, body).await;
        assert_eq!(refused.status.as_u16(), status, "{id}: {}", refused.text);
        assert!(refused.text.contains(word), "{id}: {}", refused.text);
    }
    scene.stop().await;
}

/// Nothing runs that the owner has not read, word by word.
#[tokio::test]
async fn a_command_that_was_not_accepted_does_not_run() {
    let scene = Scene::empty().await;
    let folder = scene.gateway.place().files();
    let body = |accepted: Option<&str>| json!({"method": "none", "fields": {"folders": [folder]}, "accepted_command": accepted});
    for accepted in [None, Some(""), Some("npx -y something-else@1.0.0")] {
        let refused = install(&scene, "filesystem", body(accepted)).await;
        assert_eq!(refused.status, StatusCode::CONFLICT, "{}", refused.text);
        let problem = refused.json();
        assert_eq!(problem["code"], "command_not_accepted");
        let command = problem["command"].as_str().expect("the command that would run");
        assert!(command.contains(folder.to_str().unwrap_or_default()), "{command}");
    }
    let gone = json!({
        "method": "none", "fields": {"folders": ["/no/such/folder"]},
        "accepted_command": "npx -y @modelcontextprotocol/server-filesystem@2026.8.31 /no/such/folder",
    });
    let gone = install(&scene, "filesystem", gone).await;
    assert_eq!(gone.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", gone.text);
    assert!(gone.text.contains("there is no folder"), "{}", gone.text);
    assert_eq!(installed(&scene).await, ["demo"]);
    scene.stop().await;
}

/// What an agent asks for is never run by that: the owner reads the command first.
#[tokio::test]
async fn an_agent_that_asks_for_a_local_server_shows_its_command() {
    let scene = Scene::empty().await;
    let asks = async |id: &str| {
        let arguments = json!({
            "integration_id": id, "auth_method": "none", "command": "the agent's own words",
        });
        let id = scene.wire.tool("agentport__install_integration", arguments).await.request();
        scene.owner.approval(id).await
    };
    let thinking = asks("sequential-thinking").await;
    let command = "npx -y @modelcontextprotocol/server-sequential-thinking@2026.8.31";
    assert_eq!(thinking.summary, format!("Install Sequential Thinking, which runs {command}"));
    assert_eq!(thinking.arguments["command"], command);
    assert!(thinking.once_only && thinking.install.is_none());

    let filesystem = asks("filesystem").await;
    assert!(filesystem.summary.ends_with(" {folders}"), "{}", filesystem.summary);
    assert!(filesystem.install.is_some(), "there is something to fill in");
    scene.owner.approve(filesystem.id, GrantChoice::Once).await;
    let answer = scene.wire.await_approval(&filesystem.id.to_string()).await;
    let said = answer.structured.expect("an answer");
    assert_eq!(said["installed"], false);
    assert!(said["message"].as_str().is_some_and(|text| text.contains("fill in")), "{said}");
    assert_eq!(installed(&scene).await, ["demo"]);
    scene.stop().await;
}

#[tokio::test]
async fn the_command_line_asks_for_a_yes() {
    let scene = Scene::empty().await;
    let cli = cli::owner(&scene);
    let folder = scene.gateway.place().files();
    let field = format!("folders={}", folder.display());
    let words = ["integrations", "add", "filesystem", "--field", field.as_str()];
    let refused = cli.run_words(&words, "").await;
    assert_eq!(refused.code, Some(1));
    assert!(
        refused.stderr.contains("npx -y @modelcontextprotocol/server-filesystem@"),
        "{}",
        refused.stderr
    );
    assert!(refused.stderr.contains("--yes"), "{}", refused.stderr);
    let missing = cli.run("integrations add filesystem --yes").await;
    assert_eq!(missing.code, Some(1));
    assert!(missing.stderr.contains("Folders it may use"), "{}", missing.stderr);
    assert_eq!(installed(&scene).await, ["demo"]);
    scene.stop().await;
}

/// A script in the place of a package runner: it writes down its words and becomes the fixture.
fn runner(scene: &Scene) -> std::path::PathBuf {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = scene.gateway.place().files().join("bin");
    std::fs::create_dir_all(&folder).expect("a folder");
    let path = folder.join("npx");
    let script = format!(
        "#!/bin/sh\necho \"$2\" >> '{}'\ncase \"$2\" in *@9.9.9) exit 1;; esac\nexec '{}'\n",
        folder.join("ran").display(),
        programs::fixture().display()
    );
    std::fs::write(&path, script).expect("a script");
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).expect("a program");
    path
}

#[tokio::test]
async fn an_unpinned_package_is_flagged_and_pinned() {
    let scene = Scene::empty().await;
    let npx = runner(&scene);
    let add = |id: &str, package: &str| {
        json!({
            "id": id,
            "connection": {"type": "local_mcp", "command": npx, "args": ["-y", package]},
        })
    };
    for (id, package) in [
        ("known", "@modelcontextprotocol/server-memory"),
        ("other", "@example/server@latest"),
        ("exact", "@example/server@1.2.3"),
    ] {
        let added =
            scene.owner.send(Method::POST, "/control/integrations", Some(add(id, package))).await;
        assert_eq!(added.status, StatusCode::CREATED, "{}", added.text);
    }
    let view = async |id: &str| -> Value {
        scene.owner.ask(Method::GET, &format!("/control/integrations/{id}"), None).await
    };
    let pin = async |id: &str, body: Value| {
        scene.owner.send(Method::POST, &format!("/control/integrations/{id}/pin"), Some(body)).await
    };
    assert_eq!(view("exact").await.get("unpinned"), None);
    let known = view("known").await["unpinned"].clone();
    assert_eq!(known["package"], "@modelcontextprotocol/server-memory");
    assert_eq!(known["version"], "2026.8.31");
    let other = view("other").await["unpinned"].clone();
    assert_eq!((&other["package"], &other["version"]), (&json!("@example/server"), &Value::Null));

    let refused = pin("known", json!({})).await;
    assert_eq!(refused.status, StatusCode::CONFLICT, "{}", refused.text);
    assert_eq!(refused.json()["command"], known["command"]);
    let pinned = pin("known", json!({"accepted_command": known["command"]})).await;
    assert_eq!(pinned.status, StatusCode::OK, "{}", pinned.text);
    assert_eq!(
        pinned.json()["connection"]["args"],
        json!(["-y", "@modelcontextprotocol/server-memory@2026.8.31"])
    );
    assert_eq!(pinned.json().get("unpinned"), None);

    for (body, status, word) in [
        (json!({}), 422, "No version of @example/server"),
        (json!({"version": "latest"}), 422, "not one version"),
        (json!({"version": "1.0.0; rm"}), 422, "not one version"),
    ] {
        let refused = pin("other", body).await;
        assert_eq!(refused.status.as_u16(), status, "{}", refused.text);
        assert!(refused.text.contains(word), "{}", refused.text);
    }
    // One that does not start leaves everything as it was.
    let proposed = pin("other", json!({"version": "9.9.9"})).await.json()["command"].clone();
    let broken = pin("other", json!({"version": "9.9.9", "accepted_command": proposed})).await;
    assert_eq!(broken.status, StatusCode::BAD_GATEWAY, "{}", broken.text);
    assert_eq!(view("other").await["connection"]["args"], json!(["-y", "@example/server@latest"]));
    assert_eq!(
        pin("exact", json!({"version": "9.9.9", "accepted_command": "x"})).await.status,
        StatusCode::CONFLICT
    );

    let cli = cli::owner(&scene);
    let shown = cli.run("integrations show other").await;
    assert!(
        shown.stdout.contains("Not pinned") && shown.stdout.contains("integrations pin"),
        "{}",
        shown.stdout
    );
    let done = cli.run("integrations pin other --to 1.0.0 --yes").await;
    assert_eq!(done.code, Some(0), "{}", done.stderr);
    assert_eq!(view("other").await["connection"]["args"], json!(["-y", "@example/server@1.0.0"]));
    scene.stop().await;
}
