//! Rooms: more of the owner's plane, brought along by whoever starts the gateway.
//!
//! A room stands under the same guards as every other route of the owner's: host and origin first, then, over TCP, the
//! front and the sign-in; a change is made whole, and a body is bounded. What a room does not list it does not serve, so
//! that a list of its routes is a list of all of them.
//!
//! Deliberately absent: confirmations of a room's own. What needs one, a room asks of the plane through [`OwnersHand`],
//! with the confirmation its own request showed.

use std::{path::Path, sync::Arc};

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

use super::{Control, routes, types::Event};
use crate::http::nothing_here;

/// Where rooms are.
const PLANE: &str = "/control/";
/// Largest body a room is sent, in bytes. As much as axum's extractors take on the rest of the plane.
const LARGEST: usize = 2 * 1024 * 1024;

/// A part of the owner's plane that is not the gateway's own.
pub struct Room {
    /// Its methods and paths, `{…}` standing for a name or an id. All under `/control/`, none of them the gateway's.
    pub routes: Vec<(Method, &'static str)>,
    /// Makes the router that answers them; called once, before the gateway listens.
    pub build: Box<dyn FnOnce(OwnersHand) -> Router + Send>,
}

/// What a room does things with: all that the owner can.
#[derive(Clone)]
pub struct OwnersHand {
    control: Control,
    plane: Router,
    home: Arc<Path>,
}

impl std::fmt::Debug for OwnersHand {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("OwnersHand").field("home", &self.home).finish_non_exhaustive()
    }
}

impl OwnersHand {
    pub(crate) fn new(control: &Control, home: &Path) -> Self {
        let plane = super::in_process(control.clone(), Router::new());
        Self { control: control.clone(), plane, home: home.into() }
    }

    /// The owner's plane in process, as [`crate::Gateway::owner`] gives it, without the rooms. It asks nobody who they
    /// are: what a room passes on to it, the owner asked for.
    pub fn router(&self) -> Router {
        self.plane.clone()
    }

    /// One row in the audit, by the owner. `detail` holds no secret.
    pub async fn note(&self, what: &str, subject: &str, detail: Value) {
        self.control.engine.note("owner", what, subject, detail).await;
    }

    /// Tells screens that something changed.
    pub fn tell(&self, event: Event) {
        self.control.engine.events.send(event);
    }

    /// The gateway's data directory.
    pub fn home(&self) -> &Path {
        &self.home
    }

    /// Where agents connect.
    pub fn mcp_url(&self) -> String {
        format!("{}/mcp", self.control.engine.address.origin())
    }
}

/// All rooms as one router, to be put behind the same guards as the rest.
pub(crate) fn open(rooms: Vec<Room>, hand: &OwnersHand) -> Router {
    rooms.into_iter().fold(Router::new(), |all, Room { routes, build }| {
        let listed: Arc<[_]> = routes.into();
        let room = build(hand.clone())
            .layer(middleware::map_request(bounded))
            .layer(middleware::from_fn_with_state(hand.control.clone(), routes::change_to_the_end))
            .layer(middleware::from_fn_with_state(listed, only_what_is_listed));
        all.merge(room)
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
    match is_listed && path.is_some_and(|path| path.starts_with(PLANE)) {
        true => next.run(request).await,
        false => nothing_here().await,
    }
}
