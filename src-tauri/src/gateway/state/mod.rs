//! A snapshot of the gateway's state for the tray and the notifications. Events of the gateway say which parts of it
//! have to be read again.

mod clients;
mod pending;
mod waiting;

use std::sync::Arc;

use agentport_api::{
    AvailableIntegration, Event, IntegrationView, KeyView, RepeatedDenial, Settings, Status, paths,
};
use agentport_core::Timestamp;
use serde::Deserialize;

#[cfg(test)]
pub(crate) use self::pending::ArgumentExcerpt;
use self::waiting::waiting_consents;
pub(crate) use self::{
    clients::{ClientList, ClientsRead},
    pending::PendingRequest,
    waiting::{RequestId, WaitingRequests},
};
use super::client::{ClientError, InProcessClient};
use crate::notify::NotificationSettings;

/// The gateway lists no more than these.
const MAX_PENDING_REQUESTS: usize = 500;
/// Missed requests that are counted.
const MAX_MISSED_REQUESTS: usize = 100;

/// Everything but the MCP clients, which [`ClientList`] reads.
#[derive(Debug)]
pub(crate) struct GatewaySnapshot {
    pub status: Status,
    pub waiting: WaitingRequests,
    missed: Vec<MissedRequest>,
    /// Tools that are denied to an agent without asking.
    pub denials: Vec<RepeatedDenial>,
    pub agents: Vec<KeyView>,
    pub integrations: Vec<IntegrationView>,
    pub available: Vec<AvailableIntegration>,
    pub settings: Settings,
}

/// The end of a request that expired undecided.
#[derive(Debug, Clone, Copy, Deserialize)]
struct MissedRequest {
    expires_at: Timestamp,
}

/// The parts of a [`GatewaySnapshot`] that have to be read again.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Invalidations {
    status: bool,
    pending: bool,
    consents: bool,
    denials: bool,
    agents: bool,
    integrations: bool,
    settings: bool,
    clients: bool,
}

impl Invalidations {
    pub(crate) const ALL: Self = Self {
        status: true,
        pending: true,
        consents: true,
        denials: true,
        agents: true,
        integrations: true,
        settings: true,
        clients: true,
    };

    /// What changes with every call without an event of its own: when agents were last seen, and whether a client has
    /// called yet.
    pub(crate) fn last_seen() -> Self {
        Self { agents: true, clients: true, ..Self::default() }
    }

    pub(crate) fn is_empty(self) -> bool {
        self == Self::default()
    }

    pub(crate) fn union(self, other: Self) -> Self {
        Self {
            status: self.status || other.status,
            pending: self.pending || other.pending,
            consents: self.consents || other.consents,
            denials: self.denials || other.denials,
            agents: self.agents || other.agents,
            integrations: self.integrations || other.integrations,
            settings: self.settings || other.settings,
            clients: self.clients || other.clients,
        }
    }

    /// Clears the clients' part, which is left to [`ClientList`], and returns whether it was set.
    pub(crate) fn take_clients(&mut self) -> bool {
        std::mem::take(&mut self.clients)
    }

    /// What an event makes out of date.
    pub(crate) fn from_event(event: &Event) -> Self {
        let none = Self::default();
        match event {
            Event::Snapshot { .. } => Self::ALL,
            Event::Approval { .. } => Self { pending: true, ..none },
            Event::Integration { .. } => Self { integrations: true, ..none },
            // A client is connected while its agent is let in.
            Event::Agents => Self { agents: true, clients: true, ..none },
            Event::Consent { .. } => Self { consents: true, ..none },
            Event::Clients => Self { clients: true, ..none },
            // What lets an agent work for a time is a rule, and the same event tells of denials.
            Event::Policy => Self { agents: true, denials: true, ..none },
            Event::Settings => Self { settings: true, ..none },
            Event::Paused { .. } | Event::Owner => Self { status: true, ..none },
            Event::Profiles
            | Event::Accounts
            | Event::SignIn { .. }
            | Event::TokenReused { .. }
            | Event::Activity
            | Event::Shown { .. } => none,
        }
    }
}

async fn pending_requests(control: &InProcessClient) -> Result<Arc<[PendingRequest]>, ClientError> {
    let path = paths::with_query(paths::APPROVALS.to_owned(), "state", "pending");
    control.list(&paths::with_query(path, "limit", MAX_PENDING_REQUESTS)).await.map(Arc::from)
}

async fn missed_requests(control: &InProcessClient) -> Result<Vec<MissedRequest>, ClientError> {
    let path = paths::with_query(paths::APPROVALS.to_owned(), "state", "missed");
    control.list(&paths::with_query(path, "limit", MAX_MISSED_REQUESTS)).await
}

impl GatewaySnapshot {
    pub(crate) async fn read(control: &InProcessClient) -> Result<Self, ClientError> {
        Ok(Self {
            status: control.get(paths::STATUS).await?,
            waiting: WaitingRequests {
                consents: waiting_consents(control).await?,
                calls: pending_requests(control).await?,
            },
            missed: missed_requests(control).await?,
            denials: control.list(paths::DENIALS).await?,
            agents: control.list(paths::KEYS).await?,
            integrations: control.list(paths::INTEGRATIONS).await?,
            available: control.list(paths::DIRECTORY).await?,
            settings: control.get(paths::SETTINGS).await?,
        })
    }

    /// Reads the invalid parts again. After an error, what was not read stays as it was.
    pub(crate) async fn refresh(
        &mut self,
        control: &InProcessClient,
        invalid: Invalidations,
    ) -> Result<(), ClientError> {
        if invalid.consents {
            self.waiting.consents = waiting_consents(control).await?;
        }
        if invalid.pending {
            self.waiting.calls = pending_requests(control).await?;
            self.missed = missed_requests(control).await?;
        }
        if invalid.status {
            self.status = control.get(paths::STATUS).await?;
        }
        if invalid.settings {
            self.settings = control.get(paths::SETTINGS).await?;
        }
        if invalid.denials {
            self.denials = control.list(paths::DENIALS).await?;
        }
        if invalid.agents {
            self.agents = control.list(paths::KEYS).await?;
        }
        if invalid.integrations {
            self.integrations = control.list(paths::INTEGRATIONS).await?;
            self.available = control.list(paths::DIRECTORY).await?;
        }
        Ok(())
    }

    /// Requests missed since the owner last looked at the missed ones.
    pub(crate) fn missed_unseen(&self) -> usize {
        let seen = self.settings.missed_seen_at;
        self.missed.iter().filter(|missed| seen.is_none_or(|seen| seen < missed.expires_at)).count()
    }

    /// Drops consents that ended by themselves, of which no event tells.
    pub(crate) fn drop_ended_consents(&mut self, now: Timestamp) {
        self.waiting.drop_ended_consents(now);
    }

    /// The next moment at which something ends by itself.
    pub(crate) fn next_end(&self, now: Timestamp) -> Option<Timestamp> {
        let trusted = self.agents.iter().filter_map(|agent| agent.trusted_until);
        let silent = self.settings.notifications_silent_until;
        let consents = self.waiting.consents.iter().map(|consent| consent.expires_at);
        trusted.chain(silent).chain(consents).filter(|end| now < *end).min()
    }

    pub(crate) fn notification_settings(&self) -> NotificationSettings {
        NotificationSettings {
            on: self.settings.notifications,
            hide_details: self.settings.notifications_hide_details,
            silent_until: self.settings.notifications_silent_until,
            second_factor: self.status.second_factor,
        }
    }
}
