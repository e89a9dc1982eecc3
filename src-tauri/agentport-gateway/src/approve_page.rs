//! The page a request's URL leads to. It has no power and tells nothing: an agent may open it. It raises
//! the window in which the owner decides, and sends the owner to where the owner is known.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use agentport_api::Event;
use agentport_core::{ApprovalId, ErrorChain, approval::StateName};
use axum::{
    Router,
    extract::{Path, State},
    response::{IntoResponse as _, Response},
    routing::get,
};
use http::{HeaderName, HeaderValue, StatusCode, header};

use crate::{
    address::GatewayAddress,
    control::{Control, exposure::ControlAccess},
    events::Events,
    store::Store,
};

/// A window is raised for the same request once in this time …
const SAME_EVERY: Duration = Duration::from_secs(10);
/// … and this often in a minute altogether: agents can open the page too, and a window that keeps jumping up is a
/// weapon.
const MOST_A_MINUTE: usize = 5;
const MINUTE: Duration = Duration::from_secs(60);

#[derive(Clone)]
struct Page {
    store: Store,
    events: Events,
    address: GatewayAddress,
    control_access: ControlAccess,
    shown: Arc<Mutex<Shown>>,
}

/// What was shown within the last minute, oldest first.
#[derive(Debug, Default)]
struct Shown(VecDeque<(Instant, ApprovalId)>);

impl Shown {
    /// Counts a wish to show, and says whether it is to be granted.
    fn may(&mut self, id: ApprovalId, now: Instant) -> bool {
        while self.0.front().is_some_and(|(at, _)| now.duration_since(*at) >= MINUTE) {
            self.0.pop_front();
        }
        let again =
            self.0.iter().any(|(at, shown)| *shown == id && now.duration_since(*at) < SAME_EVERY);
        let may = !again && self.0.len() < MOST_A_MINUTE;
        if may {
            self.0.push_back((now, id));
        }
        may
    }
}

pub(crate) fn router(control: &Control, control_access: ControlAccess) -> Router {
    let page = Page {
        store: control.store.clone(),
        events: control.events.clone(),
        address: control.address.clone(),
        control_access,
        shown: Arc::default(),
    };
    Router::new().route("/approve/{id}", get(answer)).with_state(page)
}

async fn answer(State(page): State<Page>, Path(id): Path<String>) -> Response {
    let Ok(id) = id.parse::<ApprovalId>() else {
        return html(
            StatusCode::NOT_FOUND,
            "There is no such request",
            "The link is not complete.",
        );
    };
    page.show(id).await;
    let body = match page.control_access {
        ControlAccess::WindowOnly => {
            "If it waits for you, the AgentPort window shows it: nothing can be decided or read on this page. If the \
             window did not come up, open AgentPort from its icon in the tray or menu bar."
                .to_owned()
        }
        ControlAccess::Network => format!(
            "If it waits for you, it waits in AgentPort: nothing can be decided or read on this page. \
             <a href=\"{}/#/approvals/{id}\">Open the request in AgentPort</a>, where you can see what is asked, \
             approve it or deny it.",
            page.address.origin()
        ),
    };
    html(StatusCode::OK, "A request of an agent’s", &body)
}

impl Page {
    /// Tells the window of a request that waits. Of any other nothing is told, and none is counted.
    async fn show(&self, id: ApprovalId) {
        let waits = match self.store.approval(id).await {
            Ok(found) => found.is_some_and(|found| found.state.name() == StateName::Pending),
            Err(error) => {
                tracing::error!(error = %ErrorChain(&error), "a request could not be read to be shown");
                false
            }
        };
        let mut shown = self.shown.lock().unwrap_or_else(PoisonError::into_inner);
        if waits && shown.may(id, Instant::now()) {
            self.events.send(Event::Shown { id });
        }
    }
}

fn html(status: StatusCode, title: &str, body: &str) -> Response {
    let html = format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>{title} · AgentPort</title>\
         <meta name=\"viewport\" content=\"width=device-width\"><style>{STYLE}</style></head>\
         <body><main><h1>{title}</h1><p>{body}</p></main></body></html>"
    );
    let mut response = (status, html).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    for (name, value) in [
        (
            header::CONTENT_SECURITY_POLICY,
            "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'",
        ),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::CACHE_CONTROL, "no-store"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ] as [(HeaderName, &'static str); 4]
    {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}

const STYLE: &str = "body{font:16px/1.5 system-ui,sans-serif;margin:0;display:grid;place-items:center;min-height:100vh;\
                     background:Canvas;color:CanvasText;color-scheme:light dark}main{max-width:32rem;padding:2rem}\
                     h1{font-size:1.4rem}";

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn windows_are_raised_now_and_then() {
        let begun = Instant::now();
        let mut shown = Shown::default();
        let mut may = |id: u128, second: u64| {
            shown.may(ApprovalId(Uuid::from_u128(id)), begun + Duration::from_secs(second))
        };
        assert!(may(1, 0));
        assert!(!may(1, 9), "the same within ten seconds");
        assert!(may(2, 9));
        assert!(may(1, 10));
        assert!(may(3, 11));
        assert!(may(4, 12));
        assert!(!may(5, 59), "the sixth within a minute");
        assert!(!may(1, 59));
        assert!(may(5, 60), "the first is a minute ago");
        assert!(!may(6, 61));
        assert!(may(6, 70));
        assert!(may(7, 71));
        assert!(may(8, 72));
    }
}
