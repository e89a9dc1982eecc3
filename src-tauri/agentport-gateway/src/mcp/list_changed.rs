//! Server-initiated messages: `list_changed` and resource updates on the GET stream of a session (up to 2025-11-25), and
//! `subscriptions/listen` (2026-07-28).

use std::{
    hash::{DefaultHasher, Hash as _, Hasher as _},
    sync::Arc,
};

use rmcp::{ErrorData, model::ResourceUpdatedNotificationParam, service::SubscriptionContext};
use tokio::sync::broadcast;
use tokio_util::sync::CancellationToken;

use super::{prompts, resources, sessions::Sessions};
use crate::auth::Principal;
use crate::catalogue::managed_tools;
use crate::{agent_api::AgentApi, catalogue::AgentView};

/// Hashes of the lists of a view, to detect which of them changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ViewFingerprint {
    tools: u64,
    prompts: u64,
    resources: u64,
}

pub(crate) fn fingerprint(view: &AgentView) -> ViewFingerprint {
    let hash = |json: &[u8]| {
        let mut hasher = DefaultHasher::new();
        json.hash(&mut hasher);
        hasher.finish()
    };
    let json = |value| serde_json::to_vec(&value).unwrap_or_default();
    ViewFingerprint {
        tools: hash(&view.listed_json(managed_tools::tools).json),
        prompts: hash(&json(serde_json::to_value(prompts::prompts(view)).unwrap_or_default())),
        resources: hash(&json(
            serde_json::to_value((resources::resources(view), resources::templates(view)))
                .unwrap_or_default(),
        )),
    }
}

/// Notifies sessions of revisions up to 2025-11-25 of changed lists and resources, until `stop`.
pub(crate) async fn notify_sessions(
    api: Arc<AgentApi>,
    sessions: Arc<Sessions>,
    stop: CancellationToken,
) {
    let mut versions = api.catalogue.watch();
    let mut updates = api.resource_updates.subscribe();
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            changed = versions.changed() => {
                if changed.is_err() {
                    return;
                }
                notify_of_lists(&api, &sessions).await;
            }
            update = updates.recv() => match update {
                Ok(uri) => notify_of_update(&sessions, &uri).await,
                // Updates beyond the backlog are dropped: agents read a resource again when they need it.
                Err(broadcast::error::RecvError::Lagged(_)) => {}
                Err(broadcast::error::RecvError::Closed) => return,
            },
        }
    }
}

async fn notify_of_lists(api: &AgentApi, sessions: &Sessions) {
    let snapshot = api.catalogue.snapshot();
    for (id, listener) in sessions.listeners() {
        let now = fingerprint(&api.catalogue.views.get(&snapshot, &listener.key));
        let before = listener.seen;
        if now == before {
            continue;
        }
        sessions.set_seen(&id, now);
        let peer = listener.peer;
        // Sending fails only when the connection has ended.
        if now.tools != before.tools {
            let _ = peer.notify_tool_list_changed().await;
        }
        if now.prompts != before.prompts {
            let _ = peer.notify_prompt_list_changed().await;
        }
        if now.resources != before.resources {
            let _ = peer.notify_resource_list_changed().await;
        }
    }
}

async fn notify_of_update(sessions: &Sessions, uri: &str) {
    for listener in sessions.subscribed(uri) {
        let params = ResourceUpdatedNotificationParam::new(uri);
        let _ = listener.peer.notify_resource_updated(params).await;
    }
}

/// Serves `subscriptions/listen` until the client, the owner or the gateway ends it.
pub(crate) async fn listen(
    api: &AgentApi,
    subscription: SubscriptionContext,
) -> Result<(), ErrorData> {
    let principal = Principal::of(&subscription.request_context().extensions)?;
    let mut versions = api.catalogue.watch();
    let mut seen = fingerprint(&principal.view(&api.catalogue));
    loop {
        tokio::select! {
            () = subscription.cancelled() => return Ok(()),
            () = principal.agent.revoked.cancelled() => return Ok(()),
            () = api.stop.soft.cancelled() => return Ok(()),
            changed = versions.changed() => if changed.is_err() { return Ok(()) },
        }
        let now = fingerprint(&principal.view(&api.catalogue));
        let (before, sink) = (seen, subscription.sink());
        seen = now;
        // The sink reports kinds the client did not subscribe to as an error, which can be ignored.
        if now.tools != before.tools {
            let _ = sink.notify_tool_list_changed().await;
        }
        if now.prompts != before.prompts {
            let _ = sink.notify_prompt_list_changed().await;
        }
        if now.resources != before.resources {
            let _ = sink.notify_resource_list_changed().await;
        }
    }
}
