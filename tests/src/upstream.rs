//! The fixture over HTTP, and its state directory.

use std::{path::PathBuf, process::Command};

use serde_json::Value;

use crate::{process::Process, programs};

/// A fixture that listens on a port of its own.
#[derive(Debug)]
pub struct HttpFixture {
    pub url: String,
    process: Process,
    state: tempfile::TempDir,
}

impl HttpFixture {
    /// Starts `fixture --http 0` with more arguments, on a free port.
    pub async fn start(arguments: &[&str]) -> Self {
        Self::start_on(0, arguments).await
    }

    pub async fn start_on(port: u16, arguments: &[&str]) -> Self {
        let state = tempfile::tempdir().expect("a directory");
        let mut command = Command::new(programs::fixture());
        command.args(["--http", &port.to_string(), "--state"]).arg(state.path()).args(arguments);
        let mut process = Process::start(command, &state.path().join("stderr"));
        let line = process.line().await.expect("the fixture says where it listens");
        let said: Value = serde_json::from_str(&line).expect("the fixture speaks JSON");
        Self { url: said["url"].as_str().expect("a URL").to_owned(), process, state }
    }

    pub fn pid(&self) -> u32 {
        self.process.pid()
    }

    /// How often the tool that writes to this file of the state directory has run.
    pub fn runs(&self, file: &str) -> usize {
        lines(self.state.path().join(file))
    }

    pub async fn stop(self) {
        self.process.stop().await;
    }

    /// Ends it at once; another can be started on the same port.
    pub async fn kill(self) -> u16 {
        self.process.kill().await;
        let port = url::Url::parse(&self.url).ok().and_then(|url| url.port());
        port.expect("the URL has a port")
    }
}

/// Lines of a file; none if there is no file.
pub fn lines(path: PathBuf) -> usize {
    std::fs::read_to_string(path).map_or(0, |text| text.lines().count())
}

/// SHA-256 in hexadecimal, as the fixture's tool `env` gives it: a secret itself is taken out of answers.
pub fn fingerprint(text: &str) -> String {
    use sha2::Digest as _;
    sha2::Sha256::digest(text).iter().map(|byte| format!("{byte:02x}")).collect()
}
