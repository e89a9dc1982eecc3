//! An allowed call through the gateway, and the same call without it.

use agentport_tests::{Gateway, HttpFixture, Owner};
use serde_json::json;

use crate::{
    Plan,
    http::{Asked, Endpoint},
    pipe::Pipe,
    process::cpu_time,
    samples::{Figures, median},
    table::{Budget, Table},
};

/// Connections at once.
const MANY: usize = 16;

/// What a call may cost (`src-tauri/docs/architecture.md` §9).
#[derive(Debug, Clone, Copy)]
struct Budgets {
    /// Microseconds over the direct call at one connection.
    added_p50: f64,
    /// Calls a second at [`MANY`] connections.
    rate: f64,
    /// The same as a share of direct calls a second, for slower machines.
    share_of_direct: f64,
    /// Microseconds of processor time a call at [`MANY`] connections.
    cpu: f64,
}

const HTTP_UPSTREAM: Budgets =
    Budgets { added_p50: 140.0, rate: 12_000.0, share_of_direct: 0.50, cpu: 75.0 };
const STDIO_UPSTREAM: Budgets =
    Budgets { added_p50: 110.0, rate: 13_000.0, share_of_direct: 0.57, cpu: 55.0 };
/// Microseconds over the direct call's at one connection.
const ADDED_P99: f64 = 250.0;

struct Through {
    figures: Figures,
    /// Microseconds of the gateway's processor time for each call.
    cpu: f64,
}

async fn through(
    gateway: &Gateway,
    endpoint: &Endpoint,
    plan: Plan,
    asked: &Asked,
    connections: usize,
) -> Through {
    let before = cpu_time(gateway.pid());
    let figures = endpoint.load(plan.era, asked, connections, plan.duration).await;
    let spent = cpu_time(gateway.pid()) - before;
    Through { figures, cpu: spent.as_secs_f64() * 1e6 / figures.calls as f64 }
}

fn summed(rounds: &[Through]) -> Through {
    let figures: Vec<_> = rounds.iter().map(|round| round.figures).collect();
    Through {
        figures: Figures::median(&figures),
        cpu: median(rounds.iter().map(|round| round.cpu).collect()),
    }
}

pub(crate) async fn measure(plan: Plan, table: &mut Table) {
    let fixture = HttpFixture::start(&["--plain"]).await;
    let gateway = Gateway::start().await;
    let owner = gateway.owner().await;
    owner.add_remote("remote", &fixture.url).await;
    owner.add_fixture("local", &["--plain"]).await;
    let key = key(&owner).await;
    let direct = Endpoint::new(&fixture.url, None);
    let front = Endpoint::new(&format!("{}?mode=direct", gateway.said.mcp_url), Some(&key));
    let mut pipe = Pipe::start().await;

    let arguments = json!({"text": "hello"});
    let echo = |tool: &str| Asked::call(tool, arguments.clone(), "hello");
    let (plain, remote, local) = (echo("echo"), echo("remote__echo"), echo("local__echo"));
    let meta = Asked::call(
        "agentport__call_tool",
        json!({"integration_id": "local", "tool_name": "echo", "arguments": arguments}),
        "hello",
    );

    for connections in [1, MANY] {
        let (mut directly, mut piped) = (Vec::new(), Vec::new());
        let (mut by_http, mut by_stdio, mut by_meta) = (Vec::new(), Vec::new(), Vec::new());
        for _ in 0..plan.rounds {
            directly.push(direct.load(plan.era, &plain, connections, plan.duration).await);
            by_http.push(through(&gateway, &front, plan, &remote, connections).await);
            piped.push(pipe.load(&plain, connections, plan.duration).await);
            by_stdio.push(through(&gateway, &front, plan, &local, connections).await);
            by_meta.push(through(&gateway, &front, plan, &meta, connections).await);
        }
        let (directly, piped) = (Figures::median(&directly), Figures::median(&piped));
        report(table, &format!("direct, HTTP, {connections}"), directly);
        report(table, &format!("direct, stdio, {connections}"), piped);
        for (name, rounds, budgets) in [
            ("HTTP upstream", by_http, HTTP_UPSTREAM),
            ("stdio upstream", by_stdio, STDIO_UPSTREAM),
            ("stdio upstream, agentport__call_tool", by_meta, STDIO_UPSTREAM),
        ] {
            let name = format!("through, {name}, {connections}");
            compare(table, &name, &summed(&rounds), directly, connections, budgets);
        }
    }
    // Every call has left its row, and none of another outcome.
    for outcome in [
        "tool_error",
        "upstream_error",
        "cancelled",
        "blocked",
        "pending",
        "refused",
        "interrupted",
    ] {
        let rows = owner.activity(&format!("outcome={outcome}&limit=1")).await.items;
        assert!(rows.is_empty(), "what was measured was not what was meant: {rows:?}");
    }
    let newest = owner.activity("outcome=ok&limit=1").await.items;
    assert_eq!(newest.len(), 1, "calls leave rows");
    gateway.stop().await;
    fixture.stop().await;
}

/// An agent for which everything of the two integrations is allowed.
async fn key(owner: &Owner) -> String {
    for integration in ["remote", "local"] {
        owner.allow_all(integration).await;
    }
    owner.create_key("bench").await.key
}

fn report(table: &mut Table, name: &str, figures: Figures) {
    table.add(format!("{name}: p50"), figures.p50, "µs", Budget::None);
    table.add(format!("{name}: p99"), figures.p99, "µs", Budget::None);
    table.add(format!("{name}: calls a second"), figures.per_second, "/s", Budget::None);
}

/// The rows of one way through the gateway, beside the direct call in the same rounds.
fn compare(
    table: &mut Table,
    name: &str,
    seen: &Through,
    directly: Figures,
    connections: usize,
    budgets: Budgets,
) {
    let alone = |budget| if connections == 1 { budget } else { Budget::None };
    let many = |budget| if connections == MANY { budget } else { Budget::None };
    table.add(format!("{name}: p50"), seen.figures.p50, "µs", Budget::None);
    table.add(format!("{name}: p99"), seen.figures.p99, "µs", Budget::None);
    table.add(
        format!("{name}: added to direct HTTP, p50"),
        seen.figures.p50 - directly.p50,
        "µs",
        alone(Budget::AtMost(budgets.added_p50)),
    );
    table.add(
        format!("{name}: added to direct HTTP, p99"),
        seen.figures.p99 - directly.p99,
        "µs",
        alone(Budget::AtMost(ADDED_P99)),
    );
    let share = seen.figures.per_second / directly.per_second;
    // On a machine that does fewer direct calls the share decides.
    let slower = budgets.share_of_direct * directly.per_second;
    let rate = Budget::AtLeast(budgets.rate.min(slower));
    table.add(format!("{name}: calls a second"), seen.figures.per_second, "/s", many(rate));
    table.add(format!("{name}: calls a second over direct"), share, "×", Budget::None);
    let cpu = many(Budget::AtMost(budgets.cpu));
    table.add(format!("{name}: processor time a call"), seen.cpu, "µs", cpu);
}
