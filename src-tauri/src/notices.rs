//! Telling the owner by notifications, as the rest of the app knows it. Tests put their own in its place.

use agentport_core::RuleId;
use async_trait::async_trait;

use crate::notify::{Capabilities, Notifications, Waiting, Wishes};

#[async_trait]
pub(crate) trait Notices: Send + Sync + 'static {
    /// Says what waits, and what the owner wishes: the whole truth each time.
    fn show(&self, waiting: Vec<Waiting>, wishes: Wishes);

    /// Says that a rule allows from now on, and offers to take it back.
    fn undo(&self, rule: RuleId, sentence: String);

    /// Says something, without buttons.
    fn tell(&self, title: &str, body: &str);

    /// What can be shown.
    async fn capabilities(&self) -> Capabilities;
}

#[async_trait]
impl Notices for Notifications {
    fn show(&self, waiting: Vec<Waiting>, wishes: Wishes) {
        Notifications::show(self, waiting, wishes);
    }

    fn undo(&self, rule: RuleId, sentence: String) {
        Notifications::undo(self, rule, sentence);
    }

    fn tell(&self, title: &str, body: &str) {
        Notifications::tell(self, title.to_owned(), body.to_owned());
    }

    async fn capabilities(&self) -> Capabilities {
        Notifications::capabilities(self).await
    }
}
