//! JSON types of the desktop's own routes. The TypeScript types are generated from these.

use agentport_core::ApprovalId;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

use crate::gateway::state::RequestId;

/// `GET /desktop`: state of the app and of the desktop it runs on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub(crate) struct Desktop {
    /// `linux`, `macos` or `windows`.
    pub platform: String,
    pub version: String,
    /// The app starts when the owner logs in.
    pub autostart: bool,
    pub notifications: NotificationsState,
    /// The desktop shows tray icons. Where it does not, closing the window asks whether to quit.
    #[ts(optional, as = "Option<bool>")]
    pub tray_available: bool,
    /// What closing the main window does where there is no tray.
    pub on_close: OnClose,
    /// Why the gateway does not run, in a sentence that says what to do; `null` while it runs.
    pub trouble: Option<String>,
    /// The port it listens on, or would.
    pub port: u16,
}

/// What closing the main window does where the desktop shows no tray: nothing of AgentPort is visible afterwards.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
#[ts(export)]
pub(crate) enum OnClose {
    #[default]
    Ask,
    KeepRunning,
    Quit,
}

impl OnClose {
    /// The word used on the wire and in its file.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Ask => "ask",
            Self::KeepRunning => "keep_running",
            Self::Quit => "quit",
        }
    }

    pub(crate) fn parse(word: &str) -> Option<Self> {
        [Self::Ask, Self::KeepRunning, Self::Quit]
            .into_iter()
            .find(|choice| choice.as_str() == word.trim())
    }
}

/// `PUT /desktop/on-close` (204): remembers the choice. It closes nothing.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[ts(export)]
pub(crate) struct SetOnClose {
    pub choice: OnClose,
}

/// `PUT /desktop/view` (204): what the calling window's page shows. While that window has the keyboard focus, new requests
/// it shows get no notification.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub(crate) struct WindowView {
    /// The list of the requests that wait, to which new ones are added.
    pub inbox: bool,
    /// One request.
    pub request: Option<RequestId>,
}

/// Whether the desktop can show requests as notifications.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub(crate) struct NotificationsState {
    /// A program shows them.
    pub reachable: bool,
    /// With buttons. Without them the approval window opens by itself.
    pub buttons: bool,
    /// The name of the notification daemon, where it says.
    pub server: Option<String>,
}

/// `PUT /desktop/autostart` (204).
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[ts(export)]
pub(crate) struct Autostart {
    pub on: bool,
}

/// `PUT /desktop/port` answers [`Desktop`]: stores the port and restarts the gateway on it. 409 if it is taken: the
/// gateway then stays on its port.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[ts(export)]
pub(crate) struct Port {
    pub port: u16,
}

/// `POST /desktop/open` (204) opens a page in the owner's browser: `https`, or `http` on loopback. 422 for any other.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[ts(export)]
pub(crate) struct OpenPage {
    pub url: String,
}

/// `POST /desktop/copy` (204) copies a text to the clipboard. A text that is or contains a secret is kept out of the
/// history of clipboard managers.
#[derive(Clone, Serialize, Deserialize, TS)]
#[ts(export)]
pub(crate) struct CopyText {
    pub text: String,
    #[serde(default)]
    #[ts(optional, as = "Option<bool>")]
    pub secret: bool,
}

/// `POST /desktop/save` answers [`Saved`]: stores the answer to a `GET` of `path` on the control API in the downloads
/// folder, as `name` or, where that exists, under a numbered name.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[ts(export)]
pub(crate) struct Save {
    pub path: String,
    pub name: String,
}

/// `POST /desktop/reveal` takes one, and shows the file in the file manager (204). 404 for a file that AgentPort did not
/// save.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[ts(export)]
pub(crate) struct Saved {
    pub file: String,
}

/// `POST /desktop/window` (204) opens the main window at a route such as `#/activity`, or the approval window with a
/// request. `DELETE /desktop/window` (204) closes the calling window.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(tag = "window", rename_all = "snake_case")]
#[ts(export)]
pub(crate) enum OpenWindow {
    Main { route: String },
    Approval { id: ApprovalId },
}

// `POST /desktop/try-again` answers [`Desktop`]: starts a gateway that did not start.
// `POST /desktop/test-notification` (204): shows one, so that the owner sees whether they arrive. 503 if no program shows them.
// `POST /desktop/quit` (204).

/// Payload of the event `agentport://show`, which tells the approval window which request to show.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub(crate) struct Show {
    pub request: RequestId,
    /// The owner asked for it. Otherwise the window keeps the pending request it shows.
    pub asked: bool,
}

/// A request of a window, the argument of the command `owner`.
#[derive(Debug, Deserialize, TS)]
#[ts(export)]
pub(crate) struct Request {
    pub method: String,
    /// With its query: `/control/…` or `/desktop…`.
    pub path: String,
    /// JSON.
    #[serde(default)]
    #[ts(optional)]
    pub body: Option<String>,
    /// From `POST /control/confirm`, where the second factor is on.
    #[serde(default)]
    #[ts(optional)]
    pub confirmation: Option<String>,
}

/// The answer to a [`Request`]. A stream of events is answered at once with its status; its text follows on the channel.
#[derive(Debug, Serialize, TS)]
#[ts(export)]
pub(crate) struct Response {
    pub status: u16,
    /// JSON; empty where there is none, or where it follows on the channel.
    pub body: String,
    /// Seconds until it is worth trying again.
    pub retry_after: Option<u32>,
}
