//! `/approve/{id}`: the page of an approval's URL. It has no power and shows nothing of the request, since an agent may
//! open it too. It raises the window in which the owner decides, or links to the dashboard behind its sign-in.

use std::{
    collections::VecDeque,
    sync::Arc,
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
use parking_lot::Mutex;

use crate::{
    address::GatewayAddress,
    control::{Control, exposure::ControlAccess},
    events::Events,
    store::Store,
};

/// Time within which the window is raised only once for the same request.
const SAME_REQUEST_INTERVAL: Duration = Duration::from_secs(10);
/// How often the window is raised within a minute, for all requests: an agent that opens the page again and again must
/// not be able to keep the owner from working.
const MAX_RAISES_PER_MINUTE: usize = 5;
const MINUTE: Duration = Duration::from_secs(60);

#[derive(Clone)]
struct ApprovePage {
    store: Store,
    events: Events,
    address: GatewayAddress,
    control_access: ControlAccess,
    raises: Arc<Mutex<RecentRaises>>,
}

/// When the window was raised within the last minute and for which request, oldest first.
#[derive(Debug, Default)]
struct RecentRaises(VecDeque<(Instant, ApprovalId)>);

impl RecentRaises {
    /// Whether the window may be raised for this request now; if so, it counts as raised.
    fn try_raise(&mut self, id: ApprovalId, now: Instant) -> bool {
        while self.0.front().is_some_and(|(at, _)| now.duration_since(*at) >= MINUTE) {
            self.0.pop_front();
        }
        let again = self
            .0
            .iter()
            .any(|(at, shown)| *shown == id && now.duration_since(*at) < SAME_REQUEST_INTERVAL);
        let may = !again && self.0.len() < MAX_RAISES_PER_MINUTE;
        if may {
            self.0.push_back((now, id));
        }
        may
    }
}

pub(crate) fn router(control: &Control, control_access: ControlAccess) -> Router {
    let page = ApprovePage {
        store: control.store.clone(),
        events: control.events.clone(),
        address: control.address.clone(),
        control_access,
        raises: Arc::default(),
    };
    Router::new().route("/approve/{id}", get(answer)).with_state(page)
}

async fn answer(State(page): State<ApprovePage>, Path(id): Path<String>) -> Response {
    let Ok(id) = id.parse::<ApprovalId>() else {
        return html(
            StatusCode::NOT_FOUND,
            "There is no such request",
            "The link is not complete.",
        );
    };
    page.raise_window(id).await;
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

impl ApprovePage {
    /// Raises the window if the request is pending. Other ids change nothing, so that they use up no allowance either.
    async fn raise_window(&self, id: ApprovalId) {
        let waits = match self.store.approval(id).await {
            Ok(found) => found.is_some_and(|found| found.state.name() == StateName::Pending),
            Err(error) => {
                tracing::error!(error = %ErrorChain(&error), "a request could not be read to be shown");
                false
            }
        };
        let mut raises = self.raises.lock();
        if waits && raises.try_raise(id, Instant::now()) {
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
    fn the_window_is_raised_a_bounded_number_of_times() {
        let begun = Instant::now();
        let mut shown = RecentRaises::default();
        let mut may = |id: u128, second: u64| {
            shown.try_raise(ApprovalId(Uuid::from_u128(id)), begun + Duration::from_secs(second))
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
