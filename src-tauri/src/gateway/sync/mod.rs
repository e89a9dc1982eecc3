//! Keeps the tray and the notifications in line with the gateway.
//!
//! At most one read is in flight; what changes meanwhile is read in the next one, so that a storm of events costs a few
//! reads. There is no polling while nothing happens.

use std::{collections::HashSet, sync::Arc, time::Duration};

use agentport_api::{Event, RepeatedDenial, Settings};
use agentport_core::{ApprovalId, ErrorChain};
use agentport_gateway::clock;
use tokio::{
    sync::{
        broadcast::{Receiver, error::RecvError},
        watch,
    },
    time::{Instant, sleep_until},
};

use super::{
    state::{ClientList, ClientsRead, GatewaySnapshot, Invalidations, WaitingRequests},
    supervisor::{GatewayStatus, RunningGateway},
};
use crate::{
    context::AppContext,
    local_time,
    notify::NotificationSettings,
    tray::{
        TrayDisplay,
        model::{GatewayPhase, TrayState},
        state,
    },
    windows::Raise,
};

/// Delay before reading again after a read failed.
const RETRY_DELAY: Duration = Duration::from_secs(5);
/// Delay before "last seen" of agents is read again, while they act.
const LAST_SEEN_DELAY: Duration = Duration::from_secs(60);

pub(crate) struct StateSync {
    pub context: AppContext,
    pub tray: Arc<dyn TrayDisplay>,
    /// The first window after a start, until it was opened.
    startup_window: Option<StartupWindow>,
    /// Repeated denials that are in force and were shown.
    denials_shown: HashSet<ApprovalId>,
}

/// What the owner sees after a start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum StartupWindow {
    Main,
    /// The tray alone, unless the owner has not been through the welcome.
    TrayOnly,
}

impl StateSync {
    pub(crate) fn new(
        context: AppContext,
        tray: Arc<dyn TrayDisplay>,
        startup_window: StartupWindow,
    ) -> Self {
        let startup_window = Some(startup_window);
        Self { context, tray, startup_window, denials_shown: HashSet::new() }
    }

    /// Ends with the app.
    pub(crate) async fn run(mut self, mut status: watch::Receiver<GatewayStatus>) {
        let mut failure_shown = false;
        loop {
            let now = status.borrow_and_update().clone();
            match now {
                GatewayStatus::Starting => self.show_phase(GatewayPhase::Starting),
                GatewayStatus::Running(gateway) => {
                    failure_shown = false;
                    let changed = tokio::select! {
                        () = self.follow(&gateway) => false,
                        changed = status.changed() => changed.is_ok(),
                    };
                    // Nothing is pending while no gateway runs.
                    self.context
                        .notifications
                        .show(WaitingRequests::default(), NotificationSettings::default());
                    if changed {
                        continue;
                    }
                }
                GatewayStatus::Failed(failure) => {
                    self.show_phase(GatewayPhase::Failed(failure.sentence));
                    if !failure_shown {
                        failure_shown = true;
                        self.context.platform.open_main("#/");
                    }
                }
                GatewayStatus::Stopping => {
                    self.show_phase(GatewayPhase::Stopping);
                    return;
                }
            }
            if status.changed().await.is_err() {
                return;
            }
        }
    }

    fn show_phase(&self, phase: GatewayPhase) {
        self.tray.show(TrayState { phase });
    }

    /// Follows one gateway until it ends.
    async fn follow(&mut self, gateway: &RunningGateway) {
        // Subscribe before the first read, so that no change falls between the two.
        let mut events = gateway.events();
        let mut snapshot = self.first_snapshot().await;
        let mut clients = ClientList::new(self.context.control.clone());
        self.show(&snapshot, &clients);
        self.denials_shown = snapshot.denials.iter().map(|denial| denial.id).collect();
        self.open_startup_window(&snapshot);
        let mut last_seen = LastSeenTimer::default();
        let mut invalid = Invalidations::default();
        let mut retry_at = None;
        loop {
            let wake = [retry_at, last_seen.due(), next_end(&snapshot)].into_iter().flatten().min();
            tokio::select! {
                event = events.recv() => match self.on_events(event, &mut events, &mut last_seen, &snapshot) {
                    // Agents act, and nothing of it is shown.
                    Some(more) if more.is_empty() => continue,
                    Some(more) => invalid = invalid.union(more),
                    None => return,
                },
                () = sleep_until_some(wake) => {
                    if last_seen.take_due() {
                        invalid = invalid.union(Invalidations::last_seen());
                    }
                }
                read = clients.refreshed() => if read == ClientsRead::Failed {
                    last_seen.schedule();
                }
            }
            retry_at = None;
            if invalid.take_clients() {
                clients.invalidate();
            }
            if !invalid.is_empty() {
                let port = snapshot.settings.port;
                match snapshot.refresh(&self.context.control, invalid).await {
                    Ok(()) => {
                        invalid = Invalidations::default();
                        self.show_new_denials(&snapshot.denials);
                        if snapshot.settings.port != port {
                            self.move_to(snapshot.settings.port, gateway.port);
                        }
                    }
                    Err(error) => {
                        let error = ErrorChain(&error).to_string();
                        tracing::warn!(error, "the gateway's state could not be read");
                        retry_at = Some(Instant::now() + RETRY_DELAY);
                    }
                }
            }
            snapshot.drop_ended_consents(clock::now());
            self.show(&snapshot, &clients);
        }
    }

    /// Reads until that succeeds, and shows why it does not.
    async fn first_snapshot(&self) -> GatewaySnapshot {
        loop {
            match GatewaySnapshot::read(&self.context.control).await {
                Ok(snapshot) => return snapshot,
                Err(error) => {
                    let error = ErrorChain(&error).to_string();
                    tracing::error!(error, "the gateway's state could not be read");
                    let sentence = format!("AgentPort's data could not be read: {error}.");
                    self.show_phase(GatewayPhase::Failed(sentence));
                    sleep_until(Instant::now() + RETRY_DELAY).await;
                }
            }
        }
    }

    /// Handles an event and all that are queued behind it. `None`: the gateway has ended.
    fn on_events(
        &self,
        first: Result<Event, RecvError>,
        events: &mut Receiver<Event>,
        last_seen: &mut LastSeenTimer,
        snapshot: &GatewaySnapshot,
    ) -> Option<Invalidations> {
        let mut invalid = Invalidations::default();
        let mut next = Some(first);
        while let Some(event) = next {
            match event {
                Ok(event) => {
                    match &event {
                        Event::Shown { id } => {
                            self.context.platform.open_request((*id).into(), Raise::ByItself);
                        }
                        Event::Activity => last_seen.schedule(),
                        Event::TokenReused { agent } => {
                            self.show_signed_out(agent, &snapshot.settings);
                        }
                        _ => {}
                    }
                    invalid = invalid.union(Invalidations::from_event(&event));
                }
                Err(RecvError::Lagged(_)) => invalid = Invalidations::ALL,
                Err(RecvError::Closed) => return None,
            }
            next = events.try_recv().ok().map(Ok);
        }
        Some(invalid)
    }

    fn show(&self, snapshot: &GatewaySnapshot, clients: &ClientList) {
        let settings = snapshot.notification_settings();
        self.context.notifications.show(snapshot.waiting.clone(), settings);
        let running = state::running_state(snapshot, clients.clients(), clock::now());
        self.tray.show(TrayState { phase: GatewayPhase::Running(Box::new(running)) });
    }

    /// Says that an agent was signed out because one of its tokens may have been copied. In silence too: it is an alarm.
    fn show_signed_out(&self, agent: &str, settings: &Settings) {
        let hidden = settings.notifications_hide_details;
        let agent = if hidden { "An agent" } else { agent };
        self.context.notifications.show_message(
            &format!("{agent} was signed out"),
            "One of its tokens was used twice. Sign in again if that was you.",
        );
    }

    /// Says once of each tool that it is no longer asked for.
    fn show_new_denials(&mut self, denials: &[RepeatedDenial]) {
        let now = clock::now();
        for denial in denials.iter().filter(|denial| !self.denials_shown.contains(&denial.id)) {
            let RepeatedDenial { agent_name, tool, until, .. } = denial;
            let until = local_time::display(*until, now);
            let body = format!(
                "You denied {tool} to {agent_name} several times. Until {until} it is denied without asking you. To be asked again, open Policy."
            );
            self.context.notifications.show_message("Not asked any more", &body);
        }
        self.denials_shown = denials.iter().map(|denial| denial.id).collect();
    }

    /// The port was changed in the settings, by a terminal or a browser. A change in our own window has moved the gateway
    /// before.
    fn move_to(&self, port: u16, current: u16) {
        if port == current {
            return;
        }
        // In a task of its own: the move ends this gateway, and with it the caller.
        let context = self.context.clone();
        self.context.tasks.spawn(async move {
            if let Err(error) = context.supervisor.move_to(port).await {
                let body = format!("{error}. AgentPort stays on port {current}.");
                context.notifications.show_message("The port was not changed", &body);
            }
        });
    }

    /// Opens the first window after a start, once.
    fn open_startup_window(&mut self, snapshot: &GatewaySnapshot) {
        let platform = &self.context.platform;
        match self.startup_window.take() {
            Some(_) if !snapshot.settings.welcomed => platform.open_main("#/welcome"),
            Some(StartupWindow::Main) => platform.open_main("#/"),
            Some(StartupWindow::TrayOnly) | None => {}
        }
    }
}

/// When agents were last seen is read a while after they acted, and not at every call.
#[derive(Default)]
struct LastSeenTimer(Option<Instant>);

impl LastSeenTimer {
    fn schedule(&mut self) {
        self.0.get_or_insert_with(|| Instant::now() + LAST_SEEN_DELAY);
    }

    fn due(&self) -> Option<Instant> {
        self.0
    }

    fn take_due(&mut self) -> bool {
        self.0.take_if(|due| *due <= Instant::now()).is_some()
    }
}

/// When something that is shown ends by itself.
fn next_end(snapshot: &GatewaySnapshot) -> Option<Instant> {
    let now = clock::now();
    snapshot.next_end(now).map(|end| Instant::now() + end.since(now))
}

async fn sleep_until_some(moment: Option<Instant>) {
    match moment {
        Some(moment) => sleep_until(moment).await,
        None => std::future::pending().await,
    }
}

#[cfg(test)]
mod tests;
