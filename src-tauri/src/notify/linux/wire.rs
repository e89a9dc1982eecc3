//! The calls of `org.freedesktop.Notifications` (Desktop Notifications Specification 1.2, §9).

use std::collections::HashMap;

use agentport_core::sanitize;
use serde::{Serialize, de::DeserializeOwned};
use zbus::{
    Connection,
    names::{OwnedUniqueName, WellKnownName},
    zvariant::{DynamicType, Type, Value},
};

use super::icon::APP;
use crate::notify::notice::{BODY, Notice, Stays};

/// What whoever shows notices is called on the bus, and the interface as well.
pub(super) const NAME: &str = "org.freedesktop.Notifications";
pub(super) const PATH: &str = "/org/freedesktop/Notifications";

/// §5: not of those listed there, so with a vendor's prefix.
const CATEGORY: &str = "x-agentport.request";
/// §2, `expire_timeout`: never.
const NEVER: i32 = 0;
/// Characters of a server's name.
const MAX_SERVER: usize = 60;

pub(super) fn name() -> WellKnownName<'static> {
    WellKnownName::from_static_str_unchecked(NAME)
}

/// What whoever shows notices says of itself (§9, `GetCapabilities`), as far as it matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Told {
    pub(super) actions: bool,
    pub(super) body: bool,
    /// It takes `<`, `>` and `&` in the body for markup.
    pub(super) markup: bool,
}

pub(super) async fn capabilities(
    connection: &Connection,
    owner: &OwnedUniqueName,
) -> zbus::Result<Told> {
    let told: Vec<String> = call(connection, owner, "GetCapabilities", &()).await?;
    let has = |wanted: &str| told.iter().any(|told| told == wanted);
    Ok(Told { actions: has("actions"), body: has("body"), markup: has("body-markup") })
}

/// The name of whoever shows notices.
pub(super) async fn server(
    connection: &Connection,
    owner: &OwnedUniqueName,
) -> zbus::Result<String> {
    let (name, _vendor, _version, _spec): (String, String, String, String) =
        call(connection, owner, "GetServerInformation", &()).await?;
    Ok(sanitize::sanitize_line(&name, MAX_SERVER))
}

/// A notice as it goes over the bus.
pub(super) struct Outgoing {
    replaces: u32,
    icon: &'static str,
    title: String,
    body: String,
    /// Names and labels by turns.
    actions: Vec<&'static str>,
    urgency: u8,
    transient: bool,
    expires: i32,
}

impl Outgoing {
    pub(super) fn new(notice: &Notice, replaces: u32, markup: bool, icon: &'static str) -> Self {
        let mut actions = Vec::with_capacity(2 * (notice.buttons.len() + 1));
        if notice.on_body.is_some() {
            // Without a label: xfce4-notifyd, to which a click on the body means closing, would draw a button of it.
            actions.extend([BODY, ""]);
        }
        for button in &notice.buttons {
            actions.extend([button.name, button.label]);
        }
        let (transient, expires) = match notice.stays {
            Stays::UntilDecided => (false, NEVER),
            Stays::For(time) => (true, i32::try_from(time.as_millis()).unwrap_or(NEVER)),
        };
        Self {
            replaces,
            icon,
            title: notice.title.clone(),
            body: if markup { escaped(&notice.body) } else { notice.body.clone() },
            // Others vanish from the screen before they were seen, or hide their buttons.
            urgency: if actions.is_empty() { NORMAL } else { CRITICAL },
            actions,
            transient,
            expires,
        }
    }

    fn hints(&self) -> HashMap<&'static str, Value<'static>> {
        HashMap::from([
            ("urgency", Value::U8(self.urgency)),
            ("category", Value::from(CATEGORY)),
            ("desktop-entry", Value::from(APP)),
            ("transient", Value::Bool(self.transient)),
        ])
    }
}

/// §7.
const NORMAL: u8 = 1;
const CRITICAL: u8 = 2;

/// Shows a notice, and returns its number.
pub(super) async fn notify(
    connection: &Connection,
    owner: &OwnedUniqueName,
    notice: &Outgoing,
) -> zbus::Result<u32> {
    let body = (
        "AgentPort",
        notice.replaces,
        notice.icon,
        &notice.title,
        &notice.body,
        &notice.actions,
        notice.hints(),
        notice.expires,
    );
    call(connection, owner, "Notify", &body).await
}

pub(super) async fn close(
    connection: &Connection,
    owner: &OwnedUniqueName,
    number: u32,
) -> zbus::Result<()> {
    call(connection, owner, "CloseNotification", &number).await
}

/// Calls `owner` itself, not whoever has its name by then, and takes an answer from nobody else.
async fn call<B, R>(
    connection: &Connection,
    owner: &OwnedUniqueName,
    method: &str,
    body: &B,
) -> zbus::Result<R>
where
    B: Serialize + DynamicType + Sync,
    R: DeserializeOwned + Type,
{
    let answer = connection.call_method(Some(owner), PATH, Some(NAME), method, body).await?;
    if answer.header().sender() != Some(&**owner) {
        return Err(zbus::Error::InvalidReply);
    }
    answer.body().deserialize()
}

/// Text as §3.1 (markup) wants it where it is meant to be read as it stands.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
