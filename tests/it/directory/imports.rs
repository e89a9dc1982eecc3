//! Servers from files: MCPB bundles, installed, removed, and hostile; and the `server.json` of a registry.

use std::{
    fs,
    io::{Cursor, Write as _},
    path::{Path, PathBuf},
};

use agentport_tests::{HttpFixture, programs, wire::Reply};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use http::{Method, StatusCode};
use serde_json::{Value, json};
use zip::{ZipWriter, write::SimpleFileOptions};

use super::installed;
use crate::{cli, scene::Scene, secrets::found_under};

const KEY: &str = "fake-weather-4f1b77a0c2";

/// A bundle whose server is the fixture, started by a script of its own.
pub(crate) fn bundle(manifest: &Value, more: &[(&str, &[u8])]) -> Vec<u8> {
    let script = format!("#!/bin/sh\nexec '{}'\n", programs::fixture().display());
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    let manifest = manifest.to_string();
    let own: [(&str, &[u8]); 2] =
        [("manifest.json", manifest.as_bytes()), ("bin/run", script.as_bytes())];
    for (path, content) in own.iter().chain(more) {
        let options = SimpleFileOptions::default().unix_permissions(0o755);
        writer.start_file(*path, options).expect("an entry");
        writer.write_all(content).expect("its content");
    }
    writer.finish().expect("a zip file").into_inner()
}

pub(crate) fn manifest() -> Value {
    json!({
        "manifest_version": "0.3", "name": "weather", "display_name": "Weather", "version": "1.2.0",
        "description": "Tells the weather.", "author": {"name": "Example"},
        "server": {
            "type": "binary", "entry_point": "bin/run",
            "mcp_config": {
                "command": "bin/run", "args": ["--units", "${user_config.units}"],
                "env": {"WEATHER_KEY": "${user_config.key}"},
            },
        },
        "user_config": {
            "units": {"type": "string", "title": "Units"},
            "key": {"type": "string", "title": "Key", "sensitive": true, "required": true},
        },
    })
}

async fn import(scene: &Scene, what: &str, body: Value) -> Reply {
    scene.owner.send(Method::POST, &format!("/control/imports/{what}"), Some(body)).await
}

fn at(path: &Path) -> Value {
    json!({"from": "path", "path": path})
}

fn bundles(home: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(home.join("bundles")).into_iter().flatten().flatten();
    entries.map(|entry| entry.path()).collect()
}

#[tokio::test]
async fn a_bundle_is_installed_and_removed_with_its_files() {
    let scene = Scene::empty().await;
    let home = scene.gateway.place().home();
    let file = scene.gateway.place().files().join("weather.mcpb");
    fs::write(&file, bundle(&manifest(), &[])).expect("a file");
    let read = import(&scene, "read", at(&file)).await;
    assert_eq!(read.status, StatusCode::OK, "{}", read.text);
    let read = read.json();
    assert_eq!(
        (&read["kind"], &read["id"], &read["name"]),
        (&json!("bundle"), &json!("weather"), &json!("Weather"))
    );
    assert_eq!(read["options"][0]["launch"]["fields"][1]["kind"], "secret");
    assert!(bundles(&home).is_empty(), "reading keeps nothing");

    let body = |accepted: Value| {
        json!({
            "source": at(&file), "digest": read["digest"], "accepted_command": accepted,
            "values": {"secrets": {"key": KEY}},
        })
    };
    let preview = import(&scene, "preview", body(Value::Null)).await;
    assert_eq!(preview.status, StatusCode::OK, "{}", preview.text);
    let command = preview.json()["command"].clone();
    let line = command.as_str().expect("a command");
    assert!(line.contains("/bundles/weather-") && !line.contains("--units"), "{line}");
    let refused = import(&scene, "install", body(json!("something else"))).await;
    assert_eq!(refused.status, StatusCode::CONFLICT, "{}", refused.text);
    assert!(bundles(&home).is_empty(), "what was not accepted is not unpacked");

    let done = import(&scene, "install", body(command.clone())).await;
    assert_eq!(done.status, StatusCode::CREATED, "{}", done.text);
    let view = done.json();
    assert_eq!((&view["name"], &view["connected"]), (&json!("Weather"), &json!(true)));
    assert_eq!(view["connection"]["secret_env"], json!(["WEATHER_KEY"]));
    assert_eq!(bundles(&home).len(), 1);
    let again = import(&scene, "install", body(command)).await;
    assert_eq!(again.status, StatusCode::CONFLICT, "{}", again.text);
    assert_eq!(bundles(&home).len(), 1, "the one that is installed stays");

    let scene = scene.restart().await;
    assert_eq!(bundles(&home).len(), 1, "it is used");
    let removed = scene.owner.send(Method::DELETE, "/control/integrations/weather", None).await;
    assert_eq!(removed.status, StatusCode::NO_CONTENT, "{}", removed.text);
    assert!(bundles(&home).is_empty(), "it goes with the integration");
    fs::create_dir_all(home.join("bundles/weather-0123456789abcdef")).expect("a directory");
    let scene = scene.restart().await;
    assert!(bundles(&home).is_empty(), "what nothing uses is removed");
    let setup = scene.gateway.stop().await;
    assert_eq!(found_under(&setup.place.home(), KEY), Vec::<PathBuf>::new());
}

#[tokio::test]
async fn of_a_bundle_that_fails_nothing_is_kept() {
    let scene = Scene::empty().await;
    let home = scene.gateway.place().home();
    let source = |bytes: &[u8]| json!({"from": "data", "data": STANDARD.encode(bytes)});
    let evil = bundle(&manifest(), &[("../../../evil", b"x")]);
    let bomb = bundle(&manifest(), &[("bomb", &vec![0; 64 << 20])]);
    let mut cut = bundle(&manifest(), &[]);
    cut.truncate(cut.len() - 30);
    for (bytes, word) in [
        (evil, "leads out of the bundle"),
        (bomb, "zip bomb"),
        (cut, "no sound zip file"),
        (b"hello".to_vec(), "neither an MCPB bundle"),
    ] {
        let refused = import(&scene, "read", source(&bytes)).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", refused.text);
        assert!(refused.text.contains(word), "{}", refused.text);
    }
    for (body, word) in [
        (json!({"from": "path", "path": "relative.mcpb"}), "absolute"),
        (json!({"from": "path", "path": "/no/such/file"}), "cannot be read"),
        (json!({"from": "path", "path": "/dev/zero"}), "no file"),
        (json!({"from": "data", "data": "***"}), "base64"),
    ] {
        let refused = import(&scene, "read", body).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", refused.text);
        assert!(refused.text.contains(word), "{}", refused.text);
    }
    // Sound, but its server ends at once.
    let mut dead = manifest();
    dead["server"]["mcp_config"]["command"] = json!("bin/dead");
    dead["server"]["entry_point"] = json!("bin/dead");
    let bytes = bundle(&dead, &[("bin/dead", b"#!/bin/sh\nexit 3\n")]);
    let read = import(&scene, "read", source(&bytes)).await.json();
    let mut body = json!({
        "source": source(&bytes), "digest": read["digest"], "values": {"secrets": {"key": KEY}},
    });
    body["accepted_command"] =
        import(&scene, "preview", body.clone()).await.json()["command"].clone();
    let failed = import(&scene, "install", body.clone()).await;
    assert_eq!(failed.status, StatusCode::BAD_GATEWAY, "{}", failed.text);
    // Another file under the same name is not the one that was read.
    body["source"] = source(&bundle(&manifest(), &[]));
    let other = import(&scene, "install", body).await;
    assert_eq!(other.status, StatusCode::CONFLICT, "{}", other.text);
    assert!(other.text.contains("read it again"), "{}", other.text);
    assert!(bundles(&home).is_empty());
    assert_eq!(installed(&scene).await, ["demo"]);
    scene.stop().await;
}

#[tokio::test]
async fn the_command_line_installs_a_bundle() {
    let scene = Scene::empty().await;
    let file = scene.gateway.place().files().join("weather.mcpb");
    fs::write(&file, bundle(&manifest(), &[])).expect("a file");
    let cli = cli::owner(&scene);
    let path = file.to_string_lossy();
    let words = ["integrations", "add", "--bundle", path.as_ref(), "--field", "units=c"];
    let refused = cli.run_words(&words, &format!("{KEY}\n")).await;
    assert_eq!(refused.code, Some(1));
    assert!(
        refused.stderr.contains("--yes") && refused.stderr.contains("bin/run"),
        "{}",
        refused.stderr
    );
    let words = [&words[..], &["--yes", "--id", "rain"][..]].concat();
    let done = cli.run_words(&words, &format!("{KEY}\n")).await;
    assert_eq!(done.code, Some(0), "{}", done.stderr);
    assert!(done.stderr.contains("by Example (as it says)"), "{}", done.stderr);
    assert!(!done.stdout.contains(KEY) && !done.stderr.contains(KEY));
    assert_eq!(installed(&scene).await, ["demo", "rain"]);
    scene.stop().await;
}

#[tokio::test]
async fn a_registry_file_installs_a_remote_server() {
    let fixture = HttpFixture::start(&["--require", &format!("X-Key: {KEY}")]).await;
    let scene = Scene::empty().await;
    let server = json!({
        "name": "io.example/weather", "description": "Tells the weather.", "version": "1.0.0",
        "remotes": [{
            "type": "streamable-http", "url": fixture.url.as_str(),
            "headers": [{"name": "X-Key", "isSecret": true, "isRequired": true}],
        }],
    });
    let file = scene.gateway.place().files().join("server.json");
    fs::write(&file, server.to_string()).expect("a file");
    let cli = cli::owner(&scene);
    let path = file.to_string_lossy();
    let words = ["integrations", "add", "--server-json", path.as_ref()];
    let wrong = cli.run_words(&words, "fake-wrong\n").await;
    assert_eq!(wrong.code, Some(1), "{}", wrong.stdout);
    let done = cli.run_words(&words, &format!("{KEY}\n")).await;
    assert_eq!(done.code, Some(0), "{}", done.stderr);
    assert_eq!(installed(&scene).await, ["demo", "weather"]);
    let setup = scene.gateway.stop().await;
    assert_eq!(found_under(&setup.place.home(), KEY), Vec::<PathBuf>::new());
}
