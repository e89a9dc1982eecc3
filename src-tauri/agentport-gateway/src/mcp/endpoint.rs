//! `/mcp` (MCP Streamable HTTP): the guards every request passes, and the dispatch to [`FastPath`] or the protocol library.

use std::{convert::Infallible, sync::Arc, time::Duration};

use agentport_core::ErrorChain;
use axum::{
    Router,
    extract::{Request, State},
    routing::any,
};
use bytes::Bytes;
use http::{HeaderMap, Method, Response, StatusCode, request::Parts};
use http_body_util::{BodyExt as _, Full};
use rmcp::transport::{
    StreamableHttpServerConfig, StreamableHttpService,
    streamable_http_server::session::local::{LocalSessionManager, SessionConfig},
};
use tokio_util::task::TaskTracker;

use super::{
    accept,
    envelope::{self, Envelope},
    fast_path::{FastPath, RunningCalls},
    guards::{self, Guarded, end_on_revocation, refusal},
    http_sse::{self, HttpSseEndpoint},
    keepalive::{ResponseBody, keep_alive},
    request_stream,
    revision::{
        PROTOCOL_VERSION, REMOVED_METHODS, SESSION_ID, is_event_stream, is_modern, single_header,
    },
    server::AgentServer,
    sessions::{RequestSession, Sessions},
};
use crate::auth::{PRINCIPAL, Principal};
use crate::{address::own_origins, agent_api::AgentApi, http::body, upstream::unknown_content};

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
    http_sse: HttpSseEndpoint,
}

impl McpEndpoint {
    /// `tasks` runs the sessions of the HTTP+SSE transport.
    pub(crate) fn new(api: Arc<AgentApi>, tasks: TaskTracker) -> Self {
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
        let http_sse = HttpSseEndpoint {
            api: api.clone(),
            sessions: sessions.clone(),
            server: server.clone(),
            tasks,
        };
        let service = StreamableHttpService::new(move || Ok(server.clone()), manager, config);
        Self { api, sessions, service, running: Arc::default(), http_sse }
    }

    pub(crate) fn sessions(&self) -> Arc<Sessions> {
        self.sessions.clone()
    }
}

/// The routes of both transports. Host and Origin have been checked.
pub(crate) fn router(endpoint: McpEndpoint) -> Router {
    let http_sse = http_sse::router(endpoint.http_sse.clone());
    Router::new()
        .route("/mcp", any(serve))
        .route("/mcp/", any(serve))
        .with_state(endpoint)
        .merge(http_sse)
}

async fn serve(State(endpoint): State<McpEndpoint>, request: Request) -> Response<ResponseBody> {
    endpoint.handle(request).await.unwrap_or_else(|refusal| refusal)
}

impl McpEndpoint {
    async fn handle(&self, request: Request) -> Guarded<Response<ResponseBody>> {
        let (mut parts, body) = request.into_parts();
        let principal = guards::authenticate(&self.api, &parts).await?;
        self.check_session(&parts.headers, &principal).await?;
        accept::negotiate(&parts.method, &mut parts.headers)
            .map_err(|(status, sentence)| refusal(status, &sentence))?;
        let body = match parts.method {
            Method::POST => guards::read_body(&parts.headers, body).await?,
            _ => Bytes::new(),
        };
        if parts.method == Method::POST {
            let envelope =
                envelope::read_exact(&body).map_err(|refused| guards::invalid(&refused))?;
            let fast_path =
                FastPath { api: &self.api, sessions: &self.sessions, running: &self.running };
            if let Some(response) = fast_path.try_handle(&parts, &envelope, &principal) {
                return Ok(end_on_revocation(response.await, &principal.login));
            }
            self.cancel_on_fast_path(&parts.headers, &envelope);
            if !is_removed_method(&parts.headers, &envelope) {
                guards::check_params(&envelope).map_err(|refused| guards::invalid(&refused))?;
            }
        }
        let login = principal.login.clone();
        Ok(end_on_revocation(self.dispatch(parts, body, principal).await, &login))
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
        if let Some(id) = parts.headers.get(SESSION_ID).and_then(|id| id.to_str().ok()) {
            let session = RequestSession(id.into());
            parts.extensions.insert(session);
        }
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
}

/// Is this a method that the revision of the request does not have? Refused as that, later, whatever its parameters are.
fn is_removed_method(headers: &HeaderMap, envelope: &Envelope<'_>) -> bool {
    single_header(headers, PROTOCOL_VERSION).is_some_and(is_modern)
        && envelope.method.as_deref().is_some_and(|method| REMOVED_METHODS.contains(&method))
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
