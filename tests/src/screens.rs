//! Screenshots of every page of a gateway with example data.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use agentport_api::GrantChoice;
use agentport_core::{AgentId, ApprovalId, ConsentId, policy::Mode};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{
    Gateway, OAuthProvider, Owner,
    external_program::ExternalProgram,
    gateway::PASSWORD,
    oauth_agent::{AuthorizePage, OAuthAgent, fixtures},
    oauth_provider::ConsentBrowser,
    programs,
};

/// Time for all pages, light and dark, on a busy machine.
const PAGES_TIMEOUT: Duration = Duration::from_secs(420);

/// One picture.
#[derive(Debug, Deserialize)]
pub struct Picture {
    pub name: String,
    pub path: PathBuf,
    /// The page is wider than its window.
    pub overflows: bool,
}

/// Starts a gateway, lets things happen, and takes a picture of each page into `directory`.
pub async fn take(directory: &Path) -> Vec<Picture> {
    std::fs::create_dir_all(directory).expect("a directory for pictures");
    let gateway = Gateway::start().await;
    let owner = gateway.owner().await;
    let happened = happen(&gateway, &owner).await;
    let pages = happened.pages();
    let script = script("screens.mjs", &gateway, &pages).env("AGENTPORT_TEST_SCREENS", directory);
    let said = script.run().await.ok();
    gateway.stop().await;
    said.lines().map(|line| serde_json::from_str(line).expect("a picture")).collect()
}

/// An accessibility violation of a page.
#[derive(Debug, Deserialize)]
pub struct Fault {
    pub page: String,
    pub rule: String,
    pub impact: String,
    pub help: String,
    pub elements: Vec<String>,
}

/// What axe says of one page.
#[derive(Debug, Deserialize)]
pub struct Checked {
    pub name: String,
    /// Rules that passed.
    pub passes: usize,
    pub faults: Vec<Fault>,
}

/// Runs axe on every page and dialog, in light and dark.
pub async fn check() -> Vec<Checked> {
    let gateway = Gateway::start().await;
    let owner = gateway.owner().await;
    let happened = happen(&gateway, &owner).await;
    let pages = happened.pages();
    let said = script("axe.mjs", &gateway, &pages).run().await.ok();
    gateway.stop().await;
    said.lines().map(|line| serde_json::from_str(line).expect("what axe says")).collect()
}

fn script(name: &str, gateway: &Gateway, pages: &Value) -> ExternalProgram {
    ExternalProgram::script(name)
        .env("AGENTPORT_TEST_BASE", gateway.base())
        .env("AGENTPORT_TEST_PASSWORD", PASSWORD)
        .env("AGENTPORT_TEST_PAGES", pages.to_string())
        .env("CHROMIUM", programs::chromium())
        .within(PAGES_TIMEOUT)
}

/// The example data.
pub(crate) struct Happened {
    pub(crate) waiting: ApprovalId,
    /// Who asked for it.
    agent: AgentId,
    /// One that signed in by OAuth.
    signed_in: AgentId,
    /// A new agent that wants in, and one that was in before.
    consents: [ConsentId; 2],
    /// The provider of the accounts, which goes with the pictures.
    _provider: OAuthProvider,
}

impl Happened {
    /// Every page by name.
    fn pages(&self) -> Value {
        let Self { waiting, agent, signed_in, consents: [new, again], .. } = self;
        json!({
            "inbox": "/#/",
            "request": format!("/#/approvals/{waiting}"),
            "decided": "/#/approvals?tab=decided",
            "missed": "/#/approvals?tab=missed",
            "integrations": "/#/integrations",
            "integration": "/#/integrations/files",
            "browse": "/#/integrations/browse",
            "install": "/#/integrations/install/github",
            "install-sign-in": "/#/integrations/install/notion",
            "add-integration": "/#/integrations/add",
            "accounts": "/#/accounts",
            "agents": "/#/agents",
            "agent": format!("/#/agents/{agent}"),
            "agent-signed-in": format!("/#/agents/{signed_in}"),
            "consent": format!("/#/consents/{new}"),
            "consent-again": format!("/#/consents/{again}"),
            "consent-window": format!("/?window=approval#/consents/{new}"),
            "connect": "/#/connect",
            "client": "/#/connect/cursor",
            "activity": "/#/activity",
            "policy": "/#/policy",
            "settings": "/#/settings",
            "welcome": "/#/welcome",
            "approval-window": format!("/?window=approval#/approvals/{waiting}"),
            "approve-link": format!("/approve/{waiting}"),
        })
    }
}

/// Files of MCP clients in the user's home: two with servers, one of which both have, and one that does not parse.
fn install_clients(user: &Path) {
    let github = json!({
        "command": "npx", "args": ["-y", "@modelcontextprotocol/server-github"],
        "env": {"GITHUB_TOKEN": "fake-github-token-0001"},
    });
    let linear = json!({"url": "https://mcp.linear.app/mcp"});
    let memory = json!({"command": "npx", "args": ["-y", "@modelcontextprotocol/server-memory"]});
    let cursor = json!({"mcpServers": {"github": github, "linear": linear}});
    let claude = json!({"mcpServers": {"github": github, "memory": memory}});
    for (path, text) in [
        (".cursor/mcp.json", format!("{cursor:#}")),
        (".config/Claude/claude_desktop_config.json", format!("{claude:#}")),
        (".gemini/settings.json", "{\n  \"mcpServers\": {,}\n}\n".to_owned()),
    ] {
        let path = user.join(path);
        let folder = path.parent().expect("a path below the home");
        std::fs::create_dir_all(folder).expect("a directory");
        std::fs::write(path, text).expect("a client's file");
    }
}

/// Two accounts that were signed in to, and two by token.
async fn sign_in(owner: &Owner) -> OAuthProvider {
    let provider = OAuthProvider::start().await;
    let browser = ConsentBrowser::new();
    let url = provider.mcp_url();
    let tracker = json!({"integration": "tracker", "url": url, "name": "Tracker"});
    owner.complete_sign_in(&browser, tracker).await;
    let work = owner.begin_sign_in(json!({"integration": "tracker", "label": "work"})).await;
    browser.approve_as(&owner.consent_url(work.id).await, "grace").await;
    owner.signed_in(work.id).await;
    let connection = json!({
        "type": "remote_mcp", "url": url, "headers": {"Authorization": "Bearer {token}"},
    });
    let token = provider.grant("ada");
    let search = json!({
        "id": "search", "name": "Search", "connection": connection, "secrets": {"token": token},
    });
    owner.add(search).await;
    let more = json!({"label": "team", "secrets": {"token": provider.grant("grace")}});
    let path = "/control/integrations/search/accounts";
    owner.ask::<Value>(http::Method::POST, path, Some(more)).await;
    provider
}

/// An afternoon's worth of calls, and a request that still waits.
pub(crate) async fn happen(gateway: &Gateway, owner: &Owner) -> Happened {
    install_clients(&gateway.place().user());
    let key = owner.create_key("claude-desktop").await;
    let other = owner.create_key("nightly-report").await;
    let folder = gateway.place().files().join("Documents");
    std::fs::create_dir_all(&folder).expect("a directory");
    let folder_name = folder.to_str().expect("a path in Unicode");
    owner
        .add_node("files", "@modelcontextprotocol/server-filesystem/dist/index.js", &[folder_name])
        .await;
    owner
        .change("files", json!({"name": "Files", "read_only_may_run": true, "tags": ["home"]}))
        .await;
    let dead = json!({"id": "crm", "name": "Customer records", "keep_unreachable": true,
        "connection": {"type": "remote_mcp", "url": "http://127.0.0.1:9/mcp"}});
    owner.add(dead).await;

    let provider = sign_in(owner).await;

    let claude = gateway.wire(&key);
    let nightly = gateway.wire(&other);
    let write = async |name: &str, text: &str| {
        let arguments = json!({"path": folder.join(name), "content": text});
        claude.call_tool("files", "write_file", arguments).await.request()
    };
    let id = write("minutes.md", "# Minutes\n\nWe met.").await;
    owner.approve(id, GrantChoice::Once).await;
    claude.await_approval(&id.to_string()).await.ran();
    claude.call_tool("files", "list_directory", json!({"path": folder})).await.ran();
    claude
        .call_tool("files", "read_text_file", json!({"path": folder.join("minutes.md")}))
        .await
        .ran();
    let id = write("tax.md", "To be deleted").await;
    owner.deny(id, Some("Keep the tax files out of this.")).await;
    owner.set_policy("files", "move_file", Mode::Deny).await;
    let moving = json!({"source": folder.join("minutes.md"), "destination": folder.join("old.md")});
    nightly.call_tool("files", "move_file", moving).await.refused();
    nightly
        .call_tool("demo", "add_note", json!({"text": "Report of the night: nothing happened."}))
        .await;

    let arguments = json!({
        "integration_id": "files",
        "tool_name": "write_file",
        "arguments": {
            "path": folder.join("letter.md"),
            "content": "Dear customer,\n\nthank you for the call on Tuesday. As agreed we will ship on the 3rd.\n\nWith kind regards",
        },
        "additional_info": "You asked me to draft the letter to the customer. I would like to save it next to the minutes.",
    });
    let waiting = claude.tool("agentport__call_tool", arguments).await.request();
    let signed_in = sign_in_agents(gateway, owner).await;
    let consents = [
        ask_to_be_let_in(owner, &OAuthAgent::register(gateway).await).await,
        ask_to_be_let_in(owner, &signed_in.0).await,
    ];
    Happened { waiting, agent: key.id, signed_in: signed_in.1, consents, _provider: provider }
}

/// Two agents that signed in by OAuth, one of which signed out again; the other, with its client.
async fn sign_in_agents(gateway: &Gateway, owner: &Owner) -> (OAuthAgent, AgentId) {
    let url = &gateway.said.mcp_url;
    let gemini = OAuthAgent::register_as(url, &fixtures::of("gemini_cli")).await;
    let tokens = gemini.sign_in(owner).await;
    let revoked = gemini.revoke(&tokens.refresh_token).await;
    assert!(revoked.status.is_success(), "{}", revoked.text);
    let cursor = OAuthAgent::register_as(url, &fixtures::of("cursor_app_scheme")).await;
    cursor.sign_in(owner).await.wire(gateway).tool("agentport__whoami", json!({})).await.ran();
    let mut agents = owner.keys().await;
    agents.retain(|agent| agent.oauth.as_ref().is_some_and(|sign_in| sign_in.valid > 0));
    (cursor, agents.remove(0).id)
}

/// Opens the client's page in the browser, and leaves it waiting.
async fn ask_to_be_let_in(owner: &Owner, client: &OAuthAgent) -> ConsentId {
    let before: Vec<_> = owner.waiting_consents().await.into_iter().map(|one| one.id).collect();
    AuthorizePage::open(&client.request().url()).await.waits();
    let mut waiting = owner.waiting_consents().await;
    waiting.retain(|consent| !before.contains(&consent.id));
    waiting.remove(0).id
}
