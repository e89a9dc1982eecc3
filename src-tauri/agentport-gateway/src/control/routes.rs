//! Every route of the owner's, in one list: what it is called, and whether it needs a confirmation while the second
//! factor is on. A route that changes anything cannot be listed without saying so.

use axum::{
    Router,
    extract::{DefaultBodyLimit, Request, State},
    handler::Handler,
    middleware::{self, Next},
    response::Response,
    routing::{MethodFilter, MethodRouter, on},
};
use http::Method;

use super::{
    Control, activity, approvals, audit, available, backup, categories, confirm, events,
    integrations, keys, owner_password, policy, problem::Answer, profiles, second_factor, settings,
    status,
};

/// Does a change need a confirmation?
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Confirmation {
    /// Nobody may do more after it.
    Never,
    Always,
    /// Only where it lets agents do more. Its handler knows, and asks with [`Control::confirmed`].
    IfWidening,
}

use Confirmation::{Always, IfWidening, Never};

/// One method of one path.
pub(super) struct Route {
    method: Method,
    path: &'static str,
    handler: MethodRouter<Control>,
    confirmation: Confirmation,
}

impl Route {
    /// Takes a body of this size, which is more than usual.
    fn taking(self, bytes: usize) -> Self {
        Self { handler: self.handler.route_layer(DefaultBodyLimit::max(bytes)), ..self }
    }
}

fn reads<H: Handler<T, Control>, T: 'static>(path: &'static str, handler: H) -> Route {
    let handler = on(MethodFilter::GET, handler);
    Route { method: Method::GET, path, handler, confirmation: Never }
}

fn changes<H: Handler<T, Control>, T: 'static>(
    method: Method,
    path: &'static str,
    confirmation: Confirmation,
    handler: H,
) -> Route {
    let filter = MethodFilter::try_from(method.clone()).expect("a method of HTTP");
    Route { method, path, handler: on(filter, handler), confirmation }
}

/// What is reached over TCP as well.
#[rustfmt::skip]
pub(super) fn shared() -> Vec<Route> {
    const POST: Method = Method::POST;
    const PUT: Method = Method::PUT;
    const PATCH: Method = Method::PATCH;
    const DELETE: Method = Method::DELETE;
    vec![
        reads("/control/status", status::read),
        changes(POST, "/control/pause", Never, status::pause),
        reads("/control/events", events::stream),
        reads("/control/approvals", approvals::list),
        reads("/control/approvals/{id}", approvals::read),
        changes(POST, "/control/approvals/{id}/approve", Always, approvals::approve),
        changes(POST, "/control/approvals/{id}/deny", Never, approvals::deny),
        reads("/control/keys", keys::list),
        changes(POST, "/control/keys", Always, keys::create),
        changes(PATCH, "/control/keys/{id}", Never, keys::change),
        changes(DELETE, "/control/keys/{id}", Never, keys::revoke),
        changes(POST, "/control/keys/{id}/trust", IfWidening, keys::trust),
        reads("/control/profiles", profiles::list),
        changes(PUT, "/control/profiles/{name}", Never, profiles::put),
        changes(DELETE, "/control/profiles/{name}", Never, profiles::delete),
        reads("/control/available", available::list),
        reads("/control/available/{id}", available::read),
        changes(POST, "/control/available/{id}/install", Always, available::install),
        reads("/control/integrations", integrations::list),
        changes(POST, "/control/integrations", Always, integrations::add),
        reads("/control/integrations/{id}", integrations::read),
        changes(POST, "/control/integrations/{id}", Never, integrations::compare),
        changes(PATCH, "/control/integrations/{id}", IfWidening, integrations::change),
        changes(DELETE, "/control/integrations/{id}", Never, integrations::remove),
        changes(DELETE, "/control/integrations/{id}/adding", Never, integrations::end_adding),
        changes(PUT, "/control/integrations/{id}/credentials", Never, integrations::replace_credentials),
        changes(POST, "/control/integrations/{id}/restart", Never, integrations::restart),
        reads("/control/integrations/{id}/tools", integrations::tools),
        reads("/control/integrations/{id}/log", integrations::log),
        reads("/control/definitions/{digest}", integrations::definition),
        reads("/control/policy", policy::list),
        changes(PUT, "/control/policy", IfWidening, policy::set),
        changes(PATCH, "/control/policy/{id}", IfWidening, policy::change),
        changes(PUT, "/control/policy/category", IfWidening, categories::set),
        changes(DELETE, "/control/policy/{id}", IfWidening, policy::remove),
        changes(POST, "/control/policy/{id}/restore", IfWidening, policy::restore),
        reads("/control/settings", settings::read),
        changes(PATCH, "/control/settings", Never, settings::change),
        reads("/control/activity", activity::list),
        reads("/control/activity/chart", activity::chart),
        reads("/control/activity/export", activity::export),
        reads("/control/audit", audit::list),
        reads("/control/audit/verify", audit::verify),
        reads("/control/audit/export", audit::export),
        reads("/control/second-factor", second_factor::read),
        changes(POST, "/control/second-factor/begin", Never, second_factor::begin),
        changes(POST, "/control/second-factor/enable", Never, second_factor::enable),
        changes(DELETE, "/control/second-factor", Always, second_factor::turn_off),
        changes(POST, "/control/second-factor/recovery-codes", Always, second_factor::new_recovery_codes),
        changes(POST, "/control/confirm", Never, confirm::confirm),
        reads("/control/backup", backup::save),
        changes(POST, "/control/restore", IfWidening, backup::restore).taking(backup::MAX_BYTES),
    ]
}

/// What only who holds the gateway reaches.
pub(super) fn in_process() -> Vec<Route> {
    const PATH: &str = "/control/owner-password";
    vec![
        changes(Method::PUT, PATH, Always, owner_password::set),
        changes(Method::DELETE, PATH, Always, owner_password::remove),
    ]
}

/// Methods and paths of the owner's plane, `{…}` standing for a name or an id: for who wants to try every one of them.
pub fn owner_routes() -> Vec<(Method, &'static str)> {
    let all = shared().into_iter().chain(in_process());
    all.map(|route| (route.method, route.path)).collect()
}

/// Those of them that a change can need a confirmation for.
pub fn routes_to_confirm() -> Vec<(Method, &'static str)> {
    let all = shared().into_iter().chain(in_process());
    all.filter(|route| route.confirmation != Never)
        .map(|route| (route.method, route.path))
        .collect()
}

pub(super) fn router(routes: Vec<Route>, control: Control) -> Router {
    let mut router = Router::new();
    for Route { path, handler, confirmation, .. } in routes {
        let handler = match confirmation {
            Never | IfWidening => handler,
            Always => handler
                .route_layer(middleware::from_fn_with_state(control.clone(), confirmed_first)),
        };
        router = router.route(path, handler);
    }
    router
        .layer(middleware::from_fn_with_state(control.clone(), change_to_the_end))
        .with_state(control)
}

async fn confirmed_first(
    State(control): State<Control>,
    request: Request,
    next: Next,
) -> Answer<Response> {
    control.confirmed(request.headers()).await?;
    Ok(next.run(request).await)
}

/// A change is made whole, even if the owner's connection is lost in the middle of it.
pub(super) async fn change_to_the_end(
    State(control): State<Control>,
    request: Request,
    next: Next,
) -> Response {
    match *request.method() {
        Method::GET | Method::HEAD => next.run(request).await,
        _ => control.engine.to_the_end(next.run(request)).await,
    }
}
