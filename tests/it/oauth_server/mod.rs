//! The OAuth server for agents (`docs/contract.md` §5): what clients send, what they are answered, what the owner decides, and
//! what attackers try.

mod abuse;
mod agents;
mod attacks;
mod browser;
mod challenges;
mod codes;
mod consent;
mod documents;
mod families;
mod foreign;
mod metadata;
mod redirects;
mod registration;
mod scopes;
mod second_factor;

use std::time::Duration;

use agentport_tests::{
    ExternalProgram, OAuthAgent, TokenSet, Wire, gateway::Setup, oauth_agent::bearer, programs,
    wire::Reply,
};
use http::StatusCode;
use serde_json::{Value, json};

use crate::scene::Scene;

pub(crate) const MINUTE: Duration = Duration::from_secs(60);
pub(crate) const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// Moves every moment in the tables of the OAuth server back in time, so that to the gateway so much time has passed.
const AGE: &str = "import sqlite3, sys\n\
    db = sqlite3.connect(sys.argv[1])\n\
    moved = 0\n\
    for (table,) in db.execute(\"SELECT name FROM sqlite_master WHERE type = 'table' AND name LIKE 'oauth%'\").fetchall():\n\
    \x20   for column in db.execute(f'PRAGMA table_info({table})').fetchall():\n\
    \x20       if column[1].endswith('_at'):\n\
    \x20           moved += db.execute(f'UPDATE {table} SET {column[1]} = {column[1]} - ?', (int(sys.argv[2]),)).rowcount\n\
    db.commit()\n\
    assert moved > 0, 'nothing to age'";

impl Scene {
    /// Stops the gateway, makes every sign-in so much older, and starts it again on the same port.
    pub(crate) async fn after(self, passed: Duration) -> Self {
        let port = self.gateway.port();
        let setup = self.gateway.stop().await;
        ExternalProgram::new(&programs::python())
            .args(["-c", AGE])
            .args([setup.place.home().join("agentport.sqlite")])
            .args([passed.as_millis().to_string()])
            .run()
            .await
            .ok();
        let gateway = Setup { port, ..setup }.start().await;
        let owner = gateway.owner().await;
        Self { gateway, owner, ..self }
    }

    /// A client that has signed in as an agent of its own.
    pub(crate) async fn signed_in(&self) -> (OAuthAgent, TokenSet) {
        let client = OAuthAgent::register(&self.gateway).await;
        let tokens = client.sign_in(&self.owner).await;
        (client, tokens)
    }

    /// Another one.
    pub(crate) async fn signed_in_as(&self, name: &str) -> (OAuthAgent, TokenSet) {
        let client = OAuthAgent::register_named(&self.gateway, name).await;
        let tokens = client.sign_in(&self.owner).await;
        (client, tokens)
    }

    /// Plain HTTP with an access token.
    pub(crate) fn bearer(&self, token: &str) -> Wire {
        bearer(self.gateway.base(), token)
    }
}

/// The answer to `tools/list` with these credentials.
async fn list(wire: &Wire) -> Reply {
    wire.send(wire.modern("/mcp", "tools/list", json!({}))).await
}

async fn status(wire: &Wire) -> StatusCode {
    list(wire).await.status
}

/// The `error` of an OAuth answer (RFC 6749, section 5.2), with its form checked.
#[track_caller]
fn oauth_error(reply: &Reply) -> String {
    assert!(reply.status.is_client_error(), "{} {}", reply.status, reply.text);
    let kind = reply.header("content-type").unwrap_or_default();
    assert!(kind.starts_with("application/json"), "{kind}: {}", reply.text);
    assert_eq!(reply.header("cache-control"), Some("no-store"), "{}", reply.text);
    let error = reply.json();
    assert!(error.get("error_description").is_none_or(Value::is_string), "{error}");
    error["error"].as_str().unwrap_or_else(|| panic!("no error code: {error}")).to_owned()
}

#[track_caller]
fn assert_refused(reply: &Reply, status: StatusCode, error: &str) {
    assert_eq!(oauth_error(reply), error, "{}", reply.text);
    assert_eq!(reply.status, status, "{}", reply.text);
}
