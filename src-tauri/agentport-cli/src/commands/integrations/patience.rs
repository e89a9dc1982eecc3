//! Waiting for an upstream to start: said to whoever watches, and given up with Ctrl-C in good order.

use std::{future::Future, time::Duration};

use agentport_gateway::control::types::Connection;
use anyhow::{Result, bail};

use crate::{client::Reply, confirm, context::Context, output};

/// How long the gateway may take to answer. Longer than it gives an upstream, so that it is the one to say what failed.
pub(super) const LIMIT: Duration = Duration::from_secs(600);
/// After so long one may wonder.
const WONDERING: Duration = Duration::from_secs(10);

/// Waits for what was sent. Given up, the gateway sees the connection close, and ends what it had begun to start.
pub(super) async fn with(
    sent: impl Future<Output = Result<Reply>>,
    connection: &Connection,
    context: &Context,
) -> Result<Reply> {
    let watched = confirm::on_a_terminal() || !context.output.is_json();
    let (now, later) = in_words(connection);
    if watched {
        output::note(now);
    }
    let mut sent = std::pin::pin!(sent);
    let mut given_up = std::pin::pin!(tokio::signal::ctrl_c());
    let mut wondering = std::pin::pin!(tokio::time::sleep(WONDERING));
    let mut told = !watched;
    loop {
        tokio::select! {
            reply = &mut sent => return reply,
            _ = &mut given_up => bail!("given up before it had answered"),
            () = &mut wondering, if !told => {
                told = true;
                output::note(later);
            }
        }
    }
}

/// What is said at once, and what after a while.
fn in_words(connection: &Connection) -> (&'static str, &'static str) {
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
