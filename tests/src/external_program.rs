//! Runs programs of other projects as a user would: Node scripts, npm packages, Python packages.

use std::{
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use crate::{process::Process, programs};

/// Time limit of a program. Node needs seconds to start on a busy machine.
const PROGRAM_TIMEOUT: Duration = Duration::from_secs(180);

/// A program with arguments, in its own home directory.
#[derive(Debug)]
pub struct ExternalProgram {
    command: Command,
    home: tempfile::TempDir,
    input: String,
    limit: Duration,
}

/// How it ended.
#[derive(Debug)]
pub struct Ended {
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl ExternalProgram {
    /// A script under `tests/browser`, run by Node 24.
    pub fn script(name: &str) -> Self {
        let mut foreign = Self::new(&programs::node());
        foreign.command.arg(programs::npm().join(name)).current_dir(programs::npm());
        foreign
    }

    /// A program of an npm package, by the file its `bin` names.
    pub fn package(file: &str) -> Self {
        let mut foreign = Self::new(&programs::node());
        foreign.command.arg(programs::npm_file(file));
        foreign
    }

    /// A Python script under `tests/it/python`.
    pub fn python(name: &str) -> Self {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("it/python").join(name);
        let mut foreign = Self::new(&programs::python());
        // Without leaving compiled modules beside the scripts.
        foreign.command.arg("-B").arg(script);
        foreign
    }

    pub fn new(program: &Path) -> Self {
        let home = tempfile::tempdir().expect("a directory");
        let mut command = Command::new(program);
        command.env_clear().env("HOME", home.path()).env("NO_COLOR", "1");
        if let Some(path) = std::env::var_os("PATH") {
            command.env("PATH", path);
        }
        Self { command, home, input: String::new(), limit: PROGRAM_TIMEOUT }
    }

    #[must_use]
    pub fn args<S: AsRef<std::ffi::OsStr>>(
        mut self,
        arguments: impl IntoIterator<Item = S>,
    ) -> Self {
        self.command.args(arguments);
        self
    }

    #[must_use]
    pub fn env(mut self, name: &str, value: impl AsRef<std::ffi::OsStr>) -> Self {
        self.command.env(name, value);
        self
    }

    /// What it reads on stdin.
    #[must_use]
    pub fn input(mut self, text: &str) -> Self {
        text.clone_into(&mut self.input);
        self
    }

    /// How long it may run.
    #[must_use]
    pub fn within(mut self, limit: Duration) -> Self {
        self.limit = limit;
        self
    }

    pub fn home(&self) -> PathBuf {
        self.home.path().to_owned()
    }

    /// Starts it with piped stdin and stdout. Its home is deleted with the test's directory.
    pub fn start(mut self, stderr: &Path) -> Process {
        let home = stderr.with_extension("home");
        std::fs::create_dir_all(&home).expect("a directory");
        self.command.env("HOME", home);
        Process::start(self.command, stderr)
    }

    /// Runs it to its end.
    pub async fn run(self) -> Ended {
        let errors = self.home.path().join("stderr");
        let mut process = Process::start(self.command, &errors);
        process.feed(&self.input);
        let stdout = crate::within(self.limit, "a foreign program", process.rest()).await;
        let status = process.ended(self.limit).await.expect("it ends");
        let stderr = std::fs::read_to_string(errors).unwrap_or_default();
        Ended { code: status.code(), stdout, stderr }
    }
}

impl Ended {
    /// Expects exit code 0; returns stdout.
    pub fn ok(self) -> String {
        assert_eq!(self.code, Some(0), "{}\n{}", self.stdout, self.stderr);
        self.stdout
    }
}
