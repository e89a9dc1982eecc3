//! Events about changes, for windows and dashboards. Correctness does not depend on their arrival.

use tokio::sync::broadcast;

use agentport_api::Event;

/// Events buffered for a slow reader before it misses some.
const BACKLOG: usize = 256;

/// Sends events to every subscriber.
#[derive(Debug, Clone)]
pub(crate) struct Events(broadcast::Sender<Event>);

impl Events {
    pub(crate) fn new() -> Self {
        Self(broadcast::Sender::new(BACKLOG))
    }

    pub(crate) fn send(&self, event: Event) {
        // Fails only without a subscriber, which is the usual case.
        let _ = self.0.send(event);
    }

    pub(crate) fn listen(&self) -> broadcast::Receiver<Event> {
        self.0.subscribe()
    }
}
