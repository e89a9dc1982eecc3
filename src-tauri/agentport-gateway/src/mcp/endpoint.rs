//! `/mcp` (MCP Streamable HTTP): the guards every request passes, and the dispatch to [`FastPath`] or the protocol library.

use std::{convert::Infallible, sync::Arc, time::Duration};

use agentport_core::{ErrorChain, profile::Profile};
use axum::extract::{Request, State};
use bytes::Bytes;
use futures::StreamExt as _;
use http::{HeaderMap, HeaderValue, Method, Response, StatusCode, header, request::Parts};
use http_body_util::{BodyExt as _, BodyStream, Full, StreamBody};
use rmcp::transport::{
    StreamableHttpServerConfig, StreamableHttpService,
    streamable_http_server::session::local::{LocalSessionManager, SessionConfig},
};

use super::{
    accept,
    envelope::{self, Envelope, InvalidMessage},
    fast_path::{FastPath, RunningCalls},
    keepalive::{ResponseBody, keep_alive},
    params::{self, ParamFault},
    request_stream,
    revision::{
        JSON, PROTOCOL_VERSION, REMOVED_METHODS, SESSION_ID, is_event_stream, is_modern,
        single_header,
    },
    server::AgentServer,
    sessions::Sessions,
    view_query::view_key,
};
use crate::auth::{PRINCIPAL, Principal, unauthorized_reason};
use crate::{
    address::own_origins, agent_api::AgentApi, agents::Agent, clock, http::body,
    upstream::unknown_content,
};

/// Time after which an unused session ends; longer than any approval is held.
const SESSION_LIFETIME: Duration = Duration::from_secs(7 * 24 * 3600);

type Service = StreamableHttpService<AgentServer, LocalSessionManager>;

/// Handler of `/mcp`, with the handles it needs.
#[derive(Clone)]
pub(crate) struct McpEndpoint {
    api: Arc<AgentApi>,
    sessions: Arc<Sessions>,
    service: Service,
    running: Arc<RunningCalls>,
}

impl McpEndpoint {
    pub(crate) fn new(api: Arc<AgentApi>) -> Self {
        let mut manager = LocalSessionManager::default();
        let mut session_config = SessionConfig::default();
        session_config.keep_alive = Some(SESSION_LIFETIME);
        manager.session_config = session_config;
        let manager = Arc::new(manager);
        let sessions = Sessions::new(api.store.clone(), manager.clone());
        let mut config = StreamableHttpServerConfig::default()
            .with_allowed_origins(own_origins(api.address.port))
            .with_json_response(true)
            .with_max_request_body_bytes(body::MAX_MESSAGE_BYTES)
            .with_cancellation_token(api.stop.hard.child_token());
        config.session_store = Some(sessions.clone());
        let server = AgentServer::new(api.clone(), sessions.clone());
        let service = StreamableHttpService::new(move || Ok(server.clone()), manager, config);
        Self { api, sessions, service, running: Arc::default() }
    }

    pub(crate) fn sessions(&self) -> Arc<Sessions> {
        self.sessions.clone()
    }
}

/// Handles every request to `/mcp` and `/mcp/`. Host and Origin have been checked.
pub(crate) async fn serve(
    State(endpoint): State<McpEndpoint>,
    request: Request,
) -> Response<ResponseBody> {
    endpoint.handle(request).await.unwrap_or_else(|refusal| refusal)
}

/// The refusal of a guard is the response itself.
type Guarded<T> = Result<T, Response<ResponseBody>>;

impl McpEndpoint {
    async fn handle(&self, request: Request) -> Guarded<Response<ResponseBody>> {
        let (mut parts, body) = request.into_parts();
        let principal = self.authenticate(&parts).await?;
        self.check_session(&parts.headers, &principal).await?;
        accept::negotiate(&parts.method, &mut parts.headers)
            .map_err(|(status, sentence)| refusal(status, &sentence))?;
        let body = match parts.method {
            Method::POST => read_body(&parts.headers, body).await?,
            _ => Bytes::new(),
        };
        if parts.method == Method::POST {
            let envelope = read_envelope(&body)?;
            let fast_path =
                FastPath { api: &self.api, sessions: &self.sessions, running: &self.running };
            if let Some(response) = fast_path.try_handle(&parts, &envelope, &principal) {
                return Ok(end_on_revocation(response.await, &principal.agent));
            }
            self.cancel_on_fast_path(&parts.headers, &envelope);
            check_params(&parts.headers, &envelope)?;
        }
        let agent = principal.agent.clone();
        Ok(end_on_revocation(self.dispatch(parts, body, principal).await, &agent))
    }

    /// Guard: the credential, and the view the URL asks for.
    async fn authenticate(&self, parts: &Parts) -> Guarded<Principal> {
        let Some(agent) = self.api.auth.authenticate(&parts.headers).await else {
            return Err(unauthorized(&parts.headers));
        };
        let profiles = self.named_profiles(parts.uri.query()).await?;
        let named = |name: &str| profiles.iter().find(|p| p.name == name).cloned();
        let tagged = |tag: &str| {
            let snapshot = self.api.catalogue.snapshot();
            snapshot.integrations.values().any(|entry| entry.row.tags.iter().any(|t| t == tag))
        };
        let key = view_key(&agent, parts.uri.query(), named, tagged)
            .map_err(|error| refusal(StatusCode::BAD_REQUEST, &error.to_string()))?;
        Ok(Principal { agent, key: Arc::new(key) })
    }

    /// Guard: a session id, where there is one, is that of a session of this agent.
    async fn check_session(&self, headers: &HeaderMap, principal: &Principal) -> Guarded<()> {
        let Some(session) = headers.get(SESSION_ID) else { return Ok(()) };
        let known = match session.to_str() {
            Ok(id) => self.sessions.belongs(id, principal.agent.id).await,
            Err(_) => Ok(false),
        };
        match known {
            Ok(true) => Ok(()),
            Ok(false) => Err(refusal(
                StatusCode::NOT_FOUND,
                "there is no such session of yours; initialize a new one",
            )),
            Err(error) => {
                tracing::error!(error = %ErrorChain(&error), "a session could not be looked up");
                Err(refusal(
                    StatusCode::INTERNAL_SERVER_ERROR,
                    "the session could not be looked up; try again",
                ))
            }
        }
    }

    fn cancel_on_fast_path(&self, headers: &HeaderMap, envelope: &Envelope<'_>) {
        if envelope.method.as_deref() == Some("notifications/cancelled")
            && let Some(session) = headers.get(SESSION_ID).and_then(|id| id.to_str().ok())
        {
            self.running.cancel(session, envelope.params);
        }
    }

    /// Hands the request to the protocol library, which calls [`AgentServer`].
    async fn dispatch(
        &self,
        mut parts: Parts,
        body: Bytes,
        principal: Principal,
    ) -> Response<ResponseBody> {
        let is_post = parts.method == Method::POST;
        let modern = is_post
            && parts
                .headers
                .get(PROTOCOL_VERSION)
                .and_then(|version| version.to_str().ok())
                .is_some_and(is_modern);
        parts.extensions.insert(principal.clone());
        let logs = (is_post && parts.headers.contains_key(SESSION_ID)).then(|| {
            let (sender, receiver) = request_stream::channel();
            parts.extensions.insert(sender);
            receiver
        });
        let request = http::Request::from_parts(parts, Full::new(body));
        let service = self.service.clone();
        let inner = PRINCIPAL.scope(principal, async move {
            let response = service.handle(request).await;
            with_unknown_content(response).await
        });
        let response = if modern { keep_alive(Box::pin(inner)).await } else { inner.await };
        match logs {
            Some(logs) if is_event_stream(&response) => request_stream::with_logs(response, logs),
            _ => response,
        }
    }

    /// The profiles a query may name. Read only if one is named.
    async fn named_profiles(
        &self,
        query: Option<&str>,
    ) -> Result<Vec<Arc<Profile>>, Response<ResponseBody>> {
        if !query.is_some_and(|query| query.contains("profile")) {
            return Ok(Vec::new());
        }
        match self.api.store.profiles().await {
            Ok(profiles) => Ok(profiles.into_iter().map(Arc::new).collect()),
            Err(error) => {
                tracing::error!(error = %ErrorChain(&error), "profiles could not be read");
                Err(refusal(
                    StatusCode::INTERNAL_SERVER_ERROR,
                    "profiles could not be read; try again",
                ))
            }
        }
    }
}

/// Guard: the size of the body, and the time it takes to arrive.
async fn read_body(headers: &HeaderMap, body: axum::body::Body) -> Guarded<Bytes> {
    body::read(headers, body).await.map_err(|unread| refusal(unread.status(), &unread.to_string()))
}

/// Guard: one JSON-RPC message, with numbers that survive being read.
#[expect(clippy::result_large_err, reason = "refusals are rare, and are the response itself")]
fn read_envelope(body: &Bytes) -> Guarded<Envelope<'_>> {
    let envelope = envelope::read(body).map_err(|invalid| with_body(invalid.response()))?;
    match envelope::oversized_integer(body) {
        Some(number) => Err(with_body(envelope::refuse_number(envelope.id, number))),
        None => Ok(envelope),
    }
}

/// Guard: the parameters a request's method takes. A method its revision does not have is refused as that, later.
#[expect(clippy::result_large_err, reason = "refusals are rare, and are the response itself")]
fn check_params(headers: &HeaderMap, envelope: &Envelope<'_>) -> Guarded<()> {
    let (Some(id), Some(method)) = (envelope.id, &envelope.method) else { return Ok(()) };
    let is_modern = single_header(headers, PROTOCOL_VERSION).is_some_and(is_modern);
    if is_modern && REMOVED_METHODS.contains(&&**method) {
        return Ok(());
    }
    params::check(method, envelope.params).map_err(|fault| {
        let invalid = match fault {
            ParamFault::Unreadable(reason) => InvalidMessage::unreadable_params(id, reason),
            ParamFault::Field(reason) => InvalidMessage::params(id, reason),
        };
        with_body(invalid.response())
    })
}

/// Puts content blocks of unknown types back where results are written.
async fn with_unknown_content<B>(response: Response<B>) -> Response<ResponseBody>
where
    B: http_body::Body<Data = Bytes, Error = Infallible> + Send + 'static,
{
    let restored = |data: Bytes| unknown_content::restored(&data).map_or(data, Bytes::from);
    if is_event_stream(&response) {
        return response
            .map(|body| body.map_frame(move |frame| frame.map_data(restored)).boxed_unsync());
    }
    let (parts, body) = response.into_parts();
    let Ok(body) = body.collect().await;
    Response::from_parts(parts, Full::new(restored(body.to_bytes())).boxed_unsync())
}

fn with_body(response: Response<Bytes>) -> Response<ResponseBody> {
    response.map(|body| Full::new(body).boxed_unsync())
}

/// Ends an event stream when its agent's key is revoked or expires.
fn end_on_revocation(response: Response<ResponseBody>, agent: &Agent) -> Response<ResponseBody> {
    if !is_event_stream(&response) {
        return response;
    }
    let revoked = agent.revoked.clone().cancelled_owned();
    let left = agent.expires_at.map(|end| end.since(clock::now()));
    let over = async move {
        match left {
            Some(left) => drop(tokio::time::timeout(left, revoked).await),
            None => revoked.await,
        }
    };
    response.map(|body| StreamBody::new(BodyStream::new(body).take_until(over)).boxed_unsync())
}

/// 401. Until there is an OAuth server, without a pointer to one (`src-tauri/docs/contract.md` §1).
fn unauthorized(headers: &HeaderMap) -> Response<ResponseBody> {
    let mut response = refusal(StatusCode::UNAUTHORIZED, &unauthorized_reason(headers));
    response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    response
}

fn refusal(status: StatusCode, detail: &str) -> Response<ResponseBody> {
    let body = serde_json::json!({ "detail": detail }).to_string();
    let mut response = Response::new(Full::new(Bytes::from(body)).boxed_unsync());
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(JSON));
    response
}
