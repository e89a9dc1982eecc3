//! Opening: windows of ours, pages in the owner's browser; and the clipboard.

use std::net::{Ipv4Addr, Ipv6Addr};

use agentport_core::redact;
use axum::{Extension, extract::State};
use http::StatusCode;
use url::{Host, Url};

use super::{
    FromWindow,
    routes::{Answer, Refused, Shell, take},
    types::{CopyText, OpenPage, OpenWindow},
};
use crate::windows::Raise;

pub(super) async fn window(State(shell): State<Shell>, body: String) -> Answer<StatusCode> {
    match take(&body)? {
        OpenWindow::Main { route } => {
            if !is_route(&route) {
                return Err(Refused::invalid("route", "A route begins with #/."));
            }
            shell.parts.desk.open_main(&route);
        }
        OpenWindow::Approval { id } => shell.parts.desk.open_approval(id, Raise::Asked),
    }
    Ok(StatusCode::NO_CONTENT)
}

fn is_route(text: &str) -> bool {
    text.starts_with("#/") && !text.chars().any(|c| c.is_control() || c.is_whitespace())
}

pub(super) async fn close(
    State(shell): State<Shell>,
    Extension(FromWindow(label)): Extension<FromWindow>,
) -> StatusCode {
    shell.parts.desk.close_window(&label);
    StatusCode::NO_CONTENT
}

/// Opens a page outside. A link may come from an integration's own words, so that nothing but the web is opened: no
/// file, and no program that registered a scheme.
pub(super) async fn page(State(shell): State<Shell>, body: String) -> Answer<StatusCode> {
    let OpenPage { url } = take(&body)?;
    let url = Url::parse(&url).ok().filter(opens_outside);
    let url = url.ok_or_else(|| {
        Refused::invalid("url", "Only pages on the web (https) and on this machine are opened.")
    })?;
    shell.parts.desk.open_page(&url).map_err(|error| Refused::failed(&error))?;
    Ok(StatusCode::NO_CONTENT)
}

/// `https`, or `http` on loopback; and no name or password, which may dress one host up as another.
fn opens_outside(url: &Url) -> bool {
    let loopback = match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address == Ipv4Addr::LOCALHOST,
        Some(Host::Ipv6(address)) => address == Ipv6Addr::LOCALHOST,
        None => return false,
    };
    let plain = url.username().is_empty() && url.password().is_none();
    plain && (url.scheme() == "https" || (url.scheme() == "http" && loopback))
}

pub(super) async fn copy(State(shell): State<Shell>, body: String) -> Answer<StatusCode> {
    let CopyText { text, secret } = take(&body)?;
    // An agent's key comes alone or within the entry for its program.
    let is_secret = secret || redact::redacted_text(&text) != text;
    shell.parts.desk.copy(&text, is_secret).map_err(|error| Refused::failed(&error))?;
    Ok(StatusCode::NO_CONTENT)
}
