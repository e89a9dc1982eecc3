//! What the windows talk to: one command, and behind it the owner's plane and what the desktop itself can do.
//!
//! Whoever can send the command is the owner. So only our own windows have it (`capabilities/`), and they show nothing
//! but our own pages.

mod control;
mod desktop;
mod open;
mod routes;
mod save;
mod streams;
#[cfg(test)]
mod tests;
pub(crate) mod types;

use axum::{Router, body::Body};
use http::{HeaderMap, HeaderName, Request as HttpRequest, StatusCode, header};
use http_body_util::{BodyExt as _, Limited};
use tauri::{State, WebviewWindow, ipc::Channel};
use tower::ServiceExt as _;

pub(crate) use self::routes::Parts;
use self::{
    routes::Shell,
    types::{Request, Response},
};

/// More than any answer a page asks for as a whole; what is larger is saved to a file instead.
const MOST_BYTES: usize = 32 * 1024 * 1024;

const CONFIRMATION: HeaderName = HeaderName::from_static("agentport-confirmation");

/// The label of the window a request came from.
#[derive(Debug, Clone)]
pub(crate) struct FromWindow(pub String);

/// Carries a request of a window's to the router, as the owner.
#[tauri::command]
pub(crate) async fn owner(
    window: WebviewWindow,
    entry: State<'_, Entry>,
    request: Request,
    stream: Channel<String>,
) -> Result<Response, String> {
    Ok(entry.answer(window.label(), request, stream).await)
}

/// Where the text of a stream goes.
pub(crate) trait Sink: Send + Sync + 'static {
    /// False once nobody reads it any more.
    fn send(&self, text: String) -> bool;
}

impl Sink for Channel<String> {
    fn send(&self, text: String) -> bool {
        Channel::send(self, text).is_ok()
    }
}

/// Where requests of windows come in. Tauri's state.
pub(crate) struct Entry {
    shell: Shell,
    router: Router,
}

impl Entry {
    pub(crate) fn new(parts: Parts) -> Self {
        let shell = Shell::new(parts);
        Self { router: shell.router(), shell }
    }

    /// Ends what goes on to a window that is gone, or that reads its page anew.
    pub(crate) fn window_gone(&self, label: &str) {
        self.shell.streams.end_all(label);
    }

    /// Answers a request of the window called `label`. What streams goes on to `sink` after the answer.
    pub(crate) async fn answer(&self, label: &str, request: Request, sink: impl Sink) -> Response {
        let stream = streams::number(&request.path);
        let path = request.path.clone();
        let Some(request) = http_request(label, request) else {
            return refusal(StatusCode::BAD_REQUEST, "That is no request.");
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
            tracing::warn!(path, status, "a request of a window's failed");
        }
        if is_stream(headers) {
            self.shell.pass_on(label, stream, response.into_body(), sink);
            return Response { status, body: String::new(), retry_after };
        }
        let Ok(body) = Limited::new(response.into_body(), MOST_BYTES).collect().await else {
            return refusal(
                StatusCode::INTERNAL_SERVER_ERROR,
                "The answer broke off or is too large.",
            );
        };
        let body = String::from_utf8_lossy(&body.to_bytes()).into_owned();
        Response { status, body, retry_after }
    }
}

/// Does what is answered go on for as long as somebody reads it?
fn is_stream(headers: &HeaderMap) -> bool {
    headers
        .get(header::CONTENT_TYPE)
        .is_some_and(|kind| kind.as_bytes().starts_with(b"text/event-stream"))
}

/// Nothing but a path of ours, without an authority; the body, where there is one, is JSON.
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
