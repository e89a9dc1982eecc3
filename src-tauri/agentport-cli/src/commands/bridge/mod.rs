//! `agentport bridge`: speaks MCP on stdio to a client that only starts local programs, and Streamable HTTP to the
//! gateway that runs.
//!
//! A relay of messages, not a server: they pass as they were written, in every revision and both ways. Only JSON-RPC is
//! ever written to stdout, the key never anywhere. The process ends within a second of its client: when stdin ends,
//! when stdout is closed, on a signal.
//!
//! Deliberately absent: TLS and any other host (the gateway is on this machine), and starting `serve`: the app is
//! started where there is a screen, everything else is the owner's to decide.

mod absent;
mod closed;
mod ear;
mod exchange;
mod headers;
mod http;
mod key;
mod launch;
mod lines;
mod long;
mod message;
mod out;
mod params;
mod presence;
mod relay;
mod repeat;
mod session;
mod sse;
mod under_way;

use std::{sync::Arc, time::Duration};

use anyhow::{Context as _, Result, bail};
use clap::Args;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use self::{http::Http, key::KeySource, lines::Lines, out::Out, presence::Presence, relay::Relay};
use super::serve::Signals;
use crate::{args::AgentKey, context::Context, exit::Ending};

/// What is under way when stdin ends may still be answered for so long.
const LAST_ANSWERS: Duration = Duration::from_millis(250);
/// Then the gateway is told, for so long …
const GOODBYE: Duration = Duration::from_millis(300);
/// … and the client may read the rest.
const LAST_LINES: Duration = Duration::from_millis(200);

#[derive(Debug, Args)]
pub(crate) struct Bridge {
    /// Use the key that connecting this client stored
    #[arg(long, value_name = "NAME", conflicts_with = "api_key_file")]
    client: Option<String>,
    #[command(flatten)]
    key: AgentKey,
    /// Do not start the app where no gateway runs
    #[arg(long)]
    no_start: bool,
}

impl Bridge {
    pub(crate) async fn run(self, context: &Context) -> Result<Ending> {
        log_to_stderr();
        let home = context.home()?;
        let Some(source) = KeySource::new(home.clone(), self.client, self.key) else {
            bail!("--client names a client that was connected; letters, digits, - and _ only");
        };
        let mut signals = Signals::listen()?;
        let gone = CancellationToken::new();
        let (out, written) = Out::to_stdout(gone.clone()).context("cannot write to stdout")?;
        closed::watch_stdout(gone.clone()).context("cannot watch stdout")?;
        let mut lines = Lines::of_stdin().context("cannot read stdin")?;
        let drivers = TaskTracker::new();
        let http = Http::new(home.clone(), drivers);
        let presence = Presence::new(&http, home.root(), !self.no_start);
        let stop = CancellationToken::new();
        let relay = Arc::new(Relay::new(http, out, presence, source, stop.clone()));

        let input_ended = lines.ended();
        {
            let running = relay.run(&mut lines);
            let ending = async {
                tokio::select! {
                    () = input_ended.cancelled() => tokio::time::sleep(LAST_ANSWERS).await,
                    () = signals.next() => {}
                    () = gone.cancelled() => {}
                }
            };
            let done = async {
                running.await;
                // The input has ended, and everything in it is under way.
                relay.under_way.none().await;
            };
            tokio::select! {
                () = done => {}
                () = ending => {}
            }
        }
        // Nothing more is begun; the gateway hears that nobody waits.
        let goodbye = tokio::time::timeout(GOODBYE, relay.goodbye());
        if goodbye.await.is_err() {
            tracing::debug!("the gateway did not hear the goodbye");
        }
        stop.cancel();
        relay.tasks.close();
        // Cancelled, they end at once.
        let _ = tokio::time::timeout(LAST_LINES, relay.tasks.wait()).await;
        drop(relay);
        written.wait(LAST_LINES).await;
        Ok(Ending::Done)
    }
}

/// Quiet, unless `RUST_LOG` asks.
fn log_to_stderr() {
    if std::env::var_os("RUST_LOG").is_some_and(|wanted| !wanted.is_empty()) {
        tracing_subscriber::fmt()
            .with_env_filter(tracing_subscriber::EnvFilter::from_default_env())
            .with_writer(std::io::stderr)
            .with_ansi(false)
            .init();
    }
}
