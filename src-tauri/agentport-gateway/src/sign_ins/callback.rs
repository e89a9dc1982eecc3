//! The loopback listener a provider sends the browser back to (RFC 8252, section 7.3), for one sign-in.
//!
//! It answers only requests for its own host and path: a page of another site that guesses the port learns nothing and
//! ends nothing.

use std::{net::Ipv4Addr, time::Duration};

use agentport_api::{RedirectHost, RedirectSettings};
use axum::{
    Router,
    extract::{Request, State},
    response::{Html, IntoResponse as _, Redirect, Response},
};
use http::{HeaderValue, Method, StatusCode, header};
use tokio::{
    net::TcpListener,
    sync::{mpsc, oneshot},
    time::timeout,
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::http::accept;

/// Time the exchange of a code may take before the page says that it goes on.
const PAGE_TIMEOUT: Duration = Duration::from_secs(45);
/// Callbacks that may wait at a time.
const MAX_WAITING: usize = 4;

/// A callback, and where the browser is answered.
pub(super) struct CallbackRequest {
    /// The whole address. Holds the code.
    pub(super) url: String,
    pub(super) reply: oneshot::Sender<CallbackReply>,
}

/// What the browser gets to see.
pub(super) enum CallbackReply {
    /// The sign-in goes on, or has succeeded.
    Accepted { name: String },
    /// It was not used, for this reason.
    Refused { message: String },
    /// The provider is asked again at this address.
    AskAgain { authorization_url: String },
}

/// Listens until it is dropped.
pub(super) struct CallbackListener {
    /// To be registered with the provider, to the byte.
    pub(super) redirect_uri: String,
    pub(super) requests: mpsc::Receiver<CallbackRequest>,
    stop: CancellationToken,
}

impl Drop for CallbackListener {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

#[derive(Clone)]
struct CallbackPage {
    redirect_uri: String,
    /// `Host` values that are ours.
    hosts: [String; 2],
    path: String,
    requests: mpsc::Sender<CallbackRequest>,
}

impl CallbackListener {
    /// Listens on `port` of this computer, or on a free one.
    pub(super) async fn bind(
        redirect: &RedirectSettings,
        port: Option<u16>,
        tasks: &TaskTracker,
    ) -> std::io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port.unwrap_or(0))).await?;
        let port = listener.local_addr()?.port();
        let redirect_uri = redirect.uri(port);
        let (sender, requests) = mpsc::channel(MAX_WAITING);
        let page = CallbackPage {
            redirect_uri: redirect_uri.clone(),
            hosts: [RedirectHost::Address, RedirectHost::Localhost]
                .map(|host| format!("{}:{port}", host.as_str())),
            path: redirect.path.clone(),
            requests: sender,
        };
        let stop = CancellationToken::new();
        let router = Router::new().fallback(on_request).with_state(page);
        // Browsers that resolve `localhost` to the IPv6 address first come here; without it they try the other one.
        if redirect.host == RedirectHost::Localhost
            && let Ok(second) = TcpListener::bind((std::net::Ipv6Addr::LOCALHOST, port)).await
        {
            accept::serve(tasks, second, router.clone(), stop.clone());
        }
        accept::serve(tasks, listener, router, stop.clone());
        Ok(Self { redirect_uri, requests, stop })
    }
}

async fn on_request(State(page): State<CallbackPage>, request: Request) -> Response {
    let host = request.headers().get(header::HOST).and_then(|host| host.to_str().ok());
    let is_ours = host.is_some_and(|host| page.hosts.iter().any(|ours| ours == host));
    if !is_ours || request.uri().path() != page.path || request.method() != Method::GET {
        return html(StatusCode::NOT_FOUND, "Not found", "Nothing is here.");
    }
    let query = request.uri().query().unwrap_or_default();
    let (reply, answer) = oneshot::channel();
    let callback = CallbackRequest { url: format!("{}?{query}", page.redirect_uri), reply };
    if page.requests.try_send(callback).is_err() {
        return over();
    }
    match timeout(PAGE_TIMEOUT, answer).await {
        Ok(Ok(CallbackReply::Accepted { name })) => html(
            StatusCode::OK,
            "Signed in",
            &format!(
                "{name} is being connected. You can close this tab; AgentPort shows the rest."
            ),
        ),
        Ok(Ok(CallbackReply::Refused { message })) => {
            html(StatusCode::BAD_REQUEST, "Not signed in", &message)
        }
        Ok(Ok(CallbackReply::AskAgain { authorization_url })) => {
            Redirect::to(&authorization_url).into_response()
        }
        Ok(Err(_)) => over(),
        Err(_) => html(StatusCode::OK, "Still at it", "AgentPort shows how it goes on."),
    }
}

fn over() -> Response {
    html(
        StatusCode::GONE,
        "Over",
        "This sign-in has ended already. To sign in, start again in AgentPort.",
    )
}

/// A page without scripts, in no frame, kept nowhere.
fn html(status: StatusCode, title: &str, message: &str) -> Response {
    let [title, message] = [title, message].map(escaped);
    let page = format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"color-scheme\" content=\"light dark\"><title>{title} · AgentPort</title>\
         <style>body{{font:16px/1.5 system-ui,sans-serif;max-width:34rem;margin:15vh auto;padding:0 1rem}}</style>\
         </head><body><main><h1>{title}</h1><p>{message}</p></main></body></html>"
    );
    let mut response = (status, Html(page)).into_response();
    let headers = response.headers_mut();
    for (name, value) in [
        (header::CACHE_CONTROL, "no-store"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (
            header::CONTENT_SECURITY_POLICY,
            "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
        ),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn get(url: &str, host: Option<&str>) -> (u16, String) {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let mut request = client.get(url);
        if let Some(host) = host {
            request = request.header(header::HOST, host);
        }
        let response = request.send().await.unwrap();
        (response.status().as_u16(), response.text().await.unwrap())
    }

    #[tokio::test]
    async fn only_its_own_host_and_path_are_answered() {
        let tasks = TaskTracker::new();
        let mut listener =
            CallbackListener::bind(&RedirectSettings::default(), None, &tasks).await.unwrap();
        let uri = listener.redirect_uri.clone();
        let port: u16 = uri.rsplit(':').next().unwrap().split('/').next().unwrap().parse().unwrap();
        assert_eq!(uri, format!("http://127.0.0.1:{port}/callback"));
        for (path, host) in [
            ("/", None),
            ("/callback/x?code=fake", None),
            ("/callback?code=fake", Some("evil.test")),
            ("/callback?code=fake", Some("127.0.0.1:1")),
        ] {
            let (status, _) = get(&format!("http://127.0.0.1:{port}{path}"), host).await;
            assert_eq!(status, 404, "{path} {host:?}");
        }
        assert!(listener.requests.try_recv().is_err(), "nothing came through");

        let asked =
            tasks.spawn(async move { get(&format!("{uri}?code=fake&state=s"), None).await });
        let request = listener.requests.recv().await.unwrap();
        assert_eq!(request.url, format!("http://127.0.0.1:{port}/callback?code=fake&state=s"));
        let message = "Not <b>this</b>.".to_owned();
        assert!(request.reply.send(CallbackReply::Refused { message }).is_ok());
        let (status, page) = asked.await.unwrap();
        assert_eq!(status, 400);
        assert!(page.contains("Not &lt;b&gt;this&lt;/b&gt;."), "{page}");
        assert!(!page.contains("fake"), "the code is not repeated");
    }

    #[tokio::test]
    async fn the_port_is_free_once_it_is_over() {
        let tasks = TaskTracker::new();
        let redirect = RedirectSettings::default();
        let first = CallbackListener::bind(&redirect, None, &tasks).await.unwrap();
        let port: u16 = first
            .redirect_uri
            .rsplit(':')
            .next()
            .unwrap()
            .split('/')
            .next()
            .unwrap()
            .parse()
            .unwrap();
        assert!(CallbackListener::bind(&redirect, Some(port), &tasks).await.is_err());
        drop(first);
        tasks.close();
        tasks.wait().await;
        CallbackListener::bind(&redirect, Some(port), &TaskTracker::new()).await.unwrap();
    }
}
