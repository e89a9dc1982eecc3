//! Setup of most tests: a gateway, its owner, one agent, and the fixture as the integration `fx`.

use std::path::PathBuf;

use agentport_api::NewKey;
use agentport_tests::{Agent, Answer, Era, Gateway, Owner, Wire, gateway::Setup, upstream::lines};
use serde_json::Value;

pub(crate) struct Scene {
    pub(crate) gateway: Gateway,
    pub(crate) owner: Owner,
    pub(crate) key: NewKey,
    /// The agent, over plain HTTP.
    pub(crate) wire: Wire,
}

impl Scene {
    /// No integration but those that come with the gateway.
    pub(crate) async fn empty() -> Self {
        Self::with(Setup::default()).await
    }

    pub(crate) async fn with(setup: Setup) -> Self {
        let gateway = setup.start().await;
        let owner = gateway.owner().await;
        let key = owner.create_key("tester").await;
        let wire = gateway.wire(&key);
        Self { gateway, owner, key, wire }
    }

    /// With the fixture as a local server `fx`, nothing allowed.
    pub(crate) async fn new() -> Self {
        let scene = Self::empty().await;
        scene.add_fixture("fx").await;
        scene
    }

    /// With everything of `fx` allowed.
    pub(crate) async fn open() -> Self {
        let scene = Self::new().await;
        scene.owner.allow_all("fx").await;
        scene
    }

    pub(crate) async fn add_fixture(&self, id: &str) {
        let state = self.state(id);
        std::fs::create_dir_all(&state).expect("a directory");
        let state = state.to_str().expect("a path in Unicode");
        self.owner.add_fixture(id, &["--state", state]).await;
    }

    fn state(&self, id: &str) -> PathBuf {
        self.gateway.place().files().join(id)
    }

    /// How often the tool of `fx` that writes to this file has run.
    pub(crate) fn runs(&self, file: &str) -> usize {
        lines(self.state("fx").join(file))
    }

    /// The agent calls a tool of `fx`.
    pub(crate) async fn call(&self, tool: &str, arguments: Value) -> Answer {
        self.wire.call_tool("fx", tool, arguments).await
    }

    pub(crate) async fn agent(&self, era: Era) -> Agent {
        self.gateway.agent(&self.key, era).await
    }

    /// Another agent with a key of its own.
    pub(crate) async fn another(&self) -> Wire {
        self.gateway.wire(&self.owner.create_key("another").await)
    }

    /// Stops the gateway and starts it on the same home and port. The owner signs in anew.
    pub(crate) async fn restart(self) -> Self {
        let gateway = self.gateway.restart().await;
        let owner = gateway.owner().await;
        Self { gateway, owner, ..self }
    }

    pub(crate) async fn stop(self) {
        self.gateway.stop().await;
    }
}
