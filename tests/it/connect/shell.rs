//! The client commands of the CLI: output, questions, exit codes.

use agentport_clients::types::{Applied, PlanView};
use agentport_tests::{SOON, gateway::Setup, process::Process, programs, within};
use serde_json::json;

use super::{CLAUDE, CLINE, CURSOR, Desk};
use crate::{
    cli::{self, Ran},
    owner::window::Window,
};

const CURSORS: &str =
    "{\n  // mine\n  \"mcpServers\": {\n    \"own\": { \"command\": \"true\" }\n  }\n}\n";

/// Text with the names of this test's places in place of their paths.
fn plain(desk: &Desk, text: &str) -> String {
    let place = desk.scene.gateway.place();
    let mut text = text.to_owned();
    for (path, name) in [
        (place.user().display().to_string(), "HOME"),
        (place.home().display().to_string(), "DATA"),
        (programs::agentport().display().to_string(), "PROGRAM"),
        (programs::fixture().display().to_string(), "FIXTURE"),
        (desk.scene.gateway.port().to_string(), "PORT"),
    ] {
        text = text.replace(&path, name);
    }
    text
}

impl Desk {
    async fn shell(&self, line: &str) -> Ran {
        let ran = cli::owner(&self.scene).run(line).await;
        Ran { stdout: plain(self, &ran.stdout), stderr: plain(self, &ran.stderr), ..ran }
    }

    /// The same on a terminal, where somebody types `typed`. Everything comes on the one screen.
    async fn terminal(&self, line: &str, typed: &str, environment: &[(&str, &str)]) -> Ran {
        const SCRIPT: &str =
            "import os, pty, sys; sys.exit(os.waitstatus_to_exitcode(pty.spawn(sys.argv[1:])))";
        let place = self.scene.gateway.place();
        // The environment of a user's shell; Python only holds the terminal.
        let from = self.scene.gateway.setup.command(&[]);
        let mut command = std::process::Command::new(programs::python());
        command.args(["-c", SCRIPT]).arg(programs::agentport()).args(line.split(' '));
        command.env_clear().current_dir(place.files());
        command.envs(from.get_envs().filter_map(|(name, value)| Some((name, value?))));
        command.env("AGENTPORT_HOME", place.home());
        command.env("AGENTPORT_OWNER_PASSWORD_FILE", place.password_file());
        command.envs(environment.iter().copied());
        let errors = place.files().join(format!("terminal-{}", uuid::Uuid::new_v4()));
        let mut process = Process::start(command, &errors);
        process.feed(typed);
        let screen = within(SOON * 3, "the command", process.rest()).await;
        let status = process.ended(SOON).await.expect("it ends");
        let stderr = std::fs::read_to_string(errors).unwrap_or_default();
        let stdout = plain(self, &screen.replace('\r', ""));
        Ran { code: status.code(), stdout, stderr }
    }
}

const CONNECTS: &str = r#"Connects Cursor:
  A key is made for the agent "Cursor".
  Afterwards: 1 server of Cursor still bypasses AgentPort.

--- HOME/.cursor/mcp.json
+++ HOME/.cursor/mcp.json
@@ -1,6 +1,12 @@
 {
   // mine
   "mcpServers": {
-    "own": { "command": "true" }
+    "own": { "command": "true" },
+    "agentport": {
+      "url": "http://127.0.0.1:PORT/mcp",
+      "headers": {
+        "Authorization": "Bearer ap_…"
+      }
+    }
   }
 }
"#;

#[tokio::test]
async fn a_script_has_to_say_yes() {
    let desk = Desk::new().await;
    desk.put(CURSOR, CURSORS);
    let asked = desk.shell("connect cursor --via http").await;
    assert_eq!((asked.code, asked.stdout.as_str()), (Some(1), CONNECTS), "{}", asked.stderr);
    assert_eq!(
        asked.stderr,
        "error: nothing was changed: there is no terminal to ask on; --yes does it, --dry-run only shows it\n"
    );
    let shown = desk.shell("connect cursor --via http --dry-run").await;
    assert_eq!((shown.code, shown.stdout.as_str(), shown.stderr.as_str()), (Some(0), CONNECTS, ""));
    assert_eq!(desk.read(CURSOR).as_deref(), Some(CURSORS));
    let permissions = |mode| {
        let permissions = std::os::unix::fs::PermissionsExt::from_mode(mode);
        std::fs::set_permissions(desk.at(CURSOR), permissions).expect("permissions");
    };
    permissions(0o644);
    let open = desk.shell("connect cursor --via http --dry-run").await;
    assert!(open.stdout.contains("old mode 0644\nnew mode 0600\n"), "{}", open.stdout);
    assert!(open.stdout.contains("mode 0644 becomes 0600."), "{}", open.stdout);
    permissions(0o600);

    let done = desk.shell("connect cursor --via http --yes").await;
    let said = format!(
        "{CONNECTS}Written: HOME/.cursor/mcp.json\n1 server of Cursor still bypasses AgentPort.\nTo undo it: agentport restore cursor\n"
    );
    assert_eq!(
        (done.code, done.stdout.as_str(), done.stderr.as_str()),
        (Some(0), said.as_str(), "")
    );
    assert_eq!(desk.agents().await, ["Cursor"]);
    let again = desk.shell("connect cursor --via http").await;
    assert_eq!(
        (again.code, again.stdout.as_str(), again.stderr.as_str()),
        (
            Some(0),
            "Cursor is connected already.\n  Afterwards: 1 server of Cursor still bypasses AgentPort.\n",
            ""
        )
    );
    let found = desk.shell("discover").await;
    assert_eq!(found.code, Some(0));
    let found: Vec<&str> = found.stdout.lines().collect();
    assert_eq!(
        found[..2],
        [
            "CLIENT  FILE                SERVERS  CONNECTED",
            "cursor  ~/.cursor/mcp.json  own      yes, not used yet",
        ]
    );
    assert!(found[3].starts_with("Not found: ") && found[3].contains("claude-desktop"));
    assert_eq!(
        found[5],
        "1 server of Cursor still bypasses AgentPort. `agentport consolidate cursor` puts its servers behind AgentPort."
    );

    let undone = desk.shell("disconnect cursor --yes").await;
    assert_eq!(undone.code, Some(0), "{}", undone.stderr);
    assert!(
        undone.stdout.starts_with(
            "Disconnects Cursor:\n  The key of the agent \"Cursor\" is revoked.\n\n---"
        ) && undone.stdout.ends_with("To undo it: agentport connect cursor\n"),
        "{}",
        undone.stdout
    );
    assert_eq!(desk.read(CURSOR).as_deref(), Some(CURSORS));
    let nothing = desk.shell("disconnect cursor").await;
    assert_eq!((nothing.code, nothing.stdout.as_str()), (Some(0), "Cursor is not connected.\n"));
    desk.stop().await;
}

#[tokio::test]
async fn a_person_is_asked() {
    let desk = Desk::new().await;
    desk.put(CURSOR, CURSORS);
    let no = desk.terminal("connect cursor --via http", "n\n", &[]).await;
    assert_eq!(no.code, Some(1), "{}", no.stdout);
    assert!(no.stdout.contains("Do it? [y/N]"), "{}", no.stdout);
    assert!(no.stdout.contains("error: nothing was changed\n"), "{}", no.stdout);
    assert!(no.stdout.contains("\u{1b}[32m+    \"agentport\": {\u{1b}[0m"), "{:?}", no.stdout);
    assert_eq!(desk.read(CURSOR).as_deref(), Some(CURSORS));
    let shown =
        desk.terminal("connect cursor --via http --dry-run", "", &[("NO_COLOR", "1")]).await;
    assert_eq!((shown.code, shown.stdout.as_str()), (Some(0), CONNECTS));
    let yes = desk.terminal("connect cursor --via http", "y\n", &[("NO_COLOR", "1")]).await;
    assert_eq!(yes.code, Some(0), "{}", yes.stdout);
    assert!(yes.stdout.ends_with("To undo it: agentport restore cursor\n"), "{}", yes.stdout);
    assert!(!yes.stdout.contains('\u{1b}'), "{:?}", yes.stdout);
    assert_eq!(desk.agents().await, ["Cursor"]);
    desk.stop().await;
}

#[tokio::test]
async fn programs_read_json() {
    let desk = Desk::new().await;
    desk.put(CURSOR, CURSORS);
    let cli = cli::owner(&desk.scene);
    let plan: PlanView =
        serde_json::from_value(cli.json("connect cursor --dry-run").await).expect("a plan");
    assert!(!plan.is_empty && plan.client == "cursor");
    let ran = cli.run("connect cursor --yes -o json").await;
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    let applied: Applied = serde_json::from_str(&ran.stdout).expect("one JSON value");
    assert_eq!(applied.files, [desk.at(CURSOR).display().to_string()]);
    let nothing: Applied =
        serde_json::from_value(cli.json("connect cursor --yes").await).expect("an answer");
    assert!(nothing.files.is_empty());
    let all = cli.json("discover").await;
    let cursor = all.as_array().expect("a list").iter().find(|one| one["id"] == "cursor");
    assert_eq!(cursor.expect("Cursor")["files"][0]["connected"]["current"], true);
    let kept = cli.json("backups").await;
    assert_eq!(kept.as_array().map(Vec::len), Some(1), "{kept}");
    assert_eq!(cli.json("backups verify --client cursor").await[0]["intact"], true);
    assert_eq!(cli.json("backups prune --older-than 1s").await["dropped"], 0);
    desk.stop().await;
}

#[tokio::test]
async fn open_choices_are_named_with_their_flags() {
    let desk = Desk::new().await;
    desk.scene.owner.add_fixture("files", &[]).await;
    let servers = json!({ "mcpServers": {
        "files": {
            "command": programs::fixture(),
            "args": ["--plain"],
            "autoApprove": ["echo", "add"],
        },
        "asks": { "command": "x", "env": { "TOKEN": "${input:token}" } },
    } });
    desk.put(CLINE, &servers.to_string());
    let before = desk.read(CLINE);
    let refused = desk.shell("consolidate cline --yes").await;
    assert_eq!(refused.code, Some(1), "{}", refused.stdout);
    let choice = "The integration files is something else than files:\n  \
                  here   FIXTURE --plain\n  there  FIXTURE\nChoose one of\n  \
                  --rename files=files-2  take it over under another id\n  \
                  --use-existing files  use the integration there is\n  \
                  --keep files  leave it where it is\n";
    assert!(refused.stdout.ends_with(choice), "{}", refused.stdout);
    assert_eq!(refused.stderr, "error: nothing was changed: choose first, as said above\n");
    assert_eq!(desk.read(CLINE), before);
    let done = desk.shell("consolidate cline --yes --rename files=mine").await;
    assert_eq!(done.code, Some(0), "{}", done.stderr);
    assert!(done.stdout.contains("files becomes the integration mine"), "{}", done.stdout);
    assert!(done.stdout.contains("asks stays in Cline: "), "{}", done.stdout);
    let end = "To undo it: agentport restore cline --remove-integrations\n\
               Cline ran these without asking. To let them run here as well:\n  \
               agentport policy set mine echo allow\n  agentport policy set mine add allow\n";
    assert!(done.stdout.ends_with(end), "{}", done.stdout);
    let undone = desk.shell("restore cline --remove-integrations --yes").await;
    assert_eq!(undone.code, Some(0), "{}", undone.stderr);
    assert!(undone.stdout.contains("The integration mine is removed."), "{}", undone.stdout);
    assert_eq!(desk.read(CLINE), before);
    assert_eq!(desk.integrations().await, ["files"]);
    desk.stop().await;
}

#[tokio::test]
async fn one_client_after_the_other() {
    let desk = Desk::new().await;
    let fixture = json!({ "mcpServers": { "fx": { "command": programs::fixture() } } });
    desk.put(CURSOR, &fixture.to_string());
    desk.put(CLAUDE, &fixture.to_string());
    desk.put(CLINE, "{ broken");
    let nobody = desk.shell("consolidate --all").await;
    assert_eq!(nobody.code, Some(1));
    assert_eq!(nobody.stderr.matches("there is no terminal").count(), 2, "{}", nobody.stderr);
    for line in ["consolidate --all --yes --keep fy", "consolidate cursor --yes --rename fy=fz"] {
        let before = desk.read(CURSOR);
        let refused = desk.shell(line).await;
        assert_eq!((refused.code, refused.stdout.as_str()), (Some(1), ""), "{line}");
        assert!(
            refused.stderr.contains("has a server called \"fy\"")
                || refused.stderr.contains("has no server called \"fy\""),
            "{line}: {}",
            refused.stderr
        );
        assert_eq!(desk.read(CURSOR), before, "{line}");
    }
    let done = desk.shell("consolidate --all --yes").await;
    assert_eq!(done.code, Some(0), "{}", done.stderr);
    assert_eq!(done.stdout.matches("Added: fx").count(), 1, "{}", done.stdout);
    assert!(done.stdout.contains("fx is the integration fx already"), "{}", done.stdout);
    assert_eq!(done.stdout.matches("no key").count(), 2, "{}", done.stdout);
    assert_eq!(done.stdout.matches("No key").count(), 2, "{}", done.stdout);
    assert!(desk.agents().await.is_empty(), "both sign in");
    let nothing = desk.shell("consolidate --all --yes").await;
    assert_eq!(
        (nothing.code, nothing.stdout.as_str(), nothing.stderr.as_str()),
        (Some(0), "", "No client found has servers of its own.\n")
    );
    desk.stop().await;
}

#[tokio::test]
async fn a_project_is_named_by_its_folder() {
    let desk = Desk::new().await;
    let folder = desk.scene.gateway.place().files().join("my-project");
    std::fs::create_dir(&folder).expect("a directory");
    let done = desk.shell("connect cursor --via http-environment --folder my-project --yes").await;
    assert_eq!(done.code, Some(0), "{}", done.stderr);
    assert!(done.stdout.contains("for the agent \"Cursor (my-project)\""), "{}", done.stdout);
    assert!(folder.join(CURSOR).exists() && desk.read(CURSOR).is_none());
    let found = desk.shell("discover --folder my-project").await;
    let row = found.stdout.lines().find(|line| line.contains("my-project/.cursor/mcp.json"));
    assert!(row.is_some_and(|row| row.ends_with("yes, not used yet")), "{}", found.stdout);
    let by_file = "disconnect cursor --file my-project/../my-project/.cursor/mcp.json --yes";
    let undone = desk.shell(by_file).await;
    assert_eq!(undone.code, Some(0), "{}", undone.stderr);
    assert!(!folder.join(CURSOR).exists() && desk.agents().await.is_empty());
    let nowhere = desk.shell("connect cursor --folder no-such-project").await;
    assert!(nowhere.code == Some(1) && nowhere.stderr.contains("no-such-project"));
    desk.stop().await;
}

#[tokio::test]
async fn mistakes_are_named() {
    let desk = Desk::new().await;
    desk.put(CURSOR, "{\n  \"mcpServers\": {,}\n}");
    for (line, said) in [
        ("connect curser", "did you mean cursor?"),
        ("connect emacs", "`agentport discover --all`"),
        ("connect cursor --yes", "HOME/.cursor/mcp.json does not parse: line 2, column 18: "),
        ("connect cursor --dry-run", "HOME/.cursor/mcp.json does not parse: line 2, column 18: "),
        ("restore cursor", "HOME/.cursor/mcp.json"),
        ("connect cursor --file /nowhere/mcp.json", "/nowhere/mcp.json"),
        ("connect claude-desktop --folder .", "Claude Desktop"),
        ("connect claude-desktop --via http --yes", "Claude Desktop"),
        ("backups list --client curser", "did you mean cursor?"),
    ] {
        let ran = desk.shell(line).await;
        assert_eq!((ran.code, ran.stdout.as_str()), (Some(1), ""), "{line}: {}", ran.stderr);
        assert!(ran.stderr.starts_with("error: "), "{line}: {}", ran.stderr);
        assert_eq!(ran.stderr.matches(said).count(), 1, "{line}: {}", ran.stderr);
    }
    let found = desk.shell("discover").await;
    assert!(found.stdout.contains("does not parse: line 2, column 18: "), "{}", found.stdout);
    let agent = cli::agent(&desk.scene).run("connect cursor --yes").await;
    assert!(agent.code == Some(1) && agent.stderr.contains("owner"), "{}", agent.stderr);
    desk.stop().await;
}

#[tokio::test]
async fn a_desktop_without_a_password_says_where_to_click() {
    let window = Window::open().await;
    let setup = Setup::default();
    let run = async |words: &[&str]| {
        let mut command = setup.command(words);
        command.env("AGENTPORT_HOME", window.home.path().join("home"));
        let errors = setup.place.files().join(format!("cli-{}", uuid::Uuid::new_v4()));
        let mut process = Process::start(command, &errors);
        process.close_stdin();
        let stdout = within(SOON, "the command", process.rest()).await;
        let code = process.ended(SOON).await.expect("it ends").code();
        Ran { code, stdout, stderr: std::fs::read_to_string(errors).unwrap_or_default() }
    };
    for words in [&["connect", "cursor"][..], &["consolidate", "--all", "--yes"]] {
        let ran = run(words).await;
        assert_eq!((ran.code, ran.stdout.as_str()), (Some(1), ""));
        assert_eq!(ran.stderr.lines().count(), 1, "{}", ran.stderr);
        assert!(ran.stderr.contains("Connect an agent") && ran.stderr.contains("Settings"));
    }
    assert_eq!(run(&["discover"]).await.code, Some(0));
    assert_eq!(run(&["connect", "cursor", "--dry-run"]).await.code, Some(0));
    window.close().await;
}
