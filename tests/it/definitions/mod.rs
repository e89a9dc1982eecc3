//! Tool definitions of upstreams: changed, broken, duplicate, or in a form that clients refuse.

mod adding;
mod changed;
mod environment;
mod unusable;

use std::{path::PathBuf, process::Command};

use agentport_api::IntegrationView;
use agentport_tests::{process::Process, programs, upstream::lines};
use serde_json::{Value, json};

use crate::scene::Scene;

/// `scripted_server.py` with its directory.
pub(crate) struct ScriptedServer {
    state: PathBuf,
    http: Option<(Process, String)>,
}

impl ScriptedServer {
    /// As a child of the gateway.
    pub(crate) fn local(scene: &Scene, tools: &Value) -> Self {
        let state = scene.gateway.place().files().join("scripted");
        std::fs::create_dir_all(&state).expect("a directory");
        let server = Self { state, http: None };
        server.set_tools(tools);
        server
    }

    /// Over HTTP; `mode` is `--http` or `--one-session`.
    pub(crate) async fn remote(scene: &Scene, tools: &Value, mode: &str) -> Self {
        let mut server = Self::local(scene, tools);
        let mut command = Command::new(programs::python());
        command.arg(script()).arg(&server.state).arg(mode);
        let mut process = Process::start(command, &server.state.join("stderr"));
        let url = process.line().await.expect("it says where it listens");
        server.http = Some((process, url));
        server
    }

    pub(crate) fn set_tools(&self, tools: &Value) {
        // In one step, for the server may be reading.
        let new = self.state.join("tools.new");
        std::fs::write(&new, tools.to_string()).expect("a file");
        std::fs::rename(new, self.state.join("tools.json")).expect("a file");
    }

    /// All sessions are forgotten before the next request.
    pub(crate) fn forget_sessions(&self) {
        std::fs::write(self.state.join("forget"), "").expect("a file");
    }

    pub(crate) fn calls(&self) -> usize {
        lines(self.state.join("calls"))
    }

    /// How often it was asked for a session.
    pub(crate) fn sessions(&self) -> usize {
        lines(self.state.join("sessions"))
    }

    pub(crate) fn connection(&self) -> Value {
        match &self.http {
            Some((_, url)) => json!({"type": "remote_mcp", "url": url}),
            None => json!({
                "type": "local_mcp", "command": programs::python(), "args": [script(), self.state],
            }),
        }
    }

    /// As the integration `fx`.
    pub(crate) async fn add_to(&self, scene: &Scene) -> IntegrationView {
        scene.owner.add(json!({"id": "fx", "connection": self.connection()})).await
    }
}

pub(crate) fn script() -> PathBuf {
    std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("it/python/scripted_server.py")
}

/// A tool of this name and description that takes anything.
pub(crate) fn described(name: &str, description: &str) -> Value {
    json!({"name": name, "description": description, "inputSchema": {"type": "object"}})
}
