//! Findings about the data directory and leftovers of killed processes.

use std::{fs, os::unix::fs::PermissionsExt as _, path::Path, process::Command};

use agentport_tests::{Gateway, gateway::Setup, process::Process, programs};

use super::{As, found};

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

#[tokio::test]
async fn before_the_first_start() {
    let setup = Setup::default();
    let found = found(&setup, As::Nobody, &["--fix"]).await;
    assert_eq!(found.code, Some(1));
    assert_eq!(found.state("gateway"), "fail", "{}", found.text);
    assert!(found.mend("gateway").contains("agentport serve"), "{}", found.text);
    assert_eq!(found.state("data"), "info");
    assert!(!setup.place.home().exists(), "looking makes nothing");
}

#[tokio::test]
async fn open_to_other_accounts() {
    let setup = Gateway::start().await.stop().await;
    let home = setup.place.home();
    let database = home.join("agentport.sqlite");
    set_mode(&database, 0o644);
    let inside = found(&setup, As::Nobody, &[]).await;
    assert_eq!(inside.state("data"), "warn", "{}", inside.text);

    set_mode(&home, 0o755);
    let outside = found(&setup, As::Nobody, &[]).await;
    assert_eq!(outside.state("data"), "fail", "{}", outside.text);
    assert!(outside.mend("data").contains("--fix"), "{}", outside.text);
    assert_eq!((mode(&home), mode(&database)), (0o755, 0o644), "looking changes nothing");

    let mended = found(&setup, As::Nobody, &["--fix"]).await;
    assert_eq!(mended.about("data")["mended"], true, "{}", mended.text);
    assert_eq!((mode(&home), mode(&database)), (0o700, 0o600));
    assert_eq!(found(&setup, As::Nobody, &[]).await.state("data"), "ok");
}

/// Somebody mistyped `--home`.
#[tokio::test]
async fn a_directory_that_is_not_ours_is_not_closed() {
    let setup = Setup::default();
    let home = setup.place.home();
    fs::create_dir(&home).unwrap();
    fs::write(home.join("shared"), "").unwrap();
    set_mode(&home, 0o755);
    let found = found(&setup, As::Nobody, &["--fix"]).await;
    assert_eq!(found.state("data"), "fail", "{}", found.text);
    assert_eq!(mode(&home), 0o755);
}

#[tokio::test]
async fn a_gateway_that_was_killed() {
    let setup = Gateway::start().await.kill().await;
    let runtime = setup.place.home().join("runtime.json");
    assert!(runtime.exists());
    let left = found(&setup, As::Nobody, &[]).await;
    assert!(left.text.contains("left its runtime file"), "{}", left.text);
    assert!(runtime.exists());
    found(&setup, As::Nobody, &["--fix"]).await;
    assert!(!runtime.exists());
}

#[tokio::test]
async fn a_vault_whose_key_is_gone() {
    let setup = Gateway::start().await.stop().await;
    fs::rename(setup.place.home().join("master.key"), setup.place.files().join("key")).unwrap();
    let found = found(&setup, As::Nobody, &[]).await;
    assert_eq!(found.state("keychain"), "fail", "{}", found.text);
    assert!(found.mend("keychain").contains("master.key"), "{}", found.text);
    assert!(!setup.place.home().join("master.key").exists(), "none is made");
}

/// Changes of a client's file that were cut short: before the file was written, and in the middle of it.
#[tokio::test]
async fn changes_that_were_cut_short() {
    let setup = Gateway::start().await.stop().await;
    let folder = setup.place.user().join(".cursor");
    fs::create_dir(&folder).unwrap();
    let (file, new) = (folder.join("mcp.json"), setup.place.files().join("new.json"));
    let old = "{ \"mcpServers\": {} }";
    fs::write(&file, old).unwrap();
    fs::write(&new, format!("{{ \"mcpServers\": {{}} {} }}", " ".repeat(5_000))).unwrap();

    let mut command = Command::new(programs::applier());
    command.arg("--root").arg(setup.place.home().join("clients"));
    command.arg("--file").arg(&file).arg("--to").arg(&new).arg("--die-writing");
    let mut process = Process::start(command, &setup.place.files().join("applier"));
    while process.line().await.is_some() {}

    let seen = found(&setup, As::Nobody, &[]).await;
    assert_eq!(seen.state("kept originals"), "warn", "{}", seen.text);
    assert!(seen.says("kept originals").contains("cut short"), "{}", seen.text);
    let half = seen.about("cursor");
    assert_eq!(half["state"], "warn", "{}", seen.text);
    assert!(half["says"].as_str().unwrap().contains(".mcp.json.agentport-"), "{}", seen.text);
}

#[tokio::test]
async fn interrupted_changes_are_repaired() {
    let setup = Gateway::start().await.stop().await;
    let folder = setup.place.user().join(".cursor");
    fs::create_dir(&folder).unwrap();
    let (file, new) = (folder.join("mcp.json"), setup.place.files().join("new.json"));
    fs::write(&file, "{ \"mcpServers\": {} }").unwrap();
    fs::write(&new, "x".repeat(5_000)).unwrap();
    let root = setup.place.home().join("clients");
    let mut command = Command::new(programs::applier());
    command.arg("--root").arg(&root).arg("--file").arg(&file).arg("--to").arg(&new);
    command.arg("--die-writing");
    let mut process = Process::start(command, &setup.place.files().join("applier"));
    while process.line().await.is_some() {}
    assert_eq!(fs::read_dir(&folder).unwrap().count(), 2);

    let mended = found(&setup, As::Nobody, &["--fix"]).await;
    assert_eq!(mended.about("kept originals")["mended"], true, "{}", mended.text);
    assert_eq!(mended.about("cursor")["mended"], true, "{}", mended.text);
    assert_eq!(fs::read_dir(&folder).unwrap().count(), 1);
    assert_eq!(fs::read_to_string(&file).unwrap(), "{ \"mcpServers\": {} }");
    let after = found(&setup, As::Nobody, &[]).await;
    assert!(!after.text.contains("cut short") && !after.text.contains("half-written"));
}

#[tokio::test]
async fn a_kept_original_that_is_damaged() {
    let setup = Gateway::start().await.stop().await;
    let folder = setup.place.user().join(".cursor");
    fs::create_dir(&folder).unwrap();
    let (file, new) = (folder.join("mcp.json"), setup.place.files().join("new.json"));
    fs::write(&file, "{}").unwrap();
    fs::write(&new, "{ \"mcpServers\": {} }").unwrap();
    let root = setup.place.home().join("clients");
    let mut command = Command::new(programs::applier());
    command.arg("--root").arg(&root).arg("--file").arg(&file).arg("--to").arg(&new);
    let mut process = Process::start(command, &setup.place.files().join("applier"));
    while process.line().await.is_some() {}
    assert_eq!(found(&setup, As::Nobody, &[]).await.state("kept originals"), "ok");

    for original in fs::read_dir(root.join("originals")).unwrap() {
        fs::write(original.unwrap().path(), "obviously-fake").unwrap();
    }
    let damaged = found(&setup, As::Nobody, &[]).await;
    assert_eq!(damaged.state("kept originals"), "fail", "{}", damaged.text);
    assert!(damaged.mend("kept originals").contains("backups verify"), "{}", damaged.text);
}

/// A web view writes its cache with modes of its own; in a closed directory they open nothing.
#[tokio::test]
async fn files_of_the_desktop_app_have_their_own_modes() {
    let setup = Gateway::start().await.stop().await;
    let home = setup.place.home();
    for folder in ["webview", "tray"] {
        fs::create_dir_all(home.join(folder)).unwrap();
        fs::write(home.join(folder).join("cache"), "").unwrap();
        set_mode(&home.join(folder), 0o755);
        set_mode(&home.join(folder).join("cache"), 0o644);
    }
    fs::write(home.join("windows.json"), "{}").unwrap();
    set_mode(&home.join("windows.json"), 0o644);
    let closed = found(&setup, As::Nobody, &[]).await;
    assert_eq!(closed.state("data"), "ok", "{}", closed.text);

    set_mode(&home, 0o755);
    assert_eq!(found(&setup, As::Nobody, &[]).await.state("data"), "fail");
    found(&setup, As::Nobody, &["--fix"]).await;
    assert_eq!(mode(&home.join("webview/cache")), 0o600);
}
