//! Lists: of one server, of fifty servers, and of requests after many revoked keys.

use std::time::Instant;

use agentport_tests::{Gateway, HttpFixture};
use serde_json::json;

use crate::{
    Plan,
    http::{Asked, Endpoint},
    samples::{Figures, median},
    table::{Budget, Table},
};

/// Integrations, and tools of each, of a crowded gateway.
const CROWD: (usize, usize) = (50, 100);
/// Keys that were made and revoked before the list of requests is measured.
const REVOKED_KEYS: u32 = 1_000;

fn list(expect: &str) -> Asked {
    Asked { method: "tools/list", params: json!({}), expect: expect.to_owned() }
}

/// Direct mode beside the server itself.
pub(crate) async fn measure(plan: Plan, table: &mut Table) {
    for tools in [10_usize, 500] {
        let count = tools.to_string();
        let fixture = HttpFixture::start(&["--plain", "--tools", &count]).await;
        let gateway = Gateway::start().await;
        let owner = gateway.owner().await;
        owner.add_remote("many", &fixture.url).await;
        owner
            .put_profile(
                "many",
                json!({"name": "many", "integrations": ["many"], "mode": "direct"}),
            )
            .await;
        let key = owner.create_key_with(json!({"name": "bench", "profile": "many"})).await;
        let last = format!("generated_{tools:04}");
        let direct = Endpoint::new(&fixture.url, None);
        let front = Endpoint::new(&gateway.said.mcp_url, Some(&key.key));
        let (mut directly, mut through) = (Vec::new(), Vec::new());
        for _ in 0..plan.rounds {
            directly.push(direct.load(plan.era, &list(&last), 1, plan.duration).await);
            through.push(front.load(plan.era, &list(&last), 1, plan.duration).await);
        }
        let (directly, through) = (Figures::median(&directly), Figures::median(&through));
        table.add(
            format!("tools/list, {tools} tools, direct: p50"),
            directly.p50,
            "µs",
            Budget::None,
        );
        table.add(
            format!("tools/list, {tools} tools, through: p50"),
            through.p50,
            "µs",
            Budget::None,
        );
        let budget = if tools == 500 { Budget::AtMost(0.3) } else { Budget::None };
        table.add(
            format!("tools/list, {tools} tools: through over direct"),
            through.p50 / directly.p50,
            "×",
            budget,
        );
        gateway.stop().await;
        fixture.stop().await;
    }
}

/// Fifty integrations with five thousand tools.
pub(crate) async fn measure_many(plan: Plan, table: &mut Table) {
    let (integrations, tools) = CROWD;
    let gateway = Gateway::start().await;
    let owner = gateway.owner().await;
    for number in 0..integrations {
        owner
            .add_fixture(&format!("many-{number}"), &["--plain", "--tools", &tools.to_string()])
            .await;
    }
    let key = owner.create_key("bench").await;
    let front = Endpoint::new(&gateway.said.mcp_url, Some(&key.key));
    let search = Asked::call(
        "agentport__list_integration_tools",
        json!({"query": "number 77 collection"}),
        "generated_0077",
    );
    let everything = Asked::call("agentport__list_integration_tools", json!({}), "generated_0077");
    for (name, asked, budget) in [("search", search, 2.0), ("list", everything, 10.0)] {
        let mut rounds = Vec::new();
        for _ in 0..plan.rounds {
            rounds.push(front.load(plan.era, &asked, 1, plan.duration).await.p50 / 1e3);
        }
        let what =
            format!("{name}, {integrations} integrations, {} tools: p50", integrations * tools);
        table.add(what, median(rounds), "ms", Budget::AtMost(budget));
    }
    gateway.stop().await;
    measure_revoked(plan, table).await;
}

/// The owner's list of requests in a gateway that has had many keys: it must not slow down with them.
async fn measure_revoked(plan: Plan, table: &mut Table) {
    let gateway = Gateway::start().await;
    let owner = gateway.owner().await;
    for number in 0..REVOKED_KEYS {
        let key = owner.create_key(&format!("former {number}")).await;
        owner.revoke(&key).await;
    }
    let mut rounds = Vec::new();
    for _ in 0..plan.rounds {
        let (begun, mut lists) = (Instant::now(), 0);
        while begun.elapsed() < plan.duration {
            owner.approvals("all").await;
            lists += 1;
        }
        rounds.push(begun.elapsed().as_secs_f64() * 1e3 / f64::from(lists));
    }
    let what = format!("list of requests, {REVOKED_KEYS} revoked keys: mean");
    table.add(what, median(rounds), "ms", Budget::AtMost(2.0));
    gateway.stop().await;
}
