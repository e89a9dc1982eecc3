//! Client requests of an upstream (elicitation, sampling, roots), forwarded to the agent whose call raised them.
//!
//! They are forwarded from the call's own task: rmcp chooses by it the stream of the agent's connection.

use rmcp::{
    Peer, RoleServer, ServiceError,
    model::{ClientCapabilities, ElicitRequestParams, ErrorData, InputRequest, ServerRequest},
    service::PeerRequestOptions,
};
use serde_json::Value;
use tokio::sync::oneshot;

use super::{handler::cannot_be_asked, in_flight::QuestionAnswer};
use crate::caller::Caller;

/// The peer to forward this question to, if the caller's client can answer it: it holds a connection, speaks a revision in which
/// servers may ask (before 2026-07-28), and has said that it can answer.
pub(super) fn client_peer(
    caller: &Caller,
    question: ServerRequest,
) -> Result<(&Peer<RoleServer>, ServerRequest), ErrorData> {
    let is_declared = is_declared(&caller.capabilities, &question) && !caller.modern;
    match caller.peer.as_ref().filter(|_| is_declared) {
        Some(peer) => Ok((peer, question)),
        None => Err(cannot_be_asked()),
    }
}

fn is_declared(capabilities: &ClientCapabilities, request: &ServerRequest) -> bool {
    match request {
        ServerRequest::CreateMessageRequest(_) => capabilities.sampling.is_some(),
        ServerRequest::ListRootsRequest(_) => capabilities.roots.is_some(),
        ServerRequest::ElicitRequest(request) => {
            capabilities.elicitation.as_ref().is_some_and(|can| match request.params {
                ElicitRequestParams::UrlElicitationParams { .. } => can.url.is_some(),
                // An empty capability means forms (MCP 2025-11-25, Elicitation, Capabilities).
                _ => can.form.is_some() || can.url.is_none(),
            })
        }
        _ => false,
    }
}

/// Forwards one question and passes the answer back. If the upstream withdraws it first, the agent's request is cancelled.
pub(super) async fn forward(
    peer: Peer<RoleServer>,
    question: ServerRequest,
    mut answer: oneshot::Sender<QuestionAnswer>,
) {
    let asked = peer.send_request_with_option(question, PeerRequestOptions::no_options()).await;
    let answered = match asked {
        Ok(mut asked) => tokio::select! {
            answered = &mut asked.rx => {
                answered.unwrap_or(Err(ServiceError::TransportClosed))
            }
            () = answer.closed() => {
                let _ = asked.cancel(Some("the server withdrew its question".to_owned())).await;
                return;
            }
        },
        Err(error) => Err(error),
    };
    let _ = answer.send(answered.map_err(refusal_from));
}

/// Forwards one question of an `InputRequiredResult`; returns the answer in the form the upstream expects.
pub(super) async fn answer_input(caller: &Caller, input: InputRequest) -> Result<Value, ErrorData> {
    let request = match input {
        InputRequest::CreateMessage(request) => ServerRequest::CreateMessageRequest(request),
        InputRequest::Elicitation(request) => ServerRequest::ElicitRequest(request),
        InputRequest::ListRoots(request) => ServerRequest::ListRootsRequest(request),
        _ => return Err(cannot_be_asked()),
    };
    let (peer, question) = client_peer(caller, request)?;
    let answer = peer.send_request(question).await.map_err(refusal_from)?;
    serde_json::to_value(answer)
        .map_err(|_| ErrorData::internal_error("the answer cannot be passed on", None))
}

fn refusal_from(error: ServiceError) -> ErrorData {
    match error {
        ServiceError::McpError(error) => error,
        // The agent has disconnected.
        _ => cannot_be_asked(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn check(capabilities: Value, request: Value, expected: bool) {
        let capabilities: ClientCapabilities = serde_json::from_value(capabilities).unwrap();
        let request: ServerRequest = serde_json::from_value(request).unwrap();
        assert_eq!(is_declared(&capabilities, &request), expected, "{request:?} {capabilities:?}");
    }

    #[test]
    fn asks_only_for_declared_capabilities() {
        let form = json!({"method": "elicitation/create", "params": {
            "mode": "form", "message": "m", "requestedSchema": {"type": "object", "properties": {}}}});
        let url = json!({"method": "elicitation/create", "params": {
            "mode": "url", "message": "m", "url": "https://x/", "elicitationId": "1"}});
        let roots = json!({"method": "roots/list"});
        check(json!({}), form.clone(), false);
        check(json!({"elicitation": {}}), form.clone(), true);
        check(json!({"elicitation": {}}), url.clone(), false);
        check(json!({"elicitation": {"url": {}}}), url, true);
        check(json!({"elicitation": {"url": {}}}), form, false);
        check(json!({"roots": {}}), roots.clone(), true);
        check(json!({"sampling": {}}), roots, false);
    }
}
