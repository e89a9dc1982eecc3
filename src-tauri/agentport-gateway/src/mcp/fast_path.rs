//! Fast path for `tools/list`, and for `tools/call` of clients that cannot be asked or sent anything while it runs.
//!
//! Such a request needs no session task and no event stream: it is answered by the task that read it. Only requests
//! with the plainest headers and fields are handled here; all others, invalid ones included, go to the protocol library.
//! Policy, approval and record are the same: both ways end in [`server::call`].

use std::{borrow::Cow, collections::HashMap, sync::Arc};

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Response, StatusCode, header, request::Parts};
use http_body_util::{BodyExt as _, Full};
use parking_lot::Mutex;
use rmcp::{
    ErrorData,
    model::{CallToolResponse, ErrorCode, JsonObject, RequestMetaObject},
};
use serde::Deserialize;
use serde_json::{Value, value::RawValue};
use tokio_util::sync::CancellationToken;

use super::{
    envelope::Envelope,
    keepalive::{PendingResponse, ResponseBody, keep_alive},
    revision::{
        CAPABILITIES_KEY, CLIENT_KEY, JSON, LATEST_REVISION, LOG_LEVEL_KEY, METHOD, NAME,
        PARAM_PREFIX, PROTOCOL_VERSION, SESSION_ID, SESSION_REVISIONS, VERSION_KEY, single_header,
    },
    server,
    sessions::Sessions,
};
use crate::auth::Principal;
use crate::catalogue::managed_tools;
use crate::{agent_api::AgentApi, caller::Caller, upstream::unknown_content};

/// Running calls of the fast path, so that `notifications/cancelled` finds them: by session and request id.
#[derive(Debug, Default)]
pub(crate) struct RunningCalls(Mutex<HashMap<(String, String), CancellationToken>>);

impl RunningCalls {
    /// Cancels the call a `notifications/cancelled` names, if it is here.
    pub(super) fn cancel(&self, session: &str, params: Option<&RawValue>) {
        #[derive(Deserialize)]
        struct Cancelled<'a> {
            #[serde(borrow, rename = "requestId")]
            id: &'a RawValue,
        }
        let Some(params) = params else { return };
        let Ok(cancelled) = serde_json::from_str::<Cancelled<'_>>(params.get()) else { return };
        let key = (session.to_owned(), cancelled.id.get().to_owned());
        if let Some(token) = self.0.lock().get(&key) {
            token.cancel();
        }
    }
}

/// Takes a call out of [`RunningCalls`] when it is over, however it ends.
struct RunningEntry {
    running: Arc<RunningCalls>,
    key: (String, String),
}

impl Drop for RunningEntry {
    fn drop(&mut self) {
        self.running.0.lock().remove(&self.key);
    }
}

#[derive(Deserialize)]
struct CallParams<'a> {
    #[serde(borrow)]
    name: Cow<'a, str>,
    #[serde(default)]
    arguments: Option<JsonObject>,
    #[serde(default, rename = "_meta")]
    meta: Option<JsonObject>,
    #[serde(default, rename = "inputResponses")]
    input_responses: Option<Value>,
    #[serde(default, rename = "requestState")]
    request_state: Option<Value>,
}

#[derive(Deserialize)]
struct ListParams {
    #[serde(default)]
    cursor: Option<Value>,
    #[serde(default, rename = "_meta")]
    meta: Option<JsonObject>,
}

/// The handles the fast path needs.
pub(super) struct FastPath<'a> {
    pub(super) api: &'a Arc<AgentApi>,
    pub(super) sessions: &'a Sessions,
    pub(super) running: &'a Arc<RunningCalls>,
}

impl FastPath<'_> {
    /// The response, if the request is plain enough for the fast path.
    pub(super) fn try_handle(
        &self,
        parts: &Parts,
        envelope: &Envelope<'_>,
        principal: &Principal,
    ) -> Option<PendingResponse> {
        let (id, method) = (envelope.id?.get(), envelope.method.as_deref()?);
        let call = match method {
            "tools/call" => true,
            "tools/list" => false,
            _ => return None,
        };
        let headers = &parts.headers;
        let session = single_header(headers, SESSION_ID);
        let modern = self.is_modern_request(headers, session)?;
        let params = envelope.params.map_or("{}", RawValue::get);
        if call {
            self.call(headers, id, params, modern, session, principal)
        } else {
            self.list(headers, id, params, modern, principal)
        }
    }

    /// True for 2026-07-28, false for a session of an earlier revision, `None` for what the fast path does not handle.
    fn is_modern_request(&self, headers: &HeaderMap, session: Option<&str>) -> Option<bool> {
        match (session, single_header(headers, PROTOCOL_VERSION)) {
            (None, Some(LATEST_REVISION)) => Some(true),
            (Some(id), version)
                if version.is_none_or(|version| SESSION_REVISIONS.contains(&version))
                    && self.sessions.is_plain(id) =>
            {
                Some(false)
            }
            _ => None,
        }
    }

    fn list(
        &self,
        headers: &HeaderMap,
        id: &str,
        params: &str,
        modern: bool,
        principal: &Principal,
    ) -> Option<PendingResponse> {
        let params: ListParams = serde_json::from_str(params).ok()?;
        if params.cursor.is_some() || !meta_fits(params.meta.as_ref(), modern) {
            return None;
        }
        if modern && single_header(headers, METHOD) != Some("tools/list") {
            return None;
        }
        let view = principal.view(&self.api.catalogue);
        let tools = view.listed_json(managed_tools::tools);
        principal.record_listing(&self.api.events, tools.count);
        let hints = if modern {
            r#""resultType":"complete","ttlMs":0,"cacheScope":"private","#
        } else {
            ""
        };
        let mut body = Vec::with_capacity(tools.json.len() + id.len() + 120);
        body.extend_from_slice(br#"{"jsonrpc":"2.0","id":"#);
        body.extend_from_slice(id.as_bytes());
        body.extend_from_slice(br#","result":{"#);
        body.extend_from_slice(hints.as_bytes());
        body.extend_from_slice(br#""tools":"#);
        body.extend_from_slice(&tools.json);
        body.extend_from_slice(b"}}");
        let response = json(StatusCode::OK, body);
        Some(Box::pin(async move { response }))
    }

    fn call(
        &self,
        headers: &HeaderMap,
        id: &str,
        params: &str,
        modern: bool,
        session: Option<&str>,
        principal: &Principal,
    ) -> Option<PendingResponse> {
        let params: CallParams<'_> = serde_json::from_str(params).ok()?;
        let continues = params.input_responses.is_some() || params.request_state.is_some();
        if continues || !meta_fits(params.meta.as_ref(), modern) {
            return None;
        }
        if modern {
            let view = principal.view(&self.api.catalogue);
            let in_headers = view.direct_tool(&params.name).is_some_and(|tool| tool.header_params);
            if in_headers || !headers_name_call(headers, &params.name) {
                return None;
            }
        }
        if let Some(client) = params.meta.as_ref().and_then(|meta| meta.get(CLIENT_KEY)) {
            let text = |field| client.get(field).and_then(Value::as_str).unwrap_or_default();
            principal.agent.set_client_info(text("name"), text("version"));
        }
        let cancelled = CancellationToken::new();
        let entry = session.map(|session| {
            let key = (session.to_owned(), id.to_owned());
            self.running.0.lock().insert(key.clone(), cancelled.clone());
            RunningEntry { running: self.running.clone(), key }
        });
        let caller = Caller {
            modern,
            meta: params.meta.map(RequestMetaObject::from).unwrap_or_default(),
            // Dropped with the request, which is how a 2026-07-28 client cancels.
            cancelled: cancelled.clone(),
            ..Caller::default()
        };
        let (api, principal) = (self.api.clone(), principal.clone());
        let (id, name) = (id.to_owned(), params.name.into_owned());
        let arguments = params.arguments.unwrap_or_default();
        let answer = async move {
            let _entry = entry;
            let answer = server::call(&api, principal, &name, arguments, caller).await;
            encode(&id, answer, modern)
        };
        Some(Box::pin(keep_alive(Box::pin(answer))))
    }
}

/// Is there nothing in `_meta` that wants more than a plain answer, and, for the newest revision, all it requires?
fn meta_fits(meta: Option<&JsonObject>, modern: bool) -> bool {
    let Some(meta) = meta else { return !modern };
    let plain = !meta.contains_key("progressToken");
    let said = meta.get(VERSION_KEY).and_then(Value::as_str);
    if !modern {
        return plain && said.is_none();
    }
    let nothing_to_ask = meta.get(CAPABILITIES_KEY).and_then(Value::as_object).is_some_and(|can| {
        ["elicitation", "sampling", "roots", "extensions"].iter().all(|k| !can.contains_key(*k))
    });
    let quiet = !meta.contains_key(LOG_LEVEL_KEY);
    let introduced = meta.get(CLIENT_KEY).is_none_or(Value::is_object);
    plain && quiet && introduced && said == Some(LATEST_REVISION) && nothing_to_ask
}

/// The headers of 2026-07-28 (Streamable HTTP, "standard request headers"), in their plainest form.
fn headers_name_call(headers: &HeaderMap, name: &str) -> bool {
    single_header(headers, METHOD) == Some("tools/call")
        && single_header(headers, NAME) == Some(name)
        && !headers.keys().any(|key| key.as_str().starts_with(PARAM_PREFIX))
}

fn encode(
    id: &str,
    answer: Result<CallToolResponse, ErrorData>,
    modern: bool,
) -> Response<ResponseBody> {
    let (status, key, value) = match answer {
        Ok(CallToolResponse::Complete(mut result)) => {
            if !modern {
                result.result_type = None;
            }
            (StatusCode::OK, "result", serde_json::to_vec(&result))
        }
        Ok(CallToolResponse::InputRequired(result)) if modern => {
            (StatusCode::OK, "result", serde_json::to_vec(&result))
        }
        Ok(_) => {
            let error = ErrorData::internal_error(
                "the upstream asks for what this client cannot give",
                None,
            );
            (StatusCode::OK, "error", serde_json::to_vec(&error))
        }
        Err(error) => {
            // MCP 2026-07-28, Streamable HTTP: errors that have an HTTP status of their own.
            let status = match error.code {
                ErrorCode::METHOD_NOT_FOUND if modern => StatusCode::NOT_FOUND,
                ErrorCode(-32022..=-32020) if modern => StatusCode::BAD_REQUEST,
                _ => StatusCode::OK,
            };
            (status, "error", serde_json::to_vec(&error))
        }
    };
    let value = value.unwrap_or_else(|_| {
        br#"{"code":-32603,"message":"the answer could not be written"}"#.to_vec()
    });
    let mut body = Vec::with_capacity(value.len() + id.len() + 40);
    body.extend_from_slice(br#"{"jsonrpc":"2.0","id":"#);
    body.extend_from_slice(id.as_bytes());
    body.extend_from_slice(format!(",\"{key}\":").as_bytes());
    body.extend_from_slice(&value);
    body.push(b'}');
    let body = unknown_content::restored(&body).unwrap_or(body);
    json(status, body)
}

fn json(status: StatusCode, body: Vec<u8>) -> Response<ResponseBody> {
    let mut response = Response::new(Full::new(Bytes::from(body)).boxed_unsync());
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(JSON));
    response
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::mcp::fast_path::*;

    #[test]
    fn only_plain_requests_take_the_fast_path() {
        let check = |meta: Value, modern: bool, want: bool| {
            let meta = meta.as_object().cloned();
            assert_eq!(meta_fits(meta.as_ref(), modern), want, "{meta:?} {modern}");
        };
        check(Value::Null, false, true);
        check(Value::Null, true, false);
        check(json!({ "progressToken": 1 }), false, false);
        check(json!({ "traceparent": "00-0-0-00" }), false, true);
        let modern = |can: Value| json!({ VERSION_KEY: LATEST_REVISION, CAPABILITIES_KEY: can });
        check(modern(json!({})), true, true);
        check(modern(json!({})), false, false);
        check(modern(json!({ "elicitation": {} })), true, false);
        check(json!({ VERSION_KEY: LATEST_REVISION }), true, false);
        check(json!({ VERSION_KEY: "2025-11-25", CAPABILITIES_KEY: {} }), true, false);
    }
}
