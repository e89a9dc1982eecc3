//! `/mcp`: from an HTTP request to a principal's message.

use std::{sync::Arc, time::Duration};

use agentport_core::{ErrorChain, profile::Profile};
use axum::extract::{Request, State};
use bytes::Bytes;
use futures::StreamExt as _;
use http::{HeaderValue, Method, Response, StatusCode, header};
use http_body_util::{BodyExt as _, BodyStream, Full, StreamBody};
use rmcp::transport::{
    StreamableHttpServerConfig, StreamableHttpService,
    streamable_http_server::session::local::{LocalSessionManager, SessionConfig},
};

use super::{
    aside, fast, form,
    keepalive::{Body, keep_alive},
    principal::{PRINCIPAL, Principal, view_key},
    server::AgentServer,
    sessions::Sessions,
};
use crate::{agents::Agent, body, clock, engine::Engine, http::own_origins};

/// A session is gone when nobody has used it for so long; a held approval must never end it.
const SESSION_LIFE: Duration = Duration::from_secs(7 * 24 * 3600);
/// The revision from which requests carry everything themselves.
const MODERN: &str = "2026-07-28";
const SESSION_ID: &str = "mcp-session-id";

type Service = StreamableHttpService<AgentServer, LocalSessionManager>;

/// The endpoint with what it needs.
#[derive(Clone)]
pub(crate) struct McpEndpoint {
    engine: Arc<Engine>,
    sessions: Arc<Sessions>,
    service: Service,
    running: Arc<fast::Running>,
}

impl McpEndpoint {
    pub(crate) fn new(engine: Arc<Engine>) -> Self {
        let mut manager = LocalSessionManager::default();
        let mut session_config = SessionConfig::default();
        session_config.keep_alive = Some(SESSION_LIFE);
        manager.session_config = session_config;
        let manager = Arc::new(manager);
        let sessions = Sessions::new(engine.store.clone(), manager.clone());
        let mut config = StreamableHttpServerConfig::default()
            .with_allowed_origins(own_origins(engine.address.port))
            .with_json_response(true)
            .with_max_request_body_bytes(body::LARGEST)
            .with_cancellation_token(engine.hard_stop.child_token());
        config.session_store = Some(sessions.clone());
        let server = AgentServer::new(engine.clone(), sessions.clone());
        let service = StreamableHttpService::new(move || Ok(server.clone()), manager, config);
        Self { engine, sessions, service, running: Arc::default() }
    }

    pub(crate) fn sessions(&self) -> Arc<Sessions> {
        self.sessions.clone()
    }
}

/// Handles every request to `/mcp` and `/mcp/`. Host and Origin have been checked.
pub(crate) async fn serve(State(endpoint): State<McpEndpoint>, request: Request) -> Response<Body> {
    endpoint.handle(request).await.unwrap_or_else(|refusal| refusal)
}

impl McpEndpoint {
    async fn handle(&self, request: Request) -> Result<Response<Body>, Response<Body>> {
        let (mut parts, body) = request.into_parts();
        let Some(agent) = self.engine.authenticate(&parts.headers).await else {
            return Err(unauthorized());
        };
        let profiles = self.named_profiles(parts.uri.query()).await?;
        let named = |name: &str| profiles.iter().find(|p| p.name == name).cloned();
        let tagged = |tag: &str| {
            let snapshot = self.engine.catalogue.snapshot();
            snapshot.integrations.values().any(|entry| entry.row.tags.iter().any(|t| t == tag))
        };
        let key = view_key(&agent, parts.uri.query(), named, tagged)
            .map_err(|error| refusal(StatusCode::BAD_REQUEST, &error.to_string()))?;
        let principal = Principal { agent, key: Arc::new(key) };
        if let Some(session) = parts.headers.get(SESSION_ID) {
            let known = match session.to_str() {
                Ok(id) => self.sessions.belongs(id, principal.agent.id).await,
                Err(_) => Ok(false),
            };
            match known {
                Ok(true) => {}
                Ok(false) => return Err(no_session()),
                Err(error) => {
                    tracing::error!(error = %ErrorChain(&error), "a session could not be looked up");
                    return Err(refusal(
                        StatusCode::INTERNAL_SERVER_ERROR,
                        "the session could not be looked up; try again",
                    ));
                }
            }
        }
        let body = match parts.method {
            Method::POST => body::read(&parts.headers, body)
                .await
                .map_err(|unread| refusal(unread.status(), &unread.to_string()))?,
            _ => Bytes::new(),
        };
        if parts.method == Method::POST {
            let peek = form::peek(&body)
                .map_err(|bad| bad.response().map(|b| Full::new(b).boxed_unsync()))?;
            if let Some(number) = form::oversized_integer(&body) {
                let answer = form::refuse_number(peek.id, number);
                return Err(answer.map(|body| Full::new(body).boxed_unsync()));
            }
            let short = fast::Short {
                engine: &self.engine,
                sessions: &self.sessions,
                running: &self.running,
            };
            if let Some(answer) = short.take(&parts, &peek, &principal) {
                return Ok(while_let_in(answer.await, &principal.agent));
            }
            if peek.method.as_deref() == Some("notifications/cancelled")
                && let Some(session) = parts.headers.get(SESSION_ID).and_then(|id| id.to_str().ok())
            {
                self.running.cancel(session, peek.params);
            }
        }
        let modern = parts.method == Method::POST
            && parts
                .headers
                .get("mcp-protocol-version")
                .is_some_and(|version| version.as_bytes() >= MODERN.as_bytes());
        parts.extensions.insert(principal.clone());
        let told =
            (parts.method == Method::POST && parts.headers.contains_key(SESSION_ID)).then(|| {
                let (aside, told) = aside::channel();
                parts.extensions.insert(aside);
                told
            });
        let request = http::Request::from_parts(parts, Full::new(body));
        let service = self.service.clone();
        let agent = principal.agent.clone();
        let inner = PRINCIPAL.scope(principal, async move {
            let response = service.handle(request).await;
            response.map(|body| body.boxed_unsync())
        });
        let response = if modern { keep_alive(Box::pin(inner)).await } else { inner.await };
        let response = match told {
            Some(told) if is_stream(&response) => aside::with_told(response, told),
            _ => response,
        };
        Ok(while_let_in(response, &agent))
    }

    /// The profiles a query may name. Read only if one is named.
    async fn named_profiles(
        &self,
        query: Option<&str>,
    ) -> Result<Vec<Arc<Profile>>, Response<Body>> {
        if !query.is_some_and(|query| query.contains("profile")) {
            return Ok(Vec::new());
        }
        match self.engine.store.profiles().await {
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

fn is_stream(response: &Response<Body>) -> bool {
    response
        .headers()
        .get(header::CONTENT_TYPE)
        .is_some_and(|kind| kind.as_bytes().starts_with(b"text/event-stream"))
}

/// Ends an event stream when its agent's key is revoked or expires.
fn while_let_in(response: Response<Body>, agent: &Agent) -> Response<Body> {
    if !is_stream(&response) {
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

/// 401. Until there is an OAuth server, without a pointer to one (`contract` §1).
fn unauthorized() -> Response<Body> {
    let mut response = refusal(
        StatusCode::UNAUTHORIZED,
        "Show a key of yours as 'X-API-Key: ap_…' or 'Authorization: Bearer ap_…'. The owner creates keys in AgentPort.",
    );
    response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    response
}

fn no_session() -> Response<Body> {
    refusal(StatusCode::NOT_FOUND, "there is no such session of yours; initialize a new one")
}

fn refusal(status: StatusCode, detail: &str) -> Response<Body> {
    let body = serde_json::json!({ "detail": detail }).to_string();
    let mut response = Response::new(Full::new(Bytes::from(body)).boxed_unsync());
    *response.status_mut() = status;
    response
        .headers_mut()
        .insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}
