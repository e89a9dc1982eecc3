//! The pages of `/oauth/authorize`. They decide nothing, and are shown in no frame.

use axum::response::{Html, IntoResponse as _, Response};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use http::{HeaderName, HeaderValue, StatusCode, header};

const STYLE: &str = "body{font:16px/1.5 system-ui,sans-serif;margin:0;display:grid;place-items:center;min-height:100vh;\
                     background:Canvas;color:CanvasText;color-scheme:light dark}main{max-width:34rem;padding:2rem}\
                     h1{font-size:1.4rem}strong.code{font:600 2rem/1.5 ui-monospace,monospace;letter-spacing:.15em;\
                     display:block}";

/// Asks until the request is decided. What comes back is an address of the client's that was checked by us.
const SCRIPT: &str = "const main=document.querySelector('main');\
const say=text=>{document.getElementById('status').textContent=text};\
const ask=async()=>{try{\
const answer=await fetch('authorize/wait?request='+main.dataset.request,{cache:'no-store'});\
const {state,redirect}=await answer.json();\
if(state==='done'&&!redirect){say('You have decided. You can close this tab.');return}\
if(state==='done'){const link=document.getElementById('go');link.href=redirect;link.hidden=false;\
document.getElementById('ask').hidden=true;say('Decided. You can close this tab if nothing else opens.');\
location.replace(redirect);return}\
if(state==='expired'){say('This request has ended. Start again in the agent.');return}\
setTimeout(ask,1000)}catch{say('AgentPort does not answer. Trying again…');setTimeout(ask,2000)}};ask();";

/// The page that waits for the owner.
pub(super) fn waiting(
    client: &str,
    code: &str,
    request: &str,
    dashboard: Option<&str>,
) -> Response {
    let nonce = new_nonce();
    let whereto = match dashboard {
        Some(origin) => format!(
            "<a href=\"{}/#/\" target=\"_blank\" rel=\"noopener\">Open AgentPort</a> to decide.",
            escaped(origin)
        ),
        None => "Decide in AgentPort on this computer: in its notification, or in its window from the icon in the \
                 tray or menu bar."
            .to_owned(),
    };
    let body = format!(
        "<main data-request=\"{request}\"><h1>{} wants to use AgentPort</h1>\
         <div id=\"ask\"><p>{whereto} Nothing can be decided on this page.</p>\
         <p>AgentPort shows the same number: <strong class=\"code\">{code}</strong></p></div>\
         <p id=\"status\" role=\"status\">Waiting for your decision…</p>\
         <p><a id=\"go\" hidden>Back to the agent</a></p></main>\
         <noscript><p>Reload this page after you have decided.</p></noscript>\
         <script nonce=\"{nonce}\">{SCRIPT}</script>",
        escaped(client),
    );
    let runs = format!(" script-src 'nonce-{nonce}'; connect-src 'self';");
    respond(StatusCode::OK, "An agent wants in", &body, &nonce, &runs)
}

pub(super) fn expired() -> Response {
    problem(
        StatusCode::GONE,
        "This request has ended",
        "Nobody decided in time. Start again in the agent.",
    )
}

/// A page that says what is wrong, and leads nowhere.
pub(super) fn problem(status: StatusCode, title: &str, text: &str) -> Response {
    let body = format!("<main><h1>{}</h1><p>{}</p></main>", escaped(title), escaped(text));
    respond(status, title, &body, &new_nonce(), "")
}

/// A fresh value by which the policy knows our own style and script.
fn new_nonce() -> String {
    STANDARD.encode(rand::random::<[u8; 16]>())
}

/// `runs` is what the policy allows beside the style.
fn respond(status: StatusCode, title: &str, body: &str, nonce: &str, runs: &str) -> Response {
    let policy = format!(
        "default-src 'none'; style-src 'nonce-{nonce}';{runs} base-uri 'none'; form-action 'none'; \
         frame-ancestors 'none'"
    );
    let html = format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>{} · AgentPort</title>\
         <meta name=\"viewport\" content=\"width=device-width\"><style nonce=\"{nonce}\">{STYLE}</style></head><body>{body}</body></html>",
        escaped(title)
    );
    let mut response = (status, Html(html)).into_response();
    let headers = response.headers_mut();
    for (name, value) in [
        (header::CONTENT_SECURITY_POLICY, policy.as_str()),
        (header::X_FRAME_OPTIONS, "DENY"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::CACHE_CONTROL, "no-store"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    ] {
        if let Ok(value) = HeaderValue::from_str(value) {
            headers.insert(name, value);
        }
    }
    response
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt as _;

    use super::*;

    #[tokio::test]
    async fn a_client_s_name_is_text() {
        let response = waiting("<img src=x onerror=y>\"", "0042", "abc", None);
        assert_eq!(response.headers()["x-frame-options"], "DENY");
        let body = response.into_body().collect().await.unwrap().to_bytes();
        let html = String::from_utf8(body.to_vec()).unwrap();
        assert!(
            html.contains("&lt;img src=x onerror=y&gt;&quot; wants to use AgentPort"),
            "{html}"
        );
        assert!(html.contains("data-request=\"abc\"") && html.contains("0042"), "{html}");
    }
}
