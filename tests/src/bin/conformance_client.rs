//! The client that the official conformance suite runs: a gateway, its owner and one agent, for one scenario.
//!
//! The suite appends the server's URL and names the scenario in its environment. What it judges is the gateway's client
//! side, so the driver only adds the server, consents where a page is to be opened, and calls tools.

use std::{path::Path, time::Duration};

use agentport_api::{AccountState, SignInState};
use agentport_core::AccountId;
use agentport_tests::{
    Agent, Era, Gateway, Owner, oauth_provider::ConsentBrowser, wire::MODERN, within,
};
use anyhow::{Context as _, bail};
use serde::Deserialize;
use serde_json::{Map, Value, json};

/// The integration under which the suite's server is added.
const SERVER: &str = "suite";
/// The client-id metadata document that the suite's authorization servers accept.
const CLIENT_METADATA_URL: &str = "https://conformance-test.local/client-metadata.json";
/// Times that more scopes are asked for.
const MAX_STEP_UPS: usize = 3;
/// Scenarios at a time.
const SLOTS: u32 = 3;
/// What the gateway says when the credentials it has just got are refused.
const SIGN_IN_AGAIN: &str = "Sign in again";
/// The whole scenario; the suite allows it more.
const SCENARIO_TIMEOUT: Duration = Duration::from_secs(100);

/// `MCP_CONFORMANCE_CONTEXT`: what a scenario gives its client.
#[derive(Debug, Default, Deserialize)]
struct ScenarioContext {
    #[serde(default, rename = "toolCalls")]
    tool_calls: Vec<ScenarioCall>,
    #[serde(default)]
    client_id: Option<String>,
    #[serde(default)]
    client_secret: Option<String>,
}

#[derive(Debug, Clone, Deserialize)]
struct ScenarioCall {
    name: String,
    #[serde(default)]
    arguments: Map<String, Value>,
}

/// One of a few scenarios at a time: the suite starts all of them at once.
struct ScenarioSlot {
    _file: std::fs::File,
}

impl ScenarioSlot {
    /// Waits for a slot of those in `directory`. The lock goes with the process.
    async fn take(directory: &Path) -> anyhow::Result<Self> {
        let number = std::process::id() % SLOTS;
        let file = std::fs::File::create(directory.join(format!("slot{number}")))?;
        let locked = tokio::task::spawn_blocking(move || file.lock().map(|()| file)).await?;
        Ok(Self { _file: locked? })
    }
}

struct Driver {
    url: String,
    scenario: String,
    context: ScenarioContext,
    era: Era,
    gateway: Gateway,
    owner: Owner,
    browser: ConsentBrowser,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let url = std::env::args().next_back().context("the server's URL is the last argument")?;
    let named = |name: &str| std::env::var(name).with_context(|| format!("{name} is not set"));
    let scenario = named("MCP_CONFORMANCE_SCENARIO")?;
    let context = match std::env::var("MCP_CONFORMANCE_CONTEXT") {
        Ok(text) => serde_json::from_str(&text).context("the context cannot be read")?,
        Err(_) => ScenarioContext::default(),
    };
    let era = match named("MCP_CONFORMANCE_PROTOCOL_VERSION")?.as_str() {
        MODERN => Era::Modern,
        _ => Era::Legacy,
    };
    let _slot = ScenarioSlot::take(named("AGENTPORT_TEST_SLOTS")?.as_ref()).await?;
    let gateway = Gateway::start().await;
    let owner = gateway.owner().await;
    let browser = ConsentBrowser::new();
    let driver = Driver { url, scenario, context, era, gateway, owner, browser };
    within(SCENARIO_TIMEOUT, "the scenario", driver.run()).await
}

impl Driver {
    async fn run(self) -> anyhow::Result<()> {
        let account = if self.scenario.starts_with("auth/") {
            Some(match self.sign_in(self.addition()).await {
                // As the owner would: the authorization server has changed meanwhile.
                Err(error) if error.to_string().contains(SIGN_IN_AGAIN) => {
                    self.sign_in(self.addition()).await?
                }
                signed_in => signed_in?,
            })
        } else {
            self.owner.add_remote(SERVER, &self.url).await;
            None
        };
        self.owner.change(SERVER, json!({"default_mode": "allow", "resources": true})).await;
        let agent = self.agent().await;
        let mut calls = self.calls(&agent).await;
        calls.reverse();
        let mut step_ups = 0;
        while let Some(call) = calls.pop() {
            let arguments = Value::Object(call.arguments.clone());
            // The suite judges what reaches its server; some calls are meant to fail.
            let answer = agent.try_call(&call.name, arguments).await;
            let failed = answer.is_ok_and(|result| result.is_error == Some(true));
            let Some(account) = account.filter(|_| failed) else { continue };
            if step_ups < MAX_STEP_UPS && self.needs_owner(account).await {
                step_ups += 1;
                self.sign_in(json!({"integration": SERVER, "account": account})).await?;
                calls.push(call);
            }
        }
        agent.leave().await;
        self.gateway.stop().await;
        Ok(())
    }

    fn addition(&self) -> Value {
        json!({
            "integration": SERVER,
            "url": self.url,
            "client_id": self.context.client_id,
            "client_secret": self.context.client_secret,
            "settings": {"client_metadata_url": CLIENT_METADATA_URL},
        })
    }

    /// Begins to sign in, consents, and waits for the end.
    async fn sign_in(&self, body: Value) -> anyhow::Result<AccountId> {
        let id = self.owner.begin_sign_in(body).await.id;
        let settled = self.owner.sign_in_settled(id).await;
        let SignInState::WaitingForConsent { authorization_url } = settled.state else {
            bail!("no page was to be opened: {settled:?}");
        };
        let page = self.browser.follow(&authorization_url).await;
        if page.status.is_client_error() {
            bail!("the gateway refused the answer: {}", page.text);
        }
        let end = self.owner.sign_in_end(id).await;
        match end.state {
            SignInState::Done { account } => Ok(account),
            _ => bail!("not signed in: {end:?}"),
        }
    }

    /// Has the server asked for something that only the owner can give?
    async fn needs_owner(&self, account: AccountId) -> bool {
        let view = self.owner.account(account).await;
        !view.wanted_scopes.is_empty() || matches!(view.state, AccountState::SignInNeeded { .. })
    }

    /// An agent that sees the server's tools under their own names.
    async fn agent(&self) -> Agent {
        let profile =
            json!({"name": "suite", "integrations": [SERVER], "mode": "direct", "naming": "bare"});
        self.owner.put_profile("suite", profile).await;
        let key = self.owner.create_key_with(json!({"name": "suite", "profile": "suite"})).await;
        self.gateway.agent(&key, self.era).await
    }

    /// The calls that the scenario wants, or one of every tool.
    async fn calls(&self, agent: &Agent) -> Vec<ScenarioCall> {
        // Clients learn from the list which arguments go into headers.
        let tools = agent.tools().await;
        if !self.context.tool_calls.is_empty() {
            return self.context.tool_calls.clone();
        }
        tools
            .into_iter()
            .map(|tool| ScenarioCall {
                name: tool.name.to_string(),
                arguments: arguments(&tool.input_schema),
            })
            .collect()
    }
}

/// A value for every required argument.
fn arguments(schema: &Map<String, Value>) -> Map<String, Value> {
    let required = schema.get("required").and_then(Value::as_array);
    let names = required.into_iter().flatten().filter_map(Value::as_str);
    names
        .map(|name| {
            let pointer = schema.get("properties").and_then(|all| all.get(name));
            let kind = pointer.and_then(|one| one.get("type")).and_then(Value::as_str);
            let value = match kind {
                Some("number" | "integer") => json!(1),
                Some("boolean") => json!(true),
                Some("array") => json!([]),
                Some("object") => json!({}),
                _ => json!("text"),
            };
            (name.to_owned(), value)
        })
        .collect()
}
