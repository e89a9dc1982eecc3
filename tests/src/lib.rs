//! Support for the integration tests and the benchmark: a real gateway in its own process ([`Gateway`]), the owner as a
//! client of the control API ([`Owner`]), agents that speak MCP ([`Agent`]), upstreams with switches ([`HttpFixture`]), a
//! provider to sign in to ([`OAuthProvider`]), and other people's programs ([`ExternalProgram`]).
//!
//! Everything waits for an event with a time limit, never for a fixed time, and stops its processes when dropped. A failure
//! panics and says what was expected.

pub mod agent;
#[cfg(target_os = "linux")]
pub mod desktop;
pub mod events;
pub mod external_program;
pub mod gateway;
pub mod http_sse;
pub mod key_proxy;
pub mod latch;
pub mod oauth_agent;
pub mod oauth_provider;
pub mod owner;
pub mod process;
pub mod programs;
pub mod screens;
pub mod sign_in;
pub mod stdio;
pub mod upstream;
pub mod wire;

pub use agent::{Agent, Answer, Era};
pub use agentport_api;
pub use external_program::ExternalProgram;
pub use gateway::Gateway;
pub use http_sse::EventStream;
pub use key_proxy::KeyProxy;
pub use latch::Latch;
pub use oauth_agent::{OAuthAgent, TokenSet};
pub use oauth_provider::OAuthProvider;
pub use owner::Owner;
pub use stdio::StdioClient;
pub use upstream::HttpFixture;
pub use wire::Wire;

use std::time::Duration;

/// Time limit for anything that should take no time. Generous, because the machine may be busy.
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
