//! Whether the control API is reachable over TCP.
//!
//! With a window it is not needed, and a sign-in that does not exist cannot be attacked: until the owner sets a password for
//! browser and terminal, its routes and pages answer 404.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use axum::{
    extract::{Request, State},
    middleware::Next,
    response::Response,
};

use super::Control;
use crate::http::not_found::nothing_here;

/// How the owner reaches the control API. The program that runs the gateway can always use it in process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ControlAccess {
    /// Over TCP from the start, for a machine without a screen. Without a password, a code leads to choosing one.
    Network,
    /// Over TCP only while an owner password is set; otherwise its pages and routes answer 404.
    WindowOnly,
}

/// Whether the control API is open over TCP.
#[derive(Debug)]
pub(crate) struct TcpExposure {
    control_access: ControlAccess,
    /// An owner password is set.
    password: AtomicBool,
}

impl TcpExposure {
    pub(crate) fn new(control_access: ControlAccess, has_password: bool) -> Self {
        Self { control_access, password: AtomicBool::new(has_password) }
    }

    pub(crate) fn reach(&self) -> ControlAccess {
        self.control_access
    }

    pub(crate) fn is_open(&self) -> bool {
        self.control_access == ControlAccess::Network || self.has_password()
    }

    pub(crate) fn has_password(&self) -> bool {
        self.password.load(Ordering::Acquire)
    }

    /// Called after a password was stored and before one is removed, so that it is closed while in doubt.
    pub(crate) fn set_password(&self, is_set: bool) {
        self.password.store(is_set, Ordering::Release);
    }
}

impl Control {
    /// URL of the dashboard, with a sign-in code if no password was chosen yet.
    pub(crate) fn dashboard_url(&self) -> Option<String> {
        let origin = self.address.origin();
        match (self.front.is_open(), self.front.has_password()) {
            (false, _) => None,
            (true, true) => Some(format!("{origin}/")),
            (true, false) => Some(format!("{origin}/#/welcome?code={}", self.logins.make_code())),
        }
    }
}

pub(super) async fn only_while_open(
    State(front): State<Arc<TcpExposure>>,
    request: Request,
    next: Next,
) -> Response {
    match front.is_open() {
        true => next.run(request).await,
        false => nothing_here().await,
    }
}
