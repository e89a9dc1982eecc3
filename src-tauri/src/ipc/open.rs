//! Opens our windows, pages in the owner's browser; writes the clipboard.

use std::net::{Ipv4Addr, Ipv6Addr};

use agentport_core::redact;
use axum::{Extension, extract::State};
use http::StatusCode;
use url::{Host, Url};

use super::{
    FromWindow,
    routes::{IpcProblem, IpcResult, IpcState, parse_body},
    types::{CopyText, OpenPage, OpenWindow},
};
use crate::windows::Raise;

pub(super) async fn window(State(ipc): State<IpcState>, body: String) -> IpcResult<StatusCode> {
    match parse_body(&body)? {
        OpenWindow::Main { route } => {
            if !is_route(&route) {
                return Err(IpcProblem::invalid("route", "A route begins with #/."));
            }
            ipc.context.platform.open_main(&route);
        }
        OpenWindow::Approval { id } => ipc.context.platform.open_request(id.into(), Raise::Asked),
    }
    Ok(StatusCode::NO_CONTENT)
}

fn is_route(text: &str) -> bool {
    text.starts_with("#/") && !text.chars().any(|c| c.is_control() || c.is_whitespace())
}

pub(super) async fn close(
    State(ipc): State<IpcState>,
    Extension(FromWindow(label)): Extension<FromWindow>,
) -> StatusCode {
    ipc.context.platform.close_window(&label);
    StatusCode::NO_CONTENT
}

/// Opens a page in the browser. A link may come from an integration, so only the web is opened: no file, and no program
/// that registered a scheme.
pub(super) async fn page(State(ipc): State<IpcState>, body: String) -> IpcResult<StatusCode> {
    let OpenPage { url } = parse_body(&body)?;
    let url = Url::parse(&url).ok().filter(is_web_page);
    let url = url.ok_or_else(|| {
        IpcProblem::invalid("url", "Only pages on the web (https) and on this machine are opened.")
    })?;
    ipc.context.platform.open_page(&url).map_err(|error| IpcProblem::failed(&error))?;
    Ok(StatusCode::NO_CONTENT)
}

/// `https`, or `http` on loopback; without user name and password, which can make one host look like another.
fn is_web_page(url: &Url) -> bool {
    let loopback = match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address == Ipv4Addr::LOCALHOST,
        Some(Host::Ipv6(address)) => address == Ipv6Addr::LOCALHOST,
        None => return false,
    };
    let plain = url.username().is_empty() && url.password().is_none();
    plain && (url.scheme() == "https" || (url.scheme() == "http" && loopback))
}

pub(super) async fn copy(State(ipc): State<IpcState>, body: String) -> IpcResult<StatusCode> {
    let CopyText { text, secret } = parse_body(&body)?;
    // An agent's key is copied alone or within the entry for its client.
    let is_secret = secret || redact::redacted_text(&text) != text;
    ipc.context.platform.copy(&text, is_secret).map_err(|error| IpcProblem::failed(&error))?;
    Ok(StatusCode::NO_CONTENT)
}
