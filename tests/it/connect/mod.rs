//! Connect, consolidate and restore with clients' files and a gateway, through the control API and from a shell. Each test
//! has its own home directory.

mod alone;
mod between;
mod connecting;
mod consolidating;
mod everything;
mod impostors;
#[cfg(unix)]
mod links;
mod many;
mod mcp_remote;
mod refusals;
mod restoring;
mod shell;
mod sign_in;

use std::path::PathBuf;

use agentport_api::{Items, NewKey};
use agentport_clients::{
    client::Client,
    types::{Applied, ClientView, FileView, PlanView},
};
use agentport_tests::{
    gateway::{Setup, private_file},
    owner::typed,
    wire::Reply,
};
use http::{Method, StatusCode};
use serde_json::{Value, json};

use crate::scene::Scene;

const CURSOR: &str = ".cursor/mcp.json";
const CLAUDE: &str = ".config/Claude/claude_desktop_config.json";
const CLINE: &str = ".cline/data/settings/cline_mcp_settings.json";

/// A gateway, and its owner's home with clients' files in it.
struct Desk {
    scene: Scene,
}

impl Desk {
    async fn new() -> Self {
        Self { scene: Scene::empty().await }
    }

    /// Below the user's home.
    fn at(&self, path: &str) -> PathBuf {
        self.scene.gateway.place().user().join(path)
    }

    /// Below the gateway's home.
    fn kept(&self, path: &str) -> PathBuf {
        self.scene.gateway.place().home().join("clients").join(path)
    }

    fn put(&self, path: &str, text: &str) {
        let path = self.at(path);
        std::fs::create_dir_all(path.parent().expect("a directory")).expect("a directory");
        private_file(&path, text);
    }

    fn read(&self, path: &str) -> Option<String> {
        std::fs::read_to_string(self.at(path)).ok()
    }

    fn json(&self, path: &str) -> Value {
        let text = self.read(path).expect("a client's file");
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}\n{text}"))
    }

    async fn try_plan(&self, client: &str, body: Value) -> Reply {
        let path = format!("/control/clients/{client}/plan");
        self.scene.owner.send(Method::POST, &path, Some(body)).await
    }

    async fn plan(&self, client: &str, body: Value) -> PlanView {
        let reply = self.try_plan(client, body).await;
        assert_eq!(reply.status, StatusCode::OK, "{}", reply.text);
        typed(&reply)
    }

    async fn try_apply(&self, plan: &PlanView) -> Reply {
        let path = format!("/control/clients/plans/{}/apply", plan.id);
        self.scene.owner.send(Method::POST, &path, None).await
    }

    async fn apply(&self, plan: &PlanView) -> Applied {
        let reply = self.try_apply(plan).await;
        assert_eq!(reply.status, StatusCode::OK, "{}", reply.text);
        typed(&reply)
    }

    /// Plans and carries out.
    async fn does(&self, client: &str, body: Value) -> Applied {
        let plan = self.plan(client, body).await;
        self.apply(&plan).await
    }

    /// With a key, where the client takes one.
    async fn connect(&self, client: &str) -> Applied {
        self.does(client, with_key(client, "connect")).await
    }

    /// With a key, where the client takes one.
    async fn consolidate(&self, client: &str) -> Applied {
        self.does(client, with_key(client, "consolidate")).await
    }

    /// A key for the bridge of this name, as earlier versions stored one.
    async fn gives_bridge_key(&self, key_name: &str, agent: &str) -> NewKey {
        let key = self.scene.owner.create_key(agent).await;
        std::fs::create_dir_all(self.kept("keys")).expect("a directory");
        private_file(&self.kept("keys").join(key_name), &key.key);
        let made = json!({ self.at(CLAUDE).display().to_string(): key.id });
        private_file(&self.kept("agents.json"), &made.to_string());
        key
    }

    async fn client(&self, id: &str) -> ClientView {
        let all: Items<ClientView> =
            self.scene.owner.ask(Method::GET, "/control/clients", None).await;
        all.items.into_iter().find(|client| client.id == id).expect("a client")
    }

    /// The client's first file.
    async fn file(&self, client: &str) -> FileView {
        self.client(client).await.files.into_iter().next().expect("a file")
    }

    /// Names of the agents whose keys are in force, but for the scene's own.
    async fn agents(&self) -> Vec<String> {
        let keys = self.scene.owner.keys().await.into_iter();
        let in_force = keys.filter(|key| key.revoked_at.is_none() && key.name != "tester");
        in_force.map(|key| key.name).collect()
    }

    /// Ids of the integrations, but for the demo.
    async fn integrations(&self) -> Vec<String> {
        let all = self.scene.owner.integrations().await.into_iter();
        all.map(|one| one.id.to_string()).filter(|id| id != "demo").collect()
    }

    /// The gateway stops, and another port is free when it comes back.
    async fn at_another_port(self) -> Self {
        let Scene { gateway, key, .. } = self.scene;
        let setup = gateway.stop().await;
        let gateway = Setup { port: 0, ..setup }.start().await;
        let (owner, wire) = (gateway.owner().await, gateway.wire(&key));
        Self { scene: Scene { gateway, owner, key, wire } }
    }

    async fn stop(self) {
        self.scene.stop().await;
    }
}

/// A plan that makes a key where the client takes one; a bridge signs in.
fn with_key(client: &str, what: &str) -> Value {
    let client = Client::by_id(client).expect("a client");
    match client.speaks_http() {
        true => json!({ "what": what, "via": "http" }),
        false => json!({ "what": what }),
    }
}

/// The key in the headers of Cursor's entry.
fn key_of(file: &Value) -> String {
    let shown = &file["mcpServers"]["agentport"]["headers"]["Authorization"];
    let shown = shown.as_str().unwrap_or_else(|| panic!("no key in {file}"));
    shown.strip_prefix("Bearer ").expect("a bearer token").to_owned()
}
