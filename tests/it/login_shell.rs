//! Programs of local servers are found by the PATH of the owner's login shell.

use std::{fs, os::unix::fs::PermissionsExt as _, path::PathBuf};

use agentport_tests::{SOON, gateway::Setup, process::gone, programs, upstream::lines, within};
use http::{Method, StatusCode};
use serde_json::json;

use crate::{
    definitions::{described, script},
    scene::Scene,
};

/// A login shell, a file that holds the PATH it prints, and directories with programs.
struct FakeShell {
    directory: tempfile::TempDir,
}

impl FakeShell {
    /// `text`: what the shell does when it is asked.
    fn new(text: &str) -> Self {
        let shell = Self { directory: tempfile::tempdir().expect("a directory") };
        let here = shell.directory.path().display().to_string();
        shell.program("shell", &format!("cd '{here}'; echo $$ >> asked; {text}"));
        shell
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn program(&self, name: &str, text: &str) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().expect("a parent")).expect("a directory");
        fs::write(&path, format!("#!/bin/sh\n{text}\n")).expect("a script");
        fs::set_permissions(path, fs::Permissions::from_mode(0o755)).expect("a program");
    }

    /// A server in this place.
    fn server(&self, name: &str) {
        let state = self.path("state");
        fs::create_dir_all(&state).expect("a directory");
        let tools = json!([described("send", "Sends a note.")]);
        fs::write(state.join("tools.json"), tools.to_string()).expect("a file");
        let python = programs::python();
        let (script, state) = (script(), state.display().to_string());
        self.program(
            name,
            &format!("exec '{}' '{}' '{state}'", python.display(), script.display()),
        );
    }

    fn set_path(&self, directories: &[&str]) {
        let directories = directories.iter().map(|name| self.path(name).display().to_string());
        let path: Vec<_> = directories.chain(["/usr/bin".to_owned(), "/bin".to_owned()]).collect();
        fs::write(self.path("path"), path.join(":")).expect("a file");
    }

    /// As a program started by a desktop, with the system's PATH alone.
    fn setup(&self) -> Setup {
        let shell = self.path("shell");
        Setup::default()
            .env("PATH", "/usr/bin:/bin")
            .env("SHELL", shell.to_str().expect("a path in Unicode"))
    }

    fn asked(&self) -> usize {
        lines(self.path("asked"))
    }
}

#[tokio::test]
async fn the_login_shell_says_where_programs_are_and_is_asked_once() {
    let shell = FakeShell::new(
        "echo 'Welcome, owner'; PATH=$(cat path); test \"$1\" = -ilc && eval \"$2\"; echo; echo bye",
    );
    shell.server("tools/notes-server");
    shell.set_path(&["tools"]);
    let scene = Scene::with(shell.setup()).await;
    let notes = json!({"type": "local_mcp", "command": "notes-server"});
    for id in ["one", "two"] {
        let view = scene.owner.add(json!({"id": id, "connection": notes})).await;
        assert_eq!(view.tools.total, 1);
    }
    assert_eq!(shell.asked(), 1, "what it said is remembered");

    // A program that is not found may have been installed since.
    let late = json!({"id": "late", "connection": {"type": "local_mcp", "command": "late-server"}});
    let refused = scene.owner.send(Method::POST, "/control/integrations", Some(late.clone())).await;
    assert_eq!(refused.status, StatusCode::BAD_GATEWAY, "{}", refused.text);
    let sought = shell.path("tools").display().to_string();
    assert!(
        refused.text.contains("was not found") && refused.text.contains(&sought),
        "{}",
        refused.text
    );
    shell.server("more/late-server");
    shell.set_path(&["tools", "more"]);
    assert_eq!(scene.owner.add(late).await.tools.total, 1);
    assert_eq!(shell.asked(), 3);
    scene.stop().await;
}

#[tokio::test]
async fn a_login_shell_that_hangs_is_given_up_and_not_asked_again() {
    let shell = FakeShell::new("exec sleep 1000");
    let scene = Scene::with(shell.setup()).await;
    shell.server("tools/notes-server");
    let program = shell.path("tools/notes-server");
    let by_sh = json!({"type": "local_mcp", "command": "sh", "args": [program]});
    for id in ["one", "two"] {
        let adding = scene.owner.add(json!({"id": id, "connection": by_sh}));
        assert_eq!(within(SOON, "it is added", adding).await.tools.total, 1);
    }
    assert_eq!(shell.asked(), 1);
    let pid = fs::read_to_string(shell.path("asked")).expect("a file");
    assert!(gone(pid.trim().parse().expect("a process id"), SOON).await, "the shell is ended");
    scene.stop().await;
}
