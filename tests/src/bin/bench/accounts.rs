//! Calls of an account that is signed in to by OAuth, beside the same calls with a fixed token; and what sixteen calls
//! with a token that was revoked early cost.

use std::time::Instant;

use agentport_tests::{Gateway, OAuthProvider, oauth_provider::ConsentBrowser};
use futures::future::join_all;
use serde_json::json;

use crate::{
    Plan,
    http::{Asked, Endpoint},
    samples::{Figures, median},
    table::{Budget, Table},
};

/// Calls at once with a dead token.
const MANY: usize = 16;
/// Most that OAuth may add to a call with a fixed token, in microseconds: what two runs of the same differ by.
const ADDED: f64 = 25.0;

pub(crate) async fn measure(plan: Plan, table: &mut Table) {
    let provider = OAuthProvider::start().await;
    let gateway = Gateway::start().await;
    let owner = gateway.owner().await;
    let browser = ConsentBrowser::new();
    let sign_in = async |id: &str| {
        let body = json!({"integration": id, "url": provider.mcp_url()});
        owner.complete_sign_in(&browser, body).await;
        owner.allow_all(id).await;
    };
    sign_in("oauth").await;
    let connection = json!({
        "type": "remote_mcp",
        "url": provider.mcp_url(),
        "headers": {"Authorization": "Bearer {token}"},
    });
    let secrets = json!({"token": provider.grant("ada")});
    owner.add(json!({"id": "token", "connection": connection, "secrets": secrets})).await;
    owner.allow_all("token").await;
    let key = owner.create_key("bench").await;

    let front = Endpoint::new(&format!("{}?mode=direct", gateway.said.mcp_url), Some(&key.key));
    let whoami = |tool: &str| Asked::call(tool, json!({}), "account=ada");
    let (by_oauth, by_token) = (whoami("oauth__whoami"), whoami("token__whoami"));
    let (mut oauth, mut token) = (Vec::new(), Vec::new());
    for _ in 0..plan.rounds {
        oauth.push(front.load(plan.era, &by_oauth, 1, plan.duration).await);
        token.push(front.load(plan.era, &by_token, 1, plan.duration).await);
        provider.clear_log();
    }
    let (oauth, token) = (Figures::median(&oauth), Figures::median(&token));
    table.add("call with a fixed token: p50", token.p50, "µs", Budget::None);
    table.add("call with an OAuth account: p50", oauth.p50, "µs", Budget::None);
    let added = oauth.p50 - token.p50;
    table.add("OAuth account: added to a fixed token, p50", added, "µs", Budget::AtMost(ADDED));

    let mut took = Vec::new();
    for round in 0..plan.rounds {
        // Another account for each round: a second refusal in a row would ask the owner.
        let id = format!("round{round}");
        sign_in(&id).await;
        provider.change(|behaviour| behaviour.mcp.gathered_refusals = MANY);
        provider.end_access_tokens();
        provider.clear_log();
        let wire = gateway.wire(&key);
        let started = Instant::now();
        let calls = (0..MANY).map(|_| wire.call_tool(&id, "whoami", json!({})));
        for answer in join_all(calls).await {
            answer.ran();
        }
        took.push(started.elapsed().as_secs_f64() * 1e3);
        assert_eq!(provider.log().refreshes().len(), 1, "one refresh for all of them");
        provider.change(|behaviour| behaviour.mcp.gathered_refusals = 0);
    }
    let name = "16 calls with a revoked token, one refresh: all answered";
    table.add(name, median(took), "ms", Budget::None);
    gateway.stop().await;
}
