//! The HTTP server on loopback: the router of every API, behind the checks of Host and Origin.
//!
//! [`accept`] takes connections, [`guard`] looks at every request first, [`external`] does so behind an external URL,
//! [`body`] bounds what is read, [`assets`] serves the front end, [`approve_page`] is the page of a request's URL. Loopback is hostile: web pages can reach it, and so
//! can every program of this account. What a program may do is decided by the credential it shows, in each API.

pub(crate) mod accept;
mod approve_page;
pub(crate) mod assets;
pub(crate) mod body;
pub(crate) mod external;
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
    control::{self, Control, exposure::ControlAccess},
    mcp::{self, McpEndpoint},
    oauth_server::{self, OAuthServer, ServerOrigin},
    rest,
};

/// What every listener serves to agents.
#[derive(Clone)]
pub(crate) struct AgentRoutes {
    pub(crate) api: Arc<AgentApi>,
    pub(crate) endpoint: McpEndpoint,
    pub(crate) oauth: Arc<OAuthServer>,
}

impl AgentRoutes {
    /// The agent API under one origin. `dashboard`: where the owner can decide in a browser.
    fn router(&self, origin: ServerOrigin, dashboard: Option<Arc<str>>) -> Router {
        let port = self.api.address.port;
        Router::new()
            .route("/health", get(health))
            .route("/.well-known/{*rest}", any(nothing_here))
            .merge(mcp::router(self.endpoint.clone()))
            .merge(rest::router(self.api.clone()))
            .merge(oauth_server::router(self.oauth.clone(), origin, port, dashboard))
    }
}

/// The routes of the agent API, and of the control API behind its sign-in.
pub(crate) fn router(
    agents: &AgentRoutes,
    control: &Control,
    extensions: Router,
    ui: Assets,
) -> Router {
    let front = control.front.clone();
    let port = agents.api.address.port;
    let dashboard =
        (front.reach() == ControlAccess::Network).then(|| Arc::from(agents.api.address.origin()));
    let router = agents
        .router(ServerOrigin::Loopback { port }, dashboard)
        .merge(approve_page::router(control, front.reach()))
        .merge(control::over_tcp(control.clone(), extensions))
        .fallback(move |method: Method, uri: Uri, headers: HeaderMap| async move {
            match front.is_open() {
                true => ui.answer(&method, &uri, &headers),
                false => nothing_here().await,
            }
        });
    let origins: Arc<[String]> = own_origins(port).into();
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
