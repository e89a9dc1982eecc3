//! The owner's plane: the only way to decide, configure and read.
//!
//! [`owner_router`] has every route, and asks nobody who they are: whoever holds it is the owner. A desktop app calls
//! it in process. Over TCP it is reached through [`guarded`] only, which lets in who has signed in.

mod activity;
mod approvals;
mod audit;
mod events;
mod integrations;
mod keys;
pub(crate) mod login;
mod policy;
pub(crate) mod problem;
mod profiles;
mod settings;
mod status;
pub mod types;

use std::sync::Arc;

use axum::{
    Router,
    extract::{Request, State},
    middleware::{self, Next},
    response::Response,
    routing::{delete, get, post},
};
use http::Method;

use crate::{engine::Engine, mcp::sessions::Sessions};

pub(crate) use login::guarded;

/// What the routes work on.
#[derive(Clone)]
pub(crate) struct Control {
    pub(crate) engine: Arc<Engine>,
    pub(crate) sessions: Arc<Sessions>,
    pub(crate) logins: Arc<login::Logins>,
    pub(crate) home: Arc<str>,
    pub(crate) started_at: agentport_core::Timestamp,
}

/// Every route of the owner's, under `/control`.
pub(crate) fn owner_router(control: Control) -> Router {
    Router::new()
        .route("/control/status", get(status::read))
        .route("/control/pause", post(status::pause))
        .route("/control/events", get(events::stream))
        .route("/control/approvals", get(approvals::list))
        .route("/control/approvals/{id}", get(approvals::read))
        .route("/control/approvals/{id}/approve", post(approvals::approve))
        .route("/control/approvals/{id}/deny", post(approvals::deny))
        .route("/control/keys", get(keys::list).post(keys::create))
        .route("/control/keys/{id}", delete(keys::revoke).patch(keys::change))
        .route("/control/keys/{id}/trust", post(keys::trust))
        .route("/control/profiles", get(profiles::list))
        .route(
            "/control/profiles/{name}",
            axum::routing::put(profiles::put).delete(profiles::delete),
        )
        .route("/control/integrations", get(integrations::list).post(integrations::add))
        .route(
            "/control/integrations/{id}",
            get(integrations::read).patch(integrations::change).delete(integrations::remove),
        )
        .route(
            "/control/integrations/{id}/credentials",
            axum::routing::put(integrations::replace_credentials),
        )
        .route("/control/definitions/{digest}", get(integrations::definition))
        .route("/control/integrations/{id}/restart", post(integrations::restart))
        .route("/control/integrations/{id}/tools", get(integrations::tools))
        .route("/control/integrations/{id}/log", get(integrations::log))
        .route("/control/policy", get(policy::list).put(policy::set))
        .route("/control/policy/{id}", delete(policy::remove))
        .route("/control/settings", get(settings::read).patch(settings::change))
        .route("/control/activity", get(activity::list))
        .route("/control/audit", get(audit::list))
        .route("/control/audit/verify", get(audit::verify))
        .route("/control/audit/export", get(audit::export))
        .layer(middleware::from_fn_with_state(control.clone(), change_to_the_end))
        .with_state(control)
}

/// A change is made whole, even if the owner's connection is lost in the middle of it.
async fn change_to_the_end(
    State(control): State<Control>,
    request: Request,
    next: Next,
) -> Response {
    match *request.method() {
        Method::GET | Method::HEAD => next.run(request).await,
        _ => control.engine.to_the_end(next.run(request)).await,
    }
}
