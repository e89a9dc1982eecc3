//! Listens for the external URL while there is one: as the owner's settings say, or the options of the start.

use std::time::Duration;

use agentport_api::{Event, ExternalStatus};
use tokio::{net::TcpListener, sync::broadcast::error::RecvError};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::options::ExternalAccess;
use crate::{
    address::{ExternalAddress, external_origin},
    events::Events,
    http::{self, AgentRoutes},
    settings::SettingsStore,
};

/// Time until a port that was taken is tried again.
const RETRY: Duration = Duration::from_secs(5);

/// The task that opens and closes the listener.
pub(super) struct ExternalListener {
    pub(super) agents: AgentRoutes,
    pub(super) settings: std::sync::Arc<SettingsStore>,
    pub(super) events: Events,
    pub(super) servers: TaskTracker,
    pub(super) chosen: Option<ExternalAccess>,
    pub(super) address: ExternalAddress,
}

/// A listener that serves. Dropped, it closes, with its connections.
struct Open {
    access: ExternalAccess,
    stop: CancellationToken,
}

impl Drop for Open {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

impl ExternalListener {
    /// Follows the settings until `stop`.
    pub(super) async fn run(self, stop: CancellationToken) {
        let mut events = self.events.listen();
        let mut open = self.follow(None, &stop).await;
        loop {
            let wanted = self.wanted();
            let retry = wanted.is_some() && open.is_none();
            tokio::select! {
                () = stop.cancelled() => return,
                event = events.recv() => match event {
                    Ok(Event::Settings) | Err(RecvError::Lagged(_)) => {}
                    Ok(_) => continue,
                    Err(RecvError::Closed) => return,
                },
                () = tokio::time::sleep(RETRY), if retry => {}
            }
            open = self.follow(open, &stop).await;
        }
    }

    fn wanted(&self) -> Option<ExternalAccess> {
        let settings = self.settings.load();
        let port = settings.external_port;
        self.chosen
            .clone()
            .or_else(|| settings.external_url.clone().map(|url| ExternalAccess { url, port }))
    }

    /// Makes what is open what is wanted.
    async fn follow(&self, open: Option<Open>, stop: &CancellationToken) -> Option<Open> {
        let wanted = self.wanted();
        match (open, wanted) {
            (Some(open), Some(wanted)) if open.access == wanted => Some(open),
            (open, wanted) => {
                drop(open);
                match wanted {
                    Some(access) => self.open(access, stop).await,
                    None => {
                        self.publish(None);
                        None
                    }
                }
            }
        }
    }

    async fn open(&self, access: ExternalAccess, stop: &CancellationToken) -> Option<Open> {
        let status =
            |port, problem| Some(ExternalStatus { url: access.url.clone(), port, problem });
        let bound = match external_origin(&access.url) {
            Ok(origin) => TcpListener::bind(("127.0.0.1", access.port))
                .await
                .map(|bound| (origin, bound))
                .map_err(|error| {
                    format!("Port {} on 127.0.0.1 could not be taken: {error}.", access.port)
                }),
            Err(why) => Err(why),
        };
        let (origin, listener) = match bound {
            Ok(bound) => bound,
            Err(problem) => {
                tracing::warn!(problem, "the external URL is not served");
                self.publish(status(access.port, Some(problem)));
                return None;
            }
        };
        let port = listener.local_addr().map_or(access.port, |address| address.port());
        let stop = stop.child_token();
        let router = http::external::router(&self.agents, &origin);
        http::external::serve(&self.servers, listener, router, stop.clone());
        self.publish(status(port, None));
        Some(Open { access, stop })
    }

    fn publish(&self, status: Option<ExternalStatus>) {
        if self.address.set(status) {
            self.events.send(Event::Settings);
        }
    }
}
