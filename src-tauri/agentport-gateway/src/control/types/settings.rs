//! Settings.

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
        }
    }
}
