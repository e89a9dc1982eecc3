//! Waiting for an upstream to start: said to whoever watches, and given up with Ctrl-C.

use std::{future::Future, time::Duration};

use agentport_api::Connection;
use agentport_core::IntegrationId;
use anyhow::{Result, bail};
use reqwest::Method;

use crate::{
    client::{Client, Reply, route},
    confirm,
    context::Context,
    output,
};

/// How long the gateway may take to answer. Longer than it gives an upstream, so that it is the one to say what failed.
pub(super) const ANSWER_TIMEOUT: Duration = Duration::from_secs(600);
/// After so long one may wonder.
const SLOW_NOTE_DELAY: Duration = Duration::from_secs(10);

/// Waits for an addition. Given up, the gateway is told to end it, and keeps nothing of it.
pub(super) async fn wait_for_add(
    sent: impl Future<Output = Result<Reply>>,
    owner: &Client,
    id: &IntegrationId,
    connection: &Connection,
    context: &Context,
) -> Result<Reply> {
    let mut sent = std::pin::pin!(sent);
    if let Some(reply) = watched(sent.as_mut(), connection, context).await? {
        return Ok(reply);
    }
    let route = route(["control", "integrations", id.as_str(), "adding"]);
    let ended = owner.send(Method::DELETE, route, None, Some(ANSWER_TIMEOUT)).await?;
    if ended.status.is_success() {
        bail!("given up, and nothing was added");
    }
    // Too late: it counts already, or has failed by itself.
    sent.await
}

/// Waits for a change, which the gateway goes on with even if it is given up here.
pub(super) async fn wait_for_change(
    sent: impl Future<Output = Result<Reply>>,
    connection: &Connection,
    context: &Context,
) -> Result<Reply> {
    match watched(sent, connection, context).await? {
        Some(reply) => Ok(reply),
        None => bail!("given up before it had answered; the gateway may still finish it"),
    }
}

/// `None`: given up.
async fn watched(
    sent: impl Future<Output = Result<Reply>>,
    connection: &Connection,
    context: &Context,
) -> Result<Option<Reply>> {
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
            reply = &mut sent => return reply.map(Some),
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
