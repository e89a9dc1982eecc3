//! Server-initiated messages: the session's GET stream (MCP ≤ 2025-11-25) and `subscriptions/listen` (2026-07-28).
//! Both are kept open while the client runs, and opened again after a restart of the gateway.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use http::StatusCode;
use serde::Deserialize;

use super::{
    headers,
    http::{GatewayInstance, GatewayReply},
    message::{self, ClientRequest},
    relay::{MessageScope, Relay, RelayError},
    request::{StreamPosition, error_answer},
    session::OpenSession,
    sse,
};

/// Pause before a stream that ended is opened again, where the gateway names none.
const RECONNECT_DELAY: Duration = Duration::from_secs(1);
/// Interval between two looks for a gateway.
const POLL_INTERVAL: Duration = Duration::from_millis(250);
/// Pause after the gateway refused the stream.
const REFUSED_DELAY: Duration = Duration::from_secs(5);
const MAX_RECONNECT_DELAY: Duration = Duration::from_secs(30);

impl Relay {
    /// Reads the session's own stream for as long as the client runs. Opens the session first where there is none.
    pub(super) async fn listen(self: &Arc<Self>) {
        let mut last = StreamPosition::default();
        let mut number = None;
        loop {
            let pause = match self.ensure_session().await {
                Ok(Some(session)) => {
                    if number.replace(session.number) != Some(session.number) {
                        last = StreamPosition::at(last.instance);
                    }
                    match self.listen_once(&session, &mut last).await {
                        Some(pause) => pause,
                        None => return,
                    }
                }
                Ok(None) => REFUSED_DELAY,
                Err(RelayError::Unauthorized(_) | RelayError::Answer(_)) => REFUSED_DELAY,
                Err(_) => POLL_INTERVAL,
            };
            self.pause(pause).await;
        }
    }

    /// Reads the stream once to its end. Returns the pause before the next time; `None`: the server has no such stream.
    async fn listen_once(
        &self,
        session: &Arc<OpenSession>,
        last: &mut StreamPosition,
    ) -> Option<Duration> {
        let running = self.http.running();
        let after = last.id.clone().filter(|_| last.instance.is_some() && last.instance == running);
        let mut reply = match self.open_stream(session, after.as_deref()).await {
            Ok(reply) => reply,
            Err(RelayError::Unauthorized(_)) => return Some(REFUSED_DELAY),
            Err(_) => return Some(POLL_INTERVAL),
        };
        match reply.status {
            StatusCode::NOT_FOUND => {
                if let Err(error) = self.renew(session.number).await {
                    tracing::debug!(?error, "the session could not be opened again");
                }
                return Some(POLL_INTERVAL);
            }
            // The stream is optional (MCP 2025-11-25, Streamable HTTP).
            StatusCode::METHOD_NOT_ALLOWED | StatusCode::NOT_IMPLEMENTED => return None,
            StatusCode::OK if reply.is_events() => {}
            status => {
                tracing::warn!(%status, "the gateway does not open its stream");
                return Some(REFUSED_DELAY);
            }
        }
        let instance = reply.instance;
        if after.is_none() {
            last.id = None;
        }
        let before = last.instance.replace(instance);
        if before.is_some_and(|before| before != instance) {
            *last = StreamPosition::at(Some(instance));
            self.restore_gateway_state(session).await;
            self.announce_list_changes().await;
        }
        self.read_stream(&mut reply, last).await;
        // The gateway decides with `retry` how soon it wants the stream opened again.
        Some(last.retry.unwrap_or(RECONNECT_DELAY).min(MAX_RECONNECT_DELAY))
    }

    async fn open_stream(
        &self,
        session: &OpenSession,
        after: Option<&str>,
    ) -> Result<GatewayReply, RelayError> {
        match after {
            Some(id) => self.resume(session, id).await,
            None => {
                self.send(|credential| {
                    let mut headers = headers::for_stream(credential);
                    headers::insert_session(&mut headers, session);
                    (http::Method::GET, headers, Bytes::new())
                })
                .await
            }
        }
    }

    async fn read_stream(&self, reply: &mut GatewayReply, last: &mut StreamPosition) {
        let mut parser = sse::EventParser::default();
        while let Ok(Some(piece)) = reply.next_chunk().await {
            let Ok(events) = parser.feed(&piece) else { return };
            for event in events {
                if last.is_new(&event) {
                    self.write(message::on_one_line(event.data)).await;
                }
            }
        }
    }

    /// Waits, but at most until another gateway runs or the bridge is signed in.
    async fn pause(&self, pause: Duration) {
        let mut sign_ins = self.sign_in.subscribe();
        let until = tokio::time::Instant::now() + pause;
        let before = self.http.running();
        loop {
            let left = until.saturating_duration_since(tokio::time::Instant::now());
            let signed_in = tokio::time::timeout(left.min(POLL_INTERVAL), sign_ins.changed()).await;
            let now = self.http.running();
            if signed_in.is_ok() || left <= POLL_INTERVAL || (now.is_some() && now != before) {
                return;
            }
        }
    }

    /// Relays `subscriptions/listen`. To the client it is one stream, also across restarts of the gateway.
    pub(super) async fn relay_subscription(&self, text: &Bytes, request: &ClientRequest) {
        let Some(version) = request.modern.clone() else { return };
        let scope = MessageScope::Stateless { version, method: request.method.clone(), name: None };
        let mut listening = SubscriptionState { acknowledged: false, late: false, instance: None };
        loop {
            let pause = match self.post(&scope, text).await {
                Ok(reply) => {
                    match self.relay_subscription_once(reply, request, &mut listening, text).await {
                        Ok(()) => RECONNECT_DELAY,
                        Err(Some(answer)) if !listening.acknowledged => {
                            return self.write(answer).await;
                        }
                        Err(_) => return self.write(ended(request)).await,
                    }
                }
                Err(RelayError::Unauthorized(_)) => REFUSED_DELAY,
                Err(_) => POLL_INTERVAL,
            };
            listening.late = true;
            self.pause(pause).await;
        }
    }

    /// Reads the stream to its end. `Err`: the subscription ends, with the answer for the client if there is one.
    async fn relay_subscription_once(
        &self,
        mut reply: GatewayReply,
        request: &ClientRequest,
        listening: &mut SubscriptionState,
        text: &Bytes,
    ) -> Result<(), Option<Bytes>> {
        let (status, instance) = (reply.status, reply.instance);
        if !status.is_success() || !reply.is_events() {
            let body = reply.read_all().await.map_err(|_| None)?;
            return match status {
                status if status.is_server_error() => Ok(()),
                StatusCode::OK => Err(Some(message::on_one_line(body))),
                status => Err(Some(error_answer(status, body, request))),
            };
        }
        let mut parser = sse::EventParser::default();
        while let Ok(Some(piece)) = reply.next_chunk().await {
            let Ok(events) = parser.feed(&piece) else { return Ok(()) };
            for event in events {
                let data = message::on_one_line(event.data);
                if data.is_empty() {
                    continue;
                }
                if message::answers(&data, &request.id) {
                    // A gateway that shuts down answers the request; the next gateway continues the subscription.
                    return match message::error_of(&data) {
                        Some(_) => Err(Some(data)),
                        None => Ok(()),
                    };
                }
                if is_acknowledgement(&data) {
                    let again = std::mem::replace(&mut listening.acknowledged, true);
                    let before = listening.instance.replace(instance);
                    if !again {
                        self.write(data).await;
                    }
                    if listening.late && before != Some(instance) {
                        self.announce_missed_changes(request, text).await;
                    }
                } else {
                    self.write(data).await;
                }
            }
        }
        Ok(())
    }

    /// Announces all subscribed lists as changed: changes before this (new) gateway was subscribed may have been missed.
    async fn announce_missed_changes(&self, request: &ClientRequest, text: &[u8]) {
        #[derive(Deserialize)]
        struct Asked {
            params: Params,
        }
        #[derive(Deserialize)]
        struct Params {
            notifications: Filter,
        }
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Filter {
            #[serde(default)]
            tools_list_changed: bool,
            #[serde(default)]
            prompts_list_changed: bool,
            #[serde(default)]
            resources_list_changed: bool,
        }
        let Ok(asked) = serde_json::from_slice::<Asked>(text) else { return };
        let wanted = asked.params.notifications;
        for (list, wanted) in [
            ("tools", wanted.tools_list_changed),
            ("prompts", wanted.prompts_list_changed),
            ("resources", wanted.resources_list_changed),
        ] {
            if wanted {
                let notification = format!(
                    r#"{{"jsonrpc":"2.0","method":"notifications/{list}/list_changed","params":{{"_meta":{{"io.modelcontextprotocol/subscriptionId":{}}}}}}}"#,
                    request.id
                );
                self.write(notification.into()).await;
            }
        }
    }
}

struct SubscriptionState {
    /// The client has got the acknowledgement.
    acknowledged: bool,
    /// There was a time without a subscription at a gateway.
    late: bool,
    instance: Option<GatewayInstance>,
}

fn is_acknowledgement(data: &[u8]) -> bool {
    #[derive(Deserialize)]
    struct Head<'a> {
        #[serde(borrow)]
        method: std::borrow::Cow<'a, str>,
    }
    serde_json::from_slice::<Head<'_>>(data)
        .is_ok_and(|head| head.method == "notifications/subscriptions/acknowledged")
}

/// On stdio a server ends a subscription by cancelling it (MCP 2026-07-28, `notifications/cancelled`).
fn ended(request: &ClientRequest) -> Bytes {
    format!(
        r#"{{"jsonrpc":"2.0","method":"notifications/cancelled","params":{{"requestId":{},"reason":"AgentPort ended the subscription"}}}}"#,
        request.id
    )
    .into()
}
