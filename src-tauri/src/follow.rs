//! Follows the gateway, and keeps the tray and the notifications up to date.
//!
//! At most one read is under way; what changes meanwhile is read in the next one, so that a storm of events costs no
//! more than a few reads. Nothing is asked while nothing happens.

use std::{sync::Arc, time::Duration};

use agentport_api::Event;
use agentport_gateway::clock;
use tokio::{
    sync::{
        broadcast::{Receiver, error::RecvError},
        watch,
    },
    time::{Instant, sleep_until},
};

use crate::{
    desk::Desk,
    known::{Clients, Known, Stale},
    notices::Notices,
    notify::Wishes,
    owner::Owner,
    running::{Condition, Up, chain},
    tray::{
        Show,
        model::{Life, TrayState},
        state,
    },
    windows::Raise,
};

/// How soon it is worth reading anew after that failed.
const AFTER_FAILURE: Duration = Duration::from_secs(5);
/// How often it is read when agents were last seen, while they act.
const SEEN_EVERY: Duration = Duration::from_secs(60);

pub(crate) struct Follow {
    pub owner: Owner,
    pub desk: Arc<dyn Desk>,
    pub notices: Arc<dyn Notices>,
    pub tray: Arc<dyn Show>,
    /// The first window after a start, until it was opened.
    pub greeting: Option<Greeting>,
}

/// What the owner sees after a start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Greeting {
    Window,
    /// The tray alone, unless there is a welcome to be gone through.
    Tray,
}

impl Follow {
    /// Ends with the app's stop.
    pub(crate) async fn run(mut self, mut condition: watch::Receiver<Condition>) {
        let mut told_of_trouble = false;
        loop {
            let now = condition.borrow_and_update().clone();
            match now {
                Condition::Starting => self.show_life(Life::Starting),
                Condition::Up(up) => {
                    told_of_trouble = false;
                    let changed = tokio::select! {
                        () = self.follow(&up) => false,
                        changed = condition.changed() => changed.is_ok(),
                    };
                    // Until there is another one, nothing waits.
                    self.notices.show(Vec::new(), Wishes::default());
                    if changed {
                        continue;
                    }
                }
                Condition::Down(trouble) => {
                    self.show_life(Life::Down(trouble.sentence));
                    if !told_of_trouble {
                        told_of_trouble = true;
                        self.desk.open_main("#/");
                    }
                }
                Condition::Stopping => {
                    self.show_life(Life::Stopping);
                    return;
                }
            }
            if condition.changed().await.is_err() {
                return;
            }
        }
    }

    fn show_life(&self, life: Life) {
        self.tray.show(TrayState { life });
    }

    /// Follows one gateway until it ends.
    async fn follow(&mut self, up: &Up) {
        // Listen first, so that nothing falls between the first reading and the rest.
        let mut events = up.events();
        let mut known = loop {
            match Known::read(&self.owner).await {
                Ok(known) => break known,
                Err(error) => {
                    tracing::error!(error = chain(&error), "the gateway's state could not be read");
                    self.show_life(Life::Down(format!(
                        "AgentPort's data could not be read: {}.",
                        chain(&error)
                    )));
                    sleep_until(Instant::now() + AFTER_FAILURE).await;
                }
            }
        };
        let mut clients = Clients::new(self.owner.clone());
        self.show(&known, &clients);
        self.greet(&known);
        let mut seen = Seen::default();
        let mut stale = Stale::default();
        let mut again = None;
        loop {
            let wake = [again, seen.due(), end(&known)].into_iter().flatten().min();
            tokio::select! {
                event = events.recv() => match self.take(event, &mut events, &mut seen) {
                    // Agents act, and nothing of it is shown.
                    Some(more) if more.is_nothing() => continue,
                    Some(more) => stale = stale.and(more),
                    None => return,
                },
                () = at(wake) => {
                    if seen.take() {
                        stale = stale.and(Stale::seen());
                    }
                }
                renewed = clients.renewed() => if !renewed {
                    seen.later();
                }
            }
            again = None;
            if stale.take_clients() {
                clients.expire();
            }
            if !stale.is_nothing() {
                match known.refresh(&self.owner, stale).await {
                    Ok(()) => stale = Stale::default(),
                    Err(error) => {
                        tracing::warn!(
                            error = chain(&error),
                            "the gateway's state could not be read"
                        );
                        again = Some(Instant::now() + AFTER_FAILURE);
                    }
                }
            }
            self.show(&known, &clients);
        }
    }

    /// Takes an event and all that came with it. `None`: the gateway has ended.
    fn take(
        &self,
        first: Result<Event, RecvError>,
        events: &mut Receiver<Event>,
        seen: &mut Seen,
    ) -> Option<Stale> {
        let mut stale = Stale::default();
        let mut next = Some(first);
        while let Some(event) = next {
            match event {
                Ok(event) => {
                    match &event {
                        Event::Shown { id } => self.desk.open_approval(*id, Raise::ByItself),
                        Event::Activity => seen.later(),
                        _ => {}
                    }
                    stale = stale.and(Stale::after(&event));
                }
                Err(RecvError::Lagged(_)) => stale = Stale::ALL,
                Err(RecvError::Closed) => return None,
            }
            next = events.try_recv().ok().map(Ok);
        }
        Some(stale)
    }

    fn show(&self, known: &Known, clients: &Clients) {
        self.notices.show(known.waiting.clone(), known.wishes());
        let up = state::of(known, clients.known(), clock::now());
        self.tray.show(TrayState { life: Life::Up(Box::new(up)) });
    }

    /// The window the owner sees after a start, once.
    fn greet(&mut self, known: &Known) {
        match self.greeting.take() {
            Some(_) if !known.settings.welcomed => self.desk.open_main("#/welcome"),
            Some(Greeting::Window) => self.desk.open_main("#/"),
            Some(Greeting::Tray) | None => {}
        }
    }
}

/// When agents were last seen is read a while after they acted, and not at every call.
#[derive(Default)]
struct Seen(Option<Instant>);

impl Seen {
    fn later(&mut self) {
        self.0.get_or_insert_with(|| Instant::now() + SEEN_EVERY);
    }

    fn due(&self) -> Option<Instant> {
        self.0
    }

    fn take(&mut self) -> bool {
        self.0.take_if(|due| *due <= Instant::now()).is_some()
    }
}

/// When something of what is shown ends by itself.
fn end(known: &Known) -> Option<Instant> {
    let now = clock::now();
    known.next_end(now).map(|end| Instant::now() + end.since(now))
}

async fn at(moment: Option<Instant>) {
    match moment {
        Some(moment) => sleep_until(moment).await,
        None => std::future::pending().await,
    }
}

#[cfg(test)]
mod tests;
