//! Asks a server, without a credential, how it wants to be signed in to: the challenge of its 401 (RFC 9728, section 5.1).

use std::time::Duration;

use agentport_core::mcp::headers::PROTOCOL_VERSION;
use http::{StatusCode, header};
use rmcp::model::ProtocolVersion;
use serde_json::json;
use url::Url;

use crate::address::is_loopback;

/// Time the server has to answer; it is not needed to go on.
const PROBE_TIMEOUT: Duration = Duration::from_secs(10);

/// The `WWW-Authenticate` header of the server's refusal. `None`: it does not refuse, or does not say how.
pub(super) async fn challenge(server: &Url) -> Option<String> {
    let loopback = server.host().as_ref().is_some_and(is_loopback);
    let mut client = reqwest::Client::builder()
        .timeout(PROBE_TIMEOUT)
        .user_agent(concat!("agentport/", env!("CARGO_PKG_VERSION")))
        .redirect(reqwest::redirect::Policy::none());
    if loopback {
        client = client.no_proxy();
    }
    let client = client.build().ok()?;
    let version = ProtocolVersion::V_2025_11_25.to_string();
    let initialize = json!({
        "jsonrpc": "2.0", "id": 1, "method": "initialize",
        "params": {
            "protocolVersion": version, "capabilities": {},
            "clientInfo": { "name": "agentport", "version": env!("CARGO_PKG_VERSION") },
        },
    });
    // Some servers let anybody begin and refuse only what comes after.
    let list = json!({ "jsonrpc": "2.0", "id": 2, "method": "tools/list", "params": {} });
    for message in [initialize, list] {
        let request = client
            .post(server.clone())
            .header(header::ACCEPT, "application/json, text/event-stream")
            .header(PROTOCOL_VERSION, &version)
            .json(&message);
        let response = request.send().await.ok()?;
        let status = response.status();
        if status == StatusCode::UNAUTHORIZED || status == StatusCode::FORBIDDEN {
            let challenge = response.headers().get(header::WWW_AUTHENTICATE)?;
            return challenge.to_str().ok().map(str::to_owned);
        }
    }
    None
}
