//! A client that only starts local programs: what our bridge adds to a call, and what `mcp-remote` adds to the same one.

use std::process::Command;

use agentport_tests::{Gateway, programs, stdio::bridge_command};
use serde_json::json;

use crate::{
    Era, Plan,
    http::{Asked, Endpoint},
    pipe::Pipe,
    process::pss,
    samples::Figures,
    table::{Budget, Table},
};

const MANY: usize = 16;
const REMOTE: &str = "mcp-remote/dist/proxy.js";

/// Most that the bridge may add to a message, in microseconds.
const ADDED: f64 = 1_000.0;
/// Most that it may hold, in MiB.
const HELD: f64 = 10.0;

pub(crate) async fn measure(plan: Plan, table: &mut Table) {
    let gateway = Gateway::start().await;
    let owner = gateway.owner().await;
    owner.add_fixture("local", &["--plain"]).await;
    owner.allow_all("local").await;
    let key = owner.create_key("bench").await.key;
    let direct = Endpoint::new(&gateway.said.mcp_url, Some(&key));
    let mut bridge = Pipe::over(bridge_command(&gateway.setup, Some(&key))).await;
    table.add("bridge, idle: PSS", pss(bridge.pid()), "MiB", Budget::AtMost(HELD));
    let mut remote = Pipe::over(mcp_remote(&gateway, &key)).await;
    table.add("mcp-remote, idle: PSS", pss(remote.pid()), "MiB", Budget::None);

    let call = Asked::call(
        "agentport__call_tool",
        json!({"integration_id": "local", "tool_name": "echo", "arguments": {"text": "hello"}}),
        "hello",
    );
    let ping = Asked { method: "ping", params: json!({}), expect: "result".to_owned() };
    for (name, asked) in [("call", &call), ("ping", &ping)] {
        for under_way in [1, MANY] {
            let (mut directly, mut bridged, mut remotely) = (Vec::new(), Vec::new(), Vec::new());
            for _ in 0..plan.rounds {
                // Both speak the revisions with sessions to a client that does.
                directly.push(direct.load(Era::Legacy, asked, under_way, plan.duration).await);
                bridged.push(bridge.load(asked, under_way, plan.duration).await);
                remotely.push(remote.load(asked, under_way, plan.duration).await);
            }
            let directly = Figures::median(&directly);
            table.add(
                format!("{name}, direct HTTP, {under_way}: p50"),
                directly.p50,
                "µs",
                Budget::None,
            );
            for (through, figures, most) in [
                ("bridge", Figures::median(&bridged), Some(ADDED)),
                ("mcp-remote", Figures::median(&remotely), None),
            ] {
                let most = most.filter(|_| under_way == 1).map_or(Budget::None, Budget::AtMost);
                let name = format!("{name}, {through}, {under_way}");
                let added =
                    [("p50", figures.p50 - directly.p50), ("p95", figures.p95 - directly.p95)];
                for (which, added) in added {
                    table.add(format!("{name}: added, {which}"), added, "µs", most);
                }
                table.add(
                    format!("{name}: calls a second"),
                    figures.per_second,
                    "/s",
                    Budget::None,
                );
            }
        }
    }
    table.add("bridge, after the load: PSS", pss(bridge.pid()), "MiB", Budget::AtMost(HELD));
    table.add("mcp-remote, after the load: PSS", pss(remote.pid()), "MiB", Budget::None);
    drop((bridge, remote));
    gateway.stop().await;
}

/// As a client's file would start it.
fn mcp_remote(gateway: &Gateway, key: &str) -> Command {
    let mut command = Command::new(programs::node());
    command
        .arg(programs::npm_file(REMOTE))
        .args([&gateway.said.mcp_url, "--transport", "http-only", "--header"])
        .arg(format!("X-API-Key:{key}"))
        .env("HOME", gateway.place().user())
        .stderr(std::process::Stdio::null());
    command
}
