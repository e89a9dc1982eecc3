//! The control API over loopback TCP, as the owner: sign-in, bearer token, and one-time codes where the gateway asks for
//! a confirmation.

use std::{sync::Arc, time::Duration};

use agentport_api::{
    Confirmation, ControlClient, ControlError, ControlRequest, ControlResponse, LoggedIn, Problem,
    Transport, headers::CONFIRMATION, paths,
};
use agentport_core::Secret;
use anyhow::{Context as _, Result, anyhow, bail};
use bytes::Bytes;
use parking_lot::Mutex;
use reqwest::{
    Method, StatusCode,
    header::{AUTHORIZATION, HeaderMap, HeaderValue},
};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::json;

use super::{
    DEFAULT_TIMEOUT, SuccessBody,
    http::{self, HttpError, HttpRequest, LoopbackHttp},
};
use crate::{confirm, secrets};

/// [`Problem::code`] of a sign-in that needs a one-time code as well.
const CODE_NEEDED: &str = "code_needed";
/// [`Problem::code`] of a request that needs a [`Confirmation`].
const CONFIRMATION_NEEDED: &str = "confirmation_needed";

/// Why a request of the owner was not answered.
#[derive(Debug, thiserror::Error)]
pub(crate) enum OwnerTransportError {
    #[error(transparent)]
    Http(#[from] HttpError),
    #[error(
        "the second factor is on, and this needs a one-time code: run it on a terminal to be asked for one"
    )]
    NoTerminal,
    #[error("the one-time code could not be read: {0}")]
    CodeNotRead(String),
    /// The gateway's own sentence.
    #[error("{0}")]
    CodeRefused(String),
}

/// Loopback HTTP with the owner's bearer token.
#[derive(Clone)]
pub(crate) struct OwnerTransport {
    http: LoopbackHttp,
    bearer: Option<HeaderValue>,
    /// Proof of a one-time code that the owner has just given. Shared by all clones: it confirms the whole command.
    confirmation: Arc<Mutex<Option<HeaderValue>>>,
    timeout: Option<Duration>,
}

impl Transport for OwnerTransport {
    type Error = OwnerTransportError;

    /// Where the gateway wants a confirmation, the owner is asked for a code, and the request is sent once more.
    async fn send(&self, request: ControlRequest) -> Result<ControlResponse, OwnerTransportError> {
        let response = self.send_once(request.clone()).await?;
        if !wants_confirmation(&response) {
            return Ok(response);
        }
        if !confirm::on_a_terminal() {
            return Err(OwnerTransportError::NoTerminal);
        }
        self.confirm().await?;
        self.send_once(request).await
    }
}

fn wants_confirmation(response: &ControlResponse) -> bool {
    response.status == StatusCode::FORBIDDEN
        && serde_json::from_slice::<Problem>(&response.body)
            .is_ok_and(|problem| problem.code.as_deref() == Some(CONFIRMATION_NEEDED))
}

impl OwnerTransport {
    async fn send_once(
        &self,
        request: ControlRequest,
    ) -> Result<ControlResponse, OwnerTransportError> {
        let reply = self
            .http
            .send(HttpRequest {
                headers: self.headers(),
                body: request.body,
                timeout: self.timeout,
                ..HttpRequest::new(request.method, &request.path)
            })
            .await?;
        Ok(ControlResponse { status: reply.status, body: Bytes::from(reply.text) })
    }

    fn headers(&self) -> HeaderMap {
        let mut headers = HeaderMap::new();
        if let Some(bearer) = &self.bearer {
            headers.insert(AUTHORIZATION, bearer.clone());
        }
        if let Some(confirmation) = &*self.confirmation.lock() {
            headers.insert(CONFIRMATION, confirmation.clone());
        }
        headers
    }

    /// Asks for a one-time code, and exchanges it for a confirmation.
    async fn confirm(&self) -> Result<(), OwnerTransportError> {
        let code = secrets::ask("One-time code: ")
            .map_err(|error| OwnerTransportError::CodeNotRead(format!("{error:#}")))?;
        let body = json!({ "code": code.expose() }).to_string();
        let request = ControlRequest {
            method: Method::POST,
            path: paths::CONFIRM.to_owned(),
            body: Some(Bytes::from(body)),
        };
        let response = self.send_once(request).await?;
        let confirmation = match response.status.is_success() {
            true => serde_json::from_slice::<Confirmation>(&response.body).ok(),
            false => {
                let problem = serde_json::from_slice::<Problem>(&response.body);
                let sentence = problem.map_or_else(
                    |_| format!("the gateway answered {}", response.status),
                    |p| p.detail,
                );
                return Err(OwnerTransportError::CodeRefused(sentence));
            }
        };
        self.set_confirmation(confirmation);
        Ok(())
    }

    fn set_confirmation(&self, confirmation: Option<Confirmation>) {
        let value = confirmation.and_then(|confirmation| http::sensitive(&confirmation.token));
        *self.confirmation.lock() = value;
    }
}

/// The control API of a running gateway, signed in as the owner.
#[derive(Clone)]
pub(crate) struct OwnerClient {
    control: ControlClient<OwnerTransport>,
}

impl OwnerClient {
    /// `code` asks for a one-time code, where one is needed.
    pub(super) async fn sign_in(
        http: LoopbackHttp,
        password: &Secret,
        code: impl FnOnce() -> Result<Secret>,
    ) -> Result<Self> {
        let mut transport = OwnerTransport {
            http,
            bearer: None,
            confirmation: Arc::default(),
            timeout: Some(DEFAULT_TIMEOUT),
        };
        let login =
            log_in(&transport, password, code).await.context("cannot sign in as the owner")?;
        let bearer = http::sensitive(&format!("Bearer {}", login.token));
        transport.bearer =
            Some(bearer.context("the gateway gave a token that no header can hold")?);
        // The code given at the sign-in also confirms what the command is about to do.
        transport.set_confirmation(login.confirmation);
        Ok(Self { control: ControlClient::new(transport) })
    }

    /// Ends the sign-in. The gateway keeps a limited number of them, and a script that signs in for every command must
    /// not push out the owner's browser.
    pub(crate) async fn sign_out(&self) {
        // A sign-in that cannot be ended expires.
        let _ = self.control.post::<()>(paths::LOGOUT, &json!({})).await;
    }

    /// The typed client.
    pub(crate) fn control(&self) -> &ControlClient<OwnerTransport> {
        &self.control
    }

    /// The same sign-in with another limit for each request; `None` waits as long as it takes.
    pub(crate) fn with_timeout(&self, timeout: impl Into<Option<Duration>>) -> Self {
        let transport =
            OwnerTransport { timeout: timeout.into(), ..self.control.transport().clone() };
        Self { control: ControlClient::new(transport) }
    }

    pub(crate) async fn read<T: DeserializeOwned>(&self, path: &str) -> Result<T> {
        Ok(self.control.get(path).await?)
    }

    pub(crate) async fn list<T: DeserializeOwned>(&self, path: &str) -> Result<Vec<T>> {
        Ok(self.control.list(path).await?)
    }

    /// The answer as it came, for JSON output.
    pub(crate) async fn get(&self, path: &str) -> Result<SuccessBody> {
        self.send::<()>(Method::GET, path, None).await
    }

    pub(crate) async fn post(&self, path: &str, body: &impl Serialize) -> Result<SuccessBody> {
        self.send(Method::POST, path, Some(body)).await
    }

    pub(crate) async fn put(&self, path: &str, body: &impl Serialize) -> Result<SuccessBody> {
        self.send(Method::PUT, path, Some(body)).await
    }

    pub(crate) async fn patch(&self, path: &str, body: &impl Serialize) -> Result<SuccessBody> {
        self.send(Method::PATCH, path, Some(body)).await
    }

    pub(crate) async fn delete(&self, path: &str) -> Result<()> {
        Ok(self.control.delete(path).await?)
    }

    pub(crate) async fn send<B: Serialize>(
        &self,
        method: Method,
        path: &str,
        body: Option<&B>,
    ) -> Result<SuccessBody> {
        Ok(SuccessBody::from_body(&self.control.send(method, path, body).await?))
    }

    /// An answer read part by part, however long it goes on.
    pub(crate) async fn stream(&self, path: &str) -> Result<reqwest::Response> {
        let transport = self.control.transport();
        let request =
            HttpRequest { headers: transport.headers(), ..HttpRequest::new(Method::GET, path) };
        let response = transport.http.open(request).await?;
        if response.status().is_success() {
            return Ok(response);
        }
        Err(http::refused(response).await?.refusal())
    }
}

async fn log_in(
    transport: &OwnerTransport,
    password: &Secret,
    code: impl FnOnce() -> Result<Secret>,
) -> Result<LoggedIn> {
    let control = ControlClient::new(transport.clone());
    let refused = match control.post(paths::LOGIN, &json!({ "password": password.expose() })).await
    {
        Ok(login) => return Ok(login),
        Err(error) => error,
    };
    if refused.status() == Some(StatusCode::NOT_FOUND) {
        bail!(
            "this AgentPort takes no sign-in: it belongs to a window on this machine. Set an owner password there, \
             under Settings, to use it from a terminal"
        );
    }
    if !matches!(&refused, ControlError::Refused { .. }) || refused.code() != Some(CODE_NEEDED) {
        return Err(anyhow!(refused));
    }
    let code = code()?;
    let body = json!({ "password": password.expose(), "code": code.expose() });
    Ok(control.post(paths::LOGIN, &body).await?)
}
