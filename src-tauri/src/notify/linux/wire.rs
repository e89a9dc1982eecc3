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
use crate::notify::notification::{BODY_ACTION, DisplayTime, Notification};

/// Name of the notification daemon on the bus, and of its interface.
pub(super) const NAME: &str = "org.freedesktop.Notifications";
pub(super) const PATH: &str = "/org/freedesktop/Notifications";

/// §5: none of those listed there, so with a vendor's prefix.
const CATEGORY: &str = "x-agentport.request";
/// §2, `expire_timeout`: never.
const NEVER: i32 = 0;
/// Characters of a daemon's name.
const MAX_DAEMON_NAME: usize = 60;

pub(super) fn name() -> WellKnownName<'static> {
    WellKnownName::from_static_str_unchecked(NAME)
}

/// The daemon's capabilities (§9, `GetCapabilities`) that matter here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct DaemonCapabilities {
    pub(super) actions: bool,
    pub(super) body: bool,
    /// It interprets `<`, `>` and `&` in the body as markup.
    pub(super) markup: bool,
}

pub(super) async fn capabilities(
    connection: &Connection,
    owner: &OwnedUniqueName,
) -> zbus::Result<DaemonCapabilities> {
    let capabilities: Vec<String> = call(connection, owner, "GetCapabilities", &()).await?;
    let has = |wanted: &str| capabilities.iter().any(|capabilities| capabilities == wanted);
    Ok(DaemonCapabilities {
        actions: has("actions"),
        body: has("body"),
        markup: has("body-markup"),
    })
}

/// The daemon's name (§9, `GetServerInformation`).
pub(super) async fn daemon_name(
    connection: &Connection,
    owner: &OwnedUniqueName,
) -> zbus::Result<String> {
    let (name, _vendor, _version, _spec): (String, String, String, String) =
        call(connection, owner, "GetServerInformation", &()).await?;
    Ok(sanitize::sanitize_line(&name, MAX_DAEMON_NAME))
}

/// What the arguments of `Notify` depend on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct DaemonTraits {
    /// The capability `body-markup`.
    pub(super) interprets_markup: bool,
    /// It takes a notification of normal urgency off the screen after seconds, whatever its timeout (GNOME Shell). Others
    /// keep it, and a critical one would break through "do not disturb".
    pub(super) hides_normal_urgency: bool,
}

/// Daemons that hide notifications of normal urgency.
pub(super) fn hides_normal_urgency(daemon_name: &str) -> bool {
    daemon_name == "gnome-shell"
}

/// The arguments of `Notify` (§9).
pub(super) struct NotifyCall {
    replaces: u32,
    icon: &'static str,
    title: String,
    body: String,
    /// Names and labels, alternating.
    actions: Vec<&'static str>,
    urgency: u8,
    transient: bool,
    expires: i32,
}

impl NotifyCall {
    pub(super) fn new(
        notification: &Notification,
        replaces: u32,
        traits: DaemonTraits,
        icon: &'static str,
    ) -> Self {
        let mut actions = Vec::with_capacity(2 * (notification.buttons.len() + 1));
        if notification.on_body.is_some() {
            // Without a label: xfce4-notifyd, where a click on the body closes, would draw a button for it.
            actions.extend([BODY_ACTION, ""]);
        }
        for button in &notification.buttons {
            actions.extend([button.name, button.label]);
        }
        let (transient, expires) = match notification.display_time {
            DisplayTime::UntilDecided => (false, NEVER),
            DisplayTime::For(time) => (true, i32::try_from(time.as_millis()).unwrap_or(NEVER)),
        };
        Self {
            replaces,
            icon,
            title: notification.title.clone(),
            body: if traits.interprets_markup {
                escaped(&notification.body)
            } else {
                notification.body.clone()
            },
            urgency: match notification.display_time {
                DisplayTime::UntilDecided if traits.hides_normal_urgency => CRITICAL,
                DisplayTime::UntilDecided | DisplayTime::For(_) => NORMAL,
            },
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

/// Urgency levels (§7).
const NORMAL: u8 = 1;
const CRITICAL: u8 = 2;

/// Shows a notification, and returns its id.
pub(super) async fn notify(
    connection: &Connection,
    owner: &OwnedUniqueName,
    notification: &NotifyCall,
) -> zbus::Result<u32> {
    let body = (
        "AgentPort",
        notification.replaces,
        notification.icon,
        &notification.title,
        &notification.body,
        &notification.actions,
        notification.hints(),
        notification.expires,
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

/// Calls the unique name `owner`, not the well-known name, which may have another owner by then; accepts an answer from
/// `owner` only.
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

/// Escapes text for a daemon that interprets markup (§3.1).
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
