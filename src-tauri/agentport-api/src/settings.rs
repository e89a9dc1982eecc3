//! Settings.

use agentport_core::Timestamp;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// `GET /control/settings`; `PATCH` takes any of them and answers all.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(default, deny_unknown_fields)]
#[ts(export)]
pub struct Settings {
    /// Minutes until a request nobody decided expires, 1–1440.
    pub approval_expiry_minutes: u32,
    /// Requests of one agent that may wait at once, 1–100.
    pub pending_per_agent: u32,
    /// Seconds an upstream may take to answer a call, 1–3600.
    pub call_timeout_seconds: u32,
    /// Minutes without a call after which a local server is stopped, 1–1440.
    pub idle_stop_minutes: u32,
    /// Days activity is kept, 1–3650.
    pub activity_retention_days: u32,
    /// Calls one agent may make in a minute, 0 for no limit.
    pub calls_per_minute: u32,
    /// Where agents reach the gateway, 1024–65535. Counts from the next start.
    pub port: u16,
    /// Requests are shown as native notifications.
    pub notifications: bool,
    /// Notifications say that a request waits, and not what it is.
    pub notifications_hide_details: bool,
    /// Until then requests queue without a notification.
    pub notifications_silent_until: Option<Timestamp>,
    /// The owner has been through the welcome.
    pub welcomed: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            approval_expiry_minutes: 10,
            pending_per_agent: 5,
            call_timeout_seconds: 300,
            idle_stop_minutes: 10,
            activity_retention_days: 90,
            calls_per_minute: 0,
            port: 4747,
            notifications: true,
            notifications_hide_details: false,
            notifications_silent_until: None,
            welcomed: false,
        }
    }
}
