//! The two stop signals of a gateway, and running work to completion.

use tokio_util::{sync::CancellationToken, task::TaskTracker};

/// Stopping has two steps: no new work, then an end to the work that still runs.
#[derive(Debug, Clone, Default)]
pub(crate) struct StopSignals {
    /// Accept no more calls.
    pub(crate) soft: CancellationToken,
    /// End the calls that still run.
    pub(crate) hard: CancellationToken,
}

/// Runs `work` to its end even if the caller is dropped meanwhile: a change written to the database and missing in
/// memory is worse than either.
pub(crate) async fn run_to_completion<T: Send + 'static>(
    tasks: &TaskTracker,
    work: impl Future<Output = T> + Send + 'static,
) -> T {
    // On the heap: a request's future is large, and would lie on the stack of each frame that hands it on.
    match tasks.spawn(Box::pin(work)).await {
        Ok(done) => done,
        Err(error) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
        // The runtime is shutting down and drops the caller too.
        Err(_) => std::future::pending().await,
    }
}
