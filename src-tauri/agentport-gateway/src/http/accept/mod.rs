//! Accepts connections of a listener: bounded in number and in the time they may idle or not be read from, ended
//! gracefully on a stop.

mod write_timeout;

use std::{sync::Arc, time::Duration};

use hyper::server::conn::http1;
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    server::graceful::GracefulShutdown,
    service::TowerToHyperService,
};
use tokio::{net::TcpListener, sync::Semaphore};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use self::write_timeout::WriteTimeout;

/// Open connections of one listener; more wait in the kernel's queue.
const MAX_CONNECTIONS_PER_LISTENER: usize = 400;
/// Time until the head of a request is complete; so also the time a kept-alive connection may idle.
const HEAD_TIMEOUT: Duration = Duration::from_secs(60);
/// Pause after `accept` failed, for instance because no file descriptor was left.
const ACCEPT_RETRY_DELAY: Duration = Duration::from_millis(100);

/// Serves `router` on `listener` until `stop`; then lets running requests finish.
pub(crate) fn serve(
    servers: &TaskTracker,
    listener: TcpListener,
    router: axum::Router,
    stop: CancellationToken,
) {
    let limits =
        ListenerLimits { connections: MAX_CONNECTIONS_PER_LISTENER, end: CancellationToken::new() };
    serve_within(limits, servers, listener, router, stop);
}

/// What bounds the connections of a listener.
pub(crate) struct ListenerLimits {
    /// Open at a time; more wait in the kernel's queue.
    pub(crate) connections: usize,
    /// Ends connections at once, whatever runs on them.
    pub(crate) end: CancellationToken,
}

/// The same within other limits.
pub(crate) fn serve_within(
    limits: ListenerLimits,
    servers: &TaskTracker,
    listener: TcpListener,
    router: axum::Router,
    stop: CancellationToken,
) {
    let connections = servers.clone();
    servers.spawn(async move {
        let places = Arc::new(Semaphore::new(limits.connections));
        let graceful = GracefulShutdown::new();
        let mut http = http1::Builder::new();
        http.timer(TokioTimer::new()).header_read_timeout(HEAD_TIMEOUT);
        loop {
            let next = async {
                let place = places.clone().acquire_owned().await;
                (place, listener.accept().await)
            };
            let (place, accepted) = tokio::select! {
                next = next => next,
                () = stop.cancelled() => break,
            };
            let stream = match accepted {
                Ok((stream, _)) => stream,
                Err(error) => {
                    tracing::warn!(%error, "a connection could not be accepted");
                    tokio::time::sleep(ACCEPT_RETRY_DELAY).await;
                    continue;
                }
            };
            // Small messages both ways: waiting to fill a packet only adds delay.
            if let Err(error) = stream.set_nodelay(true) {
                tracing::debug!(%error, "TCP_NODELAY could not be set");
            }
            let service = TowerToHyperService::new(router.clone());
            let stream = TokioIo::new(WriteTimeout::new(stream));
            let connection = graceful.watch(http.serve_connection(stream, service));
            let end = limits.end.clone();
            connections.spawn(async move {
                let _place = place;
                if let Some(Err(error)) = end.run_until_cancelled(connection).await {
                    tracing::debug!(%error, "a connection ended with an error");
                }
            });
        }
        drop(listener);
        graceful.shutdown().await;
    });
}
