//! Settings.

use agentport_core::Timestamp;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// Inherited by local servers unless the owner changes the list: proxies, certificates, package indexes, and the sockets
/// that tools for containers, SSH and windows need.
const INHERITED_ENVIRONMENT: [&str; 30] = [
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "ALL_PROXY",
    "NO_PROXY",
    "http_proxy",
    "https_proxy",
    "all_proxy",
    "no_proxy",
    "NODE_EXTRA_CA_CERTS",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "REQUESTS_CA_BUNDLE",
    "CURL_CA_BUNDLE",
    "npm_config_registry",
    "NPM_CONFIG_REGISTRY",
    "npm_config_cafile",
    "PIP_INDEX_URL",
    "PIP_EXTRA_INDEX_URL",
    "PIP_CERT",
    "UV_INDEX_URL",
    "UV_EXTRA_INDEX_URL",
    "UV_DEFAULT_INDEX",
    "UV_INDEX",
    "UV_NATIVE_TLS",
    "DOCKER_HOST",
    "SSH_AUTH_SOCK",
    "DISPLAY",
    "WAYLAND_DISPLAY",
    "XAUTHORITY",
    "XDG_RUNTIME_DIR",
];

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
    /// Where agents reach the gateway, 1024–65535. The app moves there at once, `agentport serve` at its next start.
    pub port: u16,
    /// The https origin under which agents on other computers reach the gateway, through a reverse proxy or tunnel on
    /// this computer. `null`: they do not. Changing it needs a confirmation.
    pub external_url: Option<String>,
    /// Port on loopback that serves the external URL, 1024–65535, not `port`.
    pub external_port: u16,
    /// Agents may name an https address as their client id, which is then fetched (client-id metadata documents).
    pub client_id_documents: bool,
    /// Requests are shown as native notifications.
    pub notifications: bool,
    /// Notifications say that a request waits, and not what it is.
    pub notifications_hide_details: bool,
    /// Until then requests queue without a notification.
    pub notifications_silent_until: Option<Timestamp>,
    /// Names of environment variables of the gateway that local servers get too, beside those every program needs.
    pub inherited_environment: Vec<String>,
    /// When the owner last looked at the missed requests.
    #[ts(optional = nullable)]
    pub missed_seen_at: Option<Timestamp>,
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
            external_url: None,
            external_port: 4748,
            client_id_documents: false,
            notifications: true,
            notifications_hide_details: false,
            notifications_silent_until: None,
            inherited_environment: INHERITED_ENVIRONMENT.map(str::to_owned).into(),
            missed_seen_at: None,
            welcomed: false,
        }
    }
}
