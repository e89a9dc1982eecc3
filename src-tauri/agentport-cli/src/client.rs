//! HTTP to the gateway that runs for a data directory, as its owner or as an agent.
//!
//! It goes to loopback only, over plain HTTP, with no proxy and no redirect: a password or a key that goes out here
//! must reach the gateway and nobody else.

use std::time::Duration;

use agentport_core::Secret;
use agentport_gateway::{
    control::types::{Items, LoggedIn},
    home::Home,
};
use anyhow::{Context as _, Result, anyhow, bail};
use reqwest::{Method, StatusCode, header::HeaderMap};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::{json, value::RawValue};
use url::Url;

/// Long enough for everything the gateway answers from its own data.
const USUAL: Duration = Duration::from_secs(30);

/// How to start what is missing.
pub(crate) const START: &str = "start one with `agentport serve`";

/// A path of the gateway's with its query. Segments are escaped.
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
    pub(crate) fn find(home: &Home) -> Result<Self> {
        let Some(runtime) = home.read_runtime() else {
            bail!("no gateway runs for {}; {START}", home.root().display());
        };
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
        Ok(Self { http, port: runtime.port })
    }

    /// Does it answer at all?
    pub(crate) async fn answers(self) -> bool {
        let client = Client { gateway: self, headers: HeaderMap::new(), is_agent: false };
        client.get(route(["health"])).await.is_ok()
    }

    /// As the owner, until [`Client::sign_out`].
    pub(crate) async fn sign_in(self, password: &Secret) -> Result<Client> {
        let mut client = Client { gateway: self, headers: HeaderMap::new(), is_agent: false };
        let body = json!({ "password": password.expose() });
        let login = client.post(route(["control", "login"]), &body).await;
        let token = login.context("cannot sign in as the owner")?.read::<LoggedIn>()?.token;
        client.put_header("authorization", &Secret::new(format!("Bearer {token}")))?;
        Ok(client)
    }

    /// As the agent with this key.
    pub(crate) fn with_key(self, key: &Secret) -> Result<Client> {
        let mut client = Client { gateway: self, headers: HeaderMap::new(), is_agent: true };
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
}

impl Client {
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

    /// For what takes longer than usual; no answer is an error, a refusal is not. `body` is JSON.
    pub(crate) async fn send(
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

/// What came back, whether or not it was what one hoped for.
pub(crate) struct Reply {
    pub status: StatusCode,
    text: String,
}

impl Reply {
    pub(crate) fn done(self) -> Result<Answer> {
        if self.status.is_success() { Ok(Answer { text: self.text }) } else { Err(self.refusal()) }
    }

    /// The body of a refusal, if it has this form.
    pub(crate) fn read<T: DeserializeOwned>(&self) -> Option<T> {
        serde_json::from_str(&self.text).ok()
    }

    /// The gateway's own sentence.
    fn refusal(&self) -> anyhow::Error {
        #[derive(Default, Deserialize)]
        struct Refusal {
            detail: Option<String>,
            message: Option<String>,
        }
        let refusal = self.read::<Refusal>().unwrap_or_default();
        match refusal.detail.or(refusal.message) {
            Some(sentence) => anyhow!(sentence),
            None => anyhow!("the gateway answered {}", self.status),
        }
    }
}

/// The body of a success.
#[derive(Debug)]
pub(crate) struct Answer {
    text: String,
}

impl Answer {
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    pub(crate) fn read<T: DeserializeOwned>(&self) -> Result<T> {
        serde_json::from_str(&self.text)
            .context("the gateway's answer is not what this version expects")
    }

    /// The items of `{"items": […]}`, or of an array.
    pub(crate) fn items<T: DeserializeOwned>(&self) -> Result<Vec<T>> {
        if self.text.trim_start().starts_with('[') {
            self.read()
        } else {
            Ok(self.read::<Items<T>>()?.items)
        }
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
    fn routes_are_escaped() {
        let route =
            route(["api", "tools", "a/../b?c", "call"]).with("q", "a&b=c").maybe("n", None::<u8>);
        assert_eq!(
            route.url.as_str(),
            "http://127.0.0.1/api/tools/a%2F..%2Fb%3Fc/call?q=a%26b%3Dc"
        );
    }

    #[test]
    fn refusals_speak_for_themselves() {
        for (text, want) in [
            (r#"{"detail": "no such key"}"#, "no such key"),
            (r#"{"error": "denied", "message": "blocked"}"#, "blocked"),
            (r#"{"error": "paused", "detail": "paused", "message": "paused"}"#, "paused"),
            ("<html>", "the gateway answered 404 Not Found"),
        ] {
            let reply = Reply { status: StatusCode::NOT_FOUND, text: text.into() };
            assert_eq!(reply.done().unwrap_err().to_string(), want);
        }
    }

    #[test]
    fn lists_come_in_two_forms() {
        for text in ["[1,2]", r#"{"items": [1, 2]}"#] {
            assert_eq!(Answer { text: text.into() }.items::<u8>().unwrap(), [1, 2]);
        }
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
