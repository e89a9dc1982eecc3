//! A gateway in its own process and data directory.

use std::{
    path::{Path, PathBuf},
    process::Command,
    sync::Arc,
};

use agentport_api::NewKey;
use serde::Deserialize;

use crate::{Agent, Era, Owner, Wire, process::Process, programs};

/// The owner's password in every test.
pub const PASSWORD: &str = "correct horse battery staple";

/// The line `agentport serve -o json` announces itself with.
#[derive(Debug, Clone, Deserialize)]
pub struct Announcement {
    pub mcp_url: String,
    pub dashboard_url: String,
    pub home: String,
    pub pid: u32,
}

/// Directories that outlive a restart: the data directory, the user's home, a folder for files.
#[derive(Debug)]
pub struct Place {
    directory: tempfile::TempDir,
}

/// How to start a gateway.
#[derive(Debug, Clone)]
pub struct Setup {
    pub place: Arc<Place>,
    pub port: u16,
    pub vault: String,
    pub arguments: Vec<String>,
    pub environment: Vec<(String, String)>,
    pub with_password: bool,
}

#[derive(Debug)]
pub struct Gateway {
    pub said: Announcement,
    pub setup: Setup,
    process: Process,
}

impl Place {
    fn new() -> Self {
        let directory =
            tempfile::Builder::new().prefix("agentport-test-").tempdir().expect("a directory");
        for name in ["user", "files"] {
            std::fs::create_dir(directory.path().join(name)).expect("a directory");
        }
        let place = Self { directory };
        private_file(&place.password_file(), PASSWORD);
        place
    }

    pub fn home(&self) -> PathBuf {
        self.directory.path().join("home")
    }

    pub fn user(&self) -> PathBuf {
        self.directory.path().join("user")
    }

    /// A directory for whatever a test needs.
    pub fn files(&self) -> PathBuf {
        self.directory.path().join("files")
    }

    pub fn password_file(&self) -> PathBuf {
        self.directory.path().join("owner-password")
    }

    pub fn stderr(&self) -> PathBuf {
        self.directory.path().join("stderr")
    }
}

/// Writes a file that only its owner may read.
pub fn private_file(path: &Path, text: &str) {
    use std::{io::Write as _, os::unix::fs::OpenOptionsExt as _};
    let opened =
        std::fs::File::options().create(true).truncate(true).write(true).mode(0o600).open(path);
    opened.and_then(|mut file| file.write_all(text.as_bytes())).expect("a private file");
}

impl Default for Setup {
    fn default() -> Self {
        Self {
            place: Arc::new(Place::new()),
            port: 0,
            vault: "key-file".to_owned(),
            arguments: Vec::new(),
            environment: Vec::new(),
            with_password: true,
        }
    }
}

impl Setup {
    pub fn env(mut self, name: &str, value: &str) -> Self {
        self.environment.push((name.to_owned(), value.to_owned()));
        self
    }

    /// `agentport` with these arguments, in this setup's environment, not yet started.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(programs::agentport());
        command.args(arguments).env_clear().current_dir(self.place.files());
        // What a user's shell has, and nothing of the machine the tests happen to run on.
        for name in ["PATH", "LANG", "LLVM_PROFILE_FILE"] {
            if let Some(value) = std::env::var_os(name) {
                command.env(name, value);
            }
        }
        command.env("HOME", self.place.user());
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        command
    }

    fn serve_command(&self) -> Command {
        let port = self.port.to_string();
        let mut command =
            self.command(&["serve", "--port", &port, "-o", "json", "--vault", &self.vault]);
        command.arg("--home").arg(self.place.home());
        if self.with_password {
            command.arg("--owner-password-file").arg(self.place.password_file());
        }
        command.args(&self.arguments);
        command
    }

    pub async fn start(self) -> Gateway {
        let mut process = Process::start(self.serve_command(), &self.place.stderr());
        let line = process.line().await;
        let said = line.as_deref().and_then(|line| serde_json::from_str(line).ok());
        let said = said.unwrap_or_else(|| {
            let errors = std::fs::read_to_string(self.place.stderr()).unwrap_or_default();
            panic!(
                "the gateway did not announce itself but said {line:?}, and on stderr:\n{errors}"
            )
        });
        Gateway { said, setup: self, process }
    }

    /// Starts a gateway that is expected to fail. Returns its exit code and stderr.
    pub async fn fail_to_start(self) -> (Option<i32>, String) {
        let mut process = Process::start(self.serve_command(), &self.place.stderr());
        assert_eq!(crate::soon("its end", process.rest()).await, "", "it must not announce itself");
        let status = process.ended(crate::SOON).await.expect("it ends");
        (status.code(), std::fs::read_to_string(self.place.stderr()).unwrap_or_default())
    }
}

impl Gateway {
    pub async fn start() -> Self {
        Setup::default().start().await
    }

    /// `http://127.0.0.1:PORT`.
    pub fn base(&self) -> &str {
        self.said.mcp_url.strip_suffix("/mcp").expect("the MCP URL ends in /mcp")
    }

    pub fn port(&self) -> u16 {
        let url = url::Url::parse(&self.said.mcp_url).expect("a URL");
        url.port().expect("the URL has a port")
    }

    pub fn pid(&self) -> u32 {
        self.process.pid()
    }

    pub fn place(&self) -> &Place {
        &self.setup.place
    }

    pub async fn owner(&self) -> Owner {
        Owner::sign_in(self.base(), PASSWORD).await
    }

    /// Plain HTTP with a key.
    pub fn wire(&self, key: &NewKey) -> Wire {
        Wire::new(self.base()).with_key(&key.key)
    }

    pub async fn agent(&self, key: &NewKey, era: Era) -> Agent {
        Agent::connect(&self.said.mcp_url, &key.key, era).await
    }

    /// What it has written to stderr so far.
    pub fn stderr(&self) -> String {
        std::fs::read_to_string(self.place().stderr()).unwrap_or_default()
    }

    /// Stops it with SIGTERM. It has to end by itself, with exit code 0, and to have said nothing but its one line.
    pub async fn stop(self) -> Setup {
        let Self { setup, mut process, .. } = self;
        let status = process.stop().await;
        let errors = std::fs::read_to_string(setup.place.stderr()).unwrap_or_default();
        assert_eq!(status.code(), Some(0), "the gateway ends well; stderr:\n{errors}");
        assert_eq!(
            crate::soon("the end of stdout", process.rest()).await,
            "",
            "the gateway says one line on stdout"
        );
        setup
    }

    /// Stops it and starts it again, on the same port and home.
    pub async fn restart(self) -> Self {
        let port = self.port();
        let setup = self.stop().await;
        Setup { port, ..setup }.start().await
    }

    /// Kills it (SIGKILL).
    pub async fn kill(self) -> Setup {
        let port = self.port();
        self.process.kill().await;
        Setup { port, ..self.setup }
    }
}
