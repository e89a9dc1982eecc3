//! What the tray and the notifications know of the gateway: read from the owner's plane, and read anew where an event
//! says that it is no longer so.

mod clients;

use agentport_api::{
    AvailableIntegration, Event, IntegrationView, Items, KeyView, Settings, Status,
};
use agentport_core::{ApprovalId, Timestamp};
use serde::{Deserialize, de::DeserializeOwned};

use crate::{
    notify::{Waiting, Wishes},
    owner::{AskError, Owner},
};

pub(crate) use self::clients::Clients;

/// As many waiting requests as the gateway lists.
const PENDING: &str = "/control/approvals?state=pending&limit=500";

/// Everything but the clients.
#[derive(Debug)]
pub(crate) struct Known {
    pub status: Status,
    /// Oldest first.
    pub waiting: Vec<Waiting>,
    pub agents: Vec<KeyView>,
    pub integrations: Vec<IntegrationView>,
    pub available: Vec<AvailableIntegration>,
    pub settings: Settings,
}

/// What of it is no longer so.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Stale {
    status: bool,
    waiting: bool,
    agents: bool,
    integrations: bool,
    settings: bool,
    clients: bool,
}

impl Stale {
    pub(crate) const ALL: Self = Self {
        status: true,
        waiting: true,
        agents: true,
        integrations: true,
        settings: true,
        clients: true,
    };

    /// When agents were last seen, and whether a client has called yet, changes with every call, and no event of its
    /// own says so.
    pub(crate) fn seen() -> Self {
        Self { agents: true, clients: true, ..Self::default() }
    }

    pub(crate) fn is_nothing(self) -> bool {
        self == Self::default()
    }

    pub(crate) fn and(self, other: Self) -> Self {
        Self {
            status: self.status || other.status,
            waiting: self.waiting || other.waiting,
            agents: self.agents || other.agents,
            integrations: self.integrations || other.integrations,
            settings: self.settings || other.settings,
            clients: self.clients || other.clients,
        }
    }

    /// Are clients among it? They are read by [`Clients`], and from then on they are that one's business.
    pub(crate) fn take_clients(&mut self) -> bool {
        std::mem::take(&mut self.clients)
    }

    /// What an event makes stale.
    pub(crate) fn after(event: &Event) -> Self {
        let none = Self::default();
        match event {
            Event::Snapshot { .. } => Self::ALL,
            Event::Approval { .. } => Self { waiting: true, ..none },
            Event::Integration { .. } => Self { integrations: true, ..none },
            // A client is connected while its agent is let in.
            Event::Agents => Self { agents: true, clients: true, ..none },
            Event::Clients => Self { clients: true, ..none },
            // An agent is trusted for a time by a rule.
            Event::Policy => Self { agents: true, ..none },
            Event::Settings => Self { settings: true, ..none },
            Event::Paused { .. } | Event::Owner => Self { status: true, ..none },
            Event::Profiles | Event::Activity | Event::Shown { .. } => none,
        }
    }
}

async fn items<T: DeserializeOwned>(owner: &Owner, path: &str) -> Result<Vec<T>, AskError> {
    owner.get::<Items<T>>(path).await.map(|list| list.items)
}

/// A request, without its arguments and all else that is not shown here: hundreds may wait.
#[derive(Deserialize)]
struct Pending {
    id: ApprovalId,
    agent_name: String,
    integration_name: String,
    tool: String,
    summary: String,
    additional_info: Option<String>,
    destructive: bool,
    once_only: bool,
}

async fn pending(owner: &Owner) -> Result<Vec<Waiting>, AskError> {
    let all: Vec<Pending> = items(owner, PENDING).await?;
    let waiting = |one: Pending| Waiting {
        id: one.id,
        agent: one.agent_name,
        integration: one.integration_name,
        tool: one.tool,
        summary: one.summary,
        note: one.additional_info,
        destructive: one.destructive,
        once_only: one.once_only,
    };
    Ok(all.into_iter().map(waiting).collect())
}

impl Known {
    pub(crate) async fn read(owner: &Owner) -> Result<Self, AskError> {
        Ok(Self {
            status: owner.get("/control/status").await?,
            waiting: pending(owner).await?,
            agents: items(owner, "/control/keys").await?,
            integrations: items(owner, "/control/integrations").await?,
            available: items(owner, "/control/available").await?,
            settings: owner.get("/control/settings").await?,
        })
    }

    /// Reads what is stale. What fails stays as it was, and stale.
    pub(crate) async fn refresh(&mut self, owner: &Owner, stale: Stale) -> Result<(), AskError> {
        if stale.waiting {
            self.waiting = pending(owner).await?;
        }
        if stale.status {
            self.status = owner.get("/control/status").await?;
        }
        if stale.settings {
            self.settings = owner.get("/control/settings").await?;
        }
        if stale.agents {
            self.agents = items(owner, "/control/keys").await?;
        }
        if stale.integrations {
            self.integrations = items(owner, "/control/integrations").await?;
            self.available = items(owner, "/control/available").await?;
        }
        Ok(())
    }

    /// The next moment at which something ends by itself.
    pub(crate) fn next_end(&self, now: Timestamp) -> Option<Timestamp> {
        let trusted = self.agents.iter().filter_map(|agent| agent.trusted_until);
        let silent = self.settings.notifications_silent_until;
        trusted.chain(silent).filter(|end| now < *end).min()
    }

    pub(crate) fn wishes(&self) -> Wishes {
        Wishes {
            on: self.settings.notifications,
            hide_details: self.settings.notifications_hide_details,
            silent_until: self.settings.notifications_silent_until,
            second_factor: self.status.second_factor,
        }
    }
}
