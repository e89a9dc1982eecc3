//! The control API: the only way to decide, configure and read.
//!
//! [`in_process`] has every route and checks no sign-in: the desktop app that calls it acts for the owner.
//! Over TCP they are reached through [`over_tcp`] only, which requires a sign-in, and answers 404 while the owner has none
//! set up ([`exposure`]). The program that starts the gateway may add an [`extension`].

mod accounts;
mod activity;
mod approvals;
mod audit;
mod backup;
mod categories;
mod confirm;
mod consents;
mod denials;
mod directory;
pub(crate) mod error;
mod events;
pub(crate) mod exposure;
pub mod extension;
mod imports;
mod integrations;
mod keys;
pub(crate) mod login;
mod owner_password;
pub(crate) mod password;
mod policy;
mod profiles;
mod routes;
pub(crate) mod second_factor;
mod settings;
mod status;
mod throttle;
mod tokens;
mod tool_effects;

use std::sync::Arc;

use axum::{Router, middleware};

use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    address::{ExternalAddress, GatewayAddress},
    agents::Agents,
    approvals::Approvals,
    audit::Audit,
    catalogue::Catalogue,
    events::Events,
    installs::Installer,
    integrations::Integrations,
    journal::Journal,
    mcp::sessions::Sessions,
    oauth_server::OAuthServer,
    policy::PolicyStore,
    settings::{CallSwitch, SettingsStore},
    sign_ins::SignIns,
    store::Store,
    upstream::UpstreamRegistry,
    vault::Vault,
};

pub use routes::{owner_routes, routes_to_confirm};

/// The services the routes use.
#[derive(Clone)]
pub(crate) struct Control {
    pub(crate) address: GatewayAddress,
    pub(crate) external: ExternalAddress,
    pub(crate) store: Store,
    pub(crate) vault: Arc<Vault>,
    /// Flushed before activity is read.
    pub(crate) journal: Arc<Journal>,
    pub(crate) events: Events,
    pub(crate) audit: Audit,
    pub(crate) agents: Arc<Agents>,
    pub(crate) settings: Arc<SettingsStore>,
    pub(crate) switch: Arc<CallSwitch>,
    pub(crate) policy: Arc<PolicyStore>,
    pub(crate) catalogue: Arc<Catalogue>,
    pub(crate) upstreams: UpstreamRegistry,
    pub(crate) approvals: Arc<Approvals>,
    pub(crate) integrations: Arc<Integrations>,
    pub(crate) installer: Arc<Installer>,
    pub(crate) sign_ins: Arc<SignIns>,
    pub(crate) oauth_server: Arc<OAuthServer>,
    pub(crate) tasks: TaskTracker,
    pub(crate) soft_stop: CancellationToken,
    pub(crate) sessions: Arc<Sessions>,
    pub(crate) logins: Arc<login::Logins>,
    pub(crate) front: Arc<exposure::TcpExposure>,
    pub(crate) codes: Arc<second_factor::SecondFactorState>,
    /// Held while password, second factor or a restore change.
    pub(crate) changing: Arc<tokio::sync::Mutex<()>>,
    pub(crate) home: Arc<str>,
    pub(crate) started_at: agentport_core::Timestamp,
}

/// The control API in process, with the routes that open and close it over TCP.
pub(crate) fn in_process(control: Control, extensions: Router) -> Router {
    let all = routes::shared().into_iter().chain(routes::in_process());
    routes::router(all.collect(), control).merge(extensions)
}

/// The control API behind its sign-in.
pub(crate) fn over_tcp(control: Control, extensions: Router) -> Router {
    let front = control.front.clone();
    login::guarded(control.clone(), routes::router(routes::shared(), control).merge(extensions))
        .layer(middleware::from_fn_with_state(front, exposure::only_while_open))
}
