//! Setup: a client's file, its planned content, and the program that applies the plan.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use agentport_clients::backups::Backups;
use agentport_tests::{process::Process, programs, soon};
use tempfile::TempDir;

pub(crate) struct Scene {
    dir: TempDir,
    /// The client's file.
    pub(crate) file: PathBuf,
    pub(crate) old: Vec<u8>,
    pub(crate) new: Vec<u8>,
}

/// So large that writing it takes more than one look.
fn file_of(servers: &str) -> Vec<u8> {
    let filler = "  // mine\n".repeat(8_000);
    format!("{{\n{filler}  \"mcpServers\": {{ {servers} }}\n}}\n").into_bytes()
}

impl Scene {
    pub(crate) fn new() -> Self {
        let dir = TempDir::new().unwrap();
        let folder = dir.path().join("client");
        fs::create_dir(&folder).unwrap();
        let scene = Self {
            file: folder.join("mcp.json"),
            dir,
            old: file_of(r#""github": { "command": "npx" }"#),
            new: file_of(r#""agentport": { "url": "http://127.0.0.1:4747/mcp" }"#),
        };
        fs::write(&scene.file, &scene.old).unwrap();
        fs::write(scene.target(), &scene.new).unwrap();
        scene
    }

    pub(crate) fn dir(&self) -> &Path {
        self.dir.path()
    }

    pub(crate) fn folder(&self) -> &Path {
        self.file.parent().unwrap()
    }

    pub(crate) fn root(&self) -> PathBuf {
        self.dir.path().join("home/clients")
    }

    fn target(&self) -> PathBuf {
        self.dir.path().join("new.json")
    }

    /// Connects, with more options.
    pub(crate) fn connecting(&self, options: &[&str]) -> Process {
        self.start(Some(&self.target()), options)
    }

    /// Connects to other content.
    pub(crate) fn connecting_to(&self, content: &[u8], options: &[&str]) -> Process {
        let target = self.dir.path().join("other.json");
        fs::write(&target, content).unwrap();
        self.start(Some(&target), options)
    }

    /// Restores, with more options.
    pub(crate) fn restoring(&self, options: &[&str]) -> Process {
        self.start(None, options)
    }

    fn start(&self, to: Option<&Path>, options: &[&str]) -> Process {
        let mut command = Command::new(programs::applier());
        command.arg("--root").arg(self.root()).arg("--file").arg(&self.file);
        if let Some(to) = to {
            command.arg("--to").arg(to);
        }
        command.args(options);
        Process::start(command, &self.dir.path().join("stderr"))
    }

    /// Everything it says.
    pub(crate) async fn said(&self, mut process: Process) -> String {
        process.close_stdin();
        soon("the applier's end", process.rest()).await
    }

    /// Runs it; the last line is `done`.
    pub(crate) async fn connect(&self) {
        let said = self.said(self.connecting(&[])).await;
        assert!(said.ends_with("done\n"), "{said}");
    }

    /// Restores in yet another process, and sees that the file is exactly what it was.
    pub(crate) async fn restores(&self) {
        let said = self.said(self.restoring(&[])).await;
        assert!(said.ends_with("done\n"), "{said}");
        assert!(self.content().as_ref() == Some(&self.old), "not what it was");
        self.nothing_left();
    }

    pub(crate) fn content(&self) -> Option<Vec<u8>> {
        match fs::read(&self.file) {
            Ok(content) => Some(content),
            Err(error) => {
                assert_eq!(error.kind(), std::io::ErrorKind::NotFound);
                None
            }
        }
    }

    pub(crate) fn is_old(&self) -> bool {
        self.content().as_ref() == Some(&self.old)
    }

    pub(crate) fn is_new(&self) -> bool {
        self.content().as_ref() == Some(&self.new)
    }

    /// Beside the client's file there is nothing.
    pub(crate) fn nothing_left(&self) {
        let names: Vec<_> =
            fs::read_dir(self.folder()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert!(names.iter().all(|name| name == "mcp.json"), "{names:?}");
    }

    pub(crate) async fn backups(&self) -> Backups {
        Backups::open(&self.root()).await.unwrap()
    }

    /// The file can be brought back, or never was another one.
    pub(crate) async fn settles(&self) {
        let backups = self.backups().await;
        let now = self.content();
        let can_restore = backups.can_restore(&self.file, now.as_deref()).await.unwrap();
        let kept = backups.verify(None).await.unwrap();
        assert!(kept.iter().all(|kept| kept.intact == Some(true)), "{kept:?}");
        backups.close().await;
        assert_eq!(can_restore, !self.is_old());
        if can_restore {
            self.restores().await;
        }
        self.nothing_left();
    }
}

/// Says why a test proves nothing here.
#[expect(clippy::print_stderr, reason = "whoever reads the tests' output should know")]
pub(crate) fn skipped(why: &str) {
    eprintln!("skipped: {why}");
}
