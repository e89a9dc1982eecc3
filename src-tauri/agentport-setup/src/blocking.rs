//! Reading, parsing and comparing config files on tokio's blocking threads: a foreign file can be megabytes long.

use std::{future::Future, panic};

use tokio::{
    runtime::Handle,
    task::{JoinError, spawn_blocking},
};

/// Runs work that keeps a thread busy, and waits for it.
pub(crate) async fn run_blocking<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> T {
    match spawn_blocking(work).await.map_err(JoinError::try_into_panic) {
        Ok(done) => done,
        Err(Ok(panic)) => panic::resume_unwind(panic),
        // The runtime is shutting down, and drops this future with it.
        Err(Err(_)) => std::future::pending().await,
    }
}

/// The same for work that awaits the gateway in between.
pub(crate) async fn run_blocking_async<T, F>(work: impl FnOnce() -> F + Send + 'static) -> T
where
    T: Send + 'static,
    F: Future<Output = T>,
{
    let runtime = Handle::current();
    run_blocking(move || runtime.block_on(work())).await
}
