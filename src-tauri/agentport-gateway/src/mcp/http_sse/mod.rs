//! The HTTP+SSE transport of MCP 2024-11-05 ("HTTP with SSE"), for clients that know no newer one: `GET /sse` opens the
//! event stream, `POST /messages?sessionId=…` takes the client's messages (`src-tauri/docs/contract.md` §1).
//!
//! The event stream is the session. Its first event (`endpoint`) names the URL of the messages; results, requests and
//! notifications follow as `message` events. Behind the guards everything is as at `/mcp`: the same [`AgentServer`]
//! answers, and [`Sessions`] holds what a client subscribed to. Deliberately absent: resumption, which this transport
//! does not have. A session ends with its stream, and the calls that still run with it.

mod events;
mod stream_session;
mod transport;

use std::sync::Arc;

use axum::{
    Router,
    extract::{Request, State},
    routing::any,
};
use bytes::Bytes;
use http::{HeaderValue, Method, Response, StatusCode, header, request::Parts};
use http_body_util::{BodyExt as _, Full};
use tokio_util::task::TaskTracker;

pub(crate) use self::stream_session::StreamSession;
use self::stream_session::{NewStream, PostError};
use super::{
    accept,
    envelope::{self, InvalidMessage},
    guards::{self, Guarded, end_on_revocation, refusal},
    keepalive::{ResponseBody, event_stream},
    server::AgentServer,
    sessions::{Sessions, TooManyStreams},
};
use crate::agent_api::AgentApi;

/// The parameter of the messages' URL that names the session.
const SESSION_PARAMETER: &str = "sessionId";

/// Handler of `/sse` and `/messages`, with the handles it needs.
#[derive(Clone)]
pub(super) struct HttpSseEndpoint {
    pub(super) api: Arc<AgentApi>,
    pub(super) sessions: Arc<Sessions>,
    pub(super) server: AgentServer,
    /// Runs one task per open stream.
    pub(super) tasks: TaskTracker,
}

pub(super) fn router(endpoint: HttpSseEndpoint) -> Router {
    Router::new()
        .route("/sse", any(serve_stream))
        .route("/sse/", any(serve_stream))
        .route("/messages", any(serve_message))
        .route("/messages/", any(serve_message))
        .with_state(endpoint)
}

async fn serve_stream(
    State(endpoint): State<HttpSseEndpoint>,
    request: Request,
) -> Response<ResponseBody> {
    if request.method() != Method::GET {
        // Clients that try Streamable HTTP first post here, and take this status for "HTTP+SSE".
        return method_not_allowed(
            "GET",
            "GET opens the event stream; messages are posted to /mcp",
        );
    }
    let (parts, _) = request.into_parts();
    endpoint.open(parts).await.unwrap_or_else(|refusal| refusal)
}

async fn serve_message(
    State(endpoint): State<HttpSseEndpoint>,
    request: Request,
) -> Response<ResponseBody> {
    if request.method() != Method::POST {
        return method_not_allowed("POST", "POST sends a message; GET /sse opens the event stream");
    }
    endpoint.take(request).await.unwrap_or_else(|refusal| refusal)
}

impl HttpSseEndpoint {
    /// Opens an event stream, and with it a session.
    async fn open(&self, mut parts: Parts) -> Guarded<Response<ResponseBody>> {
        let principal = guards::authenticate(&self.api, &parts).await?;
        accept::negotiate(&Method::GET, &mut parts.headers)
            .map_err(|(status, sentence)| refusal(status, &sentence))?;
        let query = parts.uri.query().map(str::to_owned);
        let NewStream { session, incoming, outgoing } =
            StreamSession::open(query, self.api.stop.hard.child_token());
        let opened = self.sessions.open_stream(principal.agent.id, session.clone());
        let place = opened.map_err(|full| too_many(&full))?;
        session.announce(&endpoint_url(parts.uri.path(), place.id()));
        let (login, server) = (principal.login, self.server.clone());
        self.tasks.spawn(stream_session::run(session, server, incoming, login.clone(), place));
        Ok(end_on_revocation(event_stream(outgoing.into_body()), &login))
    }

    /// Takes one message of a client. Its answer, if it gets one, comes on the event stream.
    async fn take(&self, request: Request) -> Guarded<Response<ResponseBody>> {
        let (parts, body) = request.into_parts();
        let login = guards::known_agent(&self.api, &parts).await?;
        let id = session_of(parts.uri.query())?;
        let Some(session) = self.sessions.stream(&id, login.agent.id) else {
            return Err(refusal(
                StatusCode::NOT_FOUND,
                "there is no such session of yours; open a new one with GET /sse",
            ));
        };
        // Read anew for each message: the owner may have given the agent another profile.
        let principal = guards::view(&self.api, login, session.query()).await?;
        accept::check_content_type(&parts.headers)
            .map_err(|(status, sentence)| refusal(status, &sentence))?;
        let body = guards::read_body(&parts.headers, body).await?;
        let checked = envelope::read_exact(&body).and_then(|envelope| {
            guards::check_params(&envelope)?;
            serde_json::from_slice(&body).map_err(|_| InvalidMessage::unreadable(envelope.id))
        });
        let message = match checked {
            Ok(message) => message,
            Err(invalid) => return Ok(refuse_message(&session, &invalid)),
        };
        session.post(message, id, principal).map_err(not_taken)?;
        Ok(accepted())
    }
}

/// The session that the query of the messages' URL names, and nothing else.
#[expect(clippy::result_large_err, reason = "refusals are rare, and are the response itself")]
fn session_of(query: Option<&str>) -> Guarded<Arc<str>> {
    let mut pairs = url::form_urlencoded::parse(query.unwrap_or_default().as_bytes());
    match (pairs.next(), pairs.next()) {
        (Some((name, id)), None) if name == SESSION_PARAMETER => Ok(id.into()),
        _ => Err(refusal(
            StatusCode::BAD_REQUEST,
            "the query has to be sessionId alone; post to the URL that the event 'endpoint' named",
        )),
    }
}

/// The URL of a session's messages, relative to that of its stream: a reverse proxy may serve both under a prefix that
/// the gateway does not know.
fn endpoint_url(stream_path: &str, id: &str) -> String {
    let up = if stream_path.ends_with('/') { "../" } else { "" };
    format!("{up}messages?{SESSION_PARAMETER}={id}")
}

/// A message whose fault has a JSON-RPC answer gets it on the stream; others are refused with their status.
fn refuse_message(session: &StreamSession, invalid: &InvalidMessage) -> Response<ResponseBody> {
    let response = invalid.response();
    if response.status() == StatusCode::OK {
        session.send(response.body());
        return accepted();
    }
    guards::invalid(invalid)
}

fn accepted() -> Response<ResponseBody> {
    let mut response = Response::new(Full::new(Bytes::new()).boxed_unsync());
    *response.status_mut() = StatusCode::ACCEPTED;
    response
}

fn method_not_allowed(allowed: &'static str, sentence: &str) -> Response<ResponseBody> {
    let mut response = refusal(StatusCode::METHOD_NOT_ALLOWED, sentence);
    response.headers_mut().insert(header::ALLOW, HeaderValue::from_static(allowed));
    response
}

fn too_many(full: &TooManyStreams) -> Response<ResponseBody> {
    let status = match full {
        TooManyStreams::OfAgent => StatusCode::TOO_MANY_REQUESTS,
        TooManyStreams::Overall => StatusCode::SERVICE_UNAVAILABLE,
    };
    refusal(status, &full.to_string())
}

fn not_taken(error: PostError) -> Response<ResponseBody> {
    let status = match error {
        PostError::Busy => StatusCode::TOO_MANY_REQUESTS,
        PostError::Ended => StatusCode::NOT_FOUND,
    };
    refusal(status, &error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_url_of_messages_is_relative_to_the_stream() {
        for (stream, messages) in [
            ("http://127.0.0.1:4747/sse", "http://127.0.0.1:4747/messages?sessionId=x"),
            ("http://127.0.0.1:4747/sse/", "http://127.0.0.1:4747/messages?sessionId=x"),
            (
                "https://host/some/prefix/sse?mode=direct",
                "https://host/some/prefix/messages?sessionId=x",
            ),
        ] {
            let stream = url::Url::parse(stream).unwrap();
            let joined = stream.join(&endpoint_url(stream.path(), "x")).unwrap();
            assert_eq!(joined.as_str(), messages);
        }
    }

    #[test]
    fn the_query_names_one_session() {
        assert_eq!(session_of(Some("sessionId=a-b_c")).unwrap().as_ref(), "a-b_c");
        for query in [
            None,
            Some(""),
            Some("session=x"),
            Some("sessionId=x&mode=direct"),
            Some("sessionId=x&sessionId=y"),
        ] {
            let refused = session_of(query).unwrap_err();
            assert_eq!(refused.status(), StatusCode::BAD_REQUEST, "{query:?}");
        }
    }
}
