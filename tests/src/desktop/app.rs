//! The tray app, in a session and a home of its own.

use std::{
    process::{Command, ExitStatus},
    time::Duration,
};

use agentport_api::NewKey;
use agentport_gateway::data_dir::{DataDir, Runtime};

use super::{Session, tree, until};
use crate::{
    Owner, SOON, Wire,
    gateway::{PASSWORD, Setup},
    process::Process,
    programs,
};

/// What X11 calls the app's windows.
pub const CLASS: &str = "agentport-desktop";

/// How to start the app.
#[derive(Debug, Clone)]
pub struct AppSetup {
    /// Whose home it uses; its vault and environment count, the rest is for `agentport serve`.
    pub setup: Setup,
    pub arguments: Vec<String>,
}

/// A running app.
#[derive(Debug)]
pub struct App {
    process: Process,
    pub setup: AppSetup,
    stderr: std::path::PathBuf,
}

impl AppSetup {
    /// Into the tray, without a window.
    pub fn hidden(setup: Setup) -> Self {
        Self { setup, arguments: vec!["--hidden".to_owned()] }
    }

    /// With the window a person sees at a start.
    pub fn shown(setup: Setup) -> Self {
        Self { setup, arguments: Vec::new() }
    }

    /// The command line of the app, in a session.
    pub fn words(&self) -> Vec<String> {
        let home = self.setup.place.home();
        let home = home.to_str().expect("a path in Unicode").to_owned();
        let port = self.setup.port.to_string();
        let mut words = vec!["--home".to_owned(), home, "--port".to_owned(), port];
        words.extend(self.arguments.iter().cloned());
        words
    }

    /// What its environment has beyond the session's.
    pub fn environment(&self) -> Vec<(String, String)> {
        let mut all = self.setup.environment.clone();
        all.push(("AGENTPORT_VAULT".to_owned(), self.setup.vault.clone()));
        all
    }

    fn command(&self, session: &Session) -> Command {
        let mut command = session.command(&programs::desktop());
        command.args(self.words()).envs(self.environment());
        command
    }

    /// Starts it and waits until its gateway listens.
    pub async fn start(self, session: &Session) -> App {
        let app = self.launch(session);
        app.runtime().await;
        app
    }

    /// Starts it and waits for nothing.
    pub fn launch(self, session: &Session) -> App {
        let stderr = session.log("app");
        let process = Process::start(self.command(session), &stderr);
        App { process, setup: self, stderr }
    }

    /// What a running app says of its gateway, whoever started it.
    pub async fn runtime_of(&self, pid: impl Fn(u32) -> bool) -> Runtime {
        let home = DataDir::open(Some(self.setup.place.home())).expect("the home opens");
        until("the app's gateway listens", async || {
            home.read_runtime().filter(|runtime| pid(runtime.pid))
        })
        .await
    }
}

impl App {
    pub fn pid(&self) -> u32 {
        self.process.pid()
    }

    pub async fn runtime(&self) -> Runtime {
        let wait = self.setup.runtime_of(|pid| pid == self.pid());
        let ended = self.process.ended(SOON);
        tokio::select! {
            runtime = wait => runtime,
            status = ended => panic!("the app ended with {status:?} instead:\n{}", self.stderr()),
        }
    }

    /// `http://127.0.0.1:PORT`.
    pub async fn base(&self) -> String {
        format!("http://127.0.0.1:{}", self.runtime().await.port)
    }

    /// The owner over TCP, which a home with an owner password allows.
    pub async fn owner(&self) -> Owner {
        Owner::sign_in(&self.base().await, PASSWORD).await
    }

    pub async fn wire(&self, key: &NewKey) -> Wire {
        Wire::new(&self.base().await).with_key(&key.key)
    }

    /// What it has written to stderr so far.
    pub fn stderr(&self) -> String {
        std::fs::read_to_string(&self.stderr).unwrap_or_default()
    }

    /// Everything it has started that still lives: the web view's processes, integrations.
    pub fn children(&self) -> Vec<u32> {
        tree::descendants(self.pid())
    }

    /// Waits until it has ended by itself.
    pub async fn ended(&self, limit: Duration) -> ExitStatus {
        let status = self.process.ended(limit).await;
        status.unwrap_or_else(|| panic!("the app still runs after {limit:?}:\n{}", self.stderr()))
    }

    /// Asks it to end as a session does at its end. It ends well.
    pub async fn stop(self) -> AppSetup {
        let status = self.process.stop().await;
        assert_eq!(status.code(), Some(0), "the app ends well; stderr:\n{}", self.stderr());
        self.setup.clone()
    }

    /// Ends it as a power cut would.
    pub async fn kill(self) -> AppSetup {
        self.process.kill().await;
        self.setup.clone()
    }
}

impl Drop for App {
    fn drop(&mut self) {
        if std::thread::panicking() {
            use std::io::Write as _;
            // The best there is to say of a failure that happened in another process.
            let _ = writeln!(std::io::stderr(), "--- the app's stderr\n{}---", self.stderr());
        }
    }
}
