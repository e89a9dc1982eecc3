//! The REST API of a running gateway, as an agent with a key (`src-tauri/docs/contract.md` §6).

use std::time::Duration;

use agentport_core::Secret;
use anyhow::{Context as _, Result, bail};
use bytes::Bytes;
use reqwest::{
    Method, StatusCode,
    header::{HeaderMap, HeaderName, HeaderValue},
};

use super::{
    DEFAULT_TIMEOUT, HttpReply, SuccessBody,
    http::{self, HttpRequest, LoopbackHttp},
};

const API_KEY: HeaderName = HeaderName::from_static("x-api-key");

/// Paths of the REST API, in the form that `agentport_api::paths::fill` takes.
pub(crate) mod rest {
    pub(crate) const ME: &str = "/api/users/me";
    pub(crate) const INTEGRATIONS: &str = "/api/integrations";
    pub(crate) const INTEGRATION: &str = "/api/integrations/{id}";
    pub(crate) const INSTALLED: &str = "/api/installed";
    pub(crate) const INSTALLED_ONE: &str = "/api/installed/{id}";
    pub(crate) const TOOLS: &str = "/api/tools";
    pub(crate) const INTEGRATION_TOOLS: &str = "/api/tools/{id}";
    pub(crate) const CALL: &str = "/api/tools/{id}/call";
    pub(crate) const AWAIT: &str = "/api/tool-approvals/requests/{id}/await";
}

/// The REST API with an agent's key.
#[derive(Clone)]
pub(crate) struct AgentClient {
    http: LoopbackHttp,
    key: HeaderValue,
}

impl AgentClient {
    pub(super) fn new(http: LoopbackHttp, key: &Secret) -> Result<Self> {
        let key =
            http::sensitive(key.expose()).context("the agent's key has characters no key has")?;
        Ok(Self { http, key })
    }

    /// The link to a request, as the gateway gives it (`src-tauri/docs/contract.md` §3).
    pub(crate) fn approval_url(&self, id: &str) -> String {
        format!("http://127.0.0.1:{}/approve/{id}", self.http.port())
    }

    pub(crate) async fn get(&self, path: &str) -> Result<SuccessBody> {
        self.send(Method::GET, path, None, Some(DEFAULT_TIMEOUT)).await?.into_answer()
    }

    /// Sends a request, whose body is JSON. A refusal is a reply, except that of the key itself.
    pub(crate) async fn send(
        &self,
        method: Method,
        path: &str,
        body: Option<String>,
        timeout: Option<Duration>,
    ) -> Result<HttpReply> {
        let headers = HeaderMap::from_iter([(API_KEY, self.key.clone())]);
        let body = body.map(Bytes::from);
        let request = HttpRequest { headers, body, timeout, ..HttpRequest::new(method, path) };
        let reply = self.http.send(request).await?;
        if reply.status == StatusCode::UNAUTHORIZED {
            bail!(
                "the gateway refuses this key: it is unknown, revoked or expired; store another with \
                 `agentport auth login`"
            );
        }
        Ok(reply)
    }
}
