//! The HTTP server on loopback: the router of every API, behind the checks of Host and Origin.
//!
//! [`accept`] takes connections, [`guard`] looks at every request first, [`body`] bounds what is read, [`assets`] serves
//! the front end, [`approve_page`] is the page of a request's URL. Loopback is hostile: web pages can reach it, and so
//! can every program of this account. What a program may do is decided by the credential it shows, in each API.

pub(crate) mod accept;
mod approve_page;
pub(crate) mod assets;
pub(crate) mod body;
mod guard;
pub(crate) mod not_found;

use std::{net::SocketAddr, sync::Arc};

use axum::{
    Router, middleware,
    response::{IntoResponse as _, Response},
    routing::{any, get},
};
use http::{HeaderMap, Method, Uri};

use self::{assets::Assets, guard::guard, not_found::nothing_here};
use crate::{
    address::own_origins,
    agent_api::AgentApi,
    control::{self, Control},
    mcp::{self, McpEndpoint},
    rest,
};

/// The routes of the agent API, and of the control API behind its sign-in.
pub(crate) fn router(
    api: &Arc<AgentApi>,
    endpoint: McpEndpoint,
    control: &Control,
    extensions: Router,
    ui: Assets,
) -> Router {
    let mcp = Router::new()
        .route("/mcp", any(mcp::serve))
        .route("/mcp/", any(mcp::serve))
        .with_state(endpoint);
    let pages = Router::new()
        .route("/health", get(health))
        .route("/.well-known/{*rest}", any(nothing_here))
        .merge(approve_page::router(control, control.front.reach()));
    let front = control.front.clone();
    let router = Router::new()
        .merge(mcp)
        .merge(pages)
        .merge(rest::router(api.clone()))
        .merge(control::over_tcp(control.clone(), extensions))
        .fallback(move |method: Method, uri: Uri, headers: HeaderMap| async move {
            match front.is_open() {
                true => ui.answer(&method, &uri, &headers),
                false => nothing_here().await,
            }
        });
    let origins: Arc<[String]> = own_origins(api.address.port).into();
    router.layer(middleware::from_fn_with_state(origins, guard))
}

/// Says that the gateway is up, and nothing else.
async fn health() -> Response {
    let body = serde_json::json!({ "status": "ok", "version": env!("CARGO_PKG_VERSION") });
    axum::Json(body).into_response()
}

/// The loopback addresses to listen on.
pub(crate) fn addresses(port: u16) -> [SocketAddr; 2] {
    [([127, 0, 0, 1], port).into(), ([0, 0, 0, 0, 0, 0, 0, 1], port).into()]
}
