//! Resources that agents subscribed to, kept over restarts of the upstream.
//!
//! Before 2026-07-28 each is a request to the upstream; from then on there is one long request (`subscriptions/listen`)
//! whose filter names them all, together with the list changes.

use std::{collections::BTreeMap, time::Duration};

use parking_lot::Mutex;
use rmcp::{ServiceError, model::SubscriptionFilter, service::Subscription};
use tokio::{
    sync::{Notify, watch},
    time::{sleep, timeout},
};

use super::{
    backoff::RetryBackoff,
    handler::UpstreamEvents,
    in_flight::{CallOwner, PendingCall},
    request::OutgoingRequest,
    session::UpstreamSession,
};
use crate::call::permit::Operation;

/// The resources, each with how often it was subscribed to.
#[derive(Default)]
pub(super) struct ResourceSubscriptions {
    uris: Mutex<BTreeMap<String, u32>>,
    changed: Notify,
    /// The resources of the last `subscriptions/listen` that was answered, whatever the answer was.
    answered: watch::Sender<Vec<String>>,
}

/// Time a subscription waits for the upstream to answer the request that names it.
const IN_FORCE_TIMEOUT: Duration = Duration::from_secs(5);

impl ResourceSubscriptions {
    pub(super) fn add(&self, uri: &str) {
        *self.uris.lock().entry(uri.to_owned()).or_default() += 1;
        self.changed.notify_one();
    }

    /// Waits until the upstream has answered a request that names this resource, for a while.
    pub(super) async fn in_force(&self, uri: &str) {
        let mut answered = self.answered.subscribe();
        let named = answered.wait_for(|uris| uris.iter().any(|one| one == uri));
        // A server that does not answer sends no updates either.
        drop(timeout(IN_FORCE_TIMEOUT, named).await);
    }

    /// Removes one subscription; `true` if it was the last to that resource.
    pub(super) fn remove(&self, uri: &str) -> bool {
        let last = {
            let mut uris = self.uris.lock();
            let Some(count) = uris.get_mut(uri) else { return true };
            *count -= 1;
            let last = *count == 0;
            if last {
                uris.remove(uri);
            }
            last
        };
        self.changed.notify_one();
        last
    }

    pub(super) fn is_empty(&self) -> bool {
        self.uris.lock().is_empty()
    }

    fn uris(&self) -> Vec<String> {
        self.uris.lock().keys().cloned().collect()
    }

    /// Keeps a session subscribed for as long as it lives. Never ends by itself.
    pub(super) async fn run(&self, session: &UpstreamSession, events: &UpstreamEvents) {
        if session.modern() {
            self.listen(session, events).await;
        } else {
            self.subscribe_again(session).await;
        }
        std::future::pending::<()>().await;
    }

    /// Repeats the subscriptions of an earlier connection.
    async fn subscribe_again(&self, session: &UpstreamSession) {
        let pending = PendingCall::new(CallOwner::Gateway);
        for uri in self.uris() {
            let operation = Operation::Subscribe { uri };
            let outgoing = OutgoingRequest::operation(&operation, session.context(None));
            if let Err(failure) = session.request(&outgoing, &pending).await {
                tracing::debug!(error = %failure.into_error(), "a resource could not be subscribed to again");
            }
        }
    }

    async fn listen(&self, session: &UpstreamSession, events: &UpstreamEvents) {
        let mut backoff = RetryBackoff::default();
        self.answered.send_replace(Vec::new());
        loop {
            let Some(filter) = self.filter(session) else {
                self.changed.notified().await;
                continue;
            };
            let uris = filter.resource_subscriptions.clone().unwrap_or_default();
            match session.peer.listen(filter).await {
                Ok(subscription) => {
                    backoff.worked();
                    self.answered.send_replace(uris);
                    // Changes before this moment are not sent again.
                    events.lists_changed.notify_one();
                    session.set_listening(Some(subscription.id().clone()));
                    let another = self.receive(subscription, events).await;
                    session.set_listening(None);
                    if another {
                        continue;
                    }
                    // The server may have restarted with other tools, so no call is sent before the lists are read.
                    events.lists.announce();
                    events.lists_changed.notify_one();
                }
                Err(ServiceError::TransportSend(error)) => {
                    if let Some(refused) = session.http().and_then(|http| http.refused(&error)) {
                        return session.lose(refused);
                    }
                }
                // Refused; do not repeat it before the filter changes.
                Err(ServiceError::McpError(error)) => {
                    tracing::debug!(error = %error.message, "subscriptions/listen was refused");
                    self.answered.send_replace(uris);
                    self.changed.notified().await;
                    continue;
                }
                Err(_) => {}
            }
            sleep(backoff.failed(rand::random())).await;
        }
    }

    /// Receives the notifications of one subscription.
    async fn receive(&self, mut subscription: Subscription, events: &UpstreamEvents) -> bool {
        loop {
            tokio::select! {
                news = subscription.next() => match news {
                    Ok(Some(notification)) => events.on_notification(&notification),
                    Ok(None) | Err(_) => return false,
                },
                () = self.changed.notified() => return true,
            }
        }
    }

    /// The filter of `subscriptions/listen`, if anything has to be listened to.
    fn filter(&self, session: &UpstreamSession) -> Option<SubscriptionFilter> {
        let about = session.peer.peer_info()?;
        let can = &about.capabilities;
        let mut filter = SubscriptionFilter::new();
        let declared = |declared: Option<bool>| (declared == Some(true)).then_some(true);
        filter.tools_list_changed = declared(can.tools.as_ref().and_then(|c| c.list_changed));
        filter.prompts_list_changed = declared(can.prompts.as_ref().and_then(|c| c.list_changed));
        let resources = can.resources.as_ref();
        filter.resources_list_changed = declared(resources.and_then(|c| c.list_changed));
        let uris = self.uris();
        filter.resource_subscriptions = (!uris.is_empty()).then_some(uris);
        (filter != SubscriptionFilter::new()).then_some(filter)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_one_counts() {
        let subscriptions = ResourceSubscriptions::default();
        subscriptions.add("a");
        subscriptions.add("a");
        subscriptions.add("b");
        assert!(!subscriptions.remove("a"));
        assert!(subscriptions.remove("a"));
        assert_eq!(subscriptions.uris(), ["b"]);
        assert!(subscriptions.remove("unknown"), "the upstream may know more than we do");
    }
}
