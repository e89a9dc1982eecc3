//! Control extensions: more routes of the control API, added by the program that starts the gateway.
//!
//! An extension's routes pass the same guards as all control routes: host and origin, then, over TCP, exposure and sign-in;
//! each request runs in its own task, and bodies are bounded. Only listed routes are served.
//!
//! Deliberately absent: confirmations of an extension's own. It makes changes that need one through [`ControlHandle`], and
//! passes on the confirmation of its own request.

use std::{path::Path, sync::Arc};

use agentport_api::{Event, paths};
use agentport_core::audit::{Actor, AuditAction};
use axum::{
    Router,
    body::Body,
    extract::{MatchedPath, Request, State},
    middleware::{self, Next},
    response::Response,
};
use http::Method;
use http_body_util::Limited;
use serde_json::Value;

use super::{Control, routes};
use crate::http::not_found::nothing_here;

/// Largest body of an extension's request, in bytes: the same as axum's extractors accept on other control routes.
const LARGEST: usize = 2 * 1024 * 1024;

/// Additional routes of the control API.
pub struct ControlExtension {
    /// Its methods and paths, `{…}` standing for a name or an id. All under `/control/`, none of them the gateway's.
    pub routes: Vec<(Method, &'static str)>,
    /// Makes the router that answers them; called once, before the gateway listens.
    pub build: Box<dyn FnOnce(ControlHandle) -> Router + Send>,
}

/// Access of an extension to the gateway, with all the owner's rights.
#[derive(Clone)]
pub struct ControlHandle {
    control: Control,
    router: Router,
    home: Arc<Path>,
}

impl std::fmt::Debug for ControlHandle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ControlHandle").field("home", &self.home).finish_non_exhaustive()
    }
}

impl ControlHandle {
    pub(crate) fn new(control: &Control, home: &Path) -> Self {
        let router = super::in_process(control.clone(), Router::new());
        Self { control: control.clone(), router, home: home.into() }
    }

    /// The control API in process, as [`crate::Gateway::owner`] returns it, without extensions. It checks no sign-in: the
    /// extension's own request was authenticated.
    pub fn router(&self) -> Router {
        self.router.clone()
    }

    /// Records an audit entry with the owner as actor. `detail` must hold no secret.
    pub async fn record(&self, action: AuditAction, subject: &str, detail: Value) {
        self.control.audit.record(Actor::Owner, action, subject, detail).await;
    }

    /// Sends an event to windows and dashboards.
    pub fn tell(&self, event: Event) {
        self.control.events.send(event);
    }

    /// The gateway's data directory.
    pub fn home(&self) -> &Path {
        &self.home
    }

    /// Where agents connect.
    pub fn mcp_url(&self) -> String {
        format!("{}/mcp", self.control.address.origin())
    }
}

/// All extensions as one router, without the guards.
pub(crate) fn open(extensions: Vec<ControlExtension>, hand: &ControlHandle) -> Router {
    extensions.into_iter().fold(Router::new(), |all, ControlExtension { routes, build }| {
        let listed: Arc<[_]> = routes.into();
        let extension = build(hand.clone())
            .layer(middleware::map_request(bounded))
            .layer(middleware::from_fn_with_state(hand.control.clone(), routes::in_own_task))
            .layer(middleware::from_fn_with_state(listed, only_what_is_listed));
        all.merge(extension)
    })
}

async fn bounded(request: Request) -> Request {
    request.map(|body| Body::new(Limited::new(body, LARGEST)))
}

async fn only_what_is_listed(
    State(listed): State<Arc<[(Method, &'static str)]>>,
    request: Request,
    next: Next,
) -> Response {
    let method = match *request.method() {
        // HEAD is answered by the route for GET.
        Method::HEAD => &Method::GET,
        ref method => method,
    };
    let path = request.extensions().get::<MatchedPath>().map(MatchedPath::as_str);
    let is_listed = listed.iter().any(|(known, at)| known == method && Some(*at) == path);
    match is_listed && path.is_some_and(|path| path.starts_with(paths::PREFIX)) {
        true => next.run(request).await,
        false => nothing_here().await,
    }
}
