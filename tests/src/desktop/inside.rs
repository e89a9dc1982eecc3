//! A gateway in the test's own process: the control API of a data directory without an owner password.

use agentport_gateway::{
    Asset, Assets, ControlAccess, Gateway, Options, Port, data_dir::DataDir, vault::VaultChoice,
};
use axum::body::Body;
use http::{Method, Request, StatusCode};
use http_body_util::BodyExt as _;
use serde::de::DeserializeOwned;
use serde_json::Value;
use tower::ServiceExt as _;

use crate::{gateway::Setup, soon};

pub struct Inside {
    gateway: Gateway,
}

impl Inside {
    /// Opens a home while nobody else has it.
    pub async fn open(setup: &Setup) -> Self {
        assert_eq!(setup.vault, "key-file", "the test's process has no keychain");
        let pages: &[Asset] = &[];
        let options = Options {
            home: DataDir::open(Some(setup.place.home())).expect("the home opens"),
            port: Port::Chosen(0),
            vault: VaultChoice::KeyFile,
            owner_password: None,
            ui: Assets(pages),
            control_access: ControlAccess::WindowOnly,
            external: None,
            extensions: Vec::new(),
        };
        let started = soon("a gateway in this process", Gateway::start(options)).await;
        Self { gateway: started.unwrap_or_else(|error| panic!("no gateway: {error:?}")) }
    }

    pub async fn send(
        &self,
        method: Method,
        path: &str,
        body: Option<Value>,
    ) -> (StatusCode, Value) {
        let mut request = Request::builder().method(method).uri(path);
        if body.is_some() {
            request = request.header("content-type", "application/json");
        }
        let body = body.map_or_else(Body::empty, |body| Body::from(body.to_string()));
        let request = request.body(body).expect("a request");
        let answer = soon(path, self.gateway.owner().oneshot(request)).await.expect("an answer");
        let status = answer.status();
        let bytes = answer.into_body().collect().await.expect("a body").to_bytes();
        (status, serde_json::from_slice(&bytes).unwrap_or_default())
    }

    /// Sends, expects success and reads the answer.
    pub async fn ask<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        body: Option<Value>,
    ) -> T {
        let (status, value) = self.send(method.clone(), path, body).await;
        assert!(status.is_success(), "{method} {path}: {status} {value}");
        serde_json::from_value(value).unwrap_or_else(|error| panic!("{method} {path}: {error}"))
    }

    pub async fn stop(self) {
        self.gateway.stop().await;
    }
}
