//! The owner's plane: the only way to decide, configure and read.
//!
//! [`in_process`] has every route, and asks nobody who they are: whoever holds it is the owner. A desktop app calls it.
//! Over TCP the routes are reached through [`over_tcp`] only, which lets in who has signed in, and has nothing to show
//! where the owner wants no sign-in ([`front`]). Whoever starts the gateway may add a [`extension`] to it.

mod activity;
mod approvals;
mod audit;
mod backup;
mod categories;
mod confirm;
mod denials;
mod directory;
mod events;
pub(crate) mod exposure;
pub mod extension;
mod integrations;
mod keys;
pub(crate) mod login;
mod owner_password;
pub(crate) mod password;
mod patience;
mod policy;
pub(crate) mod problem;
mod profiles;
mod routes;
pub(crate) mod second_factor;
mod settings;
mod status;
mod tokens;

use std::sync::Arc;

use axum::{Router, middleware};

use crate::{engine::Engine, mcp::sessions::Sessions};

pub use routes::{owner_routes, routes_to_confirm};

/// What the routes work on.
#[derive(Clone)]
pub(crate) struct Control {
    pub(crate) engine: Arc<Engine>,
    pub(crate) sessions: Arc<Sessions>,
    pub(crate) logins: Arc<login::Logins>,
    pub(crate) front: Arc<exposure::TcpExposure>,
    pub(crate) codes: Arc<second_factor::Codes>,
    /// Held by who changes what is stored as a whole.
    pub(crate) changing: Arc<tokio::sync::Mutex<()>>,
    pub(crate) home: Arc<str>,
    pub(crate) started_at: agentport_core::Timestamp,
}

/// The owner's plane for who holds the gateway: with the routes that open and close it to everybody else.
pub(crate) fn in_process(control: Control, extensions: Router) -> Router {
    let all = routes::shared().into_iter().chain(routes::in_process());
    routes::router(all.collect(), control).merge(extensions)
}

/// The owner's plane behind its sign-in.
pub(crate) fn over_tcp(control: Control, extensions: Router) -> Router {
    let front = control.front.clone();
    login::guarded(control.clone(), routes::router(routes::shared(), control).merge(extensions))
        .layer(middleware::from_fn_with_state(front, exposure::only_while_open))
}
