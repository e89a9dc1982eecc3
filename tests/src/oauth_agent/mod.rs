//! An agent that is given nothing but the gateway's URL: a small OAuth client, written for the tests (RFC 6749, 7009, 7591,
//! 7636, 8414, 8707, 9207 and 9728), and the owner who consents over the control API.
//!
//! It sends what a test tells it to, also what no client should, and returns answers unjudged where that is the point.

mod authorization;
mod client;
mod consents;
mod discovery;
pub mod fixtures;
mod page;

pub use authorization::{AuthorizationRequest, Callback};
pub use client::{OAuthAgent, TokenSet, bearer};
pub use discovery::{Discovery, challenge_parameter};
pub use page::{AuthorizePage, WaitState};

use http::Method;

use crate::{Wire, wire::Reply};

/// Opens addresses and sends forms, without credentials.
#[derive(Debug, Clone)]
pub struct FormClient {
    wire: Wire,
}

impl Default for FormClient {
    fn default() -> Self {
        // Every path it is given is a whole address.
        Self { wire: Wire::new("") }
    }
}

impl FormClient {
    pub async fn get(&self, url: &str) -> Reply {
        self.wire.get(url).await
    }

    pub async fn post_json(&self, url: &str, body: &serde_json::Value) -> Reply {
        self.wire.post(url, body).await
    }

    /// Posts `application/x-www-form-urlencoded`.
    pub async fn post(&self, url: &str, fields: &[(&str, &str)]) -> Reply {
        let body =
            url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        let request = self.wire.request(Method::POST, url);
        let request = request.header("content-type", "application/x-www-form-urlencoded");
        self.wire.send(request.body(body)).await
    }
}
