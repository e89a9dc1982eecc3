//! `agentport status`: whether a gateway runs, and its state. Without the owner's password it shows what every program of
//! this account can see.

use agentport_api::{ExternalStatus, Status, paths};
use anyhow::Result;
use serde::Serialize;

use crate::{
    client::{GatewayEndpoint, START},
    context::Context,
    exit::ExitStatus,
    format, output,
};

/// The state as far as it is visible without signing in.
#[derive(Serialize)]
struct Outside {
    running: bool,
    home: String,
    /// The data directory holds a database already: the next start is not the first.
    set_up: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    mcp_url: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pid: Option<u32>,
}

pub(crate) async fn run(context: &Context) -> Result<ExitStatus> {
    if context.password.is_given() {
        let answer = context.owner().await?.get(paths::STATUS).await?;
        context.output.answer(&answer, from_inside)?;
        return Ok(ExitStatus::Done);
    }
    let home = context.home()?;
    let running = match GatewayEndpoint::find(&home) {
        Ok(gateway) => gateway.answers().await,
        Err(_) => false,
    };
    let runtime = home.read_runtime().filter(|_| running);
    let outside = Outside {
        running,
        home: home.root().display().to_string(),
        set_up: home.database().exists(),
        mcp_url: runtime.as_ref().map(|runtime| runtime.mcp_url.clone()),
        pid: runtime.map(|runtime| runtime.pid),
    };
    context.output.own(&outside, || {
        output::fields(&[
            ("Gateway", if running { "running".into() } else { format!("not running; {START}") }),
            ("MCP", outside.mcp_url.clone().unwrap_or_default()),
            ("Data", outside.home.clone()),
            ("Process", outside.pid.map(|pid| pid.to_string()).unwrap_or_default()),
        ])
    })?;
    Ok(if running { ExitStatus::Done } else { ExitStatus::Failed })
}

fn from_inside(status: Status) -> String {
    let gateway = if status.paused { "paused: no call runs" } else { "running" };
    output::fields(&[
        (
            "Gateway",
            format!(
                "{gateway}, version {}, started {}",
                status.version,
                format::when(status.started_at)
            ),
        ),
        ("MCP", status.mcp_url),
        ("From outside", status.external.as_ref().map(external).unwrap_or_default()),
        ("Data", status.home),
        ("Process", status.pid.to_string()),
        ("Secrets", format!("sealed; the key comes from: {}", status.vault)),
        ("Second factor", if status.second_factor { "on" } else { "off" }.to_owned()),
        ("Waiting", format!("{} for you, {} missed", status.pending, status.missed)),
        ("Agents", status.agents.to_string()),
        ("Integrations", format!("{}, {} with trouble", status.integrations, status.trouble)),
    ])
}

/// Where agents on other computers connect, or why they cannot.
fn external(external: &ExternalStatus) -> String {
    match &external.problem {
        None => format!("{}/mcp, served on port {}", external.url, external.port),
        Some(problem) => format!("{} is not served. {problem}", external.url),
    }
}
