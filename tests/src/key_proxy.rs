//! A loopback proxy that adds a credential, for programs that cannot send one: the official conformance suite.
//!
//! It forwards everything as it comes, streams included. What is addressed to the proxy itself (`Host`, `Origin`) is
//! readdressed to the gateway; a foreign `Host` or `Origin` goes through untouched, so that the gateway judges it.

use axum::{
    body::Body,
    extract::{Request, State},
    http::{
        HeaderName, HeaderValue,
        header::{AUTHORIZATION, CONNECTION, CONTENT_LENGTH, HOST, ORIGIN, TRANSFER_ENCODING},
    },
    response::{IntoResponse as _, Response},
    serve::ListenerExt as _,
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::Gateway;

#[derive(Debug)]
pub struct KeyProxy {
    /// Where to connect instead of the gateway.
    pub url: String,
    stop: CancellationToken,
}

#[derive(Debug, Clone)]
struct Route {
    own: String,
    gateway: String,
    /// Appended to the URL of every request.
    query: String,
    /// Path the gateway is served under, and does not know of.
    prefix: String,
    credential: (HeaderName, HeaderValue),
    client: reqwest::Client,
}

impl KeyProxy {
    /// Listens, and forwards to the gateway with `key`; `query` (such as `mode=direct`) goes with every request.
    pub async fn start(gateway: &Gateway, key: &str, query: &str) -> Self {
        let key = key.parse().expect("a key is a header's value");
        Self::start_with(gateway, (HeaderName::from_static("x-api-key"), key), query, "").await
    }

    /// The same as a reverse proxy that serves the gateway under a path such as `/some/prefix`.
    pub async fn under(gateway: &Gateway, key: &str, prefix: &str) -> Self {
        let key = key.parse().expect("a key is a header's value");
        Self::start_with(gateway, (HeaderName::from_static("x-api-key"), key), "", prefix).await
    }

    /// The same with an OAuth access token.
    pub async fn start_with_token(gateway: &Gateway, token: &str) -> Self {
        let value = format!("Bearer {token}").parse().expect("a token is a header's value");
        Self::start_with(gateway, (AUTHORIZATION, value), "", "").await
    }

    async fn start_with(
        gateway: &Gateway,
        credential: (HeaderName, HeaderValue),
        query: &str,
        prefix: &str,
    ) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let own = listener.local_addr().expect("a bound listener has an address").to_string();
        let gateway = gateway.base().strip_prefix("http://").expect("an http URL").to_owned();
        let route = Route {
            own: own.clone(),
            gateway,
            query: query.to_owned(),
            prefix: prefix.to_owned(),
            credential,
            client: crate::http_client(),
        };
        let stop = CancellationToken::new();
        let listener = listener.tap_io(|stream| drop(stream.set_nodelay(true)));
        let router = axum::Router::new().fallback(forward).with_state(route);
        let ended = stop.clone().cancelled_owned();
        TaskTracker::new().spawn(async move {
            tokio::select! {
                served = axum::serve(listener, router) => served,
                () = ended => Ok(()),
            }
        });
        Self { url: format!("http://{own}{prefix}/mcp"), stop }
    }
}

impl Drop for KeyProxy {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

async fn forward(State(route): State<Route>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let Some(path) = parts.uri.path().strip_prefix(&route.prefix) else {
        return axum::http::StatusCode::NOT_FOUND.into_response();
    };
    let query = [parts.uri.query().unwrap_or_default(), &route.query];
    let query: Vec<_> = query.into_iter().filter(|query| !query.is_empty()).collect();
    let url = format!("http://{}{path}?{}", route.gateway, query.join("&"));
    let mut headers = parts.headers;
    for name in [CONNECTION, CONTENT_LENGTH, TRANSFER_ENCODING] {
        headers.remove(name);
    }
    readdress(&mut headers, HOST, &route.own, &route.gateway);
    readdress(
        &mut headers,
        ORIGIN,
        &format!("http://{}", route.own),
        &format!("http://{}", route.gateway),
    );
    let (name, value) = route.credential;
    headers.insert(name, value);
    let Ok(body) = axum::body::to_bytes(body, usize::MAX).await else {
        return axum::http::StatusCode::BAD_REQUEST.into_response();
    };
    let forwarded =
        route.client.request(parts.method, url).headers(headers).body(body).send().await;
    match forwarded {
        Ok(answer) => {
            let mut response = Response::new(Body::empty());
            *response.status_mut() = answer.status();
            *response.headers_mut() = answer.headers().clone();
            response.headers_mut().remove(TRANSFER_ENCODING);
            response.headers_mut().remove(CONNECTION);
            *response.body_mut() = Body::from_stream(answer.bytes_stream());
            response
        }
        Err(error) => (axum::http::StatusCode::BAD_GATEWAY, error.to_string()).into_response(),
    }
}

fn readdress(headers: &mut axum::http::HeaderMap, name: HeaderName, from: &str, to: &str) {
    let ours = headers.get(&name).is_some_and(|value| value.as_bytes() == from.as_bytes());
    if ours && let Ok(value) = HeaderValue::from_str(to) {
        headers.insert(name, value);
    }
}
