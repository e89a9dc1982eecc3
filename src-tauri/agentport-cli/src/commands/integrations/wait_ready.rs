//! Waiting for an upstream to start: said to whoever watches, and given up with Ctrl-C.

use std::{future::Future, time::Duration};

use agentport_api::{Connection, ControlError, paths};
use agentport_core::IntegrationId;
use anyhow::{Result, bail};
use serde::Serialize;

use crate::{
    client::{Answer, OwnerClient},
    confirm,
    context::Context,
    output,
};

/// How long the gateway may take to answer. Longer than it gives an upstream, so that it is the one to say what failed.
pub(super) const ANSWER_TIMEOUT: Duration = Duration::from_secs(600);
/// After so long one may wonder.
const SLOW_NOTE_DELAY: Duration = Duration::from_secs(10);

/// An integration that is being added.
pub(super) struct Adding<'a> {
    pub(super) owner: &'a OwnerClient,
    pub(super) id: &'a IntegrationId,
    pub(super) connection: &'a Connection,
    pub(super) context: &'a Context,
}

impl Adding<'_> {
    /// Sends the request that adds it, and waits for the answer. On Ctrl-C the gateway cancels it, and keeps nothing.
    pub(super) async fn send(&self, path: &str, body: &impl Serialize) -> Result<Answer> {
        let owner = self.owner.with_timeout(ANSWER_TIMEOUT);
        let mut sent = std::pin::pin!(owner.post(path, body));
        if let Some(answer) = watched(sent.as_mut(), self.connection, self.context).await? {
            return Ok(answer);
        }
        let pending = paths::fill(paths::INTEGRATION_ADDING, self.id);
        match owner.control().delete(&pending).await {
            Ok(()) => bail!("given up, and nothing was added"),
            // Too late: it was added already, or has failed by itself.
            Err(ControlError::Refused { .. }) => sent.await,
            Err(error) => Err(error.into()),
        }
    }
}

/// Waits for a change. The gateway continues with it even if the command gives up.
pub(super) async fn wait_for_change(
    sent: impl Future<Output = Result<Answer>>,
    connection: &Connection,
    context: &Context,
) -> Result<Answer> {
    match watched(sent, connection, context).await? {
        Some(answer) => Ok(answer),
        None => bail!("given up before it had answered; the gateway may still finish it"),
    }
}

/// Waits for an answer, and says on stderr what is waited for. `None`: Ctrl-C.
async fn watched(
    sent: impl Future<Output = Result<Answer>>,
    connection: &Connection,
    context: &Context,
) -> Result<Option<Answer>> {
    let watched = confirm::on_a_terminal() || !context.output.is_json();
    let (now, later) = progress_lines(connection);
    if watched {
        output::note(now);
    }
    let mut sent = std::pin::pin!(sent);
    let mut given_up = std::pin::pin!(tokio::signal::ctrl_c());
    let mut slow = std::pin::pin!(tokio::time::sleep(SLOW_NOTE_DELAY));
    let mut told = !watched;
    loop {
        tokio::select! {
            answer = &mut sent => return answer.map(Some),
            _ = &mut given_up => return Ok(None),
            () = &mut slow, if !told => {
                told = true;
                output::note(later);
            }
        }
    }
}

/// What is said at once, and what after a while.
fn progress_lines(connection: &Connection) -> (&'static str, &'static str) {
    match connection {
        Connection::LocalMcp { .. } => (
            "Starting it, and asking for its tools …",
            "Still waiting: npx and its like download a program first, which may take minutes. Ctrl-C gives up.",
        ),
        Connection::RemoteMcp { .. } => (
            "Connecting, and asking for its tools …",
            "Still waiting for an answer. Ctrl-C gives up.",
        ),
        Connection::Builtin { .. } => {
            ("Adding it …", "Still waiting for the gateway. Ctrl-C gives up.")
        }
    }
}
