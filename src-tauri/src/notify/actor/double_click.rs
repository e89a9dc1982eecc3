//! Guards against a double click that allows two requests.
//!
//! When a notification is answered the next one often moves up, under the pointer. The second half of a double click must
//! not allow a request that the owner has not looked at, so a request that was pending behind another is opened instead.

use std::{collections::HashSet, time::Duration};

use tokio::time::Instant;

use crate::{
    gateway::state::{RequestId, WaitingRequests},
    notify::Intent,
};

/// Longest time between the clicks of a double click (GTK's `gtk-double-click-time`; Windows has 500 ms, people are
/// mostly faster).
const DOUBLE_CLICK_TIME: Duration = Duration::from_millis(400);

#[derive(Debug, Default)]
pub(super) struct DoubleClickGuard {
    last_click: Option<Instant>,
    /// Requests that were pending at the last click, without the one it was for.
    behind: HashSet<RequestId>,
}

impl DoubleClickGuard {
    /// The intent of a click now.
    pub(super) fn filter(
        &mut self,
        now: Instant,
        intent: Intent,
        pending: &WaitingRequests,
    ) -> Intent {
        let Some(id) = subject(intent) else { return intent };
        let too_fast =
            self.last_click.is_some_and(|last| now.duration_since(last) < DOUBLE_CLICK_TIME)
                && self.behind.contains(&id);
        self.last_click = Some(now);
        self.behind = pending.ids().filter(|other| *other != id).collect();
        match intent {
            Intent::Approve(_) | Intent::Always(_) | Intent::LetIn(..) if too_fast => {
                tracing::info!(
                    "a second click within {DOUBLE_CLICK_TIME:?} opens the request instead"
                );
                Intent::Open(id)
            }
            _ => intent,
        }
    }
}

/// The request that an intent is about.
fn subject(intent: Intent) -> Option<RequestId> {
    match intent {
        Intent::Approve(id) | Intent::Always(id) | Intent::Deny(id) => Some(id.into()),
        Intent::LetIn(id, _) | Intent::Refuse(id) => Some(id.into()),
        Intent::Open(id) => Some(id),
        Intent::OpenInbox | Intent::Undo(_) | Intent::DismissSample | Intent::OpenWindow(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::notify::text::{pending_request, waiting_consent};

    #[test]
    fn the_second_half_of_a_double_click_allows_nothing() {
        let id = |number| pending_request(number).id;
        let all = WaitingRequests {
            consents: [waiting_consent(7)].into(),
            calls: (1..=3).map(pending_request).collect(),
        };
        let consent = waiting_consent(7).id;
        let let_in = Intent::LetIn(consent, None);
        let (open, fast, slow) = (Intent::Open(id(2).into()), 399, 400);
        for (first, after, second, want) in [
            (Intent::Approve(id(1)), fast, Intent::Approve(id(2)), open),
            (Intent::Approve(id(1)), fast, Intent::Always(id(2)), open),
            (Intent::Deny(id(1)), fast, Intent::Approve(id(2)), open),
            (Intent::Open(id(1).into()), fast, Intent::Approve(id(2)), open),
            (let_in, fast, Intent::Approve(id(2)), open),
            (Intent::Refuse(consent), fast, Intent::Approve(id(2)), open),
            (Intent::Approve(id(1)), fast, let_in, Intent::Open(consent.into())),
            (Intent::Approve(id(1)), slow, let_in, let_in),
            (Intent::Approve(id(1)), slow, Intent::Approve(id(2)), Intent::Approve(id(2))),
            (Intent::Approve(id(1)), fast, Intent::Deny(id(2)), Intent::Deny(id(2))),
            (Intent::Approve(id(1)), fast, Intent::OpenInbox, Intent::OpenInbox),
            // Not pending behind the first.
            (Intent::Approve(id(1)), fast, Intent::Approve(id(4)), Intent::Approve(id(4))),
            (Intent::OpenInbox, fast, Intent::Approve(id(2)), Intent::Approve(id(2))),
        ] {
            let (mut guard, now) = (DoubleClickGuard::default(), Instant::now());
            assert_eq!(guard.filter(now, first, &all), first);
            let then = now + Duration::from_millis(after);
            assert_eq!(guard.filter(then, second, &all), want, "{first:?}, {after} ms, {second:?}");
        }
    }
}
