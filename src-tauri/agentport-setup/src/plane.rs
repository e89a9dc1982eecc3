//! The gateway's own part of the owner's plane, asked in process with the confirmation the owner's request showed.

use agentport_api::Problem;
use agentport_gateway::ControlHandle;
use axum::{
    Router,
    body::{Body, Bytes},
};
use http::{HeaderMap, HeaderValue, Method, Request, StatusCode, header::CONTENT_TYPE};
use http_body_util::BodyExt as _;
use serde::de::DeserializeOwned;
use serde_json::Value;
use tower::ServiceExt as _;

/// What shows that the owner has just given a one-time code.
const CONFIRMATION: &str = "agentport-confirmation";

#[derive(Debug, thiserror::Error)]
pub enum PlaneError {
    /// The gateway's own words; passed on as they are.
    #[error("{}", said(body))]
    Refused { status: StatusCode, body: Bytes },
    #[error("the gateway's answer is not what this version expects")]
    Answer(#[source] Box<dyn std::error::Error + Send + Sync>),
}

fn said(body: &[u8]) -> String {
    let problem = serde_json::from_slice::<Problem>(body);
    problem.map_or_else(|_| "the gateway refused".to_owned(), |problem| problem.detail)
}

/// The plane, for the time of one request of the owner's.
#[derive(Clone)]
pub(crate) struct Plane {
    pub(crate) hand: ControlHandle,
    router: Router,
    confirmation: Option<HeaderValue>,
}

impl Plane {
    pub(crate) fn new(hand: &ControlHandle, shown: &HeaderMap) -> Self {
        let confirmation = shown.get(CONFIRMATION).cloned();
        Self { hand: hand.clone(), router: hand.router(), confirmation }
    }

    pub(crate) async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, PlaneError> {
        parse(&self.send(Method::GET, path, None).await?)
    }

    pub(crate) async fn post<T: DeserializeOwned>(
        &self,
        path: &str,
        body: &Value,
    ) -> Result<T, PlaneError> {
        parse(&self.send(Method::POST, path, Some(body)).await?)
    }

    pub(crate) async fn delete(&self, path: &str) -> Result<(), PlaneError> {
        self.send(Method::DELETE, path, None).await.map(drop)
    }

    async fn send(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> Result<Bytes, PlaneError> {
        let mut request = Request::builder().method(method).uri(path);
        if let Some(confirmation) = &self.confirmation {
            request = request.header(CONFIRMATION, confirmation);
        }
        let body = match body {
            Some(body) => {
                request = request.header(CONTENT_TYPE, "application/json");
                Body::from(body.to_string())
            }
            None => Body::empty(),
        };
        let request = request.body(body).map_err(|error| PlaneError::Answer(error.into()))?;
        let Ok(response) = self.router.clone().oneshot(request).await;
        let (parts, body) = response.into_parts();
        let body = body.collect().await.map_err(|error| PlaneError::Answer(error.into()))?;
        let body = body.to_bytes();
        match parts.status.is_success() {
            true => Ok(body),
            false => Err(PlaneError::Refused { status: parts.status, body }),
        }
    }
}

fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, PlaneError> {
    serde_json::from_slice(body).map_err(|error| PlaneError::Answer(error.into()))
}
