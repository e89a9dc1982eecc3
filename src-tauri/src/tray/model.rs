//! The tray's icon and menu, as a plain function of what is known. Nothing here touches a screen.
//!
//! What holds: every row has a key of its own, which stays the same for as long as the row means the same; whatever an
//! agent or a server had a hand in is cleaned and cut; what would act differently after a change is another row, so that
//! a click in the instant of the change does what was read.

use agentport_core::{AgentId, ApprovalId, IntegrationId, sanitize};

/// Waiting requests with a row of their own.
const MOST_WAITING: usize = 9;
/// Rows of any other list.
const MOST_LISTED: usize = 12;
/// Integrations in trouble with a row of their own.
const MOST_TROUBLED: usize = 3;
/// Longest name within a row.
const LONGEST_NAME: usize = 32;
/// Longest row.
const LONGEST_ROW: usize = 90;
/// For how long an agent may be let work.
pub(crate) const TRUST_MINUTES: u32 = 15;

/// What the tray shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TrayState {
    pub life: Life,
}

/// How the gateway is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Life {
    Starting,
    /// Why, in a sentence.
    Down(String),
    Up(Box<Up>),
    Stopping,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Up {
    pub paused: bool,
    /// Allowing takes a code, which only a window can ask for.
    pub second_factor: bool,
    /// Oldest first.
    pub waiting: Vec<Waiting>,
    pub integrations: Vec<Integration>,
    /// Popular ones that are not installed.
    pub popular: Vec<Popular>,
    pub agents: Vec<Agent>,
    pub clients: Vec<Client>,
    /// Until when notifications are silent, as a clock shows it.
    pub silent_until: Option<String>,
    /// Requests are shown as notifications at all.
    pub notifications: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Waiting {
    pub id: ApprovalId,
    pub agent: String,
    pub tool: String,
    pub integration: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Integration {
    pub id: IntegrationId,
    pub name: String,
    /// `ready`, `needs a new token` …
    pub state: &'static str,
    pub trouble: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Popular {
    pub id: IntegrationId,
    pub name: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Agent {
    pub id: AgentId,
    pub name: String,
    /// As a clock shows it.
    pub trusted_until: Option<String>,
}

/// An MCP client that is on this machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Client {
    /// As in the route of its page.
    pub id: String,
    pub name: String,
    pub joined: Joined,
}

/// Is a client connected?
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Joined {
    No,
    /// Its file leads here, and it has not been here.
    NotUsedYet,
    Used,
}

/// What is to be seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TrayView {
    pub icon: Icon,
    pub tooltip: String,
    pub rows: Vec<Row>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Icon {
    Normal,
    /// So many requests wait; at least one.
    Waiting(usize),
    Paused,
    Trouble,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Row {
    pub key: String,
    pub kind: Kind,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Without an action it cannot be chosen.
    Item {
        label: String,
        action: Option<Action>,
    },
    Menu {
        label: String,
        rows: Vec<Row>,
    },
    Separator,
}

/// What choosing a row does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Action {
    Show(ApprovalId),
    /// The main window, at a route.
    Open(String),
    CopyUrl,
    Pause(bool),
    /// Minutes of work without questions; 0 ends it.
    Trust(AgentId, u32),
    Silence(Silence),
    TryAgain,
    Quit,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Silence {
    Minutes(u32),
    UntilTomorrow,
    Off,
}

/// The icon and the menu for a state.
pub(crate) fn view(state: &TrayState) -> TrayView {
    let (icon, status, rows) = match &state.life {
        Life::Starting => (Icon::Normal, "AgentPort is starting…".to_owned(), Vec::new()),
        Life::Stopping => (Icon::Paused, "AgentPort is quitting…".to_owned(), Vec::new()),
        Life::Down(why) => (Icon::Trouble, why.clone(), down()),
        Life::Up(up) => (icon(up), status(up), menu(up)),
    };
    let status = cut(&status);
    let action = match state.life {
        Life::Up(_) | Life::Down(_) => Some(open("#/")),
        Life::Starting | Life::Stopping => None,
    };
    let mut all =
        vec![Row { key: "status".to_owned(), kind: Kind::Item { label: status.clone(), action } }];
    all.extend(rows);
    if state.life != Life::Stopping {
        all.push(separator("end"));
        all.push(item("quit", "Quit AgentPort", Action::Quit));
    }
    TrayView { icon, tooltip: status, rows: all }
}

fn icon(up: &Up) -> Icon {
    match up.waiting.len() {
        // What waits cannot run before the owner goes on.
        _ if up.paused => Icon::Paused,
        0 if up.integrations.iter().any(|integration| integration.trouble) => Icon::Trouble,
        0 => Icon::Normal,
        waiting => Icon::Waiting(waiting),
    }
}

fn status(up: &Up) -> String {
    let waiting = match up.waiting.len() {
        0 => "Nothing waits for you".to_owned(),
        1 => "1 request waits for you".to_owned(),
        many => format!("{many} requests wait for you"),
    };
    match (up.paused, up.waiting.is_empty()) {
        (false, _) => waiting,
        (true, true) => "All agents are paused".to_owned(),
        (true, false) => format!("All agents are paused · {waiting}"),
    }
}

fn down() -> Vec<Row> {
    vec![
        separator("top"),
        item("try-again", "Try again", Action::TryAgain),
        item("what", "What to do…", open("#/")),
    ]
}

fn menu(up: &Up) -> Vec<Row> {
    let mut rows = Vec::new();
    let troubled = up.integrations.iter().filter(|integration| integration.trouble);
    rows.extend(troubled.take(MOST_TROUBLED).map(|integration| {
        let Integration { id, name, state, .. } = integration;
        let label = format!("{} {state}", self::name(name));
        item(&format!("trouble/{id}"), &label, open(&format!("#/integrations/{id}")))
    }));
    rows.extend(waiting(&up.waiting));
    let trusted = up.agents.iter().filter_map(|agent| Some((agent, agent.trusted_until.as_ref()?)));
    rows.extend(trusted.map(|(agent, until)| {
        let label = format!("{} works until {until} · Stop", name(&agent.name));
        item(&format!("stop/{}", agent.id), &label, Action::Trust(agent.id, 0))
    }));
    rows.push(separator("top"));
    rows.push(submenu("install", "Install integration", install(up)));
    rows.push(submenu("connect", "Connect an agent", connect(&up.clients)));
    rows.push(item("copy", "Copy MCP URL", Action::CopyUrl));
    rows.push(separator("middle"));
    rows.push(if up.paused {
        item("resume", "Resume", Action::Pause(false))
    } else {
        item("pause", "Pause all agents", Action::Pause(true))
    });
    rows.extend(trust(up));
    rows.extend(silence(up));
    rows.push(separator("bottom"));
    rows.push(item("activity", "Activity", open("#/activity")));
    rows.push(item("settings", "Settings", open("#/settings")));
    rows
}

fn waiting(all: &[Waiting]) -> Vec<Row> {
    let row = |request: &Waiting| {
        let Waiting { id, agent, tool, integration } = request;
        let label = format!("{} wants {} in {}", name(agent), name(tool), name(integration));
        item(&format!("approval/{id}"), &label, Action::Show(*id))
    };
    let mut rows: Vec<Row> = all.iter().take(MOST_WAITING).map(row).collect();
    if let Some(more) = more(all.len(), MOST_WAITING) {
        rows.push(item("approvals/more", &more, open("#/")));
    }
    rows
}

fn install(up: &Up) -> Vec<Row> {
    let mut rows: Vec<Row> = up
        .integrations
        .iter()
        .take(MOST_LISTED)
        .map(|Integration { id, name, state, .. }| {
            let label = format!("{} · {state}", self::name(name));
            item(&format!("installed/{id}"), &label, open(&format!("#/integrations/{id}")))
        })
        .collect();
    if let Some(more) = more(up.integrations.len(), MOST_LISTED) {
        rows.push(item("installed/more", &more, open("#/integrations")));
    }
    if !rows.is_empty() {
        rows.push(separator("install/available"));
    }
    rows.extend(up.popular.iter().take(MOST_LISTED).map(|Popular { id, name }| {
        let route = format!("#/integrations/install/{id}");
        item(&format!("available/{id}"), &format!("{}…", self::name(name)), open(&route))
    }));
    if !up.popular.is_empty() {
        rows.push(separator("install/browse"));
    }
    rows.push(item("browse", "Browse all…", open("#/integrations/browse")));
    rows
}

fn connect(clients: &[Client]) -> Vec<Row> {
    let row = |Client { id, name, joined }: &Client| {
        let name = self::name(name);
        let label = match joined {
            Joined::No => format!("{name}…"),
            Joined::NotUsedYet => format!("✓ {name} · not used yet"),
            Joined::Used => format!("✓ {name} · connected"),
        };
        item(&format!("client/{id}"), &label, open(&format!("#/connect/{id}")))
    };
    let mut rows: Vec<Row> = clients.iter().take(MOST_LISTED).map(row).collect();
    if let Some(more) = more(clients.len(), MOST_LISTED) {
        rows.push(item("clients/more", &more, open("#/connect")));
    }
    if !rows.is_empty() {
        rows.push(separator("connect/all"));
    }
    rows.push(item("clients", "All agents…", open("#/connect")));
    rows
}

/// Letting an agent work: a row for the only one, a menu for several. Those that do already have a row of their own.
fn trust(up: &Up) -> Option<Row> {
    let open_agents: Vec<&Agent> =
        up.agents.iter().filter(|agent| agent.trusted_until.is_none()).collect();
    let action = |agent: &Agent| match up.second_factor {
        true => open("#/agents"),
        false => Action::Trust(agent.id, TRUST_MINUTES),
    };
    // A window asks for the code, and an ellipsis says that it does.
    let rest = if up.second_factor { "…" } else { "" };
    match open_agents[..] {
        [] => None,
        [agent] if up.agents.len() == 1 => {
            let label = format!("Let {} work for {TRUST_MINUTES} minutes{rest}", name(&agent.name));
            Some(item(&format!("trust/{}", agent.id), &label, action(agent)))
        }
        _ => {
            let rows = open_agents.iter().take(MOST_LISTED).map(|agent| {
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

fn silence(up: &Up) -> Option<Row> {
    // Without notifications there is nothing to silence.
    if !up.notifications {
        return None;
    }
    let mut rows = vec![
        item("silence/15", "For 15 minutes", Action::Silence(Silence::Minutes(15))),
        item("silence/60", "For 1 hour", Action::Silence(Silence::Minutes(60))),
        item("silence/tomorrow", "Until tomorrow", Action::Silence(Silence::UntilTomorrow)),
    ];
    // On GTK a menu below another keeps the words it was made with (muda 0.20), so other words are another row.
    Some(match &up.silent_until {
        Some(until) => {
            rows.push(separator("silence/off"));
            rows.push(item("silence/show", "Show again", Action::Silence(Silence::Off)));
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

fn open(route: &str) -> Action {
    Action::Open(route.to_owned())
}

fn item(key: &str, label: &str, action: Action) -> Row {
    Row { key: key.to_owned(), kind: Kind::Item { label: cut(label), action: Some(action) } }
}

fn submenu(key: &str, label: &str, rows: Vec<Row>) -> Row {
    Row { key: key.to_owned(), kind: Kind::Menu { label: cut(label), rows } }
}

fn separator(key: &str) -> Row {
    Row { key: format!("separator/{key}"), kind: Kind::Separator }
}

/// A name somebody else chose.
fn name(text: &str) -> String {
    sanitize::sanitize_line(text, LONGEST_NAME)
}

fn cut(text: &str) -> String {
    sanitize::sanitize_line(text, LONGEST_ROW)
}

#[cfg(test)]
mod tests;
