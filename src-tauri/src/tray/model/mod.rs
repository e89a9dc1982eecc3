//! The tray's icon and menu as a pure function of state. Nothing here draws.
//!
//! Invariants: every row has a unique key, which stays the same while the row means the same; text that an agent or a
//! server chose is sanitised and cut; a row whose action changes gets another key, so that a click at the moment of the
//! change does what its label said.

use agentport_api::ConsentView;
use agentport_core::{AgentId, IntegrationId, sanitize};

use crate::gateway::state::{PendingRequest, RequestId, WaitingRequests};

/// Agents that want to be let in, with a row each.
const MAX_CONSENT_ROWS: usize = 3;
/// Pending requests with a row each.
const MAX_REQUEST_ROWS: usize = 9;
/// Rows of any other list.
const MAX_LIST_ROWS: usize = 12;
/// Integrations in trouble with a row each.
const MAX_TROUBLE_ROWS: usize = 3;
/// Characters of a name within a row.
const MAX_NAME_CHARS: usize = 32;
/// Characters of a row.
const MAX_ROW_CHARS: usize = 140;
/// Minutes for which the menu lets an agent work without requests.
pub(crate) const TRUST_MINUTES: u32 = 15;

/// What the tray shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TrayState {
    pub phase: GatewayPhase,
}

/// State of the gateway, as far as the tray shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum GatewayPhase {
    Starting,
    /// Why, in a sentence.
    Failed(String),
    Running(Box<RunningState>),
    Stopping,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct RunningState {
    pub paused: bool,
    /// Allowing takes a one-time code, which only a window can ask for.
    pub second_factor: bool,
    pub waiting: WaitingRequests,
    /// Requests that expired since the owner last looked at the missed ones.
    pub missed: usize,
    pub integrations: Vec<IntegrationEntry>,
    /// Popular integrations that are not installed.
    pub popular: Vec<PopularEntry>,
    pub agents: Vec<AgentEntry>,
    pub clients: Vec<ClientEntry>,
    /// When the silence of notifications ends, as local time.
    pub silent_until: Option<String>,
    /// Requests are shown as notifications at all.
    pub notifications: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct IntegrationEntry {
    pub id: IntegrationId,
    pub name: String,
    /// `ready`, `needs a new token` …
    pub state: &'static str,
    pub trouble: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PopularEntry {
    pub id: IntegrationId,
    pub name: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct AgentEntry {
    pub id: AgentId,
    pub name: String,
    /// As local time.
    pub trusted_until: Option<String>,
}

/// An MCP client that is on this machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ClientEntry {
    /// As in the route of the client's page.
    pub id: String,
    pub name: String,
    pub connection: ClientConnection,
}

/// Whether a client is connected to this gateway.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ClientConnection {
    No,
    /// The client's file names this gateway, and the client has not connected yet.
    NotUsedYet,
    Used,
}

/// What the tray shows on the screen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TrayView {
    pub icon: TrayIconState,
    pub tooltip: String,
    pub rows: Vec<MenuRow>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum TrayIconState {
    Normal,
    /// Number of pending requests; at least one.
    Pending(usize),
    Paused,
    Trouble,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct MenuRow {
    pub key: String,
    pub kind: RowKind,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum RowKind {
    /// Disabled without an action.
    Item {
        label: String,
        action: Option<TrayAction>,
    },
    Menu {
        label: String,
        rows: Vec<MenuRow>,
    },
    Separator,
}

/// What choosing a row does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum TrayAction {
    OpenRequest(RequestId),
    /// The main window, at a route.
    Open(String),
    CopyUrl,
    Pause(bool),
    /// Minutes of work without requests; 0 ends it.
    Trust(AgentId, u32),
    Silence(SilencePeriod),
    TryAgain,
    Quit,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SilencePeriod {
    Minutes(u32),
    UntilTomorrow,
    Off,
}

/// The icon and the menu for a state.
pub(crate) fn view(state: &TrayState) -> TrayView {
    let (icon, status, rows) = match &state.phase {
        GatewayPhase::Starting => {
            (TrayIconState::Normal, "AgentPort is starting…".to_owned(), Vec::new())
        }
        GatewayPhase::Stopping => {
            (TrayIconState::Paused, "AgentPort is quitting…".to_owned(), Vec::new())
        }
        GatewayPhase::Failed(why) => (TrayIconState::Trouble, why.clone(), failed_menu()),
        GatewayPhase::Running(running) => (icon(running), status(running), menu(running)),
    };
    let status = cut(&status);
    let action = match state.phase {
        GatewayPhase::Running(_) | GatewayPhase::Failed(_) => Some(open("#/")),
        GatewayPhase::Starting | GatewayPhase::Stopping => None,
    };
    let mut all = vec![MenuRow {
        key: "status".to_owned(),
        kind: RowKind::Item { label: status.clone(), action },
    }];
    all.extend(rows);
    if state.phase != GatewayPhase::Stopping {
        all.push(separator("end"));
        all.push(item("quit", "Quit AgentPort", TrayAction::Quit));
    }
    TrayView { icon, tooltip: status, rows: all }
}

fn icon(state: &RunningState) -> TrayIconState {
    match state.waiting.len() {
        // Pending requests cannot run before the owner resumes.
        _ if state.paused => TrayIconState::Paused,
        0 if state.missed > 0
            || state.integrations.iter().any(|integration| integration.trouble) =>
        {
            TrayIconState::Trouble
        }
        0 => TrayIconState::Normal,
        pending => TrayIconState::Pending(pending),
    }
}

fn status(state: &RunningState) -> String {
    let waiting = match state.waiting.len() {
        0 => "Nothing waits for you".to_owned(),
        1 => "1 request waits for you".to_owned(),
        many => format!("{many} requests wait for you"),
    };
    match (state.paused, state.waiting.is_empty()) {
        (false, _) => waiting,
        (true, true) => "All agents are paused".to_owned(),
        (true, false) => format!("All agents are paused · {waiting}"),
    }
}

fn failed_menu() -> Vec<MenuRow> {
    vec![
        separator("top"),
        item("try-again", "Try again", TrayAction::TryAgain),
        item("what", "What to do…", open("#/")),
    ]
}

fn menu(state: &RunningState) -> Vec<MenuRow> {
    let mut rows = Vec::new();
    let troubled = state.integrations.iter().filter(|integration| integration.trouble);
    rows.extend(troubled.take(MAX_TROUBLE_ROWS).map(|integration| {
        let IntegrationEntry { id, name, state, .. } = integration;
        let label = format!("{} {state}", self::name(name));
        item(&format!("trouble/{id}"), &label, open(&format!("#/integrations/{id}")))
    }));
    rows.extend(consent_rows(&state.waiting.consents));
    rows.extend(request_rows(&state.waiting.calls));
    rows.extend(missed_row(state.missed));
    let trusted =
        state.agents.iter().filter_map(|agent| Some((agent, agent.trusted_until.as_ref()?)));
    rows.extend(trusted.map(|(agent, until)| {
        let label = format!("{} works until {until} · Stop", name(&agent.name));
        item(&format!("stop/{}", agent.id), &label, TrayAction::Trust(agent.id, 0))
    }));
    rows.push(separator("top"));
    rows.push(submenu("install", "Install integration", install(state)));
    rows.push(submenu("connect", "Connect an agent", connect(&state.clients)));
    rows.push(item("copy", "Copy MCP URL", TrayAction::CopyUrl));
    rows.push(separator("middle"));
    rows.push(if state.paused {
        item("resume", "Resume", TrayAction::Pause(false))
    } else {
        item("pause", "Pause all agents", TrayAction::Pause(true))
    });
    rows.extend(trust(state));
    rows.extend(silence(state));
    rows.push(separator("bottom"));
    rows.push(item("activity", "Activity", open("#/activity")));
    rows.push(item("settings", "Settings", open("#/settings")));
    rows
}

fn consent_rows(all: &[ConsentView]) -> Vec<MenuRow> {
    let row = |ConsentView { id, client_name, .. }: &ConsentView| {
        // A window shows what it asks for, hence the ellipsis.
        let label = format!("{} wants in…", name(client_name));
        item(&format!("consent/{id}"), &label, TrayAction::OpenRequest((*id).into()))
    };
    let mut rows: Vec<MenuRow> = all.iter().take(MAX_CONSENT_ROWS).map(row).collect();
    if let Some(more) = more(all.len(), MAX_CONSENT_ROWS) {
        rows.push(item("consents/more", &more, open("#/")));
    }
    rows
}

fn request_rows(all: &[PendingRequest]) -> Vec<MenuRow> {
    let row = |request: &PendingRequest| {
        let PendingRequest { id, agent_name, integration_name, arguments, .. } = request;
        let wish = name(&request.wish());
        let mut label = format!("{} wants {wish} in {}", name(agent_name), name(integration_name));
        // The beginning of an argument tells requests for one tool apart.
        if let Some(argument) = arguments.lines.first() {
            label = format!("{label} · {}", sanitize::sanitize_line(argument, MAX_NAME_CHARS));
        }
        item(&format!("approval/{id}"), &label, TrayAction::OpenRequest((*id).into()))
    };
    let mut rows: Vec<MenuRow> = all.iter().take(MAX_REQUEST_ROWS).map(row).collect();
    if let Some(more) = more(all.len(), MAX_REQUEST_ROWS) {
        rows.push(item("approvals/more", &more, open("#/")));
    }
    rows
}

fn install(state: &RunningState) -> Vec<MenuRow> {
    let mut rows: Vec<MenuRow> = state
        .integrations
        .iter()
        .take(MAX_LIST_ROWS)
        .map(|IntegrationEntry { id, name, state, .. }| {
            let label = format!("{} · {state}", self::name(name));
            item(&format!("installed/{id}"), &label, open(&format!("#/integrations/{id}")))
        })
        .collect();
    if let Some(more) = more(state.integrations.len(), MAX_LIST_ROWS) {
        rows.push(item("installed/more", &more, open("#/integrations")));
    }
    if !rows.is_empty() {
        rows.push(separator("install/available"));
    }
    rows.extend(state.popular.iter().take(MAX_LIST_ROWS).map(|PopularEntry { id, name }| {
        let route = format!("#/integrations/install/{id}");
        item(&format!("available/{id}"), &format!("{}…", self::name(name)), open(&route))
    }));
    if !state.popular.is_empty() {
        rows.push(separator("install/browse"));
    }
    rows.push(item("browse", "Browse all…", open("#/integrations/browse")));
    rows
}

fn connect(clients: &[ClientEntry]) -> Vec<MenuRow> {
    let row = |ClientEntry { id, name, connection }: &ClientEntry| {
        let name = self::name(name);
        let label = match connection {
            ClientConnection::No => format!("{name}…"),
            ClientConnection::NotUsedYet => format!("✓ {name} · not used yet"),
            ClientConnection::Used => format!("✓ {name} · connected"),
        };
        item(&format!("client/{id}"), &label, open(&format!("#/connect/{id}")))
    };
    let mut rows: Vec<MenuRow> = clients.iter().take(MAX_LIST_ROWS).map(row).collect();
    if let Some(more) = more(clients.len(), MAX_LIST_ROWS) {
        rows.push(item("clients/more", &more, open("#/connect")));
    }
    if !rows.is_empty() {
        rows.push(separator("connect/all"));
    }
    rows.push(item("clients", "All agents…", open("#/connect")));
    rows
}

fn missed_row(missed: usize) -> Option<MenuRow> {
    let label = match missed {
        0 => return None,
        1 => "1 request was missed".to_owned(),
        many => format!("{many} requests were missed"),
    };
    Some(item("missed", &label, open("#/approvals?tab=missed")))
}

/// Letting an agent work without requests: a row for a single agent, a submenu for several. Agents that already do have a
/// row each.
fn trust(state: &RunningState) -> Option<MenuRow> {
    let open_agents: Vec<&AgentEntry> =
        state.agents.iter().filter(|agent| agent.trusted_until.is_none()).collect();
    let action = |agent: &AgentEntry| match state.second_factor {
        true => open("#/agents"),
        false => TrayAction::Trust(agent.id, TRUST_MINUTES),
    };
    // The ellipsis says that a window asks for the code.
    let rest = if state.second_factor { "…" } else { "" };
    match open_agents[..] {
        [] => None,
        [agent] if state.agents.len() == 1 => {
            let label = format!("Let {} work for {TRUST_MINUTES} minutes{rest}", name(&agent.name));
            Some(item(&format!("trust/{}", agent.id), &label, action(agent)))
        }
        _ => {
            let rows = open_agents.iter().take(MAX_LIST_ROWS).map(|agent| {
                item(
                    &format!("trust/{}", agent.id),
                    &format!("{}{rest}", name(&agent.name)),
                    action(agent),
                )
            });
            let label = format!("Let an agent work for {TRUST_MINUTES} minutes");
            Some(submenu("trust", &label, rows.collect()))
        }
    }
}

fn silence(state: &RunningState) -> Option<MenuRow> {
    // Without notifications there is nothing to silence.
    if !state.notifications {
        return None;
    }
    let mut rows = vec![
        item("silence/15", "For 15 minutes", TrayAction::Silence(SilencePeriod::Minutes(15))),
        item("silence/60", "For 1 hour", TrayAction::Silence(SilencePeriod::Minutes(60))),
        item(
            "silence/tomorrow",
            "Until tomorrow",
            TrayAction::Silence(SilencePeriod::UntilTomorrow),
        ),
    ];
    // On GTK a submenu keeps the label it was created with (muda 0.20), so another label is another row.
    Some(match &state.silent_until {
        Some(until) => {
            rows.push(separator("silence/off"));
            rows.push(item("silence/show", "Show again", TrayAction::Silence(SilencePeriod::Off)));
            let label = format!("Notifications are silent until {until}");
            submenu(&format!("silence/until/{until}"), &label, rows)
        }
        None => submenu("silence", "Silence notifications", rows),
    })
}

fn more(all: usize, shown: usize) -> Option<String> {
    let rest = all.checked_sub(shown).filter(|rest| *rest > 0)?;
    Some(format!("… and {rest} more"))
}

fn open(route: &str) -> TrayAction {
    TrayAction::Open(route.to_owned())
}

fn item(key: &str, label: &str, action: TrayAction) -> MenuRow {
    MenuRow { key: key.to_owned(), kind: RowKind::Item { label: cut(label), action: Some(action) } }
}

fn submenu(key: &str, label: &str, rows: Vec<MenuRow>) -> MenuRow {
    MenuRow { key: key.to_owned(), kind: RowKind::Menu { label: cut(label), rows } }
}

fn separator(key: &str) -> MenuRow {
    MenuRow { key: format!("separator/{key}"), kind: RowKind::Separator }
}

/// A name chosen by an agent, a server or a client.
fn name(text: &str) -> String {
    sanitize::sanitize_line(text, MAX_NAME_CHARS)
}

fn cut(text: &str) -> String {
    sanitize::sanitize_line(text, MAX_ROW_CHARS)
}

#[cfg(test)]
mod tests;
