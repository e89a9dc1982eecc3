//! IPC of the windows: one Tauri command, which carries requests to the control API and to the desktop's own routes.
//!
//! A request that comes by the command acts as the owner. So only our own windows have the command (`capabilities/`),
//! and they show nothing but our own pages.

mod control;
mod desktop;
mod open;
mod routes;
mod save;
mod streams;
#[cfg(test)]
mod tests;
pub(crate) mod types;

use std::ops::ControlFlow;

use agentport_api::headers;
use axum::{Router, body::Body};
use http::{HeaderMap, HeaderName, Request as HttpRequest, StatusCode, header};
use http_body_util::{BodyExt as _, Limited};
use tauri::{State, WebviewWindow, ipc::Channel};
use tower::ServiceExt as _;

use self::{
    routes::IpcState,
    types::{Request, Response},
};
pub(crate) use crate::context::AppContext;

/// Larger than any answer a page reads as a whole; exports are saved to a file instead.
const MAX_RESPONSE_BYTES: usize = 32 * 1024 * 1024;

const CONFIRMATION: HeaderName = HeaderName::from_static(headers::CONFIRMATION);

/// The label of the window a request came from.
#[derive(Debug, Clone)]
pub(crate) struct FromWindow(pub String);

/// Carries a window's request to the router, as the owner.
#[tauri::command]
pub(crate) async fn owner(
    window: WebviewWindow,
    router: State<'_, IpcRouter>,
    request: Request,
    stream: Channel<String>,
) -> Result<Response, String> {
    Ok(router.answer(window.label(), request, stream).await)
}

/// Receives the text of a stream.
pub(crate) trait StreamSink: Send + Sync + 'static {
    /// `Break` once the window no longer reads.
    fn send(&self, text: String) -> ControlFlow<()>;
}

impl StreamSink for Channel<String> {
    fn send(&self, text: String) -> ControlFlow<()> {
        match Channel::send(self, text) {
            Ok(()) => ControlFlow::Continue(()),
            Err(_) => ControlFlow::Break(()),
        }
    }
}

/// Answers requests of the windows. Tauri's managed state.
pub(crate) struct IpcRouter {
    state: IpcState,
    router: Router,
}

impl IpcRouter {
    pub(crate) fn new(context: AppContext) -> Self {
        let state = IpcState::new(context);
        Self { router: state.router(), state }
    }

    /// Ends the streams of a window that was closed, or that reloads its page.
    pub(crate) fn end_streams(&self, label: &str) {
        self.state.streams.end_all(label);
    }

    /// Answers a request of the window `label`. The text of a stream follows on `sink` after the answer.
    pub(crate) async fn answer(
        &self,
        label: &str,
        request: Request,
        sink: impl StreamSink,
    ) -> Response {
        let stream = streams::number(&request.path);
        let path = request.path.clone();
        let Some(request) = http_request(label, request) else {
            return refusal(StatusCode::BAD_REQUEST, "That is not a request.");
        };
        let response = match self.router.clone().oneshot(request).await {
            Ok(response) => response,
            Err(never) => match never {},
        };
        let status = response.status().as_u16();
        let headers = response.headers();
        let retry_after =
            headers.get(header::RETRY_AFTER).and_then(|after| after.to_str().ok()?.parse().ok());
        if response.status().is_server_error() {
            let path = path.split('?').next();
            tracing::warn!(path, status, "a window's request failed");
        }
        if is_stream(headers) {
            self.state.relay(label, stream, response.into_body(), sink);
            return Response { status, body: String::new(), retry_after };
        }
        let Ok(body) = Limited::new(response.into_body(), MAX_RESPONSE_BYTES).collect().await
        else {
            return refusal(
                StatusCode::INTERNAL_SERVER_ERROR,
                "The answer broke off or is too large.",
            );
        };
        let body = String::from_utf8_lossy(&body.to_bytes()).into_owned();
        Response { status, body, retry_after }
    }
}

/// Whether the answer is a stream of server-sent events.
fn is_stream(headers: &HeaderMap) -> bool {
    headers
        .get(header::CONTENT_TYPE)
        .is_some_and(|kind| kind.as_bytes().starts_with(b"text/event-stream"))
}

/// `None` for anything but a path without an authority. The body, where there is one, is JSON.
fn http_request(label: &str, request: Request) -> Option<HttpRequest<Body>> {
    let method: http::Method = request.method.parse().ok()?;
    let uri: http::Uri = request.path.parse().ok()?;
    if uri.authority().is_some() || !request.path.starts_with('/') {
        return None;
    }
    let mut builder = HttpRequest::builder().method(method).uri(uri);
    if let Some(confirmation) = request.confirmation {
        builder = builder.header(CONFIRMATION, confirmation);
    }
    let body = match request.body {
        Some(json) => {
            builder = builder.header(header::CONTENT_TYPE, "application/json");
            Body::from(json)
        }
        None => Body::empty(),
    };
    builder.extension(FromWindow(label.to_owned())).body(body).ok()
}

fn refusal(status: StatusCode, detail: &str) -> Response {
    let body = serde_json::json!({ "detail": detail }).to_string();
    Response { status: status.as_u16(), body, retry_after: None }
}
