//! Telling agents that what they see has changed.

use std::{
    hash::{DefaultHasher, Hash as _, Hasher as _},
    sync::Arc,
};

use rmcp::{ErrorData, model::ResourceUpdatedNotificationParam, service::SubscriptionContext};
use tokio::sync::broadcast;
use tokio_util::sync::CancellationToken;

use super::{meta, offers, principal::Principal, sessions::Sessions};
use crate::{catalogue::AgentView, engine::Engine};

/// Tells two published lists apart: tools, prompts, resources.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Fingerprint {
    tools: u64,
    prompts: u64,
    resources: u64,
}

pub(crate) fn fingerprint(view: &AgentView) -> Fingerprint {
    let of = |json: &[u8]| {
        let mut hasher = DefaultHasher::new();
        json.hash(&mut hasher);
        hasher.finish()
    };
    let json = |value| serde_json::to_vec(&value).unwrap_or_default();
    Fingerprint {
        tools: of(view.listed_json(meta::tools)),
        prompts: of(&json(serde_json::to_value(offers::prompts(view)).unwrap_or_default())),
        resources: of(&json(
            serde_json::to_value((offers::resources(view), offers::templates(view)))
                .unwrap_or_default(),
        )),
    }
}

/// Tells sessions of earlier revisions, until `stop`.
pub(crate) async fn tell_sessions(
    engine: Arc<Engine>,
    sessions: Arc<Sessions>,
    stop: CancellationToken,
) {
    let mut versions = engine.catalogue.watch();
    let mut updates = engine.resource_updates.subscribe();
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            changed = versions.changed() => {
                if changed.is_err() {
                    return;
                }
                tell_of_lists(&engine, &sessions).await;
            }
            update = updates.recv() => match update {
                Ok(uri) => tell_of_update(&sessions, &uri).await,
                // Slow readers miss updates rather than delay anybody; agents read resources when they need them.
                Err(broadcast::error::RecvError::Lagged(_)) => {}
                Err(broadcast::error::RecvError::Closed) => return,
            },
        }
    }
}

async fn tell_of_lists(engine: &Engine, sessions: &Sessions) {
    let snapshot = engine.catalogue.snapshot();
    for (id, listener) in sessions.listeners() {
        let now = fingerprint(&engine.catalogue.views.get(&snapshot, &listener.key));
        let before = listener.seen;
        if now == before {
            continue;
        }
        sessions.note_seen(&id, now);
        let peer = listener.peer;
        // A peer that cannot be told is one whose connection has ended.
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

async fn tell_of_update(sessions: &Sessions, uri: &str) {
    for listener in sessions.subscribed(uri) {
        let params = ResourceUpdatedNotificationParam::new(uri);
        let _ = listener.peer.notify_resource_updated(params).await;
    }
}

/// Serves a subscription of 2026-07-28 (`subscriptions/listen`) until either side ends it.
pub(crate) async fn listen(
    engine: &Engine,
    subscription: SubscriptionContext,
) -> Result<(), ErrorData> {
    let principal = Principal::of(&subscription.request_context().extensions)?;
    let mut versions = engine.catalogue.watch();
    let mut seen = fingerprint(&principal.view(engine));
    loop {
        tokio::select! {
            () = subscription.cancelled() => return Ok(()),
            () = principal.agent.revoked.cancelled() => return Ok(()),
            () = engine.soft_stop.cancelled() => return Ok(()),
            changed = versions.changed() => if changed.is_err() { return Ok(()) },
        }
        let now = fingerprint(&principal.view(engine));
        let (before, sink) = (seen, subscription.sink());
        seen = now;
        // What was not asked for is not sent; the sink sees to that and says so, which is no failure.
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
