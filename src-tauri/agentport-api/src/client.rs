//! One client of the control API, over any [`Transport`].

use bytes::Bytes;
use http::{Method, StatusCode};
use serde::{Serialize, de::DeserializeOwned};

use crate::{Items, Problem};

/// A request as a [`Transport`] sends it. The body, where there is one, is JSON.
#[derive(Clone)]
pub struct ControlRequest {
    /// The HTTP method.
    pub method: Method,
    /// Path and query, escaped, beginning with `/control/`.
    pub path: String,
    /// The JSON text.
    pub body: Option<Bytes>,
}

/// A whole answer, whatever its status.
#[derive(Debug, Clone)]
pub struct ControlResponse {
    /// The HTTP status.
    pub status: StatusCode,
    /// The body, unread.
    pub body: Bytes,
}

/// Carries requests to a gateway: its router in process, or HTTP on loopback.
///
/// The transport adds what shows who is asking (a bearer token, a confirmation) and bounds the wait.
pub trait Transport {
    /// Why no answer came.
    type Error: std::error::Error + Send + Sync + 'static;

    /// Sends a request and waits for the whole answer.
    fn send(
        &self,
        request: ControlRequest,
    ) -> impl Future<Output = Result<ControlResponse, Self::Error>> + Send;
}

/// Why a request to the control API was not done.
#[derive(Debug, thiserror::Error)]
pub enum ControlError<E: std::error::Error + 'static> {
    /// No answer came.
    #[error(transparent)]
    Transport(E),
    /// The gateway's own sentence, passed on as it is.
    #[error("{}", problem.detail)]
    Refused {
        /// A status other than 2xx.
        status: StatusCode,
        /// The body, or what stands in for one that could not be read.
        problem: Problem,
    },
    /// A 2xx whose body does not fit the type it was read as.
    #[error("the gateway's answer is not what this version expects")]
    UnexpectedAnswer(#[source] serde_json::Error),
    /// The body could not be serialised; nothing was sent.
    #[error("the request cannot be written as JSON")]
    InvalidRequest(#[source] serde_json::Error),
}

impl<E: std::error::Error + 'static> ControlError<E> {
    /// The second factor is on, and the request came without a confirmation.
    pub fn needs_confirmation(&self) -> bool {
        self.code() == Some("confirmation_needed")
    }

    /// The [`Problem::code`] of a refusal.
    pub fn code(&self) -> Option<&str> {
        match self {
            Self::Refused { problem, .. } => problem.code.as_deref(),
            Self::Transport(_) | Self::UnexpectedAnswer(_) | Self::InvalidRequest(_) => None,
        }
    }

    /// The status of a refusal.
    pub fn status(&self) -> Option<StatusCode> {
        match self {
            Self::Refused { status, .. } => Some(*status),
            Self::Transport(_) | Self::UnexpectedAnswer(_) | Self::InvalidRequest(_) => None,
        }
    }
}

/// Asks the control API, as the owner. Paths come from [`crate::paths`].
#[derive(Clone)]
pub struct ControlClient<T> {
    transport: T,
}

/// What a request of a [`ControlClient`] ends in.
pub type ControlResult<V, T> = Result<V, ControlError<<T as Transport>::Error>>;

impl<T: Transport> ControlClient<T> {
    /// A client that sends over `transport`.
    pub fn new(transport: T) -> Self {
        Self { transport }
    }

    /// What the client sends over.
    pub fn transport(&self) -> &T {
        &self.transport
    }

    /// `GET`, and the answer read as `V`.
    pub async fn get<V: DeserializeOwned>(&self, path: &str) -> ControlResult<V, T> {
        self.send::<()>(Method::GET, path, None).await.and_then(read)
    }

    /// The items of a list.
    pub async fn list<V: DeserializeOwned>(&self, path: &str) -> ControlResult<Vec<V>, T> {
        self.get::<Items<V>>(path).await.map(|list| list.items)
    }

    /// `POST`, and the answer read as `V`; `()` for one without a body.
    pub async fn post<V: DeserializeOwned>(
        &self,
        path: &str,
        body: &impl Serialize,
    ) -> ControlResult<V, T> {
        self.send(Method::POST, path, Some(body)).await.and_then(read)
    }

    /// `PUT`, and the answer read as `V`; `()` for one without a body.
    pub async fn put<V: DeserializeOwned>(
        &self,
        path: &str,
        body: &impl Serialize,
    ) -> ControlResult<V, T> {
        self.send(Method::PUT, path, Some(body)).await.and_then(read)
    }

    /// `PATCH`, and the answer read as `V`; `()` for one without a body.
    pub async fn patch<V: DeserializeOwned>(
        &self,
        path: &str,
        body: &impl Serialize,
    ) -> ControlResult<V, T> {
        self.send(Method::PATCH, path, Some(body)).await.and_then(read)
    }

    /// Deletes; an answer, where there is one, is dropped.
    pub async fn delete(&self, path: &str) -> ControlResult<(), T> {
        self.send::<()>(Method::DELETE, path, None).await.map(drop)
    }

    /// Sends a request and gives its body back, unread. A status other than 2xx is an error.
    pub async fn send<B: Serialize>(
        &self,
        method: Method,
        path: &str,
        body: Option<&B>,
    ) -> ControlResult<Bytes, T> {
        let body =
            body.map(serde_json::to_vec).transpose().map_err(ControlError::InvalidRequest)?;
        let request = ControlRequest { method, path: path.to_owned(), body: body.map(Bytes::from) };
        let response = self.transport.send(request).await.map_err(ControlError::Transport)?;
        if response.status.is_success() {
            return Ok(response.body);
        }
        let status = response.status;
        let problem = serde_json::from_slice(&response.body)
            .unwrap_or_else(|_| Problem::new(format!("the gateway answered {status}")));
        Err(ControlError::Refused { status, problem })
    }
}

/// An empty body (204) reads as `null`, and so as `()`.
fn read<V: DeserializeOwned, E: std::error::Error + 'static>(
    body: Bytes,
) -> Result<V, ControlError<E>> {
    let text: &[u8] = if body.is_empty() { b"null" } else { &body };
    serde_json::from_slice(text).map_err(ControlError::UnexpectedAnswer)
}
