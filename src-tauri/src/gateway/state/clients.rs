//! The MCP clients of this machine. Their files may lie on a slow disk, so they are read concurrently: pending requests
//! are shown without waiting for them.

use std::time::Duration;

use agentport_api::paths;
use agentport_clients::types::ClientView;
use agentport_core::ErrorChain;
use futures::future::{BoxFuture, FutureExt as _, pending};
use http::StatusCode;
use tokio::time::timeout;

use crate::gateway::client::{ClientError, InProcessClient};

/// Longer than any disk should take.
const READ_TIMEOUT: Duration = Duration::from_secs(30);

/// The clients as last read. At most one read is in flight.
pub(crate) struct ClientList {
    control: InProcessClient,
    clients: Vec<ClientView>,
    is_stale: bool,
    reading: Option<BoxFuture<'static, Result<Vec<ClientView>, ClientsUnread>>>,
}

/// How [`ClientList::refreshed`] ended.
#[must_use]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ClientsRead {
    Done,
    /// The clients stay as last read.
    Failed,
}

/// Why the clients were not read.
#[derive(Debug, thiserror::Error)]
enum ClientsUnread {
    #[error("the clients' files could not be read")]
    Refused(#[source] ClientError),
    #[error("the clients' files were not read within {} s", READ_TIMEOUT.as_secs())]
    TooSlow,
}

impl ClientList {
    /// Empty, and to be read.
    pub(crate) fn new(control: InProcessClient) -> Self {
        Self { control, clients: Vec::new(), is_stale: true, reading: None }
    }

    /// The clients as last read.
    pub(crate) fn clients(&self) -> &[ClientView] {
        &self.clients
    }

    /// Has the clients read again.
    pub(crate) fn invalidate(&mut self) {
        self.is_stale = true;
    }

    /// Returns once the clients were read again; pending for as long as there is no reason to. Cancel safe: dropped, the
    /// read goes on at the next call.
    pub(crate) async fn refreshed(&mut self) -> ClientsRead {
        if self.reading.is_none() && !std::mem::take(&mut self.is_stale) {
            return pending().await;
        }
        let control = &self.control;
        let reading = self.reading.get_or_insert_with(|| read(control.clone()).boxed());
        let read = reading.await;
        self.reading = None;
        match read {
            Ok(clients) => {
                self.clients = clients;
                ClientsRead::Done
            }
            Err(error) => {
                tracing::warn!(error = %ErrorChain(&error), "the tray's list of clients stays as it was");
                ClientsRead::Failed
            }
        }
    }
}

async fn read(control: InProcessClient) -> Result<Vec<ClientView>, ClientsUnread> {
    match timeout(READ_TIMEOUT, control.list(paths::CLIENTS)).await {
        Ok(answer) => or_none(answer).map_err(ClientsUnread::Refused),
        Err(_) => Err(ClientsUnread::TooSlow),
    }
}

/// A gateway without the clients' extension has none to show.
fn or_none(answer: Result<Vec<ClientView>, ClientError>) -> Result<Vec<ClientView>, ClientError> {
    match answer {
        Err(error) if error.status() == Some(StatusCode::NOT_FOUND) => Ok(Vec::new()),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use agentport_api::Problem;
    use futures::poll;

    use super::*;
    use crate::testing::Lab;

    #[test]
    fn without_the_route_there_are_none() {
        let refused = |status| {
            let problem = Problem::new("");
            Err(ClientError::Refused { status, problem })
        };
        assert!(or_none(refused(StatusCode::NOT_FOUND)).is_ok_and(|all| all.is_empty()));
        assert!(or_none(refused(StatusCode::INTERNAL_SERVER_ERROR)).is_err());
    }

    #[tokio::test]
    async fn clients_are_read_when_they_are_stale() {
        let lab = Lab::started().await;
        let mut clients = ClientList::new(lab.control.clone());
        assert_eq!(clients.refreshed().await, ClientsRead::Done);
        assert!(!clients.clients().is_empty(), "all supported ones are listed");
        assert!(poll!(std::pin::pin!(clients.refreshed())).is_pending(), "nothing is stale");
        clients.invalidate();
        // Dropped in the middle, the read is not forgotten.
        let _ = poll!(std::pin::pin!(clients.refreshed()));
        clients.invalidate();
        let twice = [clients.refreshed().await, clients.refreshed().await];
        assert_eq!(twice, [ClientsRead::Done; 2], "once for each");
        lab.supervisor.stop().await;
        clients.invalidate();
        assert_eq!(clients.refreshed().await, ClientsRead::Failed);
        assert!(!clients.clients().is_empty(), "the last list stays");
    }
}
