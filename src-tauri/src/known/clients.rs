//! The clients of this machine. Their files may lie on a slow disk, so they are read beside everything else: what waits
//! for the owner does not wait for them.

use std::time::Duration;

use agentport_clients::types::ClientView;
use futures::future::{BoxFuture, FutureExt as _, pending};
use http::StatusCode;
use tokio::time::timeout;

use super::items;
use crate::{
    owner::{AskError, Owner},
    running::chain,
};

const PATH: &str = "/control/clients";
/// Longer than any disk should take.
const LONGEST: Duration = Duration::from_secs(30);

/// What is known of them. At most one reading is under way.
pub(crate) struct Clients {
    owner: Owner,
    known: Vec<ClientView>,
    is_stale: bool,
    reading: Option<BoxFuture<'static, Result<Vec<ClientView>, Unread>>>,
}

/// Why they were not read.
#[derive(Debug, thiserror::Error)]
enum Unread {
    #[error("the clients' files could not be read")]
    Refused(#[source] AskError),
    #[error("the clients' files were not read within {} s", LONGEST.as_secs())]
    TooSlow,
}

impl Clients {
    /// Nothing is known at first, and everything is to be read.
    pub(crate) fn new(owner: Owner) -> Self {
        Self { owner, known: Vec::new(), is_stale: true, reading: None }
    }

    /// As they were when they were last read.
    pub(crate) fn known(&self) -> &[ClientView] {
        &self.known
    }

    /// They are to be read anew.
    pub(crate) fn expire(&mut self) {
        self.is_stale = true;
    }

    /// Returns once they were read anew, which is never while there is no reason to. `false`: that failed, and what was
    /// known stays. May be dropped at any time, and goes on where it was.
    pub(crate) async fn renewed(&mut self) -> bool {
        if self.reading.is_none() && !std::mem::take(&mut self.is_stale) {
            return pending().await;
        }
        let owner = &self.owner;
        let reading = self.reading.get_or_insert_with(|| read(owner.clone()).boxed());
        let read = reading.await;
        self.reading = None;
        match read {
            Ok(known) => {
                self.known = known;
                true
            }
            Err(error) => {
                tracing::warn!(error = chain(&error), "the tray's list of clients stays as it was");
                false
            }
        }
    }
}

async fn read(owner: Owner) -> Result<Vec<ClientView>, Unread> {
    match timeout(LONGEST, items(&owner, PATH)).await {
        Ok(answer) => or_nowhere(answer).map_err(Unread::Refused),
        Err(_) => Err(Unread::TooSlow),
    }
}

/// A gateway that knows nothing of clients has none to show.
fn or_nowhere(answer: Result<Vec<ClientView>, AskError>) -> Result<Vec<ClientView>, AskError> {
    match answer {
        Err(AskError::Refused { status: StatusCode::NOT_FOUND, .. }) => Ok(Vec::new()),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use futures::poll;

    use super::*;
    use crate::testing::Lab;

    #[test]
    fn without_the_route_there_are_none() {
        let refused = |status| Err(AskError::Refused { status, detail: String::new(), code: None });
        assert!(or_nowhere(refused(StatusCode::NOT_FOUND)).is_ok_and(|all| all.is_empty()));
        assert!(or_nowhere(refused(StatusCode::INTERNAL_SERVER_ERROR)).is_err());
    }

    #[tokio::test]
    async fn they_are_read_when_they_are_stale() {
        let lab = Lab::started().await;
        let mut clients = Clients::new(lab.owner.clone());
        assert!(clients.renewed().await);
        assert!(!clients.known().is_empty(), "all that we know are listed");
        assert!(poll!(std::pin::pin!(clients.renewed())).is_pending(), "nothing is stale");
        clients.expire();
        // Dropped in the middle, it is not forgotten.
        let _ = poll!(std::pin::pin!(clients.renewed()));
        clients.expire();
        assert!(clients.renewed().await && clients.renewed().await, "once for each");
        lab.running.stop().await;
        clients.expire();
        assert!(!clients.renewed().await);
        assert!(!clients.known().is_empty(), "what was known stays");
    }
}
