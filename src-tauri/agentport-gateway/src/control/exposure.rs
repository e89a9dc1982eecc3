//! Whether the owner's plane is to be found over TCP at all.
//!
//! Before a window there is no need for it, and a sign-in that is not there cannot be guessed at: until the owner sets a
//! password for browser and terminal, every route and every page answers as if it did not exist.

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

/// Over what the owner reaches the control API. The program that holds the gateway reaches it in process in any case.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ControlAccess {
    /// Over TCP from the start, for a machine without a screen. Without a password, a code leads to choosing one.
    Network,
    /// Over TCP only while an owner password is set. Without one, every owner page and route answers as if it did not
    /// exist.
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

    /// To be told once a password is stored, and before one is removed: what is in doubt is closed.
    pub(crate) fn set_password(&self, is_set: bool) {
        self.password.store(is_set, Ordering::Release);
    }
}

impl Control {
    /// Where a browser finds the owner's plane, with a sign-in code where no password was chosen yet.
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
