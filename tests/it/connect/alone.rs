//! Without a running gateway: discover, plan, restore.

use agentport_tests::{Gateway, SOON, gateway::Setup, process::Process, within};
use serde_json::Value;

use super::{CLAUDE, CURSOR, Desk};
use crate::cli::Ran;

async fn run(setup: &Setup, line: &str) -> Ran {
    let mut command = setup.command(&line.split(' ').collect::<Vec<_>>());
    command.env("AGENTPORT_HOME", setup.place.home());
    // Whoever has it set everywhere needs no gateway for it either.
    command.env("AGENTPORT_OWNER_PASSWORD_FILE", setup.place.password_file());
    let errors = setup.place.files().join(format!("cli-{}", uuid::Uuid::new_v4()));
    let mut process = Process::start(command, &errors);
    process.close_stdin();
    let stdout = within(SOON, "the command", process.rest()).await;
    let code = process.ended(SOON).await.expect("it ends").code();
    Ran { code, stdout, stderr: std::fs::read_to_string(errors).unwrap_or_default() }
}

fn put(setup: &Setup, path: &str, text: &str) {
    let path = setup.place.user().join(path);
    std::fs::create_dir_all(path.parent().expect("a directory")).expect("a directory");
    std::fs::write(path, text).expect("a client's file");
}

const SERVERS: &str = r#"{ "mcpServers": { "github": { "command": "npx", "args": ["-y", "x"], "env": { "GITHUB_TOKEN": "fake-github-token-0001" } } } }"#;

#[tokio::test]
async fn clients_are_found_and_plans_are_shown() {
    let setup = Setup::default();
    put(&setup, CURSOR, SERVERS);
    put(&setup, CLAUDE, SERVERS);
    put(&setup, ".codex/config.toml", "[mcp_servers]\nbroken = [\n");
    let found = run(&setup, "discover").await;
    assert_eq!((found.code, found.stderr.as_str()), (Some(0), ""));
    let lines: Vec<Vec<&str>> =
        found.stdout.lines().map(|line| line.split_whitespace().collect()).collect();
    assert_eq!(lines[0], ["CLIENT", "FILE", "SERVERS", "CONNECTED"]);
    for row in [
        ["claude-desktop", "~/.config/Claude/claude_desktop_config.json", "github", "no"],
        ["cursor", "~/.cursor/mcp.json", "github", "no"],
    ] {
        assert!(lines.iter().any(|line| line == &row), "{}", found.stdout);
    }
    assert!(found.stdout.contains("does not parse: line "), "{}", found.stdout);
    assert!(
        found.stdout.ends_with(
            "The same in several places:\n  Claude Desktop: github = Cursor: github (npx -y x)\n"
        ),
        "{}",
        found.stdout
    );
    let json = run(&setup, "discover -o json").await;
    let all: Value = serde_json::from_str(&json.stdout).expect("JSON");
    assert!(all.as_array().is_some_and(|all| all.len() > 15));
    assert!(!json.stdout.contains("fake-github-token"));

    for (line, said) in [
        ("connect cursor --dry-run", "http://127.0.0.1:4747/mcp"),
        ("consolidate claude-desktop --dry-run", "to the vault: env GITHUB_TOKEN"),
        ("consolidate --all --dry-run", "Takes the servers of Cursor over:"),
        ("disconnect cursor --dry-run", "Cursor is not connected."),
    ] {
        let ran = run(&setup, line).await;
        assert_eq!(ran.code, Some(0), "{line}: {}", ran.stderr);
        assert!(ran.stdout.contains(said), "{line}: {}", ran.stdout);
        assert!(!ran.stdout.contains("fake-github-token"), "{line}: {}", ran.stdout);
    }
    for line in ["connect cursor --yes", "disconnect cursor", "consolidate --all --yes"] {
        let ran = run(&setup, line).await;
        assert_eq!((ran.code, ran.stdout.as_str()), (Some(1), ""), "{line}");
        assert!(ran.stderr.contains("agentport serve"), "{line}: {}", ran.stderr);
    }
    let kept = run(&setup, "backups").await;
    assert_eq!(kept.code, Some(0), "{}", kept.stderr);
    assert_eq!(kept.stdout, "Nothing was kept: no client's file was touched yet.\n");
    assert!(!setup.place.home().join("clients").exists(), "looking keeps nothing");
    let read = std::fs::read_to_string(setup.place.user().join(CURSOR));
    assert_eq!(read.ok().as_deref(), Some(SERVERS));
}

#[tokio::test]
async fn an_original_is_brought_back() {
    let desk = Desk::new().await;
    desk.put(CURSOR, SERVERS);
    desk.connect("cursor").await;
    let Desk { scene } = desk;
    let setup = scene.gateway.stop().await;
    let shown = run(&setup, "restore cursor --dry-run").await;
    assert_eq!(shown.code, Some(0), "{}", shown.stderr);
    assert!(shown.stdout.starts_with("Brings the original of Cursor back:\n"), "{}", shown.stdout);
    let refused = run(&setup, "restore cursor --yes --remove-integrations").await;
    assert!(refused.code == Some(1) && refused.stderr.contains("agentport serve"));
    let kept = run(&setup, "backups verify").await;
    assert!(kept.code == Some(0) && kept.stdout.contains("the original"), "{}", kept.stdout);
    let done = run(&setup, "restore cursor --yes").await;
    assert_eq!(done.code, Some(0), "{}", done.stderr);
    assert!(done.stdout.contains("keys and integrations stay as they are"), "{}", done.stdout);
    let read = std::fs::read_to_string(setup.place.user().join(CURSOR));
    assert_eq!(read.ok().as_deref(), Some(SERVERS));
    let again = run(&setup, "restore cursor --yes").await;
    assert_eq!(again.code, Some(1), "{}", again.stdout);

    let gateway: Gateway = setup.start().await;
    let keys = gateway.owner().await.keys().await;
    assert!(keys.iter().any(|key| key.name == "Cursor" && key.revoked_at.is_none()));
    gateway.stop().await;
}
