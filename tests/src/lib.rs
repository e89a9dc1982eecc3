//! What the integration tests and the benchmark are made of: a real gateway in a process of its own, an owner who
//! decides through the control plane, agents that speak MCP, upstreams with switches, and foreign programs.
//!
//! Everything here waits for an event with a limit, never for a time, and ends what it started when dropped. A failure
//! panics with what was expected: this is test code, and a backtrace is the best report.

pub mod agent;
#[cfg(target_os = "linux")]
pub mod desktop;
pub mod events;
pub mod foreign;
pub mod gateway;
pub mod latch;
pub mod owner;
pub mod process;
pub mod programs;
pub mod screens;
pub mod shim;
pub mod stdio;
pub mod upstream;
pub mod wire;

pub use agent::{Agent, Answer, Era};
pub use agentport_api;
pub use gateway::Gateway;
pub use latch::Latch;
pub use owner::Owner;
pub use shim::Shim;
pub use stdio::StdioClient;
pub use upstream::HttpFixture;
pub use wire::Wire;

use std::time::Duration;

/// How long anything may take that should take no time. Generous, because the machine may be busy.
pub const SOON: Duration = Duration::from_secs(30);

/// Installs the one TLS provider; every HTTP client of a test needs it, even for plain HTTP.
pub fn http_client() -> reqwest::Client {
    http_client_builder().build().expect("an HTTP client")
}

pub fn http_client_builder() -> reqwest::ClientBuilder {
    // A second installation fails, which is fine: the provider is there.
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none())
}

/// Waits for `future`, at most [`SOON`].
pub async fn soon<F: Future>(what: &str, future: F) -> F::Output {
    within(SOON, what, future).await
}

pub async fn within<F: Future>(limit: Duration, what: &str, future: F) -> F::Output {
    match tokio::time::timeout(limit, future).await {
        Ok(output) => output,
        Err(_) => panic!("{what}: nothing after {limit:?}"),
    }
}
