//! Work that keeps a thread busy, away from those that answer everybody: foreign files are as long as they are.

use std::{future::Future, panic};

use tokio::{
    runtime::Handle,
    task::{JoinError, spawn_blocking},
};

/// Waits for work that reads, parses and compares.
pub(crate) async fn aside<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    match spawn_blocking(work).await.map_err(JoinError::try_into_panic) {
        Ok(done) => done,
        Err(Ok(panic)) => panic::resume_unwind(panic),
        // The runtime is going down, and takes this with it.
        Err(Err(_)) => std::future::pending().await,
    }
}

/// The same for work that asks somebody in between.
pub(crate) async fn aside_asking<T, F>(work: impl FnOnce() -> F + Send + 'static) -> T
where
    T: Send + 'static,
    F: Future<Output = T>,
{
    let runtime = Handle::current();
    aside(move || runtime.block_on(work())).await
}
