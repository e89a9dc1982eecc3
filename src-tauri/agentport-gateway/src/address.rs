//! The gateway's own URLs.

use agentport_core::ApprovalId;

/// The port the gateway listens on, and the URLs made from it.
#[derive(Debug, Clone)]
pub(crate) struct GatewayAddress {
    pub(crate) port: u16,
}

impl GatewayAddress {
    pub(crate) fn origin(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// The page about an approval. It has no power.
    pub(crate) fn approval_url(&self, id: ApprovalId) -> String {
        format!("{}/approve/{id}", self.origin())
    }
}

/// The names under which the gateway is addressed, with its port.
pub(crate) fn own_origins(port: u16) -> Vec<String> {
    ["127.0.0.1", "localhost", "[::1]"].map(|host| format!("http://{host}:{port}")).to_vec()
}
