//! HTTP to the gateway that runs for a data directory, as its owner or as an agent.
//!
//! It goes to loopback only, over plain HTTP, with no proxy and no redirect: a password or a key that goes out here
//! must reach the gateway and nobody else.

mod reply;

use std::{sync::Arc, time::Duration};

use agentport_api::{Confirmation, LoggedIn};
use agentport_core::Secret;
use agentport_gateway::data_dir::DataDir;
use anyhow::{Context as _, Result, anyhow, bail};
use parking_lot::Mutex;
use reqwest::{Method, StatusCode, header::HeaderMap};
use serde::Serialize;
use serde_json::{Value, json, value::RawValue};
use url::Url;

use crate::{confirm, secrets};

pub(crate) use self::reply::{Answer, Reply};

/// Long enough for everything the gateway answers from its own data.
const USUAL: Duration = Duration::from_secs(30);

/// How to start what is missing.
pub(crate) const START: &str = "start one with `agentport serve`";

/// A path of the gateway's with its query. Segments are escaped.
#[derive(Clone)]
pub(crate) struct Route {
    url: Url,
}

pub(crate) fn route<'a>(segments: impl IntoIterator<Item = &'a str>) -> Route {
    let mut url = Url::parse("http://127.0.0.1").expect("is a URL");
    url.path_segments_mut().expect("http URLs have segments").clear().extend(segments);
    Route { url }
}

impl Route {
    pub(crate) fn with(mut self, name: &str, value: impl ToString) -> Self {
        self.url.query_pairs_mut().append_pair(name, &value.to_string());
        self
    }

    pub(crate) fn maybe(self, name: &str, value: Option<impl ToString>) -> Self {
        match value {
            Some(value) => self.with(name, value),
            None => self,
        }
    }
}

/// A gateway found through its runtime file. It may have ended since.
#[derive(Clone)]
pub(crate) struct Gateway {
    http: reqwest::Client,
    port: u16,
}

impl Gateway {
    pub(crate) fn find(home: &DataDir) -> Result<Self> {
        let Some(runtime) = home.read_runtime() else {
            bail!("no gateway runs for {}; {START}", home.root().display());
        };
        Self::at(runtime.port)
    }

    /// Whatever answers on this port of this machine.
    pub(crate) fn at(port: u16) -> Result<Self> {
        // Nothing here speaks TLS. An empty set of roots spares reading the platform's certificates, which takes longer
        // than the call itself.
        let roots = rustls::RootCertStore::empty();
        let tls =
            rustls::ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
        let http = reqwest::Client::builder()
            .tls_backend_preconfigured(tls)
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(Duration::from_secs(5))
            .build()
            .context("cannot make an HTTP client")?;
        Ok(Self { http, port })
    }

    /// Does it answer at all?
    pub(crate) async fn answers(self) -> bool {
        let client = Client::new(self, false);
        client.get(route(["health"])).await.is_ok()
    }

    /// What it says of itself to anybody.
    pub(crate) async fn health(&self, limit: Duration) -> Result<Answer> {
        let client = Client::new(self.clone(), false);
        client.send_once(Method::GET, route(["health"]), None, Some(limit)).await?.done()
    }

    /// What it says of its sign-in to anybody.
    pub(crate) async fn session(&self) -> Result<Reply> {
        let client = Client::new(self.clone(), false);
        client.send_once(Method::GET, route(["control", "session"]), None, Some(USUAL)).await
    }

    /// Is there a sign-in at all? On a desktop there is none until the owner sets a password.
    pub(crate) async fn takes_sign_in(&self) -> Result<bool> {
        Ok(self.session().await?.status != StatusCode::NOT_FOUND)
    }

    /// As the owner, until [`Client::sign_out`]. `code` asks for a one-time code, where one is needed.
    pub(crate) async fn sign_in(
        self,
        password: &Secret,
        code: impl FnOnce() -> Result<Secret>,
    ) -> Result<Client> {
        let mut client = Client::new(self, false);
        let login = client.log_in(password, code).await.context("cannot sign in as the owner")?;
        client.put_header("authorization", &Secret::new(format!("Bearer {}", login.token)))?;
        // The code shown at the sign-in confirms what the command is about to do.
        client.confirmed(login.confirmation);
        Ok(client)
    }

    /// As the agent with this key.
    pub(crate) fn with_key(self, key: &Secret) -> Result<Client> {
        let mut client = Client::new(self, true);
        client.put_header("x-api-key", key).context("the agent's key has characters no key has")?;
        Ok(client)
    }
}

/// A gateway, and who one is to it.
#[derive(Clone)]
pub(crate) struct Client {
    gateway: Gateway,
    headers: HeaderMap,
    is_agent: bool,
    /// What shows that the owner has just given a one-time code.
    confirmation: Arc<Mutex<Option<Secret>>>,
}

impl Client {
    fn new(gateway: Gateway, is_agent: bool) -> Self {
        Self { gateway, headers: HeaderMap::new(), is_agent, confirmation: Arc::default() }
    }

    /// The link to a request, as the gateway gives it (contract §3).
    pub(crate) fn approval_url(&self, id: &str) -> String {
        format!("http://127.0.0.1:{}/approve/{id}", self.gateway.port)
    }

    async fn log_in(
        &self,
        password: &Secret,
        code: impl FnOnce() -> Result<Secret>,
    ) -> Result<LoggedIn> {
        let send = async |body: Value| {
            let route = route(["control", "login"]);
            self.send_once(Method::POST, route, Some(body.to_string()), Some(USUAL)).await
        };
        let mut reply = send(json!({ "password": password.expose() })).await?;
        if reply.status == StatusCode::NOT_FOUND {
            bail!(
                "this AgentPort takes no sign-in: it belongs to a window on this machine. Set an owner password \
                 there, under Settings, to use it from a terminal"
            );
        }
        if reply.asks_for("code_needed") {
            let code = code()?;
            reply = send(json!({ "password": password.expose(), "code": code.expose() })).await?;
        }
        reply.done()?.read()
    }

    fn confirmed(&self, confirmation: Option<Confirmation>) {
        *self.confirmation.lock() =
            confirmation.map(|confirmation| Secret::new(confirmation.token));
    }

    fn put_header(&mut self, name: &'static str, value: &Secret) -> Result<()> {
        let mut value: reqwest::header::HeaderValue = value.expose().parse()?;
        value.set_sensitive(true);
        self.headers.insert(name, value);
        Ok(())
    }

    /// Ends an owner's sign-in. The gateway keeps a limited number of them, and a script that signs in for every command
    /// must not push out the owner's browser.
    pub(crate) async fn sign_out(&self) {
        // It ends by itself too, later.
        let _ = self.send(Method::POST, route(["control", "logout"]), None, Some(USUAL)).await;
    }

    pub(crate) async fn get(&self, route: Route) -> Result<Answer> {
        self.send(Method::GET, route, None, Some(USUAL)).await?.done()
    }

    pub(crate) async fn post(&self, route: Route, body: &impl Serialize) -> Result<Answer> {
        self.send(Method::POST, route, Some(json_text(body)?), Some(USUAL)).await?.done()
    }

    pub(crate) async fn put(&self, route: Route, body: &impl Serialize) -> Result<Answer> {
        self.send(Method::PUT, route, Some(json_text(body)?), Some(USUAL)).await?.done()
    }

    pub(crate) async fn patch(&self, route: Route, body: &impl Serialize) -> Result<Answer> {
        self.send(Method::PATCH, route, Some(json_text(body)?), Some(USUAL)).await?.done()
    }

    pub(crate) async fn delete(&self, route: Route) -> Result<Answer> {
        self.send(Method::DELETE, route, None, Some(USUAL)).await?.done()
    }

    /// For what takes longer than usual; no answer is an error, a refusal is not. `body` is JSON. Where the gateway
    /// wants a confirmation, the owner is asked for a code, and the request is sent once more.
    pub(crate) async fn send(
        &self,
        method: Method,
        route: Route,
        body: Option<String>,
        timeout: Option<Duration>,
    ) -> Result<Reply> {
        let again = (method.clone(), route.clone(), body.clone());
        let reply = self.send_once(method, route, body, timeout).await?;
        if self.is_agent || !reply.asks_for("confirmation_needed") {
            return Ok(reply);
        }
        if !confirm::on_a_terminal() {
            bail!(
                "the second factor is on, and this needs a one-time code: run it on a terminal to be asked for one"
            );
        }
        let code = secrets::ask("One-time code: ")?;
        let body = json!({ "code": code.expose() }).to_string();
        let shown = self
            .send_once(
                Method::POST,
                crate::client::route(["control", "confirm"]),
                Some(body),
                Some(USUAL),
            )
            .await?;
        self.confirmed(Some(shown.done()?.read()?));
        let (method, route, body) = again;
        self.send_once(method, route, body, timeout).await
    }

    async fn send_once(
        &self,
        method: Method,
        route: Route,
        body: Option<String>,
        timeout: Option<Duration>,
    ) -> Result<Reply> {
        let response = self.open(method, route, body, timeout).await?;
        let status = response.status();
        if self.is_agent && status == StatusCode::UNAUTHORIZED {
            bail!(
                "the gateway does not let this key in: it is unknown, revoked or expired; \
                 store another with `agentport auth login`"
            );
        }
        let text = response.text().await.context("the gateway's answer broke off")?;
        Ok(Reply { status, text })
    }

    /// An answer read piece by piece, however long it goes on.
    pub(crate) async fn stream(&self, route: Route) -> Result<reqwest::Response> {
        let response = self.open(Method::GET, route, None, None).await?;
        let status = response.status();
        if status.is_success() {
            return Ok(response);
        }
        let text = response.text().await.context("the gateway's answer broke off")?;
        Err(Reply { status, text }.refusal())
    }

    async fn open(
        &self,
        method: Method,
        route: Route,
        body: Option<String>,
        timeout: Option<Duration>,
    ) -> Result<reqwest::Response> {
        let mut url = route.url;
        url.set_port(Some(self.gateway.port)).map_err(|()| anyhow!("the port cannot be set"))?;
        let mut request = self.gateway.http.request(method, url).headers(self.headers.clone());
        if let Some(timeout) = timeout {
            request = request.timeout(timeout);
        }
        let confirmation = self.confirmation.lock().clone();
        if let Some(confirmation) = confirmation {
            let mut value: reqwest::header::HeaderValue = confirmation.expose().parse()?;
            value.set_sensitive(true);
            request = request.header("agentport-confirmation", value);
        }
        if let Some(body) = body {
            request = request.header("content-type", "application/json").body(body);
        }
        request.send().await.map_err(|error| {
            let port = self.gateway.port;
            let error = error.without_url();
            if error.is_connect() {
                anyhow!(error).context(format!("no gateway answers at 127.0.0.1:{port}; {START}"))
            } else if error.is_timeout() {
                anyhow!("the gateway at 127.0.0.1:{port} did not answer in time")
            } else {
                anyhow!(error).context(format!("cannot ask the gateway at 127.0.0.1:{port}"))
            }
        })
    }
}

fn json_text(body: &impl Serialize) -> Result<String> {
    serde_json::to_string(body).context("cannot write the request as JSON")
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
    fn routes_are_escaped() {
        let route =
            route(["api", "tools", "a/../b?c", "call"]).with("q", "a&b=c").maybe("n", None::<u8>);
        assert_eq!(
            route.url.as_str(),
            "http://127.0.0.1/api/tools/a%2F..%2Fb%3Fc/call?q=a%26b%3Dc"
        );
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
