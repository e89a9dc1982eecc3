//! `agentport bridge`: an MCP stdio server for clients that only start local programs, relayed to the running gateway's
//! Streamable HTTP endpoint.
//!
//! Messages are relayed as they were written, in every revision and in both directions. A bridge without a key signs in by
//! OAuth ([`sign_in`]). Only JSON-RPC is written to stdout, and keys and tokens nowhere. The process ends within a second of its client: when stdin ends, when stdout is closed,
//! or on a signal.
//!
//! Deliberately absent: TLS and other hosts (the gateway is on this machine), and starting `agentport serve` (the bridge
//! starts the desktop app where there is a display; a headless gateway is the owner's own choice).

mod credential;
mod gateway_watch;
mod headers;
mod http;
mod in_flight;
mod key;
mod launch;
mod message;
mod offline_reply;
mod oversized;
mod params;
mod relay;
mod request;
mod retry;
mod server_stream;
mod session;
mod sign_in;
mod sse;
mod stdin;
mod stdout;
mod stdout_watch;

use std::{sync::Arc, time::Duration};

use anyhow::{Context as _, Result, bail};
use clap::Args;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use self::{
    gateway_watch::GatewayWatch, http::GatewayHttp, key::KeySource, relay::Relay, sign_in::SignIn,
    stdin::StdinLines, stdout::StdoutWriter,
};
use super::serve::Signals;
use crate::{args::AgentKey, context::Context, exit::ExitStatus};

/// Time for answers to requests in flight after stdin has ended.
const LAST_ANSWERS_TIMEOUT: Duration = Duration::from_millis(250);
/// Time to end the session at the gateway.
const CLOSE_TIMEOUT: Duration = Duration::from_millis(300);
/// Time for the client to read the last lines.
const FLUSH_TIMEOUT: Duration = Duration::from_millis(200);

#[derive(Debug, Args)]
pub(crate) struct BridgeArgs {
    /// Sign in as this client, or use the key that was stored for it
    #[arg(long, value_name = "NAME", conflicts_with = "api_key_file")]
    client: Option<String>,
    #[command(flatten)]
    key: AgentKey,
    /// Do not start the app where no gateway runs
    #[arg(long)]
    no_start: bool,
}

impl BridgeArgs {
    pub(crate) async fn run(self, context: &Context) -> Result<ExitStatus> {
        log_to_stderr();
        let home = context.home()?;
        let Some(source) = KeySource::new(home.clone(), self.client.clone(), self.key) else {
            bail!("--client names a client that was connected; letters, digits, - and _ only");
        };
        let mut signals = Signals::listen()?;
        let gone = CancellationToken::new();
        let (out, written) =
            StdoutWriter::spawn_writer(gone.clone()).context("cannot write to stdout")?;
        stdout_watch::watch_stdout(gone.clone()).context("cannot watch stdout")?;
        let mut lines = StdinLines::spawn_reader().context("cannot read stdin")?;
        let drivers = TaskTracker::new();
        let http = GatewayHttp::new(home.clone(), drivers);
        let gateway = GatewayWatch::new(&http, home.root(), !self.no_start);
        let stop = CancellationToken::new();
        let tasks = TaskTracker::new();
        let root = home.root().to_owned();
        let sign_in = SignIn::new(root, self.client, http.clone(), tasks.clone(), stop.clone());
        let relay = Arc::new(Relay::new(http, out, gateway, source, sign_in, tasks, stop.clone()));

        let input_ended = lines.ended();
        {
            let running = relay.run(&mut lines);
            let ending = async {
                tokio::select! {
                    () = input_ended.cancelled() => tokio::time::sleep(LAST_ANSWERS_TIMEOUT).await,
                    () = signals.next() => {}
                    () = gone.cancelled() => {}
                }
            };
            let done = async {
                running.await;
                // The input has ended; its last requests are still in flight.
                relay.in_flight.wait_until_empty().await;
            };
            tokio::select! {
                () = done => {}
                () = ending => {}
            }
        }

        let goodbye = tokio::time::timeout(CLOSE_TIMEOUT, relay.close());
        if goodbye.await.is_err() {
            tracing::debug!("the session could not be ended in time");
        }
        stop.cancel();
        relay.tasks.close();
        // The tasks were cancelled, and end at once.
        let _ = tokio::time::timeout(FLUSH_TIMEOUT, relay.tasks.wait()).await;
        drop(relay);
        written.wait(FLUSH_TIMEOUT).await;
        Ok(ExitStatus::Done)
    }
}

/// Logs nothing unless `RUST_LOG` is set: clients show stderr as errors.
fn log_to_stderr() {
    if std::env::var_os("RUST_LOG").is_some_and(|wanted| !wanted.is_empty()) {
        tracing_subscriber::fmt()
            .with_env_filter(tracing_subscriber::EnvFilter::from_default_env())
            .with_writer(std::io::stderr)
            .with_ansi(false)
            .init();
    }
}
