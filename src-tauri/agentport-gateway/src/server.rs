//! Taking connections: bounded in number, and in how long one may be silent before it has said what it wants.

use std::{sync::Arc, time::Duration};

use hyper::server::conn::http1;
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    server::graceful::GracefulShutdown,
    service::TowerToHyperService,
};
use tokio::{net::TcpListener, sync::Semaphore};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

/// Connections of one listener at once; more wait in the kernel.
const MOST: usize = 400;
/// How long the head of a request may take, and a kept connection lie idle.
const HEAD_TIME: Duration = Duration::from_secs(60);
/// How long to wait after the system refused a connection, as for want of file descriptors.
const AFTER_FAILURE: Duration = Duration::from_millis(100);

/// Serves `router` on `listener` until `stop`; then lets requests under way finish.
pub(crate) fn serve(
    servers: &TaskTracker,
    listener: TcpListener,
    router: axum::Router,
    stop: CancellationToken,
) {
    let connections = servers.clone();
    servers.spawn(async move {
        let places = Arc::new(Semaphore::new(MOST));
        let graceful = GracefulShutdown::new();
        let mut http = http1::Builder::new();
        http.timer(TokioTimer::new()).header_read_timeout(HEAD_TIME);
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
                    tracing::warn!(%error, "a connection could not be taken");
                    tokio::time::sleep(AFTER_FAILURE).await;
                    continue;
                }
            };
            // Small messages both ways: waiting to fill a packet only adds delay.
            if let Err(error) = stream.set_nodelay(true) {
                tracing::debug!(%error, "TCP_NODELAY could not be set");
            }
            let service = TowerToHyperService::new(router.clone());
            let connection = graceful.watch(http.serve_connection(TokioIo::new(stream), service));
            connections.spawn(async move {
                let _place = place;
                if let Err(error) = connection.await {
                    tracing::debug!(%error, "a connection ended badly");
                }
            });
        }
        drop(listener);
        graceful.shutdown().await;
    });
}
