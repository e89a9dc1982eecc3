//! A gateway in the test's process, as in the desktop app: the control API without a port.

use std::sync::Arc;

use agentport_api::NewKey;
use agentport_gateway::{
    Asset, Assets, ControlAccess, ControlExtension, Gateway, Options, Port, data_dir::DataDir,
    vault::VaultChoice,
};
use agentport_tests::{Wire, wire::Reply};
use axum::{Router, body::Body};
use http::{Method, Request, StatusCode};
use http_body_util::BodyExt as _;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tower::ServiceExt as _;

use super::authenticator::Authenticator;

pub(crate) const PAGES: Assets = Assets(&[
    Asset { path: "index.html", mime: "text/html", etag: "\"1\"", bytes: b"<p>the page</p>" },
    Asset { path: "assets/app.js", mime: "text/javascript", etag: "\"2\"", bytes: b"// the app" },
]);

pub(crate) struct Window {
    pub(crate) gateway: Gateway,
    pub(crate) home: Arc<tempfile::TempDir>,
    router: Router,
    confirmation: Option<String>,
}

impl Window {
    pub(crate) async fn open() -> Self {
        let home = tempfile::Builder::new().prefix("agentport-test-").tempdir();
        Self::of(Arc::new(home.expect("a directory")), Port::Chosen(0)).await
    }

    pub(crate) async fn of(home: Arc<tempfile::TempDir>, port: Port) -> Self {
        Self::with_extensions(home, port, Vec::new()).await
    }

    pub(crate) async fn with_extensions(
        home: Arc<tempfile::TempDir>,
        port: Port,
        extensions: Vec<ControlExtension>,
    ) -> Self {
        let options = Options {
            home: DataDir::open(Some(home.path().join("home"))).expect("a home"),
            port,
            vault: VaultChoice::KeyFile,
            owner_password: None,
            ui: PAGES,
            control_access: ControlAccess::WindowOnly,
            external: None,
            extensions,
        };
        let gateway = Gateway::start(options).await.expect("the gateway starts");
        Self { router: gateway.owner(), gateway, home, confirmation: None }
    }

    pub(crate) async fn close(self) -> Arc<tempfile::TempDir> {
        self.gateway.stop().await;
        self.home
    }

    pub(crate) async fn again(self) -> Self {
        Self::of(self.close().await, Port::Chosen(0)).await
    }

    /// Somebody at the port, who has shown nothing.
    pub(crate) fn wire(&self) -> Wire {
        Wire::new(&format!("http://127.0.0.1:{}", self.gateway.port()))
    }

    pub(crate) async fn send(&self, method: Method, path: &str, body: Option<Value>) -> Reply {
        let text = body.map(|body| body.to_string()).unwrap_or_default();
        self.send_text(method, path, text).await
    }

    pub(crate) async fn send_text(&self, method: Method, path: &str, text: String) -> Reply {
        let mut request = Request::builder().method(method).uri(path);
        if !text.is_empty() {
            request = request.header("content-type", "application/json");
        }
        if let Some(token) = &self.confirmation {
            request = request.header("agentport-confirmation", token);
        }
        let request = request.body(Body::from(text)).expect("a request");
        let response = self.router.clone().oneshot(request).await.expect("an answer");
        let (parts, body) = response.into_parts();
        let bytes = body.collect().await.expect("a whole body").to_bytes();
        let text = String::from_utf8(bytes.to_vec()).expect("text");
        Reply { status: parts.status, headers: parts.headers, text }
    }

    /// Expects success and reads the answer.
    pub(crate) async fn ask<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        body: Option<Value>,
    ) -> T {
        let reply = self.send(method.clone(), path, body).await;
        assert!(reply.status.is_success(), "{method} {path}: {} {}", reply.status, reply.text);
        serde_json::from_str(&reply.text)
            .unwrap_or_else(|error| panic!("{method} {path}: {error}\n{}", reply.text))
    }

    pub(crate) async fn read(&self, path: &str) -> Value {
        self.ask(Method::GET, path, None).await
    }

    pub(crate) async fn done(&self, method: Method, path: &str, body: Option<Value>) {
        let reply = self.send(method.clone(), path, body).await;
        assert!(reply.status.is_success(), "{method} {path}: {} {}", reply.status, reply.text);
    }

    pub(crate) async fn refused(
        &self,
        method: Method,
        path: &str,
        body: Value,
        status: StatusCode,
    ) -> Value {
        let reply = self.send(method.clone(), path, Some(body)).await;
        assert_eq!(reply.status, status, "{method} {path}: {}", reply.text);
        reply.json()
    }

    pub(crate) async fn key(&self, name: &str) -> NewKey {
        self.ask(Method::POST, "/control/keys", Some(json!({ "name": name }))).await
    }

    /// An agent at the port.
    pub(crate) fn agent(&self, key: &NewKey) -> Wire {
        self.wire().with_key(&key.key)
    }

    /// Turns the second factor on. Gives the authenticator and the recovery codes.
    pub(crate) async fn second_factor(&self) -> (Authenticator, Vec<String>) {
        let setup = self.ask::<Value>(Method::POST, "/control/second-factor/begin", None).await;
        let mut phone = Authenticator::new(setup["secret"].as_str().expect("a secret"));
        let code = json!({ "code": phone.code().await });
        let made: Value = self.ask(Method::POST, "/control/second-factor/enable", Some(code)).await;
        let codes = made["codes"].as_array().expect("codes").iter();
        (phone, codes.map(|code| code.as_str().expect("a code").to_owned()).collect())
    }

    /// Shows a code. From then on every request is confirmed.
    pub(crate) async fn confirm(&mut self, code: &str) {
        let confirmed: Value =
            self.ask(Method::POST, "/control/confirm", Some(json!({ "code": code }))).await;
        self.confirmation = Some(confirmed["token"].as_str().expect("a token").to_owned());
    }

    pub(crate) fn forget_confirmation(&mut self) {
        self.confirmation = None;
    }

    /// The id of the one request that waits.
    pub(crate) async fn pending(&self) -> String {
        let list = self.read("/control/approvals").await;
        let [one] = list["items"].as_array().expect("a list").as_slice() else { panic!("{list}") };
        one["id"].as_str().expect("an id").to_owned()
    }
}
