//! Table of all control routes, each with whether it needs a confirmation while the second factor is on. A changing route
//! cannot be added without stating that.

use agentport_api::paths;
use axum::{
    Router,
    extract::{DefaultBodyLimit, Request, State},
    handler::Handler,
    middleware::{self, Next},
    response::Response,
    routing::{MethodFilter, MethodRouter, on},
};
use http::{Method, StatusCode};

use super::{
    Control, accounts, activity, approvals, audit, backup, categories, confirm, consents, denials,
    error::{ApiError, ApiResult},
    events, imports, integrations, keys, owner_password, policy, profiles, second_factor, settings,
    status, tool_effects,
};
use crate::control::directory;
use crate::shutdown::run_to_completion;

/// Whether a change needs a confirmation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ConfirmationRule {
    /// It never lets agents do more.
    Never,
    Always,
    /// Only if it lets agents do more; the handler decides and calls [`Control::confirmed`].
    IfWidening,
}

use ConfirmationRule::{Always, IfWidening, Never};

/// One method of one path.
pub(super) struct Route {
    method: Method,
    path: &'static str,
    handler: MethodRouter<Control>,
    confirmation: ConfirmationRule,
}

impl Route {
    /// Accepts a body of this size instead of the default limit.
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
    confirmation: ConfirmationRule,
    handler: H,
) -> Route {
    let filter = MethodFilter::try_from(method.clone()).expect("a method of HTTP");
    Route { method, path, handler: on(filter, handler), confirmation }
}

/// Routes in process and over TCP.
#[rustfmt::skip]
pub(super) fn shared() -> Vec<Route> {
    vec![
        reads(paths::STATUS, status::read),
        changes(Method::POST, paths::PAUSE, Never, status::pause),
        reads(paths::EVENTS, events::stream),
        reads(paths::APPROVALS, approvals::list),
        reads(paths::APPROVAL, approvals::read),
        changes(Method::POST, paths::APPROVE, Always, approvals::approve),
        changes(Method::POST, paths::DENY, Never, approvals::deny),
        reads(paths::KEYS, keys::list),
        changes(Method::POST, paths::KEYS, Always, keys::create),
        changes(Method::PATCH, paths::KEY, IfWidening, keys::change),
        changes(Method::DELETE, paths::KEY, Never, keys::revoke),
        changes(Method::POST, paths::KEY_TRUST, IfWidening, keys::trust),
        reads(paths::CONSENTS, consents::list),
        reads(paths::CONSENT, consents::read),
        changes(Method::POST, paths::CONSENT_APPROVE, Always, consents::approve),
        changes(Method::POST, paths::CONSENT_DENY, Never, consents::deny),
        reads(paths::PROFILES, profiles::list),
        changes(Method::PUT, paths::PROFILE, Never, profiles::put),
        changes(Method::DELETE, paths::PROFILE, Never, profiles::delete),
        reads(paths::DIRECTORY, directory::list),
        reads(paths::DIRECTORY_ENTRY, directory::read),
        changes(Method::POST, paths::DIRECTORY_INSTALL, Always, directory::install),
        changes(Method::POST, paths::DIRECTORY_PREVIEW, Never, directory::preview),
        changes(Method::POST, paths::IMPORT_READ, Never, imports::read).taking(imports::MAX_BYTES),
        changes(Method::POST, paths::IMPORT_PREVIEW, Never, imports::preview).taking(imports::MAX_BYTES),
        changes(Method::POST, paths::IMPORT_INSTALL, Always, imports::install).taking(imports::MAX_BYTES),
        reads(paths::INTEGRATIONS, integrations::list),
        changes(Method::POST, paths::INTEGRATIONS, Always, integrations::add),
        reads(paths::INTEGRATION, integrations::read),
        changes(Method::POST, paths::CONNECTION_COMPARE, Never, integrations::compare),
        changes(Method::PATCH, paths::INTEGRATION, IfWidening, integrations::change),
        changes(Method::DELETE, paths::INTEGRATION, Never, integrations::remove),
        reads(paths::INTEGRATION_ADDING, integrations::add_progress),
        changes(Method::DELETE, paths::INTEGRATION_ADDING, Never, integrations::end_adding),
        changes(Method::PUT, paths::INTEGRATION_CREDENTIALS, Never, integrations::replace_credentials),
        changes(Method::POST, paths::INTEGRATION_RESTART, Never, integrations::restart),
        changes(Method::POST, paths::INTEGRATION_PIN, Always, integrations::pin),
        reads(paths::INTEGRATION_TOOLS, integrations::tools),
        changes(Method::PUT, paths::INTEGRATION_TOOL_EFFECT, Always, tool_effects::set),
        reads(paths::INTEGRATION_LOG, integrations::log),
        reads(paths::DEFINITION, integrations::definition),
        reads(paths::POLICY, policy::list),
        changes(Method::PUT, paths::POLICY, IfWidening, policy::set),
        changes(Method::PATCH, paths::POLICY_RULE, IfWidening, policy::change),
        changes(Method::PUT, paths::POLICY_CATEGORY, IfWidening, categories::set),
        changes(Method::DELETE, paths::POLICY_RULE, IfWidening, policy::remove),
        changes(Method::POST, paths::POLICY_RULE_RESTORE, IfWidening, policy::restore),
        reads(paths::DENIALS, denials::list),
        changes(Method::DELETE, paths::DENIAL, Never, denials::end),
    ]
    .into_iter()
    .chain(shared_accounts())
    .chain(shared_settings_and_records())
    .collect()
}

/// Routes of accounts. A sign-in that was started was confirmed; what goes on with it needs no more.
#[rustfmt::skip]
fn shared_accounts() -> Vec<Route> {
    vec![
        reads(paths::ACCOUNTS, accounts::list),
        reads(paths::ACCOUNT, accounts::read),
        changes(Method::PATCH, paths::ACCOUNT, Never, accounts::change),
        changes(Method::DELETE, paths::ACCOUNT, Never, accounts::disconnect),
        changes(Method::PUT, paths::ACCOUNT_CREDENTIALS, Never, accounts::replace_credentials),
        changes(Method::POST, paths::ACCOUNT_FORGET_REGISTRATION, Never, accounts::forget_registration),
        changes(Method::POST, paths::INTEGRATION_ACCOUNTS, Always, accounts::add),
        reads(paths::INTEGRATION_CHOSEN_ACCOUNTS, accounts::chosen),
        changes(Method::PUT, paths::INTEGRATION_CHOSEN_ACCOUNTS, Never, accounts::choose),
        reads(paths::SIGN_INS, accounts::list_sign_ins),
        changes(Method::POST, paths::SIGN_INS, Always, accounts::start_sign_in),
        reads(paths::SIGN_IN, accounts::read_sign_in),
        changes(Method::DELETE, paths::SIGN_IN, Never, accounts::cancel_sign_in),
        changes(Method::POST, paths::SIGN_IN_CALLBACK, Never, accounts::paste_callback),
    ]
}

/// Routes of settings, activity, audit, second factor and backup.
#[rustfmt::skip]
fn shared_settings_and_records() -> Vec<Route> {
    vec![
        reads(paths::SETTINGS, settings::read),
        changes(Method::PATCH, paths::SETTINGS, IfWidening, settings::change),
        reads(paths::ACTIVITY, activity::list),
        reads(paths::ACTIVITY_CHART, activity::chart),
        reads(paths::ACTIVITY_EXPORT, activity::export),
        reads(paths::AUDIT, audit::list),
        reads(paths::AUDIT_VERIFY, audit::verify),
        reads(paths::AUDIT_EXPORT, audit::export),
        reads(paths::SECOND_FACTOR, second_factor::read),
        changes(Method::POST, paths::SECOND_FACTOR_BEGIN, Never, second_factor::begin),
        changes(Method::POST, paths::SECOND_FACTOR_ENABLE, Never, second_factor::enable),
        changes(Method::DELETE, paths::SECOND_FACTOR, Always, second_factor::turn_off),
        changes(Method::POST, paths::SECOND_FACTOR_RECOVERY_CODES, Always, second_factor::new_recovery_codes),
        changes(Method::POST, paths::CONFIRM, Never, confirm::confirm),
        reads(paths::BACKUP, backup::save),
        changes(Method::POST, paths::RESTORE, IfWidening, backup::restore).taking(backup::MAX_BYTES),
    ]
}

/// Routes in process only.
pub(super) fn in_process() -> Vec<Route> {
    vec![
        changes(Method::PUT, paths::OWNER_PASSWORD, Always, owner_password::set),
        changes(Method::DELETE, paths::OWNER_PASSWORD, Always, owner_password::remove),
    ]
}

/// Methods and paths of all control routes, with `{…}` for a name or an id; for tests that try each.
pub fn owner_routes() -> Vec<(Method, &'static str)> {
    let all = shared().into_iter().chain(in_process());
    all.map(|route| (route.method, route.path)).collect()
}

/// Those of them that can need a confirmation.
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
        .method_not_allowed_fallback(method_not_allowed)
        .layer(middleware::from_fn_with_state(control.clone(), in_own_task))
        .with_state(control)
}

async fn method_not_allowed(request: Request) -> ApiError {
    let detail = format!("{} is not possible here", request.method());
    ApiError::new(StatusCode::METHOD_NOT_ALLOWED, detail)
}

async fn confirmed_first(
    State(control): State<Control>,
    request: Request,
    next: Next,
) -> ApiResult<Response> {
    control.confirmed(request.headers()).await?;
    Ok(next.run(request).await)
}

/// Runs each request in a task of its own. A change completes even if the owner's connection is lost. And an in-process
/// caller that stops polling cannot keep the database locked meanwhile: there is one writing connection.
pub(super) async fn in_own_task(
    State(control): State<Control>,
    request: Request,
    next: Next,
) -> Response {
    run_to_completion(&control.tasks, next.run(request)).await
}
