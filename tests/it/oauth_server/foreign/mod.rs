//! OAuth clients of other projects, with nothing but the gateway's URL: sign in, call, renew silently, be revoked, sign in
//! again; and two copies of one client that share what is stored. The owner consents over the control API.

mod inspector;
mod mcp_remote;
mod rmcp_client;
mod sdks;
mod suite;

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use agentport_tests::{
    oauth_agent::{AuthorizePage, FormClient},
    within,
};

use crate::scene::Scene;

/// A program of Node needs seconds on a busy machine.
const PAGE_TIMEOUT: Duration = Duration::from_secs(120);
/// How often a program's output is read again.
const POLL_INTERVAL: Duration = Duration::from_millis(50);

/// The page of the gateway's that a program asks to be opened in what it prints.
fn page_in(text: &str) -> Option<String> {
    let at = text.find("/oauth/authorize?")?;
    let start = text[..at].rfind("http://")?;
    let rest = &text[start..];
    let end = rest.find(|c: char| c.is_whitespace() || "\"'<>\u{1b}\u{7}".contains(c))?;
    Some(rest[..end].to_owned())
}

/// Waits for a page in a file that a program writes.
async fn page_of(file: &Path) -> String {
    let read = async {
        loop {
            let text = std::fs::read_to_string(file).unwrap_or_default();
            if let Some(page) = page_in(&text) {
                return page;
            }
            tokio::time::sleep(POLL_INTERVAL).await;
        }
    };
    within(PAGE_TIMEOUT, "the address of the page to consent on", read).await
}

/// The browser opens the page, the owner consents, and the browser goes on to the client.
async fn consent(scene: &Scene, page: &str) {
    let page = AuthorizePage::open(page).await;
    page.waits();
    scene.owner.consents_once().await;
    let callback = page.callback().await;
    callback.code();
    // Some print the address before they listen; a person is never that fast.
    let address = (callback.url.host_str().expect("a host"), callback.url.port().expect("a port"));
    let listening = async {
        while tokio::net::TcpStream::connect(address).await.is_err() {
            tokio::time::sleep(POLL_INTERVAL).await;
        }
    };
    within(PAGE_TIMEOUT, "the client to listen", listening).await;
    let arrived = FormClient::default().get(callback.url.as_str()).await;
    assert!(arrived.status.is_success(), "{} {}", arrived.status, arrived.text);
}

/// A folder for a client, kept as long as the gateway's.
fn folder(scene: &Scene, name: &str) -> PathBuf {
    let folder = scene.gateway.place().files().join(name);
    std::fs::create_dir_all(&folder).expect("a folder");
    folder
}

/// Whether the sign-in of the one client is still the first: nobody was asked anew.
async fn signed_in_once(scene: &Scene) -> bool {
    let agents = scene.owner.oauth_agents().await;
    let live: Vec<_> = agents.iter().filter(|agent| agent.revoked_at.is_none()).collect();
    live.len() == 1 && scene.owner.waiting_consents().await.is_empty()
}

/// The owner revokes the one agent that is not revoked yet.
async fn revoke(scene: &Scene) {
    let agents = scene.owner.oauth_agents().await;
    let agent = agents.iter().find(|agent| agent.revoked_at.is_none()).expect("an agent");
    scene.owner.revoke_agent(agent.id).await;
}

pub(super) fn free_port() -> u16 {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("a bound listener has an address").port()
}
