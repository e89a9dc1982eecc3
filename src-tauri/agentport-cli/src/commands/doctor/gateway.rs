//! Checks of the gateway: does it run, does its port answer, and can the owner decide?

use std::time::Duration;

use agentport_api::{Session, Settings};
use agentport_gateway::data_dir::DataDir;
use reqwest::StatusCode;
use serde::Deserialize;

use super::{finding::DoctorReport, listener};
use crate::client::GatewayEndpoint;

const ABOUT: &str = "gateway";
/// A gateway answers within a millisecond; another program on its port gets this long.
const HEALTH_TIMEOUT: Duration = Duration::from_secs(3);
const START: &str = "open AgentPort, or run `agentport serve`";

/// `GET /health`
#[derive(Deserialize)]
struct HealthReply {
    version: String,
}

/// The running gateway, if one answers.
pub(super) async fn check(
    home: Option<&DataDir>,
    fix: bool,
    report: &mut DoctorReport,
) -> Option<GatewayEndpoint> {
    let Some((home, runtime)) = home.and_then(|home| Some((home, home.read_runtime()?))) else {
        not_running(home, fix, report).await;
        return None;
    };
    let port = runtime.port;
    let gateway = GatewayEndpoint::at(port).ok()?;
    let health = match gateway
        .health(HEALTH_TIMEOUT)
        .await
        .and_then(|answer| answer.read::<HealthReply>())
    {
        Ok(health) => health,
        Err(error) => {
            let holder = match listener::on(port) {
                Some(holder) if holder.pid != Some(runtime.pid) => format!(" {holder} has it."),
                _ => String::new(),
            };
            let says = format!(
                "Process {} runs for {}, and does not answer on 127.0.0.1:{port}: {error:#}.{holder}",
                runtime.pid,
                home.root().display()
            );
            report.fail(ABOUT, says, format!("stop process {}, then {START}", runtime.pid));
            return None;
        }
    };
    let own = env!("CARGO_PKG_VERSION");
    if health.version == own {
        let says = format!("Version {own} answers on 127.0.0.1:{port} (process {}).", runtime.pid);
        report.ok(ABOUT, says);
    } else {
        let says = format!(
            "Version {} answers on 127.0.0.1:{port}, and this command is version {own}.",
            health.version
        );
        report.warn(ABOUT, says, "quit AgentPort and open it again");
    }
    password(&gateway, report).await;
    Some(gateway)
}

async fn not_running(home: Option<&DataDir>, fix: bool, report: &mut DoctorReport) {
    report.fail(ABOUT, "No gateway is running.", START);
    let left = home.map(|home| home.root().join("runtime.json")).filter(|path| path.exists());
    if let Some(left) = left {
        // Without the lock it is not used, and the next start removes it too.
        let says = "A gateway that was killed left its runtime file";
        match fix && std::fs::remove_file(&left).is_ok() {
            true => report.mended(ABOUT, format!("{says}; it was removed.")),
            false => report.warn(
                ABOUT,
                format!("{says}, {}.", left.display()),
                format!("agentport doctor --fix, or {START}"),
            ),
        }
    }
    let port = Settings::default().port;
    if let Some(holder) = listener::on(port) {
        let answers = match GatewayEndpoint::at(port) {
            Ok(gateway) => gateway.health(HEALTH_TIMEOUT).await.is_ok(),
            Err(_) => false,
        };
        let says = match answers {
            true => {
                format!("{holder} has port {port}, and answers like a gateway of another home.")
            }
            false => format!("{holder} has port {port}, where agents look for the gateway."),
        };
        report.warn(
            "port",
            says,
            "stop it, or choose another port with `agentport serve --port PORT` or in Settings",
        );
    }
}

async fn password(gateway: &GatewayEndpoint, report: &mut DoctorReport) {
    const ABOUT: &str = "password";
    let reply = match gateway.session().await {
        Ok(reply) => reply,
        Err(error) => {
            let says = format!("Whether an owner password is set could not be asked: {error:#}.");
            return report.warn(ABOUT, says, "try again");
        }
    };
    if reply.status == StatusCode::NOT_FOUND {
        let says = "No owner password is set: only AgentPort's window on this machine decides.";
        let mend =
            "to decide from a terminal or a browser, set one in AgentPort's window, under Settings";
        return report.info(ABOUT, says, Some(mend));
    }
    match reply.read::<Session>() {
        Some(session) if session.needs_password => report.warn(
            ABOUT,
            "No owner password has been chosen yet, so nobody can decide anything.",
            "open the link that `agentport serve` shows when it starts, and choose one",
        ),
        Some(_) => report.ok(ABOUT, "An owner password is set."),
        None => report.warn(
            ABOUT,
            format!("Whether an owner password is set could not be read ({}).", reply.status),
            "try again with the `agentport` of the gateway's version",
        ),
    }
}
