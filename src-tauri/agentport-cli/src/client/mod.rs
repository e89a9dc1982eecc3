//! HTTP clients of the running gateway: the control API for its owner ([`OwnerClient`]), the REST API for an agent
//! ([`AgentClient`]).
//!
//! The gateway of a data directory is found through its runtime file.

mod agent;
mod answer;
mod http;
mod owner;

use std::time::Duration;

use agentport_api::paths;
use agentport_core::Secret;
use agentport_gateway::data_dir::DataDir;
use anyhow::{Result, bail};
use reqwest::{Method, StatusCode};
use serde_json::value::RawValue;

use self::http::{HttpRequest, LoopbackHttp};
pub(crate) use self::{
    agent::{AgentClient, rest},
    answer::{HttpReply, SuccessBody},
    owner::{OwnerClient, OwnerTransportError},
};

/// Enough for everything that the gateway answers from its own data.
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(30);

/// The next step when no gateway runs.
pub(crate) const START: &str = "start one with `agentport serve`";

/// `GET /health`, which needs no credential.
const HEALTH: &str = "/health";

/// A gateway found through its runtime file. It may have ended since.
#[derive(Clone)]
pub(crate) struct GatewayEndpoint {
    http: LoopbackHttp,
}

impl GatewayEndpoint {
    pub(crate) fn find(home: &DataDir) -> Result<Self> {
        let Some(runtime) = home.read_runtime() else {
            bail!("no gateway runs for {}; {START}", home.root().display());
        };
        Self::at(runtime.port)
    }

    /// Whatever answers on this port of this machine.
    pub(crate) fn at(port: u16) -> Result<Self> {
        Ok(Self { http: LoopbackHttp::new(port)? })
    }

    /// Does it answer at all?
    pub(crate) async fn answers(&self) -> bool {
        self.health(DEFAULT_TIMEOUT).await.is_ok()
    }

    pub(crate) async fn health(&self, timeout: Duration) -> Result<SuccessBody> {
        self.read(HEALTH, timeout).await?.into_answer()
    }

    /// The state of the owner's sign-in, which needs no credential.
    pub(crate) async fn session(&self) -> Result<HttpReply> {
        self.read(paths::SESSION, DEFAULT_TIMEOUT).await
    }

    async fn read(&self, path: &str, timeout: Duration) -> Result<HttpReply> {
        let request = HttpRequest { timeout: Some(timeout), ..HttpRequest::new(Method::GET, path) };
        Ok(self.http.send(request).await?)
    }

    /// Is there a sign-in at all? On a desktop there is none until the owner sets a password.
    pub(crate) async fn takes_sign_in(&self) -> Result<bool> {
        Ok(self.session().await?.status != StatusCode::NOT_FOUND)
    }

    /// Signs in as the owner, until [`OwnerClient::sign_out`]. `code` asks for a one-time code, where one is needed.
    pub(crate) async fn sign_in(
        self,
        password: &Secret,
        code: impl FnOnce() -> Result<Secret>,
    ) -> Result<OwnerClient> {
        OwnerClient::sign_in(self.http, password, code).await
    }

    /// Acts as the agent with this key.
    pub(crate) fn with_key(self, key: &Secret) -> Result<AgentClient> {
        AgentClient::new(self.http, key)
    }
}

/// Appends `name=value` to a path's query, if there is a value.
pub(crate) fn with_query_if(path: String, name: &str, value: Option<impl ToString>) -> String {
    match value {
        Some(value) => paths::with_query(path, name, value.to_string()),
        None => path,
    }
}

/// JSON from the command line, kept as it was written: numbers beyond 2^53 and `1.0` stay what they are.
pub(crate) fn json_object(text: &str) -> Result<Box<RawValue>, String> {
    let value: Box<RawValue> =
        serde_json::from_str(text).map_err(|error| format!("this is not JSON: {error}"))?;
    if value.get().starts_with('{') {
        Ok(value)
    } else {
        Err("a JSON object is needed, such as {}".into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn queries_hold_what_is_given() {
        let path = with_query_if(paths::ACTIVITY.into(), "q", Some("a&b=c"));
        assert_eq!(with_query_if(path, "n", None::<u8>), "/control/activity?q=a%26b%3Dc");
    }

    #[test]
    fn arguments_keep_their_spelling() {
        let text = r#"{"a": 1.0, "b": 12345678901234567890123}"#;
        assert_eq!(json_object(&format!(" {text} ")).unwrap().get(), text);
        for bad in ["", "[1]", "1", "{", "{} {}"] {
            assert!(json_object(bad).is_err(), "{bad}");
        }
    }
}
