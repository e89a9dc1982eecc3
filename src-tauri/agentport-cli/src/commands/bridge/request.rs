//! Forwards one request of the client and relays its answer: retries, session renewal, stream resumption.

use std::sync::atomic::Ordering;

use agentport_core::json_rpc::INTERNAL_ERROR;
use bytes::Bytes;
use http::{HeaderValue, Method, StatusCode};
use serde::Deserialize;
use tokio::sync::oneshot;

use super::{
    headers,
    http::{GatewayInstance, GatewayReply, HttpFailure},
    in_flight::InFlightRequest,
    message::{self, ClientRequest},
    offline_reply::{self, OfflineReason},
    relay::{MessageScope, Relay, RelayError},
    retry,
    session::OpenSession,
    sse,
};

/// Resumptions of a stream that ends without the answer.
const MAX_RESUMPTIONS: usize = 5;
/// Retries of a request at a gateway that runs.
const MAX_RETRIES: u32 = 5;
const RETRY_DELAY: std::time::Duration = std::time::Duration::from_millis(20);
/// JSON-RPC error of MCP 2026-07-28: a header does not match the body.
const HEADER_MISMATCH: i64 = -32020;

impl Relay {
    /// Forwards a request, and writes its answer and the messages before it to the client.
    pub(super) async fn forward_request(
        &self,
        text: &Bytes,
        request: &ClientRequest,
        entry: &InFlightRequest,
        begun: oneshot::Sender<()>,
    ) {
        if &*request.method == "subscriptions/listen" && request.modern.is_some() {
            drop(begun);
            return self.relay_subscription(text, request).await;
        }
        let mut begun = Some(begun);
        let mut refreshed = false;
        let mut tries = 0;
        loop {
            let error =
                match self.try_request(text, request, entry, &mut begun, &mut refreshed).await {
                    Ok(()) => return,
                    Err(RelayError::SessionExpired(number)) => match self.renew(number).await {
                        Ok(()) => RelayError::SessionExpired(number),
                        Err(error) => error,
                    },
                    Err(error) => error,
                };
            entry.sent.store(false, Ordering::Relaxed);
            let answer = match error {
                RelayError::Unreachable => match self.gateway.wait(&self.http).await {
                    true => continue,
                    false => {
                        let why = self.gateway.explanation();
                        offline_reply::reply_to(self, request, OfflineReason::NoGateway(&why))
                    }
                },
                RelayError::ConnectionLost if entry.is_cancelled() => return,
                // The gateway has not carried it out.
                RelayError::SessionExpired(_) if retry_allowed(&mut tries).await => continue,
                RelayError::ConnectionLost
                    if retry::is_safe_to_retry(request) && retry_allowed(&mut tries).await =>
                {
                    continue;
                }
                RelayError::ConnectionLost if &*request.method == "tools/call" => {
                    message::tool_error(request, retry::RESULT_LOST)
                }
                RelayError::ConnectionLost | RelayError::SessionExpired(_) => message::error(
                    Some(&request.id),
                    INTERNAL_ERROR,
                    "AgentPort's gateway went away while this request was under way",
                ),
                RelayError::Unauthorized(why) => {
                    offline_reply::reply_to(self, request, OfflineReason::NotLetIn(&why))
                }
                RelayError::Answer(answer) => answer,
            };
            return self.write(answer).await;
        }
    }

    async fn try_request(
        &self,
        text: &Bytes,
        request: &ClientRequest,
        entry: &InFlightRequest,
        begun: &mut Option<oneshot::Sender<()>>,
        refreshed: &mut bool,
    ) -> Result<(), RelayError> {
        let scope = self.scope_of(request).await?;
        self.session.remember(request, text);
        entry.sent.store(true, Ordering::Relaxed);
        let reply = self.post(&scope, text).await?;
        // The gateway has the request: the next message may be sent.
        drop(begun.take());
        if reply.status == StatusCode::BAD_REQUEST
            && let MessageScope::Stateless { .. } = scope
            && &*request.method == "tools/call"
            && !std::mem::replace(refreshed, true)
        {
            let body = reply.read_all().await?;
            if self.learn_headers(&body, text, request).await {
                return Box::pin(self.try_request(text, request, entry, begun, refreshed)).await;
            }
            self.write(error_answer(StatusCode::BAD_REQUEST, body, request)).await;
            return Ok(());
        }
        self.relay_answer(reply, &scope, request, entry).await
    }

    /// The scope of a request. A client that was answered by the bridge while there was no gateway gets its session now.
    async fn scope_of(&self, request: &ClientRequest) -> Result<MessageScope, RelayError> {
        match &request.modern {
            Some(version) => Ok(MessageScope::Stateless {
                version: version.clone(),
                method: request.method.clone(),
                name: request.name.clone(),
            }),
            None => Ok(self
                .ensure_session()
                .await?
                .map_or(MessageScope::BeforeSession, MessageScope::Session)),
        }
    }

    /// Reads an answer to its end, and writes it to the client.
    async fn relay_answer(
        &self,
        reply: GatewayReply,
        scope: &MessageScope,
        request: &ClientRequest,
        entry: &InFlightRequest,
    ) -> Result<(), RelayError> {
        match (reply.status, scope) {
            (StatusCode::NOT_FOUND, MessageScope::Session(session)) if session.id.is_some() => {
                return Err(RelayError::SessionExpired(session.number));
            }
            (status, _) if status.is_success() => {}
            (status, _) => {
                let instance = reply.instance;
                let body = reply.read_all().await?;
                // A gateway that shuts down answers 5xx to whatever is under way.
                if status.is_server_error() && self.http.running() != Some(instance) {
                    return Err(RelayError::ConnectionLost);
                }
                self.write(error_answer(status, body, request)).await;
                return Ok(());
            }
        }
        if reply.is_events() {
            return self.relay_event_stream(reply, scope, request, entry).await;
        }
        let body = message::on_one_line(reply.read_all().await?);
        if body.is_empty() {
            let reason = "AgentPort's gateway gave no answer";
            self.write(message::error(Some(&request.id), INTERNAL_ERROR, reason)).await;
            return Ok(());
        }
        if !message::answers(&body, &request.id) {
            self.write(error_answer(StatusCode::OK, body, request)).await;
            return Ok(());
        }
        self.learn_tool_params(request, &body);
        self.write(body).await;
        Ok(())
    }

    /// Relays an event stream until the answer comes, and resumes it where it broke off, if it can be resumed.
    async fn relay_event_stream(
        &self,
        mut reply: GatewayReply,
        scope: &MessageScope,
        request: &ClientRequest,
        entry: &InFlightRequest,
    ) -> Result<(), RelayError> {
        let instance = reply.instance;
        let mut last = StreamPosition::default();
        let mut resumptions = 0;
        loop {
            if self.read_until_answer(&mut reply, request, &mut last).await? {
                return Ok(());
            }
            if entry.is_cancelled() {
                return Ok(());
            }
            let (MessageScope::Session(session), Some(id)) = (scope, last.id.clone()) else {
                return Err(RelayError::ConnectionLost);
            };
            resumptions += 1;
            if resumptions > MAX_RESUMPTIONS || self.http.running() != Some(instance) {
                return Err(RelayError::ConnectionLost);
            }
            tokio::time::sleep(last.retry.unwrap_or_default().min(MAX_RETRY_DELAY)).await;
            reply = match self.resume(session, &id).await {
                Ok(reply) if reply.instance == instance && reply.is_events() => reply,
                _ => return Err(RelayError::ConnectionLost),
            };
        }
    }

    /// Relays events. `true`: the answer has come. `false`: the stream ended before it.
    async fn read_until_answer(
        &self,
        reply: &mut GatewayReply,
        request: &ClientRequest,
        last: &mut StreamPosition,
    ) -> Result<bool, RelayError> {
        let mut parser = sse::EventParser::default();
        loop {
            let piece = match reply.next_chunk().await {
                Ok(Some(piece)) => piece,
                Ok(None) | Err(HttpFailure::ConnectionLost | HttpFailure::Unreachable) => {
                    return Ok(false);
                }
            };
            let events = parser.feed(&piece).map_err(|error| {
                RelayError::Answer(message::error(
                    Some(&request.id),
                    INTERNAL_ERROR,
                    &error.to_string(),
                ))
            })?;
            for event in events {
                if !last.is_new(&event) {
                    continue;
                }
                let data = message::on_one_line(event.data);
                let answered = message::answers(&data, &request.id);
                if answered {
                    self.learn_tool_params(request, &data);
                }
                self.write(data).await;
                if answered {
                    self.drain(reply).await;
                    return Ok(true);
                }
            }
        }
    }

    /// Reads to the end of the stream after the answer, so that the connection can be reused.
    async fn drain(&self, reply: &mut GatewayReply) {
        let end = async { while let Ok(Some(_)) = reply.next_chunk().await {} };
        let _ = tokio::time::timeout(std::time::Duration::from_millis(100), end).await;
    }

    /// Asks for the events after one (MCP 2025-11-25, Streamable HTTP, "resumability and redelivery").
    pub(super) async fn resume(
        &self,
        session: &OpenSession,
        after: &str,
    ) -> Result<GatewayReply, RelayError> {
        self.send(|credential| {
            let mut headers = headers::for_stream(credential);
            headers::insert_session(&mut headers, session);
            if let Ok(id) = HeaderValue::from_str(after) {
                headers.insert(headers::LAST_EVENT_ID, id);
            }
            (Method::GET, headers, Bytes::new())
        })
        .await
    }

    fn learn_tool_params(&self, request: &ClientRequest, answer: &[u8]) {
        if &*request.method == "tools/list" && request.modern.is_some() {
            self.params.learn(answer);
        }
    }

    /// The gateway misses headers that the tool's definition asks for: reads the definition. `true`: send the call again.
    async fn learn_headers(&self, body: &[u8], text: &Bytes, request: &ClientRequest) -> bool {
        #[derive(Deserialize)]
        struct Code {
            code: i64,
        }
        let code =
            message::error_of(body).and_then(|error| serde_json::from_str::<Code>(error).ok());
        let (Some(version), Some(tool)) = (&request.modern, &request.name) else { return false };
        if code.is_none_or(|error| error.code != HEADER_MISMATCH) || self.params.knows(tool) {
            return false;
        }
        let Some(list) = tools_list_request(text) else { return false };
        let scope = MessageScope::Stateless {
            version: version.clone(),
            method: "tools/list".into(),
            name: None,
        };
        if let Ok(reply) = self.post(&scope, &list).await
            && let Ok(answer) = reply.read_all().await
        {
            self.params.learn(&answer);
        }
        self.params.knows(tool)
    }
}

/// Waits before a retry; `false` when there were enough.
async fn retry_allowed(tries: &mut u32) -> bool {
    *tries += 1;
    tokio::time::sleep(RETRY_DELAY * *tries).await;
    *tries <= MAX_RETRIES
}

const MAX_RETRY_DELAY: std::time::Duration = std::time::Duration::from_secs(5);

/// How far an event stream was read.
#[derive(Debug, Default)]
pub(super) struct StreamPosition {
    pub(super) id: Option<String>,
    pub(super) retry: Option<std::time::Duration>,
    /// The last event id that carried a message.
    delivered: Option<String>,
    pub(super) instance: Option<GatewayInstance>,
}

impl StreamPosition {
    /// The beginning of a stream of this run of the gateway.
    pub(super) fn at(instance: Option<GatewayInstance>) -> Self {
        Self { instance, ..Self::default() }
    }

    /// Advances past an event. `false`: it has no message, or one that was delivered before.
    pub(super) fn is_new(&mut self, event: &sse::SseEvent) -> bool {
        self.retry = event.retry.or(self.retry);
        if event.data.is_empty() {
            self.id = event.id.clone().or(self.id.take());
            return false;
        }
        if let Some(id) = &event.id {
            if self.delivered.as_ref() == Some(id) {
                return false;
            }
            self.delivered = Some(id.clone());
            self.id = Some(id.clone());
        }
        true
    }
}

/// `tools/list` with the `_meta` of this request.
fn tools_list_request(text: &[u8]) -> Option<Bytes> {
    #[derive(Deserialize)]
    struct Outer<'a> {
        #[serde(borrow)]
        params: Inner<'a>,
    }
    #[derive(Deserialize)]
    struct Inner<'a> {
        #[serde(borrow, rename = "_meta")]
        meta: &'a serde_json::value::RawValue,
    }
    let outer: Outer<'_> = serde_json::from_slice(text).ok()?;
    let meta = outer.params.meta;
    Some(
        format!(r#"{{"jsonrpc":"2.0","id":"agentport-bridge","method":"tools/list","params":{{"_meta":{meta}}}}}"#)
            .into(),
    )
}

/// The JSON-RPC answer to a request that the gateway answered with an HTTP error: the error in the body, or its text.
pub(super) fn error_answer(status: StatusCode, body: Bytes, request: &ClientRequest) -> Bytes {
    let body = message::on_one_line(body);
    if message::answers(&body, &request.id) {
        return body;
    }
    if let Some(error) = message::error_of(&body) {
        return message::failed(&request.id, error);
    }
    #[derive(Deserialize)]
    struct ErrorBody {
        detail: String,
    }
    let reason = match serde_json::from_slice::<ErrorBody>(&body) {
        Ok(error) => error.detail,
        Err(_) if body.is_empty() => format!("AgentPort's gateway answered {status}"),
        Err(_) => String::from_utf8_lossy(&body[..body.len().min(500)]).into_owned(),
    };
    message::error(Some(&request.id), INTERNAL_ERROR, &reason)
}
