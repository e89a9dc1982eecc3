//! Control extensions: more routes of the control API, added by the program that starts the gateway.
//!
//! A extension stands under the same guards as every other route of the owner's: host and origin first, then, over TCP, the
//! front and the sign-in; a change is made whole, and a body is bounded. What a extension does not list it does not serve, so
//! that a list of its routes is a list of all of them.
//!
//! Deliberately absent: confirmations of a extension's own. What needs one, a extension asks of the plane through [`ControlHandle`],
//! with the confirmation its own request showed.

use std::{path::Path, sync::Arc};

use agentport_api::{Event, paths};
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

/// Largest body a extension is sent, in bytes. As much as axum's extractors take on the rest of the plane.
const LARGEST: usize = 2 * 1024 * 1024;

/// A part of the owner's plane that is not the gateway's own.
pub struct ControlExtension {
    /// Its methods and paths, `{…}` standing for a name or an id. All under `/control/`, none of them the gateway's.
    pub routes: Vec<(Method, &'static str)>,
    /// Makes the router that answers them; called once, before the gateway listens.
    pub build: Box<dyn FnOnce(ControlHandle) -> Router + Send>,
}

/// What a extension does things with: all that the owner can.
#[derive(Clone)]
pub struct ControlHandle {
    control: Control,
    plane: Router,
    home: Arc<Path>,
}

impl std::fmt::Debug for ControlHandle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ControlHandle").field("home", &self.home).finish_non_exhaustive()
    }
}

impl ControlHandle {
    pub(crate) fn new(control: &Control, home: &Path) -> Self {
        let plane = super::in_process(control.clone(), Router::new());
        Self { control: control.clone(), plane, home: home.into() }
    }

    /// The owner's plane in process, as [`crate::Gateway::owner`] gives it, without the extensions. It does not ask who they
    /// are: what a extension passes on to it, the owner asked for.
    pub fn router(&self) -> Router {
        self.plane.clone()
    }

    /// One row in the audit, by the owner. `detail` holds no secret.
    pub async fn note(&self, what: &str, subject: &str, detail: Value) {
        self.control.audit.record("owner", what, subject, detail).await;
    }

    /// Tells screens that something changed.
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

/// All extensions as one router, to be put behind the same guards as the rest.
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
        // Answered by the route for GET.
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
