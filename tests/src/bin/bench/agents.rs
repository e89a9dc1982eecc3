//! Calls of an agent that signed in by OAuth, beside the same calls with a key; and what fetching a fresh token costs.

use std::time::Instant;

use agentport_tests::{Gateway, OAuthAgent, TokenSet};
use serde_json::json;

use crate::{
    Plan,
    http::{Asked, Endpoint},
    samples::{Figures, median},
    table::{Budget, Table},
};

/// Refreshes in a row, each with the token of the one before.
const REFRESHES: usize = 50;
/// Most that a token may cost a call beyond a key, as a ratio: what two runs of the same differ by.
const RATIO: f64 = 1.1;

pub(crate) async fn measure(plan: Plan, table: &mut Table) {
    let gateway = Gateway::start().await;
    let owner = gateway.owner().await;
    owner.add_fixture("local", &["--plain"]).await;
    owner.allow_all("local").await;
    let key = owner.create_key("bench").await.key;
    let client = OAuthAgent::register(&gateway).await;
    let tokens = client.sign_in(&owner).await;

    let url = format!("{}?mode=direct", gateway.said.mcp_url);
    let by_key = Endpoint::new(&url, Some(&key));
    let by_token = Endpoint::with_token(&url, &tokens.access_token);
    let call = Asked::call("local__echo", json!({"text": "hello"}), "hello");
    let (mut keyed, mut signed_in) = (Vec::new(), Vec::new());
    for _ in 0..plan.rounds {
        keyed.push(by_key.load(plan.era, &call, 1, plan.duration).await);
        signed_in.push(by_token.load(plan.era, &call, 1, plan.duration).await);
    }
    let (keyed, signed_in) = (Figures::median(&keyed), Figures::median(&signed_in));
    table.add("call with a key: p50", keyed.p50, "µs", Budget::None);
    table.add("call with an OAuth token: p50", signed_in.p50, "µs", Budget::None);
    let ratio = signed_in.p50 / keyed.p50;
    table.add("OAuth token over a key, p50", ratio, "×", Budget::AtMost(RATIO));

    let mut took = Vec::new();
    let mut refresh_token = tokens.refresh_token;
    for _ in 0..REFRESHES {
        let started = Instant::now();
        let fresh = TokenSet::of(&client.refresh(&refresh_token).await);
        took.push(started.elapsed().as_secs_f64() * 1e3);
        refresh_token = fresh.refresh_token;
    }
    table.add("refresh of a token: p50", median(took), "ms", Budget::None);
    gateway.stop().await;
}
