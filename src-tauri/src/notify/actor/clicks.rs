//! Guards against a click that was meant for another notice.
//!
//! When a notice is answered the next often takes its place, under the pointer. The second half of a double click must
//! not allow a request that nobody has looked at, so one that waited behind another is opened instead.

use std::{collections::HashSet, time::Duration};

use agentport_core::ApprovalId;
use tokio::time::Instant;

use crate::notify::{Intent, Waiting};

/// A double click takes no longer (GTK's `gtk-double-click-time`; Windows has 500 ms, most people are faster).
const DOUBLE_CLICK: Duration = Duration::from_millis(400);

#[derive(Debug, Default)]
pub(super) struct Clicks {
    last: Option<Instant>,
    /// What waited at the last click, beside the request it was for.
    behind: HashSet<ApprovalId>,
}

impl Clicks {
    /// What a click now stands for. `waiting`: all that waits.
    pub(super) fn click(&mut self, now: Instant, intent: Intent, waiting: &[Waiting]) -> Intent {
        let (Intent::Approve(id) | Intent::Always(id) | Intent::Deny(id) | Intent::Open(id)) =
            intent
        else {
            return intent;
        };
        let too_fast = self.last.is_some_and(|last| now.duration_since(last) < DOUBLE_CLICK)
            && self.behind.contains(&id);
        self.last = Some(now);
        self.behind =
            waiting.iter().map(|request| request.id).filter(|other| *other != id).collect();
        match intent {
            Intent::Approve(id) | Intent::Always(id) if too_fast => {
                tracing::info!("a second click within {DOUBLE_CLICK:?} opens the request instead");
                Intent::Open(id)
            }
            _ => intent,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::notify::words::waiting;

    #[test]
    fn the_second_half_of_a_double_click_allows_nothing() {
        let id = |number| waiting(number).id;
        let all: Vec<_> = (1..=3).map(waiting).collect();
        let (open, fast, slow) = (Intent::Open(id(2)), 399, 400);
        for (first, after, second, want) in [
            (Intent::Approve(id(1)), fast, Intent::Approve(id(2)), open),
            (Intent::Approve(id(1)), fast, Intent::Always(id(2)), open),
            (Intent::Deny(id(1)), fast, Intent::Approve(id(2)), open),
            (Intent::Open(id(1)), fast, Intent::Approve(id(2)), open),
            (Intent::Approve(id(1)), slow, Intent::Approve(id(2)), Intent::Approve(id(2))),
            (Intent::Approve(id(1)), fast, Intent::Deny(id(2)), Intent::Deny(id(2))),
            (Intent::Approve(id(1)), fast, Intent::OpenInbox, Intent::OpenInbox),
            // It did not wait behind the first.
            (Intent::Approve(id(1)), fast, Intent::Approve(id(4)), Intent::Approve(id(4))),
            (Intent::OpenInbox, fast, Intent::Approve(id(2)), Intent::Approve(id(2))),
        ] {
            let (mut clicks, now) = (Clicks::default(), Instant::now());
            assert_eq!(clicks.click(now, first, &all), first);
            let then = now + Duration::from_millis(after);
            assert_eq!(clicks.click(then, second, &all), want, "{first:?}, {after} ms, {second:?}");
        }
    }
}
