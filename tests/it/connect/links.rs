//! A file that is a link is the file it leads to.

use std::{fs, os::unix::fs::symlink, path::Path};

use agentport_api::Items;
use agentport_clients::types::{ClientView, FileState};
use http::{Method, StatusCode};
use serde_json::json;

use super::{CLAUDE, CURSOR, Desk};

const SERVERS: &str = r#"{ "mcpServers": { "one": { "command": "one" } } }"#;

fn lead(from: &Path, to: &Path) {
    let _ = fs::remove_file(from);
    fs::create_dir_all(from.parent().expect("a directory")).expect("a directory");
    symlink(to, from).expect("a link");
}

#[tokio::test]
async fn a_projects_link_out_of_the_project_is_left_alone() {
    let desk = Desk::new().await;
    desk.put(".claude.json", SERVERS);
    desk.put("repo/inside.json", SERVERS);
    let link = desk.at("repo/.mcp.json");
    let body = |what: &str| json!({ "what": what, "path": link.to_str() });
    for to in [
        desk.at(".claude.json"),
        desk.at(".config/autostart/x.desktop"),
        desk.kept("agents.json"),
        "/proc/self/pagemap".into(),
    ] {
        lead(&link, &to);
        for what in ["connect", "consolidate", "disconnect", "restore"] {
            let reply = desk.try_plan("claude-code", body(what)).await;
            assert_eq!(reply.status, StatusCode::CONFLICT, "{what} {to:?}: {}", reply.text);
            let said = "is left alone: it is a link that leads out of the project, to ";
            let is_system = to.starts_with("/proc");
            assert!(reply.text.contains(said) || is_system, "{to:?}: {}", reply.text);
        }
        let path = format!("/control/clients?folder={}", desk.at("repo").display());
        let all: Items<ClientView> = desk.scene.owner.ask(Method::GET, &path, None).await;
        let files = all.items.iter().flat_map(|client| &client.files);
        let mut of_project = files.filter(|file| Some(&*file.path) == link.to_str());
        let state = of_project.next().map(|file| &file.state);
        assert!(matches!(state, Some(FileState::Unreadable { .. })), "{to:?}: {state:?}");
    }
    assert_eq!(desk.read(".claude.json").as_deref(), Some(SERVERS));
    assert!(!desk.at(".config/autostart").exists());

    // Within the project it is the owner's way of keeping things.
    lead(&link, Path::new("inside.json"));
    let plan = desk.plan("claude-code", body("connect")).await;
    let target = desk.at("repo/inside.json").canonicalize().expect("a file");
    assert_eq!(plan.files[0].target.as_deref(), target.to_str());
    desk.stop().await;
}

#[tokio::test]
async fn a_users_link_says_where_it_leads() {
    let desk = Desk::new().await;
    desk.put("dotfiles/one.json", SERVERS);
    desk.put("dotfiles/other.json", SERVERS);
    let link = desk.at(CURSOR);
    let real = |name: &str| desk.at("dotfiles").canonicalize().expect("there").join(name);
    lead(&link, Path::new("../dotfiles/one.json"));
    let plan = desk.plan("cursor", json!({ "what": "connect" })).await;
    assert_eq!(plan.files[0].path, link.display().to_string());
    assert_eq!(plan.files[0].target.as_deref(), real("one.json").to_str());
    // It is turned after it was shown.
    lead(&link, Path::new("../dotfiles/other.json"));
    let reply = desk.try_apply(&plan).await;
    assert_eq!(reply.status, StatusCode::CONFLICT, "{}", reply.text);
    assert!(desk.agents().await.is_empty(), "nothing is left of it");
    for name in ["dotfiles/one.json", "dotfiles/other.json"] {
        assert_eq!(desk.read(name).as_deref(), Some(SERVERS));
    }
    lead(&link, Path::new("../dotfiles/one.json"));
    desk.apply(&plan).await;
    assert!(desk.read("dotfiles/one.json").is_some_and(|text| text.contains("agentport")));
    assert!(link.is_symlink());

    // A plain one leads nowhere else.
    desk.put(CLAUDE, SERVERS);
    let plan = desk.plan("claude-desktop", json!({ "what": "connect" })).await;
    let (path, real) = (desk.at(CLAUDE), desk.at(CLAUDE).canonicalize().expect("a file"));
    let elsewhere = (path != real).then(|| real.display().to_string());
    assert_eq!(plan.files[0].target, elsewhere);
    desk.stop().await;
}

#[tokio::test]
async fn nothing_leads_into_the_gateways_own_home() {
    let desk = Desk::new().await;
    desk.connect("junie").await;
    let before = fs::read(desk.kept("agents.json")).expect("the note of agents");
    lead(&desk.at(CURSOR), &desk.kept("agents.json"));
    let reply = desk.try_plan("cursor", json!({ "what": "connect" })).await;
    assert_eq!(reply.status, StatusCode::CONFLICT, "{}", reply.text);
    assert!(reply.text.contains("AgentPort's own folder"), "{}", reply.text);
    let state = desk.file("cursor").await.state;
    assert!(matches!(state, FileState::Unreadable { .. }), "{state:?}");
    assert_eq!(fs::read(desk.kept("agents.json")).expect("the note of agents"), before);
    desk.stop().await;
}
