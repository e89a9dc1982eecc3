//! Checks of clients' files: do they parse, does AgentPort's entry lead to this gateway, is its key valid, and can other
//! accounts read the key?

use std::{io::ErrorKind, path::Path};

use agentport_api::{Settings, paths};
use agentport_clients::{
    client::{Machine, Place},
    discover::{FoundClient, FoundFile, FoundState, discover},
    entry::{self, OwnEntry},
    mcp_server::{Launch, McpServer},
    types::{ClientView, Connected, ConnectionMethod, FileView},
};
use agentport_gateway::data_dir::DataDir;
use agentport_setup::Installation;
use anyhow::Result;

use super::{
    DoctorCaller,
    finding::{DoctorReport, typed},
};
use crate::format;

const ABOUT: &str = "clients";

/// What the checks know besides the files.
struct KnownClients {
    /// From the control API, or without the owner from this process.
    files: Vec<FileView>,
    /// The control API was asked, which knows the agents of the entries' keys.
    as_owner: bool,
    is_running: bool,
}

pub(super) async fn check(home: Option<&DataDir>, asks: &DoctorCaller, report: &mut DoctorReport) {
    let Some(machine) = Machine::this() else {
        let says = "There is no home directory to look for clients in.";
        return report.info(ABOUT, says, None);
    };
    let found = discover(&machine, None);
    let views = match views(home, asks, machine).await {
        Ok(views) => views,
        Err(error) => {
            let says = format!("Clients' files could not be looked at in full: {error:#}.");
            report.fail(ABOUT, says, "`agentport discover` says more");
            Vec::new()
        }
    };
    let known = KnownClients {
        files: views.into_iter().flat_map(|client| client.files).collect(),
        as_owner: matches!(asks, DoctorCaller::Owner(_)),
        is_running: home.is_some_and(|home| home.read_runtime().is_some()),
    };
    let mut connected = 0;
    for client in found.iter().filter(|client| client.found) {
        connected += one(client, &known, report);
    }
    if !found.iter().any(|client| client.found) {
        report.info(ABOUT, "No MCP client that AgentPort knows was found here.", None);
    } else if connected > 0 && known.is_running && !known.as_owner {
        let says = "Whether the clients' keys are valid is visible to the owner only.";
        report.info(
            ABOUT,
            says,
            Some("give --owner-password-file FILE, or look in AgentPort's window"),
        );
    }
}

/// As the owner, with the agents of the entries' keys; otherwise without.
async fn views(
    home: Option<&DataDir>,
    asks: &DoctorCaller,
    machine: Machine,
) -> Result<Vec<ClientView>> {
    if let DoctorCaller::Owner(owner) = asks {
        return owner.list(paths::CLIENTS).await;
    }
    let Some(home) = home else { return Ok(Vec::new()) };
    let usual = || format!("http://127.0.0.1:{}/mcp", Settings::default().port);
    let mcp_url = home.read_runtime().map_or_else(usual, |runtime| runtime.mcp_url);
    let site =
        Installation::new(machine, agentport_setup::cli_path(), home.root().to_owned(), mcp_url);
    Ok(site.clients(None).await)
}

/// Checks one client. Returns the number of its files that have AgentPort's entry.
fn one(found: &FoundClient, known: &KnownClients, report: &mut DoctorReport) -> usize {
    let id = &found.client.id;
    let name = &found.client.name;
    let mut connected = 0;
    let mut servers = 0;
    let mut is_well = true;
    for FoundFile { place, state } in &found.files {
        let path = place.path.display();
        match state {
            FoundState::Missing => {}
            FoundState::Broken(error) => {
                is_well = false;
                let says = format!("{path} does not parse: {error}.");
                report.fail(id, says, "correct it there; AgentPort leaves it alone until then");
            }
            FoundState::Unreadable(error) => {
                is_well = false;
                let says = format!("{path} cannot be read: {error}.");
                let what = match error.kind() {
                    ErrorKind::PermissionDenied => "make it readable to this account",
                    _ => "see what it is; AgentPort leaves it alone until then",
                };
                report.fail(id, says, what);
            }
            FoundState::Readable { servers: all, .. } => {
                servers += all.len();
                if let Some((at, ours)) = entry::find_own_entry(all) {
                    connected += 1;
                    entry_of_ours(place, &all[at], &ours, known, report);
                }
            }
        }
    }
    if connected == 0 && is_well {
        let says = match servers {
            0 => format!("{name} is here, and not connected."),
            1 => format!("{name} is here with one server of its own, and not connected."),
            many => format!("{name} is here with {many} servers of its own, and not connected."),
        };
        report.info(id, says, Some(&format!("agentport connect {id}")));
    }
    connected
}

fn entry_of_ours(
    place: &Place,
    server: &McpServer,
    ours: &OwnEntry,
    known: &KnownClients,
    report: &mut DoctorReport,
) {
    let id = &place.client.id;
    let path = &place.path;
    let anew = format!("agentport connect {id}");
    let text = path.display().to_string();
    let view = known.files.iter().find(|file| file.path == text);
    let view: Option<&Connected> = view.and_then(|file| file.connected.as_ref());
    if ours.via == ConnectionMethod::Bridge
        && let Err(says) = bridge(server)
    {
        return report.fail(id, format!("{text}: {says}"), anew);
    }
    // While no gateway runs its address is only a guess.
    let can_tell = known.is_running || ours.via == ConnectionMethod::Bridge;
    if can_tell && view.is_some_and(|view| !view.current) {
        let says = leads_elsewhere(ours, &text);
        return report.fail(id, says, anew);
    }
    let agent = view.and_then(|view| view.agent);
    let sign_in = view.and_then(|view| view.sign_in.as_ref());
    if let Some(sign_in) = sign_in.filter(|it| known.as_owner && !it.signed_in) {
        return report.info(id, sign_in.sentence.clone(), None);
    }
    if known.as_owner && agent.is_none() && ours.via != ConnectionMethod::HttpEnvironment {
        return report.fail(id, format!("The key in {text} is not valid."), anew);
    }
    if ours.key_prefix.is_some() && is_open(path) {
        let says = format!("Other accounts can read {text}, which contains an agent's key.");
        return report.warn(id, says, format!("chmod 600 {}", typed(path)));
    }
    let how = connected_how(ours.via);
    let used = match view.and_then(|view| view.last_used_at) {
        Some(at) => format!("; last used {}", format::when(at)),
        None if known.as_owner && agent.is_some() => "; not used yet".to_owned(),
        None => String::new(),
    };
    report.ok(id, format!("{} is connected {how}{used}.", place.client.name));
    if let Some(key) = view.and_then(|view| view.unneeded_key.as_ref()) {
        let command = format!("agentport connect {id} --via oauth");
        report.info(id, key.sentence.clone(), Some(&command));
    }
    let unseen = known.as_owner && view.is_some_and(|view| view.first_call_at.is_none());
    if let Some(restart) = place.client.restart().filter(|_| unseen && agent.is_some()) {
        report.info(id, format!("No call of {} was seen yet.", place.client.name), Some(restart));
    }
}

fn leads_elsewhere(ours: &OwnEntry, text: &str) -> String {
    match (&ours.mcp_url, &ours.home) {
        (Some(url), _) => format!("{text} leads to {url}, which is not this gateway."),
        (None, Some(home)) => format!(
            "The entry in {text} is not as AgentPort writes it: it leads to the gateway of {}, and this one is \
             another, or it starts another program, or it shows another file's key.",
            home.display()
        ),
        (None, None) => format!(
            "The entry in {text} is not as AgentPort writes it: it leads to the gateway of the usual home, and \
             this one is another, or it starts another program, or it shows another file's key."
        ),
    }
}

fn connected_how(via: ConnectionMethod) -> &'static str {
    match via {
        ConnectionMethod::OAuth => "over HTTP, and signs in by OAuth",
        ConnectionMethod::Http => "over HTTP",
        ConnectionMethod::HttpEnvironment => "over HTTP, with its key in an environment variable",
        ConnectionMethod::Bridge => "through the bridge",
    }
}

/// Checks the program that the client will start. A bridge without a key signs in.
fn bridge(server: &McpServer) -> Result<(), String> {
    if let Launch::Local { command, .. } = &server.launch {
        let program = Path::new(command);
        if program.is_absolute() && !program.is_file() {
            return Err(format!("it starts {command}, which is not there."));
        }
    }
    Ok(())
}

#[cfg(unix)]
fn is_open(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::metadata(path).is_ok_and(|found| found.permissions().mode() & 0o077 != 0)
}

#[cfg(not(unix))]
fn is_open(_path: &Path) -> bool {
    false
}
