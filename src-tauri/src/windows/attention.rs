//! Which requests the owner looks at: those that a window with the keyboard focus shows.
//!
//! The windows' focus comes from the window system, what they show from their pages. Both are published to the
//! notifications, which then put nothing over those windows.

use std::sync::Arc;

use parking_lot::Mutex;

use super::{APPROVAL, MAIN};
use crate::{
    ipc::types::WindowView,
    notify::{Attention, Notifications},
};

/// Cheap to clone. Also Tauri's managed state.
#[derive(Clone)]
pub(crate) struct WindowAttention {
    notifications: Notifications,
    windows: Arc<Mutex<WindowViews>>,
}

#[derive(Default)]
struct WindowViews {
    focused: Option<String>,
    main: WindowView,
    approval: WindowView,
}

impl WindowViews {
    fn attention(&self) -> Attention {
        let view = match self.focused.as_deref() {
            Some(MAIN) => &self.main,
            Some(APPROVAL) => &self.approval,
            _ => return Attention::Elsewhere,
        };
        match (view.inbox, view.request) {
            (true, _) => Attention::Inbox,
            (false, Some(id)) => Attention::Request(id),
            (false, None) => Attention::Elsewhere,
        }
    }

    fn view(&mut self, label: &str) -> Option<&mut WindowView> {
        match label {
            MAIN => Some(&mut self.main),
            APPROVAL => Some(&mut self.approval),
            _ => None,
        }
    }
}

impl WindowAttention {
    pub(crate) fn new(notifications: Notifications) -> Self {
        Self { notifications, windows: Arc::default() }
    }

    /// The window's page says what it shows.
    pub(crate) fn set_view(&self, label: &str, shown: WindowView) {
        self.change(|windows| {
            if let Some(view) = windows.view(label) {
                *view = shown;
            }
        });
    }

    pub(super) fn set_focused(&self, label: &str, focused: bool) {
        self.change(|windows| {
            if focused {
                windows.focused = Some(label.to_owned());
            } else if windows.focused.as_deref() == Some(label) {
                windows.focused = None;
            }
        });
    }

    /// The window was closed, or its page is gone.
    pub(super) fn forget(&self, label: &str) {
        self.set_view(label, WindowView::default());
    }

    fn change(&self, change: impl FnOnce(&mut WindowViews)) {
        let mut windows = self.windows.lock();
        change(&mut windows);
        self.notifications.set_attention(windows.attention());
    }
}

#[cfg(test)]
mod tests {
    use agentport_core::ApprovalId;

    use super::*;

    #[test]
    fn only_what_a_focused_window_shows_is_looked_at() {
        let id = ApprovalId(uuid::Uuid::from_u128(7));
        let inbox = || WindowView { inbox: true, request: None };
        let request = || WindowView { inbox: false, request: Some(id.into()) };
        for (focused, main, approval, want) in [
            (None, inbox(), request(), Attention::Elsewhere),
            (Some(MAIN), inbox(), request(), Attention::Inbox),
            (Some(MAIN), WindowView::default(), request(), Attention::Elsewhere),
            (Some(APPROVAL), inbox(), request(), Attention::Request(id.into())),
            (Some(APPROVAL), inbox(), WindowView::default(), Attention::Elsewhere),
        ] {
            let views = WindowViews { focused: focused.map(str::to_owned), main, approval };
            assert_eq!(views.attention(), want, "{focused:?}");
        }
    }
}
