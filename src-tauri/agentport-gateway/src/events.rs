//! What changed, for the owner's screens. Nothing correct depends on these arriving.

use tokio::sync::broadcast;

use agentport_api::Event;

/// Events that wait for a slow reader before it misses some and has to read anew.
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
